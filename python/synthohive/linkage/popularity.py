"""How often the parents of a group are chosen: few often, many hardly ever.

Counts drawn for each parent alone would let chance decide whether the most popular genre
falls into the class that most tracks ask for. Here every group keeps the popularity curve
of its real members; the counts drawn decide who stands where on the curve.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, cast

import numpy as np
import polars as pl

from synthohive import kernels
from synthohive.linkage.assignment import Ladder, members_of

if TYPE_CHECKING:
    from collections.abc import Mapping

    from numpy.typing import NDArray

    from synthohive.randomness import Stream

POINTS = 64
"""Points of a curve, evenly over the members, and again as many towards the top."""

BLOCK = 1 << 16
"""Rows looked at together. Does not change a result."""


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Popularity:
    """Children of the real members of each group, least popular first.

    Attributes:
        places: Places on the curve of each group, ascending; the first is 0.
        counts: Children of the member at each place.
    """

    places: tuple[NDArray[np.int64], ...]
    counts: tuple[NDArray[np.int64], ...]

    def along(self, group: int, ranks: NDArray[np.integer], members: int) -> NDArray[np.uint64]:
        """Read how often members of a group are chosen off its curve.

        Args:
            group: The group.
            ranks: Place of each row among the members, the least popular is 0; ``(N,)``.
            members: Number of members; there may be more or fewer than real ones.

        Returns:
            How often each should be chosen, in proportion to its group; ``(N,)``.
        """
        places, counts = self.places[group], self.counts[group]
        wanted = (ranks + 0.5) / max(1, members) * (places[-1] + 1) - 0.5
        return np.rint(np.interp(wanted, places, counts)).astype(np.uint64)

    def to_dict(self) -> dict[str, object]:
        """Return the curves as JSON-able values."""
        return {
            "places": [places.tolist() for places in self.places],
            "counts": [counts.tolist() for counts in self.counts],
        }

    @classmethod
    def from_dict(cls, state: Mapping[str, object]) -> Popularity:
        """Rebuild curves from `to_dict`."""
        lists = cast("Mapping[str, list[list[int]]]", state)
        return cls(
            places=tuple(np.asarray(places, np.int64) for places in lists["places"]),
            counts=tuple(np.asarray(counts, np.int64) for counts in lists["counts"]),
        )


def fit_popularity(
    groups: NDArray[np.integer], children: NDArray[np.integer], group_count: int
) -> Popularity:
    """Record the popularity curve of every group.

    Args:
        groups: Group of each real parent; ``(P,)``.
        children: Children of each real parent; ``(P,)``.
        group_count: Number of groups.

    Examples:
        >>> curves = fit_popularity(np.array([0, 0, 1, 0]), np.array([5, 0, 7, 2]), 2)
        >>> curves.along(0, np.array([0, 2, 1]), 3).tolist()
        [0, 5, 2]
    """
    order = np.lexsort((children, groups))
    sizes = np.bincount(groups, minlength=group_count)
    places: list[NDArray[np.int64]] = []
    counts: list[NDArray[np.int64]] = []
    for members in np.split(children[order].astype(np.int64), np.cumsum(sizes)[:-1]):
        place = _places(max(1, len(members)))
        places.append(place)
        counts.append(members[place] if len(members) else np.zeros(1, np.int64))
    return Popularity(places=tuple(places), counts=tuple(counts))


def _places(members: int) -> NDArray[np.int64]:
    """Choose the places to record: all of few, denser towards the top of many."""
    evenly = np.linspace(0, members - 1, POINTS)
    from_top = members - np.geomspace(1, members, POINTS)
    return np.unique(np.rint(np.concatenate([evenly, from_top])).astype(np.int64))


def build_ladder(
    groups: NDArray[np.integer],
    drawn: NDArray[np.integer],
    popularity: Popularity,
    stream: Stream,
    *,
    rows: NDArray[np.uint32],
    ends: NDArray[np.uint64],
) -> Ladder:
    """Lay out a parent table, block by block; arrays as long as the table may be mapped.

    Args:
        groups: Group of every parent row; ``(P,)``.
        drawn: Count drawn for every parent row, which ranks it within its group; ``(P,)``.
        popularity: Curve of each group, which turns ranks into quotas.
        stream: Where the random numbers come from.
        rows: Where to put `Ladder.rows`; ``(P,)``.
        ends: Where to put `Ladder.ends`; ``(P,)``.
    """
    standings = _count_standings(groups, drawn, len(popularity.places))
    begins = np.append(0, np.cumsum(standings.sizes))
    seen = np.zeros(len(standings.sizes), np.int64)
    for start in range(0, len(groups), BLOCK):
        for group, members in members_of(groups[start : start + BLOCK]):
            own = stream.child("place", group)
            turns = pl.Series((seen[group] + np.arange(len(members))).astype(np.uint32))
            size = int(standings.sizes[group])
            places = kernels.permuted(turns, size, seed=own.seed, stream=own.id).to_numpy()
            rows[begins[group] + places.astype(np.int64)] = start + members
            seen[group] += len(members)
    totals = _sum_up(groups, drawn, popularity, standings, rows, ends)
    return Ladder(begins=begins, totals=totals, rows=rows, ends=ends, stream=stream)


def _sum_up(
    groups: NDArray[np.integer],
    drawn: NDArray[np.integer],
    popularity: Popularity,
    standings: _Standings,
    rows: NDArray[np.uint32],
    ends: NDArray[np.uint64],
) -> NDArray[np.uint64]:
    """Give each place of a ladder its quota; places are in random order, and so are ties."""
    totals = np.zeros(len(standings.sizes), np.uint64)
    seen = np.zeros(len(standings.cells), np.int64)
    for start in range(0, len(rows), BLOCK):
        some = rows[start : start + BLOCK]
        own = groups[some]
        cells = np.searchsorted(standings.cells, _cells(own, drawn[some]))
        ranks = standings.below[cells] + seen[cells] + repeats(cells)
        seen += np.bincount(cells, minlength=len(seen))
        for group, members in members_of(own):
            quotas = popularity.along(group, ranks[members], int(standings.sizes[group]))
            ends[start + members] = totals[group] + np.cumsum(quotas)
            totals[group] += quotas.sum()
    return totals


def repeats(numbers: NDArray[np.integer]) -> NDArray[np.intp]:
    """Count how often each number occurred before.

    Examples:
        >>> repeats(np.array([7, 5, 7, 7])).tolist()
        [0, 0, 1, 2]
    """
    order = np.argsort(numbers, kind="stable")
    place = np.arange(len(numbers))
    is_first = np.diff(numbers[order], prepend=-1) != 0
    result = np.empty_like(place)
    result[order] = place - np.maximum.accumulate(np.where(is_first, place, 0))
    return result


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class _Standings:
    """How many members of each group were drawn each count: all that a rank needs.

    Attributes:
        cells: Group and count, as ``group << 32 | count``, ascending; ``(K,)``.
        below: Parents of the cell's group that were drawn a smaller count; ``(K,)``.
        sizes: Parents in each group; ``(G,)``.
    """

    cells: NDArray[np.uint64]
    below: NDArray[np.int64]
    sizes: NDArray[np.int64]


def _count_standings(
    groups: NDArray[np.integer], drawn: NDArray[np.integer], group_count: int
) -> _Standings:
    """Count the members of each group by what was drawn for them, block by block.

    Args:
        groups: Group of every parent; ``(P,)``.
        drawn: Count drawn for every parent; ``(P,)``.
        group_count: Number of groups.
    """
    cells, members = np.zeros(0, np.uint64), np.zeros(0, np.int64)
    for start in range(0, len(groups), BLOCK):
        some = slice(start, start + BLOCK)
        own, counts = np.unique(_cells(groups[some], drawn[some]), return_counts=True)
        cells, place = np.unique(np.concatenate([cells, own]), return_inverse=True)
        both = np.concatenate([members, counts])
        members = np.bincount(place.reshape(-1), both, len(cells)).astype(np.int64)
    group = (cells >> np.uint64(32)).astype(np.intp)
    sizes = np.bincount(group, members, group_count).astype(np.int64)
    before = np.cumsum(members) - members
    below = before - (np.cumsum(sizes) - sizes)[group]
    return _Standings(cells=cells, below=below, sizes=sizes)


def _cells(groups: NDArray[np.integer], drawn: NDArray[np.integer]) -> NDArray[np.uint64]:
    return groups.astype(np.uint64) << np.uint64(32) | drawn.astype(np.uint64)
