"""The rounds in which the columns of a row are drawn.

Columns of one round are drawn independently of each other, given all rounds before, so
those that depend on each other little belong together.
"""

from __future__ import annotations

from itertools import combinations

import numpy as np

MAX_ROWS = 10_000
"""Dependence between columns is measured on at most this many rows."""
RESTARTS = 20
"""Searches for a good arrangement, each from another start."""


def arrange(
    codes: np.ndarray, sizes: tuple[int, ...], coarse: list[int], count: int | None
) -> list[list[int]]:
    """Return the columns of each round, coarse ones before the fine ones inside them.

    Args:
        codes: Shape (rows, columns).
        sizes: Codes per column.
        coarse: Position of each column's coarse column, or -1.
        count: Rounds wanted; one per column when `None`. Two is the least where there
            are fine columns.
    """
    columns = len(sizes)
    order = sorted(range(columns), key=lambda c: (coarse[c] >= 0, c))
    if count is None or count >= columns:
        return [[c] for c in order]
    count = max(count, 1 + (max(coarse) >= 0))
    between = dependence(codes, sizes)
    settled = [
        _settle(between, coarse, count, np.random.default_rng(start)) for start in range(RESTARTS)
    ]
    best = min(settled, key=lambda places: _inside(between, places))
    rounds = [[c for c in order if best[c] == place] for place in range(count)]
    return [columns for columns in rounds if columns]


def dependence(codes: np.ndarray, sizes: tuple[int, ...]) -> np.ndarray:
    """Return the mutual information of every two columns, in nats: (columns, columns)."""
    codes = codes[np.linspace(0, len(codes) - 1, min(len(codes), MAX_ROWS)).astype(np.int64)]
    result = np.zeros((len(sizes), len(sizes)))
    own = [_entropy(codes[:, c], sizes[c]) for c in range(len(sizes))]
    for a, b in combinations(range(len(sizes)), 2):
        both = codes[:, a].astype(np.int64) * sizes[b] + codes[:, b]
        joint = _entropy(np.unique(both, return_inverse=True)[1], len(codes))
        result[a, b] = result[b, a] = max(0.0, own[a] + own[b] - joint)
    return result


def _entropy(codes: np.ndarray, size: int) -> float:
    """Entropy with the Miller-Madow correction for few rows."""
    counts = np.bincount(codes, minlength=size)
    shares = counts[counts > 0] / len(codes)
    return float(-(shares * np.log(shares)).sum() + (len(shares) - 1) / (2 * len(codes)))


def _inside(between: np.ndarray, places: np.ndarray) -> float:
    """Return the dependence between columns of the same round."""
    return float(between[places[:, None] == places].sum())


def _settle(
    between: np.ndarray, coarse: list[int], count: int, random: np.random.Generator
) -> np.ndarray:
    """Return each column's round: from a random start, columns move while that helps."""
    fine = {c: [f for f, of in enumerate(coarse) if of == c] for c in range(len(coarse))}
    places = np.array(
        [random.integers(count - 1) if fine[c] else count - 1 for c in range(len(coarse))]
    )
    moved = True
    while moved:
        moved = False
        for c in random.permutation(len(coarse)):
            low = places[coarse[c]] + 1 if coarse[c] >= 0 else 0
            high = min((places[f] for f in fine[c]), default=count)
            crowd = np.bincount(places, weights=between[c], minlength=count)[low:high]
            better = low + int(crowd.argmin())
            if crowd.min() < crowd[places[c] - low] - _GAIN:
                places[c], moved = better, True
    return places


_GAIN = 1e-9  # a move must help by more than rounding
