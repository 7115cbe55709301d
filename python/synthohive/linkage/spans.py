"""How many reports each manager gets, when the number of staff is already given."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, cast

import numpy as np

if TYPE_CHECKING:
    import polars as pl
    from numpy.typing import NDArray


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Cells:
    """Rows of one level and group, and how many rows want a parent among them.

    Attributes:
        own: Cell of each row; ``(N,)``.
        demand: Rows that want a parent of the cell; ``(K,)``.
    """

    own: NDArray[np.intp]
    demand: NDArray[np.int64]

    @classmethod
    def of(
        cls, above: pl.Series, wanted: pl.Series, offered: pl.Series, groups: pl.Series
    ) -> Cells:
        """Number the cells and count the demand.

        Args:
            above: Level each row wants its parent on, null for a root; ``(N,)``.
            wanted: Group each row wants its parent to be of; ``(N,)``.
            offered: Level of each row; ``(N,)``.
            groups: Group of each row; ``(N,)``.
        """
        width = int(cast("int", groups.max())) + 1
        own = (offered * width + groups).to_numpy().astype(np.intp)
        rows = np.bincount(own)
        is_child = above.is_not_null().to_numpy()
        level = above.drop_nulls().to_numpy().astype(np.intp)
        group = wanted.to_numpy()[is_child].astype(np.intp)
        cell = np.minimum(level * width + group, len(rows) - 1)
        is_met = (group < width) & (rows[cell] > 0) & (cell // width == level)
        demand = np.bincount(cell[is_met], minlength=len(rows))
        # Those without a cell of their own spread over all cells of the level.
        open_rows = np.bincount(level[~is_met], minlength=len(rows) // width + 1)
        of_level = np.bincount(np.arange(len(rows)) // width, rows, len(open_rows))
        which = np.arange(len(rows)) // width
        spread = open_rows[which] * rows / np.maximum(of_level[which], 1)
        return cls(own=own, demand=demand + np.ceil(spread).astype(np.int64))


def meet_demand(
    cells: NDArray[np.integer],
    demand: NDArray[np.integer],
    drawn: NDArray[np.integer],
    reserve: NDArray[np.integer],
    keys: NDArray[np.float64],
) -> NDArray[np.uint32]:
    """Let rows have the counts drawn for them until each cell's demand is met.

    Scaling all counts of a cell instead would make a few managers of too many or too few,
    and them responsible for everybody.

    Args:
        cells: Cell of each row, such as a level of a department; ``(N,)``.
        demand: Children to be shared out within each cell; ``(K,)``.
        drawn: Count drawn for each row; ``(N,)``.
        reserve: Positive count for each row, used where the counts drawn do not suffice.
        keys: Random order of the rows of a cell; ``(N,)``.

    Returns:
        Count of each row, ``(N,)``: those of a cell sum to its demand, or to less if all
        its rows together have less.

    Examples:
        Three rows share out six; the first has four, so a second one is needed:

        >>> one = np.zeros(3, int)
        >>> drawn, reserve = np.array([4, 0, 0]), np.array([9, 5, 7])
        >>> meet_demand(one, np.array([6]), drawn, reserve, np.array([0.3, 0.2, 0.9])).tolist()
        [4, 2, 0]
    """
    order = np.lexsort((keys, drawn == 0, cells))
    size = np.where(drawn > 0, drawn, reserve)[order].astype(np.int64)
    cell = cells[order]
    before = np.cumsum(size) - size
    first = np.flatnonzero(np.diff(cell, prepend=-1))
    before -= np.repeat(before[first], np.diff(np.append(first, len(cell))))
    result = np.empty(len(cells), np.uint32)
    result[order] = np.clip(demand[cell] - before, 0, size)
    return result
