"""Small tables of codes with a dependence planted in them."""

from __future__ import annotations

import numpy as np

from synthohive.encoding.layout import CodeColumn, Layout
from synthohive.models import CTGANSettings

TINY = CTGANSettings(width=32, depth=1, members=1, max_steps=40, batch_size=64)
"""Trains in a fraction of a second, and learns next to nothing."""

QUICK = CTGANSettings(width=48, depth=1, members=2, max_steps=300, batch_size=128)
"""Trains in a second or two, and learns what is planted here."""

LAYOUT = Layout(
    (
        CodeColumn(name="kind", size=4, source="kind"),
        CodeColumn(name="price", size=4, source="price", is_ordered=True),
        CodeColumn(name="price#fine", size=5, source="price", coarse="price", is_ordered=True),
        CodeColumn(name="noise", size=6, source="noise"),
    )
)
CONTEXT = Layout((CodeColumn(name="region", size=3, source="region"),))


def table(rows: int, seed: int = 0) -> np.ndarray:
    """`price` follows `kind`, its fine code is skewed inside price 1, `noise` is alone."""
    random = np.random.default_rng(seed)
    kind = random.integers(0, 4, rows)
    price = (kind + random.integers(0, 2, rows)) % 4
    fine = np.where(price == 1, random.integers(0, 2, rows), random.integers(0, 5, rows))
    return np.stack([kind, price, fine, random.integers(0, 6, rows)], axis=1)


def regional(rows: int, seed: int = 0) -> tuple[np.ndarray, np.ndarray]:
    """Rows and their context: `kind` is the region or the one after it."""
    random = np.random.default_rng(seed)
    region = random.integers(0, 3, rows)
    codes = table(rows, seed)
    codes[:, 0] = region + random.integers(0, 2, rows)
    return codes, region[:, None]


def joint(codes: np.ndarray, a: int = 0, b: int = 1) -> np.ndarray:
    """Shares of pairs of codes of two columns of `LAYOUT`."""
    sizes = LAYOUT.sizes
    pairs = np.bincount(codes[:, a] * sizes[b] + codes[:, b], minlength=sizes[a] * sizes[b])
    return pairs / max(1, len(codes))


def distance(a: np.ndarray, b: np.ndarray) -> float:
    """Total variation distance of two distributions."""
    return float(np.abs(a - b).sum() / 2)
