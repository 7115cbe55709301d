"""The shape of a self reference: roots, levels, and what to do about cycles."""

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


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Forest:
    """A self reference without cycles.

    Attributes:
        parents: Parent of each row, null for a root; ``UInt32 (N,)``.
        levels: Steps up to the root, 0 for a root; ``UInt32 (N,)``.
        self_loops: Roots that refer to themselves in the data.
        broken_cycles: Cycles of two rows and more; the first row of each was made a root.
    """

    parents: pl.Series
    levels: pl.Series
    self_loops: int
    broken_cycles: int


def forest(parent_rows: pl.Series) -> Forest:
    """Find roots and levels of a self reference.

    Args:
        parent_rows: Position of each row's parent, null for none; ``UInt32 (N,)``.

    Examples:
        Row 1 reports to row 0; rows 2 and 3 to each other:

        >>> found = forest(pl.Series([None, 0, 3, 2], dtype=pl.UInt32))
        >>> found.levels.to_list(), found.parents.to_list(), found.broken_cycles
        ([0, 1, 0, 1], [None, 0, None, 2], 1)
    """
    here = np.arange(len(parent_rows))
    up = np.where(
        parent_rows.is_not_null().to_numpy(), parent_rows.fill_null(0).to_numpy(), here
    ).astype(np.intp)
    self_loops = int(((up == here) & parent_rows.is_not_null().to_numpy()).sum())
    cuts = _cycle_starts(up)
    up[cuts] = cuts
    parents = pl.Series("parent", up.astype(np.uint32)).set(pl.Series(up == here), None)
    return Forest(
        parents=parents,
        levels=pl.Series("level", _levels(up).astype(np.uint32)),
        self_loops=self_loops,
        broken_cycles=len(cuts),
    )


def levels(parent_rows: pl.Series) -> pl.Series:
    """Return the steps from each row up to its root; see `forest`."""
    return forest(parent_rows).levels


def rooted_levels(
    codes: NDArray[np.integer], size: int, root_share: float, stream: Stream, *, block: int
) -> Iterator[NDArray[np.intp]]:
    """Close gaps between generated levels, and see to it that there is a root.

    Args:
        codes: Level of each row, as generated; ``(N,)``, may be mapped from a file.
        size: Number of levels that can be generated.
        root_share: Share of rows that become roots if none was generated as one: so many
            of the uppermost level, chosen at random, at least one.
        stream: Where the random numbers come from.
        block: Rows at a time.

    Yields:
        The levels of one block of rows after the other.

    Examples:
        >>> from synthohive.randomness import Stream
        >>> codes = np.array([2, 4, 2, 4])
        >>> next(rooted_levels(codes, 5, 0.5, Stream(1), block=4)).tolist()
        [0, 1, 0, 1]
    """
    blocks = [slice(start, start + block) for start in range(0, len(codes), block)]
    rows = np.sum([np.bincount(codes[some], minlength=size) for some in blocks], axis=0)
    top = int(np.flatnonzero(rows)[0])
    members = int(rows[top])
    roots = max(1, min(members, round(root_share * len(codes)))) if top else members
    numbers = np.cumsum(rows > 0) - int(roots == members)
    seen = 0
    for some in blocks:
        level = numbers[codes[some]]
        if roots < members:
            place = np.flatnonzero(codes[some] == top)
            turns = pl.Series(np.arange(seen, seen + len(place), dtype=np.uint32))
            chosen = kernels.permuted(turns, members, seed=stream.seed, stream=stream.id)
            level[place[chosen.to_numpy() < roots]] = 0
            seen += len(place)
        yield level


def _levels(up: NDArray[np.intp]) -> NDArray[np.intp]:
    """Count steps to the root by pointer doubling: log(depth) passes, any depth."""
    steps = (up != np.arange(len(up))).astype(np.intp)
    while True:
        further = steps[up]
        if not further.any():
            return steps
        steps = steps + further
        up = up[up]


def _cycle_starts(up: NDArray[np.intp]) -> NDArray[np.intp]:
    """Return the first row of every cycle of two rows or more."""
    least, far = np.arange(len(up)), up
    for _ in range(max(1, len(up)).bit_length()):
        # After each pass `least` is the smallest row among twice as many steps up.
        least = np.minimum(least, least[far])
        far = far[far]
    on_cycle = np.unique(far)
    starts = on_cycle[least[on_cycle] == on_cycle]
    return starts[up[starts] != starts]
