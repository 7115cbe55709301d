"""Where child rows hang on the rows of their driver, found from the driver's offsets."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import polars as pl

from synthohive import kernels

if TYPE_CHECKING:
    from numpy.typing import NDArray


@dataclass(frozen=True, slots=True)
class Places:
    """Where a range of child rows hangs on its driver's rows.

    Attributes:
        first: First driver row touched.
        counts: Rows of the range per driver row touched, ``(P,)``.
        position: Position of each row among its siblings, ``(N,)``.
        siblings: Siblings of each row, the row included, ``(N,)``.
        absent: Rows at the end of the range that have no driver.
    """

    first: int
    counts: NDArray
    position: NDArray
    siblings: NDArray
    absent: int


def find_places(offsets: NDArray[np.uint64], start: int, stop: int) -> Places:
    """Find the driver rows of a range of child rows.

    Args:
        offsets: Where each driver row's children begin, and where the last ones end;
            ``(P + 1,)``, ascending. Rows beyond have no driver.
        start: First row of the range.
        stop: Row after the last one.

    Examples:
        Rows 1 to 4, where driver rows have two, no and three children:

        >>> places = find_places(np.array([0, 2, 2, 5], np.uint64), 1, 5)
        >>> places.first, places.counts.tolist(), places.position.tolist()
        (0, [1, 0, 3], [1, 0, 1, 2])
    """
    driven = int(offsets[-1])
    end = min(stop, driven)
    if start >= end:
        nothing = np.zeros(0, np.uint32)
        return Places(0, nothing, nothing, nothing, stop - max(start, driven))
    first = int(np.searchsorted(offsets, start, side="right")) - 1
    last = int(np.searchsorted(offsets, end, side="left"))
    inside = offsets[first : last + 1].astype(np.int64)
    counts = np.diff(np.clip(inside, start, end)).astype(np.uint32)
    position = kernels.sibling_positions(pl.Series(counts)).to_numpy().copy()
    position[: counts[0]] += np.uint32(start - inside[0])
    siblings = np.repeat(np.diff(inside), counts)
    return Places(first, counts, position, siblings, stop - end)
