"""Give every child row a parent row of the group it was generated for.

The parents of a group stand on a ladder, in random order, each as wide as its quota. The
children of the group are spread over it evenly, in random order too. So each parent gets its
share of children to within one, however many there are, and the parent of any child can be
found without its neighbours: tables of any size are dealt out in blocks.

    children of a group ─shuffle─► slots ─stretch─► quotas summed up ─search─► parent

Source: systematic sampling with probability proportional to size, Madow (1949).
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import polars as pl

from synthohive import kernels

if TYPE_CHECKING:
    from collections.abc import Iterator

    from numpy.typing import NDArray

    from synthohive.randomness import Stream

NONE = np.uint32(2**32 - 1)
"""The row or group that stands for none."""


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Ladder:
    """The rows of a parent table, group after group, each as wide as its quota.

    Attributes:
        begins: First place of each group, and the end of the last; ``(G + 1,)``.
        totals: Sum of the quotas of each group; ``(G,)``.
        rows: Parent row at each place; ``(P,)``, may be mapped from a file.
        ends: Sum of the quotas of the group up to each place, the place included;
            ``(P,)``, may be mapped from a file.
        stream: Where the random numbers of the children come from.
    """

    begins: NDArray[np.int64]
    totals: NDArray[np.uint64]
    rows: NDArray[np.uint32]
    ends: NDArray[np.uint64]
    stream: Stream

    @property
    def sizes(self) -> NDArray[np.int64]:
        """Number of parents in each group; ``(G,)``."""
        return np.diff(self.begins)

    def demand(self, wanted: pl.Series) -> NDArray[np.int64]:
        """Count the children that want a parent of each group; ``(G,)``."""
        groups = wanted.drop_nulls().to_numpy()
        return np.bincount(groups, minlength=len(self.totals)).astype(np.int64)

    def serve(
        self, wanted: pl.Series, demand: NDArray[np.int64], before: NDArray[np.int64]
    ) -> pl.Series:
        """Choose a parent for every child of a block.

        Args:
            wanted: Group wanted by each child, null for no parent; ``UInt32 (N,)``.
            demand: Children of the whole table that want each group; ``(G,)``.
            before: How many of them come before this block; ``(G,)``.

        Returns:
            Parent rows; ``UInt32 (N,)``. Null where wanted, and where the group has no
            parents. Any split of a table into blocks gives the same rows.
        """
        result = np.full(len(wanted), NONE)
        for group, children in members_of(wanted.fill_null(int(NONE)).to_numpy()):
            if group == NONE or self.begins[group] == self.begins[group + 1]:
                continue
            first, whole = int(before[group]), int(demand[group])
            turns = pl.Series(np.arange(first, first + len(children), dtype=np.uint32))
            own = self.stream.child("turn", group)
            slots = kernels.permuted(turns, whole, seed=own.seed, stream=own.id).to_numpy()
            offset = float(own.child("offset").uniform(1)[0])
            result[children] = self._reach(group, (slots + offset) / whole)
        return _nullable(result)

    def assign(self, wanted: pl.Series) -> pl.Series:
        """Choose a parent for every child of a whole table; see `serve`."""
        demand = self.demand(wanted)
        return self.serve(wanted, demand, np.zeros_like(demand))

    def draw(
        self, wanted: NDArray[np.integer], heights: NDArray[np.float64], steps: int = 0
    ) -> NDArray[np.uint32]:
        """Choose a parent of a group for each of some children, alone.

        Args:
            wanted: Group of each, one that has parents; ``(N,)``.
            heights: A number in [0, 1) for each, which chooses by quota; ``(N,)``.
            steps: Places beyond what was chosen so, around the group.
        """
        result = np.zeros(len(wanted), np.uint32)
        for group, children in members_of(wanted):
            result[children] = self._reach(group, heights[children], steps)
        return result

    def quotas(self) -> NDArray[np.uint32]:
        """Return the quota of every parent row, in the order of the table; ``(P,)``."""
        result = np.empty(len(self.rows), np.uint32)
        widths = np.diff(self.ends, prepend=np.uint64(0))
        first = self.begins[:-1][self.sizes > 0]
        widths[first] = self.ends[first]
        result[self.rows] = widths
        return result

    def _reach(
        self, group: int, heights: NDArray[np.float64], steps: int = 0
    ) -> NDArray[np.uint32]:
        """Return the parents at some heights of a group's ladder, in shares of it."""
        begin, end = self.begins[group : group + 2]
        total = int(self.totals[group])
        if total:
            points = np.minimum((heights * total).astype(np.uint64), np.uint64(total - 1))
            place = np.searchsorted(self.ends[begin:end], points, side="right")
        else:
            place = np.minimum((heights * (end - begin)).astype(np.intp), end - begin - 1)
        return self.rows[begin:end][(place + steps) % (end - begin)]


