"""The portions of cells whose values may be.

The values of a cell ascend with the number in ``[0, 1)`` that they are drawn with. So those
within a range are drawn with the numbers of one interval, whose ends are found by halving; its
length is the share of the cell's values that are within.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Callable

    from numpy.typing import NDArray

    Floats = NDArray[np.float64]
    Ints = NDArray[np.int64]
    Flags = NDArray[np.bool_]

_LAST = float(np.nextafter(1.0, 0.0))
_HALVINGS = 50
LEAST = 1e-9
"""Share of a cell that a single one of very many values has."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Portions:
    """Intervals of the numbers that values are drawn with, by cell.

    Attributes:
        cell: The cell of each portion, ascending.
        first: The least number of each.
        last: The greatest.
        weight: The share of the cell's values that each stands for.
    """

    cell: Ints
    first: Floats
    last: Floats
    weight: Floats

    def share(self, cells: int) -> Floats:
        """Return the share of each cell's values that may be."""
        shares = np.bincount(self.cell, weights=self.weight, minlength=cells)[:cells]
        return shares.astype(np.float64)

    def pick(self, cells: Ints, uniform: Floats) -> tuple[Ints, Floats]:
        """Pick a portion of each row's cell, and a number in it.

        Args:
            cells: Cell per row; one without portions gets those of a neighbour.
            uniform: A number in ``[0, 1)`` per row.
        """
        heights = np.concatenate([[0.0], np.cumsum(self.weight)])
        begin = np.searchsorted(self.cell, cells, side="left")
        end = np.searchsorted(self.cell, cells, side="right")
        begin = np.minimum(begin, len(self.cell) - 1)
        end = np.maximum(end, begin + 1)
        target = heights[begin] + uniform * (heights[end] - heights[begin])
        picked = np.clip(np.searchsorted(heights, target, side="right") - 1, begin, end - 1)
        inner = np.clip((target - heights[picked]) / self.weight[picked], 0.0, 1.0)
        first, last = self.first[picked], self.last[picked]
        return picked, np.clip(first + inner * (last - first), first, last)


def find_portions(
    cells: Ints,
    is_low_enough: Callable[[Ints, Floats], Flags],
    is_high_enough: Callable[[Ints, Floats], Flags],
    factor: float = 1.0,
) -> Portions:
    """Find the portions of cells whose values are within a range.

    Args:
        cells: The cells, ascending.
        is_low_enough: Tells for places among `cells`, and a number for each, whether its value
            is not above the range.
        is_high_enough: The same for not below it.
        factor: The weight of the values that are within.

    Examples:
        >>> cells = np.array([0, 1, 2])
        >>> found = find_portions(cells, lambda c, u: c + u <= 1.5, lambda c, u: c + u >= 0.25)
        >>> found.cell.tolist(), found.weight.round(3).tolist()
        ([0, 1], [0.75, 0.5])
    """
    places = np.arange(len(cells))
    first = _edge(places, is_high_enough, np.full(len(cells), _LAST), np.zeros(len(cells)))
    last = _edge(places, is_low_enough, np.zeros(len(cells)), np.full(len(cells), _LAST))
    kept = np.flatnonzero(
        is_high_enough(places, first)
        & is_low_enough(places, last)
        & (first <= last)
        & is_low_enough(places, first)
    )
    weight = np.maximum(last[kept] - first[kept], LEAST) * factor
    return Portions(cell=cells[kept], first=first[kept], last=last[kept], weight=weight)


def joined(parts: list[Portions]) -> Portions:
    """Return all portions of some, by cell."""
    cell = np.concatenate([part.cell for part in parts])
    order = np.argsort(cell, kind="stable")
    return Portions(
        cell=cell[order],
        first=np.concatenate([part.first for part in parts])[order],
        last=np.concatenate([part.last for part in parts])[order],
        weight=np.concatenate([part.weight for part in parts])[order],
    )


def _edge(
    places: Ints, is_good: Callable[[Ints, Floats], Flags], near: Floats, far: Floats
) -> Floats:
    """Return the number nearest to `far` whose value is good, from good ones at `near`."""
    whole = is_good(places, far)
    good, bad = near.copy(), far.copy()
    for _ in range(_HALVINGS):
        middle = (good + bad) / 2
        hit = is_good(places, middle)
        good, bad = np.where(hit, middle, good), np.where(hit, bad, middle)
    return np.where(whole, far, good)
