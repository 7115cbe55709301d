"""Parents for the rows of a table among its own rows, block by block.

Rows of one level and group are a cell. Each row of a cell stands at a random place in it, as
wide as the number of its reports; each row that wants a parent of the cell gets a random slot
of its own. So every parent gets the reports that are its own, and the parent of any row can be
found without its neighbours. What blocks need to know of each other, 20 bytes a row, lies in
arrays that may be files.

    rows ─cell, shuffle─► places ─reports summed up─► ends ◄─search─ slots ◄─shuffle─ rows below

Source: systematic sampling with probability proportional to size, Madow (1949).
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Self

import numpy as np
import polars as pl

from synthohive import kernels
from synthohive.linkage.assignment import NONE
from synthohive.linkage.popularity import repeats

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator

    from numpy.typing import DTypeLike, NDArray

    from synthohive.randomness import Stream

    NewArray = Callable[[DTypeLike], NDArray]
    """Makes an array as long as the table, all zeros, perhaps mapped from a file."""

    Block = tuple[NDArray[np.integer], NDArray[np.integer], NDArray[np.integer]]
    """Of some rows, the level, the group, and the group wanted of the parent."""

BLOCK = 1 << 16
"""Rows looked at together. Does not change a result."""

ANY = NONE
"""A group nobody is in: any parent of the right level will do."""


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Cells:
    """Rows of one level and group, and how many rows want a parent among them.

    A row wants a parent of a cell, or of a level as a whole, or none. What can be wanted is
    numbered: first the K cells, level after level, then the L levels, then no parent.

    Attributes:
        own: Cell of each row; ``uint32 (N,)``.
        wanted: What each row wants; ``uint32 (N,)``.
        granted: What those get that want something: a level in place of a cell without
            rows; ``(K + L + 1,)``.
        sizes: Rows of each cell, one row a level; ``(L, K / L)``.
        demand: Rows that get a parent of each number; ``(K + L + 1,)``.
    """

    own: NDArray[np.uint32]
    wanted: NDArray[np.uint32]
    granted: NDArray[np.int64]
    sizes: NDArray[np.int64]
    demand: NDArray[np.int64]

    @classmethod
    def of(cls, blocks: Iterable[Block], levels: int, groups: int, new: NewArray) -> Self:
        """Number the cells and count the demand.

        Args:
            blocks: All rows, in order. A level other than 0 has rows on the level above.
            levels: Number of levels.
            groups: Number of groups.
            new: Makes the arrays for all rows.
        """
        own, wanted = new(np.uint32), new(np.uint32)
        count = levels * groups
        sizes, asked = np.zeros(count, np.int64), np.zeros(count + levels + 1, np.int64)
        start = 0
        for level, group, choice in blocks:
            cell, above = level.astype(np.int64) * groups + group, level.astype(np.int64) - 1
            number = np.where(choice == ANY, count + above, above * groups + choice)
            number[above < 0] = count + levels
            own[start : start + len(cell)], wanted[start : start + len(cell)] = cell, number
            sizes += np.bincount(cell, minlength=len(sizes))
            asked += np.bincount(number, minlength=len(asked))
            start += len(cell)
        granted = np.arange(len(asked))
        empty = np.flatnonzero(sizes == 0)
        granted[empty] = count + empty // groups
        return cls(
            own=own,
            wanted=wanted,
            granted=granted,
            sizes=sizes.reshape(levels, groups),
            demand=np.bincount(granted, asked).astype(np.int64),
        )

    def needed(self) -> NDArray[np.int64]:
        """Return how many reports the rows of each cell should have; ``(K,)``.

        Those who want a parent of a level spread over all cells of the level.
        """
        count, levels = self.sizes.size, len(self.sizes)
        of_level = np.maximum(1, self.sizes.sum(axis=1))
        share = self.demand[count : count + levels] / of_level
        spread = np.ceil(share[:, None] * self.sizes).astype(np.int64)
        return self.demand[:count] + spread.reshape(-1)

    def lay_out(self, stream: Stream, new: NewArray) -> NDArray[np.uint32]:
        """Return the rows cell after cell, those of a cell in random order; ``(N,)``."""
        order = new(np.uint32)
        sizes = self.sizes.reshape(-1)
        begins = np.cumsum(sizes) - sizes
        start = 0
        blocks = (self.own[rows] for rows in block_slices(len(order)))
        for cells, places in _shuffled(blocks, sizes, stream):
            order[begins[cells] + places] = np.arange(start, start + len(cells))
            start += len(cells)
        return order

    def serve(
        self, order: NDArray[np.uint32], ends: NDArray[np.uint64], stream: Stream
    ) -> Iterator[NDArray[np.uint32]]:
        """Yield the parents of all rows, block by block, `NONE` where none is wanted.

        Args:
            order: The rows, from `lay_out`; ``(N,)``.
            ends: Sum of the reports of the rows in `order` up to each; ``(N,)``.
            stream: Where the random numbers come from.
        """
        base, total = self._spans(ends)
        turn = stream.child("offset").uniform(len(total)).to_numpy()
        # in whole numbers, so that reports that add up to the demand are met exactly
        offset = (turn * total).astype(np.uint64)
        demand = self.demand.astype(np.uint64)
        blocks = (self.granted[self.wanted[rows]] for rows in block_slices(len(order)))
        for wanted, slots in _shuffled(blocks, self.demand, stream.child("turn")):
            point = (slots * total[wanted] + offset[wanted]) // demand[wanted] + base[wanted]
            place = np.searchsorted(ends, point, side="right")
            is_root = wanted == len(demand) - 1
            yield np.where(is_root, NONE, order[np.where(is_root, 0, place)])

    def _spans(self, ends: NDArray[np.uint64]) -> tuple[NDArray[np.uint64], NDArray[np.uint64]]:
        """Return where the reports of each cell and level begin, and how many they are."""
        edges = np.append(0, np.cumsum(self.sizes))
        sums = np.where(edges > 0, ends[np.maximum(edges, 1) - 1], np.uint64(0))
        of_level = sums[:: self.sizes.shape[1]]
        nothing = np.zeros(1, np.uint64)
        base = np.concatenate([sums[:-1], of_level[:-1], nothing])
        return base, np.concatenate([np.diff(sums), np.diff(of_level), nothing])


def block_slices(rows: int) -> Iterator[slice]:
    """Part the rows of a table into blocks."""
    for start in range(0, rows, BLOCK):
        yield slice(start, min(start + BLOCK, rows))


def _shuffled(
    blocks: Iterable[NDArray[np.integer]], sizes: NDArray[np.int64], stream: Stream
) -> Iterator[tuple[NDArray[np.integer], NDArray[np.uint32]]]:
    """Yield each block of numbers with a random place for each, among all of its number.

    Args:
        blocks: Numbers, below G.
        sizes: How often each number occurs in all blocks; ``(G,)``.
        stream: Where the random numbers come from.
    """
    seen = np.zeros(len(sizes), np.int64)
    lengths = pl.Series(sizes.astype(np.uint32))
    for numbers in blocks:
        turns = (seen[numbers] + repeats(numbers)).astype(np.uint32)
        seen += np.bincount(numbers, minlength=len(seen))
        places = kernels.permuted_within(
            pl.Series(turns),
            pl.Series(numbers.astype(np.uint32)),
            lengths,
            seed=stream.seed,
            stream=stream.id,
        )
        yield numbers, places.to_numpy()