def members_of(numbers: NDArray[np.integer]) -> Iterator[tuple[int, NDArray[np.intp]]]:
    """Yield each number that occurs, and where, in ascending order.

    Examples:
        >>> [(number, where.tolist()) for number, where in members_of(np.array([7, 5, 7]))]
        [(5, [1]), (7, [0, 2])]
    """
    order = np.argsort(numbers, kind="stable")
    first = np.flatnonzero(np.diff(numbers[order])) + 1
    for members in np.split(order, first) if len(order) else ():
        yield int(numbers[members[0]]), members


def _nullable(rows: NDArray[np.uint32]) -> pl.Series:
    values = pl.Series(rows)
    return values.set(values == int(NONE), None)


def assign_parents(
    child_groups: pl.Series,
    parent_groups: pl.Series,
    quotas: pl.Series,
    stream: Stream,
    *,
    start: int = 0,
    is_whole: bool = True,
) -> pl.Series:
    """Choose a parent row of the right group for every child.

    Args:
        child_groups: Group wanted by each child, null for no parent; ``UInt32 (N,)``.
        parent_groups: Group of each parent row; ``UInt32 (P,)``.
        quotas: Children each parent should have, in proportion; ``UInt32 (P,)``.
        stream: Where the random numbers come from; child ``i`` is child ``start + i``.
        start: Position of the first child in its table.
        is_whole: All children of the table are here, so that quotas can be met as nearly
            as whole rows allow. Otherwise every child draws for itself, and any split of
            the table into blocks gives the same rows.

    Returns:
        Parent positions, ``UInt32 (N,)``; null where wanted, and everywhere when there
        are no parents. A group nobody is in is served by all parents.
    """
    if is_whole:
        return kernels.draw_quota(
            child_groups, parent_groups, quotas, seed=stream.seed, stream=stream.id
        )
    return kernels.draw_grouped(
        child_groups,
        parent_groups,
        quotas.cast(pl.Float64),
        seed=stream.seed,
        stream=stream.id,
        start=start,
    )


def assign_within(
    child_fixed: pl.Series,
    parent_fixed: pl.Series,
    child_groups: pl.Series,
    parent_groups: pl.Series,
    weights: pl.Series,
    stream: Stream,
    *,
    start: int = 0,
    is_whole: bool = False,
) -> pl.Series:
    """Choose a parent row among those that share what is already fixed.

    Overlapping foreign keys share columns: once one key is set, only parents with the
    same value in the shared column are left for the other.

    Args:
        child_fixed: Identifier of the fixed value of each child; ``UInt32 (N,)``.
        parent_fixed: Identifier of the same value of each parent; ``UInt32 (P,)``.
        child_groups: Group wanted by each child, null for no parent; ``UInt32 (N,)``.
        parent_groups: Group of each parent row; ``UInt32 (P,)``.
        weights: How often each parent should be chosen, in proportion; ``(P,)``.
        stream: Where the random numbers come from.
        start: Position of the first child in its table.
        is_whole: All children are here: meet weights as quotas.

    Returns:
        Parent positions, ``UInt32 (N,)``: of the fixed value and the group wanted, else
        of the fixed value, else null.
    """
    wanted = child_groups.is_not_null() & child_fixed.is_not_null()
    fixed = child_fixed.fill_null(0).to_numpy().astype(np.uint64)
    groups = child_groups.fill_null(0).to_numpy().astype(np.uint64)
    parent_fixed_ids = parent_fixed.to_numpy().astype(np.uint64)
    exact_parents = parent_fixed_ids << np.uint64(32) | parent_groups.to_numpy().astype(np.uint64)
    exact = _rank_among(fixed << np.uint64(32) | groups, exact_parents)
    loose = _rank_among(fixed, parent_fixed_ids)
    is_wanted = wanted.to_numpy()
    has_exact = is_wanted & (exact[0] >= 0)
    has_loose = is_wanted & ~has_exact & (loose[0] >= 0)
    first = _choose(exact, has_exact, weights, stream.child("exact"), start, is_whole=is_whole)
    if not has_loose.any():
        return first
    second = _choose(loose, has_loose, weights, stream.child("loose"), start, is_whole=is_whole)
    return first.zip_with(first.is_not_null(), second)


def _rank_among(
    wanted: NDArray[np.uint64], offered: NDArray[np.uint64]
) -> tuple[NDArray[np.int64], NDArray[np.intp]]:
    """Number the values on offer; -1 for a wanted value nobody offers."""
    known, numbers = np.unique(offered, return_inverse=True)
    if not len(known):
        return np.full(len(wanted), -1), numbers
    place = np.minimum(np.searchsorted(known, wanted), len(known) - 1)
    return np.where(known[place] == wanted, place, -1), numbers.reshape(-1)


def _choose(
    ranks: tuple[NDArray[np.int64], NDArray[np.intp]],
    chosen: NDArray[np.bool_],
    weights: pl.Series,
    stream: Stream,
    start: int,
    *,
    is_whole: bool,
) -> pl.Series:
    wanted, offered = ranks
    groups = pl.Series(np.maximum(wanted, 0).astype(np.uint32))
    return assign_parents(
        groups.set(~pl.Series(chosen), None),
        pl.Series(offered.astype(np.uint32)),
        weights,
        stream,
        start=start,
        is_whole=is_whole,
    )
