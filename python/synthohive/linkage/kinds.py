"""Kinds of driver rows, told apart by their children.

The children of one driver row are alike in ways that no column of the driver says: who
buys boots buys coats, one account is busy with transfers and another with cash. A kind is
a hidden property of the driver row that its children share. It becomes one more code of
the driver row, drawn with its other codes, and its children are generated from it; given
the kind, they are as good as independent.

Every child has one of a few types, made of the columns in which siblings are most alike.
The types of a driver row's children are drawn from its kind's distribution: a mixture of
multinomials, fitted by expectation-maximisation. As many kinds are kept as explain driver
rows held out. Real driver rows get a kind drawn from what their children leave possible:
the likeliest one would make siblings more alike than they are.

Source: Dempster, Laird, Rubin (1977), "Maximum likelihood from incomplete data via the EM
algorithm"; Nigam et al. (2000), "Text classification from labeled and unlabeled documents
using EM", for mixtures of multinomials.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import polars as pl

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from synthohive.encoding.layout import Layout
    from synthohive.randomness import Stream

MAX_TYPES = 64
MAX_COLUMNS = 3
MAX_KINDS = 32
MIN_DRIVERS = 100
"""Driver rows with several children, below which nothing is said about kinds."""
DRIVERS_PER_KIND = 20
LOOK = 5_000
"""Driver rows that kinds are learned from, at most."""
ITERATIONS = 40
PSEUDO_CHILDREN = 2.0
"""Children with the types of all children, added to those of every kind."""
WORTH = 0.02
"""Nats per driver row that kinds must explain to be worth a code column."""


@dataclass(frozen=True, slots=True)
class Mixture:
    """Distributions of children's types.

    Attributes:
        shares: Share of driver rows of each kind, ``(K,)``.
        types: Distribution of types for each kind, ``(K, T)``.
    """

    shares: NDArray[np.float64]
    types: NDArray[np.float64]

    def joint(self, counts: NDArray[np.float64]) -> NDArray[np.float64]:
        """Return the log probability of kind and children, ``(P, K)``."""
        return counts @ np.log(self.types).T + np.log(self.shares)


def find_kinds(
    codes: pl.DataFrame, layout: Layout, drivers: pl.Series, driver_rows: int, stream: Stream
) -> pl.Series | None:
    """Give every driver row a kind.

    Args:
        codes: Codes of the real children, ``N`` rows.
        layout: Layout of `codes`.
        drivers: Driver row of each child, null for none; ``UInt32 (N,)``.
        driver_rows: Number of driver rows, ``P``.
        stream: Where randomness comes from.

    Returns:
        The kind of each driver row, ``UInt8 (P,)``; `None` if siblings are not alike.

    Examples:
        Half of the customers buy one thing only, the others another:

        >>> from synthohive.encoding.layout import CodeColumn, Layout
        >>> from synthohive.randomness import Stream
        >>> layout = Layout((CodeColumn(name="item", size=2, source="item"),))
        >>> drivers = pl.Series([i // 4 for i in range(1_600)], dtype=pl.UInt32)
        >>> children = pl.DataFrame({"item": [i // 4 % 2 for i in range(1_600)]})
        >>> kinds = find_kinds(children, layout, drivers, 400, Stream(0))
        >>> kinds.n_unique(), kinds[:2].n_unique()
        (2, 2)
    """
    linked = drivers.is_not_null()
    rows = drivers.filter(linked).to_numpy().astype(np.int64)
    children = np.bincount(rows, minlength=driver_rows)
    several = np.flatnonzero(children > 1)
    if len(several) < MIN_DRIVERS:
        return None
    looked = several[np.linspace(0, len(several) - 1, min(LOOK, len(several))).astype(np.int64)]
    names = [column.name for column in layout.columns if column.coarse is None and column.size > 1]
    columns = [codes[name].filter(linked).to_numpy().astype(np.int64) for name in names]
    types = _telling_types(columns, rows, looked, driver_rows, stream)
    if types is None:
        return None
    mixture = _mixture(_counts(types, rows, looked, driver_rows), stream)
    if mixture is None:
        return None
    return _drawn(mixture, types, rows, driver_rows, stream)


def _telling_types(
    columns: list[NDArray[np.int64]],
    rows: NDArray[np.int64],
    looked: NDArray[np.int64],
    driver_rows: int,
    stream: Stream,
) -> NDArray[np.int64] | None:
    """Combine the columns in which siblings are most alike to one type per child."""
    types, reached = np.zeros(len(rows), np.int64), WORTH
    chosen: list[int] = []
    while len(chosen) < MAX_COLUMNS:
        gains = np.full(len(columns), -np.inf)
        for place, column in enumerate(columns):
            if place not in chosen:
                crossed = _crossed(types, column)
                gains[place] = _gain(_counts(crossed, rows, looked, driver_rows), 4, stream)[0]
        best = int(gains.argmax()) if len(gains) else -1
        if best < 0 or gains[best] <= reached:
            break
        chosen.append(best)
        types, reached = _crossed(types, columns[best]), 1.2 * gains[best]
    return types if chosen else None


def _crossed(types: NDArray[np.int64], column: NDArray[np.int64]) -> NDArray[np.int64]:
    """Number the pairs of type and code by how frequent they are; rare ones share the last."""
    pairs = types * (int(column.max(initial=0)) + 1) + column
    _, places, counts = np.unique(pairs, return_inverse=True, return_counts=True)
    rank = np.empty(len(counts), np.int64)
    rank[np.argsort(-counts, kind="stable")] = np.arange(len(counts))
    return np.minimum(rank[places.reshape(-1)], MAX_TYPES - 1)


def _counts(
    types: NDArray[np.int64], rows: NDArray[np.int64], looked: NDArray[np.int64], driver_rows: int
) -> NDArray[np.float64]:
    """Count the children of each type of some driver rows, ``(len(looked), T)``."""
    place = np.full(driver_rows, -1)
    place[looked] = np.arange(len(looked))
    here = place[rows]
    width = int(types.max()) + 1
    cells = (here * width + types)[here >= 0]
    return np.bincount(cells, minlength=len(looked) * width).reshape(-1, width).astype(np.float64)


def _mixture(counts: NDArray[np.float64], stream: Stream) -> Mixture | None:
    """Fit as many kinds as explain driver rows held out."""
    best, reached = 1, WORTH
    kinds = 2
    while kinds <= min(MAX_KINDS, len(counts) // DRIVERS_PER_KIND):
        gain, error = _gain(counts, kinds, stream)
        if gain <= reached:
            break
        best, reached = kinds, gain + error
        kinds *= 2
    return _fitted(counts, best, stream) if best > 1 else None


def _gain(counts: NDArray[np.float64], kinds: int, stream: Stream) -> tuple[float, float]:
    """Return what kinds explain of driver rows held out, in nats per row, and its error."""
    held = np.arange(len(counts)) % 4 == 0
    simple = _fitted(counts[~held], 1, stream).joint(counts[held])
    better = _fitted(counts[~held], kinds, stream).joint(counts[held])
    gains = _log_sum(better) - _log_sum(simple)
    return float(gains.mean()), float(gains.std() / np.sqrt(len(gains)))


def _fitted(counts: NDArray[np.float64], kinds: int, stream: Stream) -> Mixture:
    """Fit a mixture by expectation-maximisation, from some driver rows' own children."""
    overall = (counts.sum(0) + 1e-3) / (counts.sum() + 1e-3 * counts.shape[1])
    if kinds == 1:
        return Mixture(np.ones(1), overall[None])
    seeds = _seeds(counts, overall, kinds, stream)
    mixture = Mixture(np.full(kinds, 1 / kinds), _smoothed(counts[seeds], overall))
    for _ in range(ITERATIONS):
        joint = mixture.joint(counts)
        weights = np.exp(joint - _log_sum(joint)[:, None])
        shares = (weights.sum(0) + 1) / (len(counts) + kinds)
        mixture = Mixture(shares, _smoothed(weights.T @ counts, overall))
    return mixture


def _seeds(
    counts: NDArray[np.float64], overall: NDArray[np.float64], kinds: int, stream: Stream
) -> NDArray[np.intp]:
    """Choose driver rows far from each other to start from.

    Source: Arthur, Vassilvitskii (2007), "k-means++: the advantages of careful seeding".
    """
    profiles = _smoothed(counts, overall)
    uniforms = stream.child("seeds", kinds).uniform(kinds).to_numpy()
    chosen = [int(uniforms[0] * len(counts))]
    distance = np.full(len(counts), np.inf)
    for uniform in uniforms[1:]:
        distance = np.minimum(distance, np.square(profiles - profiles[chosen[-1]]).sum(1))
        heights = np.cumsum(distance + 1e-12)
        chosen.append(min(int(np.searchsorted(heights, uniform * heights[-1])), len(counts) - 1))
    return np.array(chosen)


def _smoothed(counts: NDArray[np.float64], overall: NDArray[np.float64]) -> NDArray[np.float64]:
    """Turn counts into distributions that leave nothing impossible."""
    padded = counts + PSEUDO_CHILDREN * overall
    return padded / padded.sum(1, keepdims=True)


def _drawn(
    mixture: Mixture,
    types: NDArray[np.int64],
    rows: NDArray[np.int64],
    driver_rows: int,
    stream: Stream,
) -> pl.Series:
    """Draw every driver row's kind, given its children."""
    uniforms = stream.child("kinds").uniform(driver_rows).to_numpy()
    width = mixture.types.shape[1]
    weights = np.zeros((driver_rows, len(mixture.shares)))
    types = np.minimum(types, width - 1)
    for kind, logs in enumerate(np.log(mixture.types)):
        weights[:, kind] = np.bincount(rows, logs[types], driver_rows)
    weights += np.log(mixture.shares)
    heights = np.exp(weights - _log_sum(weights)[:, None]).cumsum(1)
    kinds = (heights < uniforms[:, None] * heights[:, -1:]).sum(1)
    return pl.Series(kinds.astype(np.uint8))


def _log_sum(logs: NDArray[np.float64]) -> NDArray[np.float64]:
    top = logs.max(1)
    return top + np.log(np.exp(logs - top[:, None]).sum(1))
