"""Junction tables: no pair of parents twice."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import polars as pl

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from synthohive.linkage.assignment import Ladder
    from synthohive.randomness import Stream

SWAPS = 16
"""Times the rows of repeated pairs look for another row to swap with."""
STEPS = 64
"""Members of the group tried in turn by what is left over."""


def part_pairs(
    left: NDArray[np.integer],
    right: NDArray[np.uint32],
    groups: NDArray[np.integer],
    ladder: Ladder | None,
    stream: Stream,
) -> NDArray[np.uint32]:
    """Make pairs of parents distinct, each second parent staying of its group.

    Rows of repeated pairs swap their second parent with other rows of its group, so that
    every parent keeps its number of children. What no swap helps is drawn again, if there
    is a ladder to draw from.

    Args:
        left: First parent of each row, or a number of all but the second; ``(N,)``.
        right: Second parent of each row; ``(N,)``.
        groups: Group of each second parent; ``(N,)``.
        ladder: Parents by group; `None` if groups are not those of a ladder.
        stream: Where the random numbers come from.

    Returns:
        Second parents; ``(N,)``. Pairs are distinct where the group has a partner left.
    """
    right = right.copy()
    again = np.flatnonzero(_is_repeated(left, right))
    if not len(again):
        return right
    order = np.argsort(groups, kind="stable")
    begins = np.searchsorted(groups[order], np.arange(int(groups.max()) + 2))
    for attempt in range(SWAPS):
        uniforms = stream.child("swap", attempt).uniform(len(again)).to_numpy()
        own = groups[again]
        place = begins[own] + (uniforms * (begins[own + 1] - begins[own])).astype(np.intp)
        _swap(left, right, again, order[place])
        again = np.flatnonzero(_is_repeated(left, right))
        if not len(again):
            return right
    if ladder is None:
        return right
    near = np.flatnonzero(np.isin(left, left[again]))
    right[near] = _draw_again(left[near], right[near], groups[near], ladder, stream)
    return right


def _draw_again(
    left: NDArray[np.integer],
    right: NDArray[np.uint32],
    groups: NDArray[np.integer],
    ladder: Ladder,
    stream: Stream,
) -> NDArray[np.uint32]:
    """Draw another of the group where a pair is repeated, and if need be those next to it."""
    before, right = right, right.copy()
    heights = stream.child("draw").uniform(len(left)).to_numpy()
    for steps in range(STEPS):
        again = np.flatnonzero(_is_repeated(left, right))
        if not len(again):
            return right
        right[again] = ladder.draw(groups[again], heights[again], steps)
    again = _is_repeated(left, right)
    right[again] = before[again]
    return right


def _swap(
    left: NDArray[np.integer],
    right: NDArray[np.uint32],
    rows: NDArray[np.intp],
    others: NDArray[np.intp],
) -> None:
    """Let rows swap their second parents in place, where that repeats no pair."""
    ends = np.stack([rows, others], axis=1).ravel()
    first = np.zeros(len(ends), np.bool_)
    first[np.unique(ends, return_index=True)[1]] = True
    alone = first.reshape(-1, 2).all(axis=1)
    rows, others = rows[alone], others[alone]
    right[rows], right[others] = right[others], right[rows]
    is_shared = _pairs(left, right).is_duplicated().to_numpy()
    undone = is_shared[rows] | is_shared[others]
    rows, others = rows[undone], others[undone]
    right[rows], right[others] = right[others], right[rows]


def _is_repeated(left: NDArray[np.integer], right: NDArray[np.uint32]) -> NDArray[np.bool_]:
    """Tell which rows repeat the pair of an earlier row."""
    return ~_pairs(left, right).is_first_distinct().to_numpy()


def _pairs(left: NDArray[np.integer], right: NDArray[np.uint32]) -> pl.Series:
    return pl.Series(left.astype(np.uint64) << np.uint64(32) | right)
