"""Kinds of driver rows, told apart by their children.

The children of one driver row are alike in ways that no column of the driver says: who
buys boots buys coats, one account is busy with transfers and another with cash. A kind is
a hidden property of the driver row that its children share. It becomes one more code of
the driver row, drawn with its other codes, and its children are generated from it; given
the kind, they are as good as independent.

Every child has one of a few types, made of the columns in which siblings are most alike.
What the driver's own columns say about the types of its children is said already: a tree
over them gives the types to expect. A kind multiplies what is expected, type by type, and
driver rows are a mixture of kinds, fitted by expectation-maximisation. As many kinds are
kept as explain driver rows held out. Real driver rows get a kind drawn from what their
children leave possible: the likeliest one would make siblings more alike than they are.

Source: Dempster, Laird, Rubin (1977), "Maximum likelihood from incomplete data via the EM
algorithm"; Nigam et al. (2000), "Text classification from labeled and unlabeled documents
using EM", for mixtures of multinomials.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import polars as pl

from synthohive.linkage.growth import fit_tree
from synthohive.linkage.tree import code_matrix

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
"""Children as expected that are added to those of every kind."""
WORTH = 0.02
"""Nats per driver row that kinds must explain to be worth a code column."""
COARSE_TYPES = 8
"""Codes per column, others lumped, that driver rows are told apart by to know what to expect."""
ALPHA = 0.01

Floats = np.ndarray[tuple[int, ...], np.dtype[np.float64]]
Ints = np.ndarray[tuple[int, ...], np.dtype[np.int64]]


@dataclass(frozen=True, slots=True, kw_only=True)
class Siblings:
    """Children, sorted out by their driver rows.

    Attributes:
        rows: Driver row of each child that has one, ``(N,)``.
        columns: Codes of these children, per column.
        leaves: Driver rows of which the same is expected, ``(P,)``.
        looked: Driver rows to learn from, each with several children.
    """

    rows: Ints
    columns: list[Ints]
    leaves: Ints
    looked: Ints


@dataclass(frozen=True, slots=True)
class Counted:
    """Children's types of some driver rows.

    Attributes:
        seen: Children of each type, ``(P, T)``.
        expected: Shares of the types to expect, ``(P, T)``.
    """

    seen: Floats
    expected: Floats

    def __len__(self) -> int:
        """Return the number of driver rows."""
        return len(self.seen)

    def some(self, rows: NDArray[np.bool_]) -> Counted:
        """Take some driver rows."""
        return Counted(self.seen[rows], self.expected[rows])


@dataclass(frozen=True, slots=True)
class Mixture:
    """Kinds of driver rows.

    Attributes:
        shares: Share of driver rows of each kind, ``(K,)``.
        factors: How much more often than expected each type is, ``(K, T)``.
    """

    shares: Floats
    factors: Floats

    def scales(self, counted: Counted) -> Floats:
        """Return what makes shares of what is expected times the factors, ``(P, K)``."""
        return counted.expected @ self.factors.T

    def joint(self, counted: Counted, scales: Floats) -> Floats:
        """Return the log probability of kind and children, up to a number per row, ``(P, K)``."""
        sizes = counted.seen.sum(1, keepdims=True)
        return counted.seen @ np.log(self.factors).T - sizes * np.log(scales) + np.log(self.shares)


def find_kinds(
    codes: pl.DataFrame,
    layout: Layout,
    drivers: pl.Series,
    known: pl.DataFrame,
    known_layout: Layout,
    stream: Stream,
) -> pl.Series | None:
    """Give every driver row a kind.

    Args:
        codes: Codes of the real children, ``N`` rows.
        layout: Layout of `codes`.
        drivers: Driver row of each child, null for none; ``UInt32 (N,)``.
        known: Codes of the driver rows, and of what they hang on; ``P`` rows.
        known_layout: Layout of `known`.
        stream: Where randomness comes from.

    Returns:
        The kind of each driver row, ``UInt8 (P,)``; `None` if siblings are no more alike
        than what is known of their driver makes them.

    Examples:
        Half of the customers buy one thing only, the others another:

        >>> from synthohive.encoding.layout import CodeColumn, Layout
        >>> from synthohive.randomness import Stream
        >>> layout = Layout((CodeColumn(name="item", size=2, source="item"),))
        >>> drivers = pl.Series([i // 4 for i in range(1_600)], dtype=pl.UInt32)
        >>> children = pl.DataFrame({"item": [i // 4 % 2 for i in range(1_600)]})
        >>> nothing = pl.DataFrame(height=400)
        >>> kinds = find_kinds(children, layout, drivers, nothing, Layout(), Stream(0))
        >>> kinds.n_unique(), kinds[:2].n_unique()
        (2, 2)

        Where a column of the customers says it already, there are no kinds:

        >>> known = pl.DataFrame({"likes": [i % 2 for i in range(400)]})
        >>> likes = Layout((CodeColumn(name="likes", size=2, source="likes"),))
        >>> find_kinds(children, layout, drivers, known, likes, Stream(0)) is None
        True
    """
    linked = drivers.is_not_null()
    rows = drivers.filter(linked).to_numpy().astype(np.int64)
    several = np.flatnonzero(np.bincount(rows, minlength=known.height) > 1)
    names = [column.name for column in layout.columns if column.coarse is None and column.size > 1]
    if len(several) < MIN_DRIVERS or not names:
        return None
    columns = [codes[name].filter(linked).to_numpy().astype(np.int64) for name in names]
    looked = several[np.linspace(0, len(several) - 1, min(LOOK, len(several))).astype(np.int64)]
    leaves = _leaves(columns, rows, looked, known, known_layout)
    siblings = Siblings(rows=rows, columns=columns, leaves=leaves, looked=looked)
    types = _telling_types(siblings, stream)
    if types is None:
        return None
    counted = _counted(siblings, types)
    mixture = _mixture(counted, stream)
    return None if mixture is None else _drawn(mixture, siblings, types, stream)


def _leaves(
    columns: list[Ints], rows: Ints, looked: Ints, known: pl.DataFrame, layout: Layout
) -> Ints:
    """Part the driver rows by what is known of them, so that their children differ."""
    own = layout.select(c.name for c in layout.columns if c.coarse is None and c.size > 1)
    if not len(own):
        return np.zeros(known.height, np.int64)
    matrix = code_matrix(known, own.names)
    nothing = np.zeros(len(rows), np.int64)
    coarse = [np.minimum(_crossed(nothing, column), COARSE_TYPES - 1) for column in columns]
    counts = [_counts(types, rows, looked, known.height) for types in coarse]
    children = counts[0].sum(1)
    tree = fit_tree(
        matrix[looked],
        own.sizes,
        [column.is_ordered for column in own.columns],
        np.concatenate(counts, axis=1) / children[:, None],
        max_leaves=MAX_TYPES,
        alpha=ALPHA,
        min_leaf=DRIVERS_PER_KIND,
        weights=children,
    )
    return tree.leaves(matrix).astype(np.int64)


def _telling_types(siblings: Siblings, stream: Stream) -> Ints | None:
    """Combine the columns in which siblings are most alike to one type per child."""
    types, reached = np.zeros(len(siblings.rows), np.int64), WORTH
    chosen: list[int] = []
    while len(chosen) < MAX_COLUMNS:
        gains = np.full(len(siblings.columns), -np.inf)
        for place, column in enumerate(siblings.columns):
            if place not in chosen:
                crossed = _crossed(types, column)
                gains[place] = _gain(_counted(siblings, crossed), 4, stream)[0]
        best = int(gains.argmax())
        if gains[best] <= reached:
            break
        chosen.append(best)
        types, reached = _crossed(types, siblings.columns[best]), 1.2 * gains[best]
    return types if chosen else None


def _crossed(types: Ints, column: Ints) -> Ints:
    """Number the pairs of type and code by how frequent they are; rare ones share the last."""
    pairs = types * (int(column.max(initial=0)) + 1) + column
    _, places, counts = np.unique(pairs, return_inverse=True, return_counts=True)
    rank = np.empty(len(counts), np.int64)
    rank[np.argsort(-counts, kind="stable")] = np.arange(len(counts))
    return np.minimum(rank[places.reshape(-1)], MAX_TYPES - 1)


def _counted(siblings: Siblings, types: Ints) -> Counted:
    """Count the types of the children of the driver rows to learn from."""
    seen = _counts(types, siblings.rows, siblings.looked, len(siblings.leaves))
    shares = _expected(siblings, types)
    return Counted(seen, shares[siblings.leaves[siblings.looked]])


def _counts(types: Ints, rows: Ints, looked: Ints, driver_rows: int) -> Floats:
    """Count the children of each type of some driver rows, ``(len(looked), T)``."""
    place = np.full(driver_rows, -1)
    place[looked] = np.arange(len(looked))
    here = place[rows]
    width = int(types.max()) + 1
    cells = (here * width + types)[here >= 0]
    return np.bincount(cells, minlength=len(looked) * width).reshape(-1, width).astype(np.float64)


def _expected(siblings: Siblings, types: Ints) -> Floats:
    """Return the shares of the types in each leaf, ``(leaves, T)``."""
    width, height = int(types.max()) + 1, int(siblings.leaves.max(initial=0)) + 1
    cells = siblings.leaves[siblings.rows] * width + types
    counts = np.bincount(cells, minlength=height * width).reshape(height, width) + 1e-3
    overall = counts.sum(0) / counts.sum()
    padded = counts + PSEUDO_CHILDREN * overall
    return padded / padded.sum(1, keepdims=True)


def _mixture(counted: Counted, stream: Stream) -> Mixture | None:
    """Fit as many kinds as explain driver rows held out."""
    best, reached = 1, WORTH
    kinds = 2
    while kinds <= min(MAX_KINDS, len(counted) // DRIVERS_PER_KIND):
        gain, error = _gain(counted, kinds, stream)
        if gain > reached:
            best, reached = kinds, gain + error / 4
        elif best > 1:
            break
        kinds += max(1, kinds // 2)
    return _fitted(counted, best, stream) if best > 1 else None


def _gain(counted: Counted, kinds: int, stream: Stream) -> tuple[float, float]:
    """Return what kinds explain of driver rows held out, in nats per row, and its error."""
    held = np.arange(len(counted)) % 4 == 0
    learned, judged = counted.some(~held), counted.some(held)
    mixture = _fitted(learned, kinds, stream)
    gains = _log_sum(mixture.joint(judged, mixture.scales(judged)))  # one kind explains nothing
    return float(gains.mean()), float(gains.std() / np.sqrt(len(gains)))


def _fitted(counted: Counted, kinds: int, stream: Stream) -> Mixture:
    """Fit a mixture by expectation-maximisation, from some driver rows' own children."""
    seeds = _seeds(counted, kinds, stream)
    sizes = counted.seen.sum(1, keepdims=True)
    wanted = (sizes * counted.expected)[seeds]
    shares = np.full(kinds, 1 / kinds)
    mixture = Mixture(shares, _factors(counted.seen[seeds], wanted, counted.expected))
    for _ in range(ITERATIONS):
        scales = mixture.scales(counted)
        joint = mixture.joint(counted, scales)
        weights = np.exp(joint - _log_sum(joint)[:, None])
        shares = (weights.sum(0) + 1) / (len(counted) + kinds)
        wanted = (weights * sizes / scales).T @ counted.expected
        factors = _factors(weights.T @ counted.seen, wanted, counted.expected)
        mixture = Mixture(shares, factors)
    return mixture


def _factors(seen: Floats, wanted: Floats, expected: Floats) -> Floats:
    """Return how often types are seen for each time they are expected, drawn to once."""
    usual = PSEUDO_CHILDREN * expected.mean(0)
    return (seen + usual) / (wanted + usual)


def _seeds(counted: Counted, kinds: int, stream: Stream) -> NDArray[np.intp]:
    """Choose driver rows far from each other to start from.

    Source: Arthur, Vassilvitskii (2007), "k-means++: the advantages of careful seeding".
    """
    sizes = counted.seen.sum(1, keepdims=True)
    profiles = (counted.seen - sizes * counted.expected) / (sizes + PSEUDO_CHILDREN)
    uniforms = stream.child("seeds", kinds).uniform(kinds).to_numpy()
    chosen = [int(uniforms[0] * len(profiles))]
    distance = np.full(len(profiles), np.inf)
    for uniform in uniforms[1:]:
        distance = np.minimum(distance, np.square(profiles - profiles[chosen[-1]]).sum(1))
        heights = np.cumsum(distance + 1e-12)
        place = int(np.searchsorted(heights, uniform * heights[-1]))
        chosen.append(min(place, len(profiles) - 1))
    return np.array(chosen)


def _drawn(mixture: Mixture, siblings: Siblings, types: Ints, stream: Stream) -> pl.Series:
    """Draw every driver row's kind, given its children."""
    rows, leaves = siblings.rows, siblings.leaves
    uniforms = stream.child("kinds").uniform(len(leaves)).to_numpy()
    scales = np.log(_expected(siblings, types) @ mixture.factors.T)
    children = np.bincount(rows, minlength=len(leaves))
    logs = np.log(mixture.shares) - children[:, None].astype(np.float64) * scales[leaves]
    for kind, factors in enumerate(np.log(mixture.factors)):
        logs[:, kind] += np.bincount(rows, factors[types], len(leaves))
    heights = np.exp(logs - _log_sum(logs)[:, None]).cumsum(1)
    kinds = (heights < uniforms[:, None] * heights[:, -1:]).sum(1)
    return pl.Series(kinds.astype(np.uint8))


def _log_sum(logs: Floats) -> Floats:
    top = logs.max(1)
    return top + np.log(np.exp(logs - top[:, None]).sum(1))
