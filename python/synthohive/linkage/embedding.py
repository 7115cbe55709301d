"""Where each parent stands by the children it has: mean child attributes, compressed.

Two parents are alike when their children are alike. Every child becomes a vector of
indicators and ranks; a parent is the mean of its children's vectors, projected on the few
directions in which parents truly differ. "Truly" is measured by halving every parent's
children: what the halves have in common is the parent, the rest is chance.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from synthohive.linkage.features import halves_of, projected_means, sums_by, tables_of
from synthohive.linkage.splits import effective_dims

if TYPE_CHECKING:
    import polars as pl
    from numpy.typing import NDArray

    from synthohive.encoding.layout import Layout

MAX_DIMS = 16
MAX_PARENTS = 20_000
MAX_CHILDREN = 400_000
MIN_SHARE = 1e-3
"""Of all the differences between parents, the least that is worth a direction."""
ENOUGH_CHILDREN = 64
"""Children per parent, on average, that tell where a parent stands."""


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Embedding:
    """All parents that have children, described by them.

    Attributes:
        rows: Positions of the parents, ascending; ``(Q,)``.
        children: Children of each, at least 1; ``(Q,)``.
        means: Mean of all children; ``(Q, T)``.
        scatter: Sum of squares of the children about that mean; ``(Q,)``.
        noise_dims: Effective number of directions in which they scatter.
    """

    rows: NDArray[np.intp]
    children: NDArray[np.float64]
    means: NDArray[np.float64]
    scatter: NDArray[np.float64]
    noise_dims: float

    def reliability(self, centres: NDArray[np.float64]) -> NDArray[np.float64]:
        """Estimate the share of signal in the deviation of each mean from a centre.

        Source: the moment estimator of variance components in the one-way layout, Searle,
        Casella and McCulloch, *Variance Components* (1992), chapter 3.

        Args:
            centres: What each parent is compared with; ``(Q, T)``.

        Returns:
            ``signal / (signal + noise / children)``, 0 if there is no signal; ``(Q,)``.
        """
        total, parents = self.children.sum(), len(self.children)
        noise = self.scatter.sum() / max(1.0, total - parents)
        between = self.children @ ((self.means - centres) ** 2).sum(axis=1)
        signal = max(0.0, between - parents * noise) / total
        if signal <= 0:
            return np.zeros(parents)
        return self.children / (self.children + noise / signal)


def embed_parents(codes: pl.DataFrame, layout: Layout, rows: NDArray[np.intp]) -> Embedding | None:
    """Describe parents by their children.

    Args:
        codes: Codes of the children, and of anything a child is generated from; ``(N, C)``.
        layout: Layout of `codes`.
        rows: Parent position of each child; ``(N,)``.

    Returns:
        The embedding of all parents with children; `None` when parents do not differ more
        than chance would make them.
    """
    columns = [column for column in layout.columns if column.coarse is None and column.size > 1]
    if not len(rows) or not columns:
        return None
    codes, rows = _thin(codes, rows)
    parents, place = _numbered(rows)
    sample = _sample(place, len(parents))
    tables = tables_of(codes[sample], columns)
    counts, sums = _halves(codes[sample], tables, place[sample])
    basis = _directions(counts, sums)
    if basis is None:
        return None
    widths = [table.shape[1] for table in tables.values()]
    parts = np.split(basis, np.cumsum(widths)[:-1])
    small = {name: tables[name] @ part for name, part in zip(tables, parts, strict=True)}
    children = np.bincount(place, minlength=len(parents)).astype(np.float64)
    means, scatter = projected_means(codes, small, place, children)
    return Embedding(
        rows=parents,
        children=children,
        means=means,
        scatter=scatter,
        noise_dims=_noise_dims(counts, sums, basis),
    )


def _thin(codes: pl.DataFrame, rows: NDArray[np.intp]) -> tuple[pl.DataFrame, NDArray[np.intp]]:
    """Look at a fixed sample of the children where parents have very many."""
    limit = max(MAX_CHILDREN, ENOUGH_CHILDREN * int(np.count_nonzero(np.bincount(rows))))
    if len(rows) <= limit:
        return codes, rows
    chosen = np.sort(np.random.default_rng(0).choice(len(rows), limit, replace=False))
    return codes[chosen], rows[chosen]


def _numbered(rows: NDArray[np.intp]) -> tuple[NDArray[np.intp], NDArray[np.intp]]:
    """Return the different rows, ascending, and the number of each among them."""
    is_there = np.bincount(rows) > 0
    return np.flatnonzero(is_there), (np.cumsum(is_there) - 1)[rows]


def _sample(place: NDArray[np.intp], parents: int) -> NDArray[np.intp]:
    """Choose the children to learn directions from: those of at most `MAX_PARENTS`."""
    generator = np.random.default_rng(0)
    chosen = np.arange(len(place))
    if parents > MAX_PARENTS:
        is_chosen = np.zeros(parents, np.bool_)
        is_chosen[generator.choice(parents, MAX_PARENTS, replace=False)] = True
        chosen = np.flatnonzero(is_chosen[place])
    if len(chosen) > MAX_CHILDREN:
        chosen = np.sort(generator.choice(chosen, MAX_CHILDREN, replace=False))
    return chosen


def _halves(
    codes: pl.DataFrame, tables: dict[str, NDArray[np.float64]], place: NDArray[np.intp]
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Count and sum the children of both halves of each parent; ``(S, 2)``, ``(S, 2, D)``."""
    parents, place = _numbered(place)
    cells = place * 2 + halves_of(place)
    size = 2 * len(parents)
    counts = np.bincount(cells, minlength=size).astype(np.float64)
    sums = [sums_by(cells, codes[name].to_numpy(), table, size) for name, table in tables.items()]
    return counts.reshape(-1, 2), np.concatenate(sums, axis=1).reshape(len(parents), 2, -1)


