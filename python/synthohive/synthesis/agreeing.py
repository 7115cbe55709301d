"""Parents within a table that agree with their children in columns other keys fix as well.

What rows need of their parents, and what they have as parents, is numbered. A row whose parent
has another number gets one of the level above that has the right one. Rows that have a range
of numbers are looked at together, whoever wants them then finds them by level:

    rows ─of some numbers─► ladder: number, level, row ◄─search─ rows that want these numbers

All arrays may be mapped from files; in memory are `WINDOW_ROWS` rows at a time, or those of one
number if it has more, and 8 bytes for each number.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from synthohive.linkage.staffing import block_slices
from synthohive.synthesis.spool import ABSENT

if TYPE_CHECKING:
    from collections.abc import Iterator

    from numpy.typing import NDArray

    from synthohive.randomness import Stream

WINDOW_ROWS = 1 << 18
"""Rows among which parents are looked for at the same time. Does not change the result."""


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Shared:
    """What rows share with their parents, by number, `ABSENT` for nothing.

    Attributes:
        wants: What each row's parent needs to have; ``uint32 (N,)``.
        offers: What each row has as a parent; ``uint32 (N,)``.
        levels: Level of each row; ``(N,)``.
        numbers: How many numbers there are.
    """

    wants: NDArray[np.uint32]
    offers: NDArray[np.uint32]
    levels: NDArray[np.integer]
    numbers: int


def count_levels(parents: NDArray[np.uint32], levels: NDArray[np.integer]) -> None:
    """Count each row's steps to its root, pass by pass, as many as there are levels.

    Args:
        parents: Parent of each row, `ABSENT` for a root; ``(N,)``, without cycles.
        levels: All zeros, to be filled; ``(N,)``.

    Examples:
        >>> levels = np.zeros(4, np.uint8)
        >>> count_levels(np.array([1, 2, ABSENT, 2]), levels)
        >>> levels.tolist()
        [2, 1, 0, 1]
    """
    is_done = False
    while not is_done:
        is_done = True
        for some in block_slices(len(parents)):
            above = parents[some]
            is_root = above == ABSENT
            found = np.where(is_root, 0, levels[np.where(is_root, 0, above)] + 1)
            is_done = is_done and bool((found == levels[some]).all())
            levels[some] = found


def make_agree(
    parents: NDArray[np.uint32], shared: Shared, stream: Stream, *, window: int = WINDOW_ROWS
) -> None:
    """Replace parents that differ in what is shared.

    By a row of the level above, else of any level above that, else by none.

    Args:
        parents: Parent of each row, `ABSENT` for a root; ``(N,)``, changed in place.
        shared: What parents and children have to agree in.
        stream: Where the random numbers come from.
        window: Rows, about, among which parents are looked for at the same time.
    """
    depth = max((int(shared.levels[s].max()) for s in block_slices(len(parents))), default=0) + 1
    for some, wrong in _wrong(parents, shared, int(ABSENT), int(ABSENT) + 1):
        parents[some.start + wrong] = ABSENT
    for low, high in _windows(shared, window):
        ladder, order = _ladder(shared, low, high, depth)
        for some, wrong in _wrong(parents, shared, low, high):
            rows = some.start + wrong
            level = shared.levels[rows].astype(np.int64)
            bottom = (shared.wants[rows].astype(np.int64) - low) * depth
            first, near, last = (
                np.searchsorted(ladder, bottom + step) for step in (0 * level, level - 1, level)
            )
            first = np.where(near < last, near, first)
            turns = stream.uniform(some.stop - some.start, start=some.start).to_numpy()[wrong]
            at = first + (turns * (last - first)).astype(np.int64)
            chosen, found = np.full(len(rows), ABSENT), first < last
            chosen[found] = order[at[found]]
            parents[rows] = chosen


def _wrong(
    parents: NDArray[np.uint32], shared: Shared, low: int, high: int
) -> Iterator[tuple[slice, NDArray[np.intp]]]:
    """Yield blocks, and which of their rows want some numbers of a parent that has others."""
    for some in block_slices(len(parents)):
        wants, above = shared.wants[some], parents[some]
        rows = np.flatnonzero((wants >= low) & (wants < high) & (above != ABSENT))
        wrong = rows[wants[rows] != shared.offers[above[rows]]]
        if len(wrong):
            yield some, wrong


def _windows(shared: Shared, rows: int) -> Iterator[tuple[int, int]]:
    """Part the numbers into ranges that about so many rows have."""
    counts = np.zeros(shared.numbers, np.int64)
    for some in block_slices(len(shared.offers)):
        offers = shared.offers[some]
        counts += np.bincount(offers[offers != ABSENT], minlength=shared.numbers)
    window = np.cumsum(counts, out=counts)
    window //= rows
    edges = np.flatnonzero(np.diff(window)) + 1
    yield from zip([0, *edges.tolist()], [*edges.tolist(), shared.numbers], strict=True)


def _ladder(
    shared: Shared, low: int, high: int, depth: int
) -> tuple[NDArray[np.int64], NDArray[np.uint32]]:
    """Order the rows that have some numbers by number, then level: places and rows."""
    parts: list[NDArray[np.uint32]] = [np.zeros(0, np.uint32)]
    for some in block_slices(len(shared.offers)):
        offers = shared.offers[some]
        parts.append((some.start + np.flatnonzero((offers >= low) & (offers < high))).astype("u4"))
    rows = np.concatenate(parts)
    places = (shared.offers[rows].astype(np.int64) - low) * depth + shared.levels[rows]
    order = np.argsort(places, kind="stable")
    return places[order], rows[order]
