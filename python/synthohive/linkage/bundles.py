"""Parents by several foreign keys at once, where keys share columns.

A row whose keys are ``(day, room)`` and ``(day, who)`` needs two parents of the same day.
Such a bundle of parents is searched for key after key: what the parents chosen so far fix,
the next one must have.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from numpy.typing import NDArray

GROUP = "#group"
"""Stands for a column in which the group of each parent is."""


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class _Order:
    """Rows sorted by some of their values.

    Attributes:
        rows: Rows, those of equal values together; ``(P,)``.
        values: The values, in that order; one array per column.
        ends: Weights summed up, in that order; ``(P,)``.
    """

    rows: NDArray[np.intp]
    values: tuple[NDArray[np.int64], ...]
    ends: NDArray[np.float64]


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Choice:
    """The parents that one foreign key chooses from.

    Attributes:
        values: Number of each parent's value, per column that keys share, and the number of
            its group; ``(P,)`` each.
        weights: How often each parent should be chosen, in proportion; ``(P,)``.

    Examples:
        >>> days = Choice(values={"day": np.array([0, 1, 0])}, weights=np.array([1, 5, 3]))
        >>> list(days.rows({"day": 0}, 0.0)), list(days.rows({"day": 0}, 0.9))
        ([0, 2], [2, 0])
    """

    values: Mapping[str, NDArray[np.int64]]
    weights: NDArray[np.integer]
    _orders: dict[tuple[str, ...], _Order] = field(default_factory=dict)

    def rows(self, fixed: Mapping[str, int], turn: float) -> Iterator[int]:
        """Yield the parents that have certain values.

        Args:
            fixed: Values wanted, by column; columns this key has not are passed over.
            turn: A number in [0, 1) that chooses the first parent by weight; the others
                follow in turn.
        """
        names = tuple(name for name in self.values if name in fixed)
        order = self._order(names)
        low, high = 0, len(order.rows)
        for name, values in zip(names, order.values, strict=True):
            place = np.searchsorted(values[low:high], [fixed[name], fixed[name] + 1])
            low, high = low + int(place[0]), low + int(place[1])
        size = high - low
        if not size:
            return
        below = order.ends[low - 1] if low else 0.0
        point = below + turn * (order.ends[high - 1] - below)
        first = min(int(np.searchsorted(order.ends[low:high], point, side="right")), size - 1)
        for step in range(size):
            yield int(order.rows[low + (first + step) % size])

    def at(self, row: int) -> dict[str, int]:
        """Return the shared values of a parent, its group excepted."""
        return {name: int(some[row]) for name, some in self.values.items() if name != GROUP}

    def _order(self, names: tuple[str, ...]) -> _Order:
        """Sort the parents by some columns, once."""
        if names not in self._orders:
            rows = np.arange(len(self.weights))
            if names:
                rows = np.lexsort([self.values[name] for name in reversed(names)])
            # a little more than nothing, so that parents nobody should choose come last
            ends = np.cumsum(self.weights[rows].astype(np.float64) + 1e-3)
            values = tuple(self.values[name][rows] for name in names)
            self._orders[names] = _Order(rows=rows, values=values, ends=ends)
        return self._orders[names]


def bundles(
    choices: Sequence[Choice],
    fixed: Mapping[str, int],
    groups: Sequence[int | None],
    turn: float,
) -> Iterator[tuple[int, ...]]:
    """Yield every bundle of parents that agree in what they share.

    Args:
        choices: The parents of each key.
        fixed: Values that are fixed already, by column.
        groups: Group each parent must be of; `None` for any.
        turn: A number in [0, 1) that says which bundle comes first.

    Examples:
        >>> rooms = Choice(values={"day": np.array([0, 1])}, weights=np.ones(2, int))
        >>> people = Choice(values={"day": np.array([0, 1, 1])}, weights=np.ones(3, int))
        >>> list(bundles([rooms, people], {}, [None, None], 0.0))
        [(0, 0), (1, 1), (1, 2)]
    """
    if not choices:
        yield ()
        return
    group = groups[0]
    for row in choices[0].rows(fixed if group is None else {**fixed, GROUP: group}, turn):
        below = {**fixed, **choices[0].at(row)}
        for rest in bundles(choices[1:], below, groups[1:], turn):
            yield (row, *rest)