def _directions(
    counts: NDArray[np.float64], sums: NDArray[np.float64]
) -> NDArray[np.float64] | None:
    """Find the directions in which both halves of a parent's children agree.

    Returns:
        Orthogonal directions ``(D, T)``, strongest first, the stronger the shorter;
        `None` if there is nothing but chance.
    """
    totals = counts.sum(axis=1)
    paired = counts[:, 1] > 0
    if paired.sum() < 3:  # noqa: PLR2004 - a covariance of fewer says nothing
        # Only children: no two halves to compare, so take what varies most.
        means = sums.sum(axis=1) / totals[:, None]
        covariance = (means * totals[:, None]).T @ means / totals.sum()
        chance = np.zeros_like(covariance)
    else:
        weight = np.sqrt(totals[paired])[:, None]
        both = sums[paired] / counts[paired, :, None]
        both -= (both * weight[:, None]).sum(axis=0) / weight.sum()
        covariance = (both[:, 0] * weight).T @ both[:, 1] / weight.sum()
        covariance = (covariance + covariance.T) / 2
        gaps = (both[:, 0] - both[:, 1]) / 2
        chance = (gaps * weight).T @ gaps / weight.sum()
    values, directions = np.linalg.eigh(covariance)
    # Chance makes as much negative as positive covariance: the floor of what is real.
    floor = max(-float(values[0]), MIN_SHARE * float(values[values > 0].sum()))
    kept = np.flatnonzero(values > floor)[::-1][:MAX_DIMS]
    if not len(kept):
        return None
    basis = directions[:, kept]
    spread = values[kept] + ((chance @ basis) * basis).sum(axis=0)
    # What parents differ in most, often their price, would drown the rest: meet it halfway.
    return basis / spread**0.25


def _noise_dims(
    counts: NDArray[np.float64], sums: NDArray[np.float64], basis: NDArray[np.float64]
) -> float:
    """Count the directions in which the halves of a parent's children differ."""
    paired = counts[:, 1] > 0
    both = sums[paired] / counts[paired, :, None] @ basis
    gaps = (both[:, 0] - both[:, 1]) * np.sqrt(counts[paired].sum(axis=1))[:, None]
    return effective_dims(gaps.T @ gaps)
