"""Rows that look alike so far: the network need not look at each of them.

Before anything is drawn, all rows without context are the same to the network; after the
first column there are as many kinds of rows as that column has codes. What the network says
of one row holds for all rows in the same *state*.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import torch

if TYPE_CHECKING:
    from collections.abc import Sequence

    from torch import Tensor

WORTH = 0.75
"""States are told apart while there are fewer than this per row."""
STEP = 256
"""Above this, numbers of states are multiples of it."""
_LARGEST = 2**62


@dataclass(frozen=True, slots=True)
class States:
    """Which rows are alike.

    Attributes:
        of: The state of each row; `None` where every row is a state of its own.
        first: A row in each state; `None` as above.
        count: Number of states, some of which no row may be in.
    """

    of: Tensor | None
    first: Tensor | None
    count: int

    def pick(self, rows: Tensor) -> Tensor:
        """Return one row's entry for each state."""
        return rows if self.first is None else rows[self.first]

    def parents(self, later: States) -> Tensor | None:
        """Return the state here of each state later on; `None` if they are the same rows."""
        if self.of is None:
            return None
        return self.of if later.first is None else self.of[later.first]


def all_alike(rows: int, device: torch.device) -> States:
    """Return the one state of rows of which nothing is known."""
    nowhere = torch.zeros(rows, dtype=torch.long, device=device)
    return States(nowhere, nowhere[:1], 1)


def all_different(rows: int) -> States:
    """Return states of rows that are not to be compared."""
    return States(None, None, rows)


def tell_apart(states: States, columns: Tensor, sizes: Sequence[int]) -> States:
    """Return the states of rows that now show further columns, if any.

    Args:
        states: The states so far.
        columns: What the rows show, (rows, columns), within ``0 … size-1``.
        sizes: Size of each column; times the number of rows, less than ``2**62``.

    Examples:
        >>> alike = all_alike(100, torch.device("cpu"))
        >>> states = tell_apart(alike, torch.arange(100).view(-1, 1) % 3, [3])
        >>> states.of.unique().tolist(), states.count
        ([0, 1, 2], 4)
    """
    if states.of is None or not columns.shape[1]:
        return states
    rows = len(states.of)
    key, bound = states.of, states.count
    for column, size in zip(columns.T, sizes, strict=True):
        if bound > _LARGEST // size:
            key, bound = torch.unique(key, return_inverse=True)[1], rows
        key = key * size + column
        bound *= size
    distinct, of = torch.unique(key, return_inverse=True)
    if len(distinct) > WORTH * rows:
        return all_different(rows)
    # any row of a state will do, so it does not matter which of them is written last
    first = torch.empty_like(distinct).scatter_(0, of, torch.arange(rows, device=of.device))
    count = _rounded(len(distinct))
    filling = first[:1].expand(count - len(first))
    return States(of, torch.cat([first, filling]), count)


def _rounded(count: int) -> int:
    """Return a round number from `count` on.

    Matrix products of every new shape are prepared and remembered by the library below, so
    that memory would grow with the number of different shapes.
    """
    return 1 << (count - 1).bit_length() if count <= STEP else -(-count // STEP) * STEP
