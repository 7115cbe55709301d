"""Neighbouring codes are alike: a prior for ordered columns.

A number's codes are ranges side by side. Were their vectors and their outputs independent of
each other, every range would have to be learned by itself, from its own few rows. So vectors
begin as waves along the codes, and the last layer has, beside a weight for every code, weights
for a few waves along them. Both can still bend to what the rows say.

Source: the idea of learning smooth functions through cosines of increasing frequency is that
of Tancik et al. 2020, "Fourier features let networks learn high frequency functions in low
dimensional domains".
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

import torch
from torch import Tensor, nn

if TYPE_CHECKING:
    from synthohive.encoding.layout import Layout

WAVES = 8
"""Waves along the outputs of one column."""
FEWEST_CODES = 5
"""Columns with fewer codes have no waves."""
FASTEST = 6.0
"""Half periods along a column, of the fastest wave that a vector begins as."""
ROUGH = 0.05
"""Share of a vector that has nothing to do with its neighbours' at the beginning."""
LOUD = 0.7
"""Height of these waves."""


def wavy(vectors: Tensor, random: torch.Generator) -> Tensor:
    """Make neighbours of independent vectors alike: (codes, length) to the same.

    Examples:
        >>> vectors = wavy(torch.zeros(32, 16), torch.Generator())
        >>> near, far = (vectors[1:] - vectors[:-1]).norm(), (vectors[16:] - vectors[:16]).norm()
        >>> bool(near < far / 2)
        True
    """
    codes, length = vectors.shape
    rank = torch.arange(codes).unsqueeze(1) / (codes - 1)
    speed = 0.5 + FASTEST * torch.rand(length, generator=random) ** 2  # slow ones more often
    phase = 2 * math.pi * torch.rand(length, generator=random)
    return (1 - ROUGH) * LOUD * torch.cos(math.pi * speed * rank + phase) + ROUGH * vectors


class Waves(nn.Module):
    """The part of the last layer that moves the codes of a column together.

    **Shape**: (members, rows, width) to (members, rows, outputs).

    Args:
        layout: The columns.
        first: Where each column's outputs begin.
        members: Networks side by side.
        width: Width of what the last layer reads.
    """

    basis: Tensor

    def __init__(self, layout: Layout, first: Tensor, *, members: int, width: int) -> None:
        super().__init__()
        rows: list[Tensor] = []
        for column, start in zip(layout.columns, first.tolist(), strict=True):
            if column.is_ordered and column.size >= FEWEST_CODES:
                rank = (torch.arange(column.size) + 0.5) / column.size
                for number in range(1, min(WAVES, column.size - 1) + 1):
                    row = torch.zeros(sum(layout.sizes))
                    wave = torch.cos(math.pi * number * rank) / math.sqrt(number)
                    row[start : start + column.size] = wave
                    rows.append(row)
        basis = torch.stack(rows) if rows else torch.zeros(0, sum(layout.sizes))
        self.register_buffer("basis", basis, persistent=False)
        self.weight = nn.Parameter(torch.zeros(members, width, len(rows)))

    def forward(self, features: Tensor) -> Tensor:
        """Return what the waves add to the outputs."""
        return torch.bmm(features, self.weight) @ self.basis

    def weights(self) -> Tensor:
        """Return the same as weights of a last layer: (members, width, outputs)."""
        return self.weight @ self.basis
