"""How many reports each manager gets, when the number of staff is already given."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray


def share_out(
    sizes: NDArray[np.integer],
    cells: NDArray[np.integer],
    needed: NDArray[np.int64],
    taken: NDArray[np.int64],
) -> NDArray[np.int64]:
    """Let rows have the counts drawn for them until what their cell needs is met.

    Scaling all counts of a cell instead would make a few managers of too many or too few,
    and them responsible for everybody.

    Args:
        sizes: Count drawn for each row of a block; ``(N,)``.
        cells: Cell of each row, such as a level of a department, ascending; ``(N,)``.
        needed: Children to be shared out within each cell; ``(K,)``.
        taken: Counts drawn for the rows of earlier blocks; those of this block are added
            to it; ``(K,)``.

    Returns:
        Count of each row, ``(N,)``: those of a cell sum to what it needs, or to less if
        all its rows together have less.

    Examples:
        Three rows share out six, in two blocks:

        >>> taken = np.zeros(1, int)
        >>> share_out(np.array([4, 3]), np.zeros(2, int), np.array([6]), taken).tolist()
        [4, 2]
        >>> share_out(np.array([5]), np.zeros(1, int), np.array([6]), taken).tolist()
        [0]
    """
    sizes = sizes.astype(np.int64)
    first = np.flatnonzero(np.diff(cells.astype(np.int64), prepend=-1))
    before = np.cumsum(sizes) - sizes
    before -= np.repeat(before[first], np.diff(np.append(first, len(cells))))
    before += taken[cells]
    np.add.at(taken, cells, sizes)
    return np.clip(needed[cells] - before, 0, sizes)
