"""What training works on: rows on the device, and how far it has come."""

from __future__ import annotations

import math
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import numpy as np
import torch
from torch import Tensor

if TYPE_CHECKING:
    from synthohive.models.network import Network


STRIDE = 4
"""Steps between two moves of an average that is to follow slowly."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Rows:
    """Some rows of a table for each member.

    Attributes:
        codes: All rows of the table, (rows, columns).
        context: Their context, (rows, context columns).
        positions: Each member's rows, (members, most rows of a member); shorter ones are
            filled up with their first row.
        real: Which of these positions are rows, not filling.
        counts: Number of each member's rows, (members, 1).
    """

    codes: Tensor
    context: Tensor
    positions: Tensor
    real: Tensor
    counts: Tensor

    def __len__(self) -> int:
        """Return the number of rows of all members together."""
        return int(self.counts.sum())

    def at(self, positions: Tensor) -> tuple[Tensor, Tensor]:
        """Return codes and context of rows: (members, positions, columns)."""
        return self.codes[positions], self.context[positions]

    def some_of(self, member: int, most: int) -> tuple[Tensor, Tensor]:
        """Return codes and context of one member's rows, evenly spread: (rows, columns)."""
        count = int(self.counts[member])
        own = self.positions[member, : count : -(-count // most)]
        return self.codes[own], self.context[own]

    def draw(self, count: int, random: torch.Generator) -> tuple[Tensor, Tensor]:
        """Return as many of each member's rows, drawn with replacement."""
        members = len(self.positions)
        uniforms = torch.rand(members, count, generator=random, dtype=torch.float64)
        places = (uniforms.to(self.real.device) * self.counts).long()
        return self.at(self.positions.gather(1, places))


def rows_of(codes: Tensor, context: Tensor, positions: tuple[np.ndarray, ...]) -> Rows:
    """Put each member's positions side by side."""
    width = max(len(part) for part in positions)
    padded = [np.concatenate([part, np.repeat(part[:1], width - len(part))]) for part in positions]
    real = [np.arange(width) < len(part) for part in positions]
    return Rows(
        codes=codes,
        context=context,
        positions=torch.from_numpy(np.stack(padded)).to(codes.device),
        real=torch.from_numpy(np.stack(real)).to(codes.device),
        counts=torch.tensor([[len(part)] for part in positions], device=codes.device),
    )


@dataclass(slots=True, kw_only=True)
class State:
    """How far training has come.

    Attributes:
        network: The network with its latest weights.
        optimisers: What trains it, each some of its weights.
        step: Steps taken.
        average: Moving average of the weights, by name.
        best: The averaged weights with the lowest held-out loss so far.
        best_loss: That loss.
        trust: How far each column may leave its prior, by the same evaluation.
        best_step: When it was reached; 0 if never evaluated.
        history: Step, loss, held-out loss and seconds of every evaluation.
    """

    network: Network
    optimisers: list[torch.optim.Optimizer]
    step: int = 0
    average: dict[str, Tensor] = field(default_factory=dict[str, Tensor])
    best: dict[str, Tensor] = field(default_factory=dict[str, Tensor])
    best_loss: float = math.inf
    trust: Tensor = field(default_factory=lambda: torch.ones(()))
    best_step: int = 0
    history: list[tuple[float, float, float, float]] = field(
        default_factory=list[tuple[float, float, float, float]]
    )

    @property
    def seconds(self) -> float:
        """Seconds trained until the last evaluation."""
        return self.history[-1][3] if self.history else 0.0


def weights_of(network: Network) -> dict[str, Tensor]:
    """Return copies of a network's weights, by name."""
    return {name: value.detach().clone() for name, value in network.named_parameters()}


def move_average(average: dict[str, Tensor], network: Network, step: int, stride: int) -> None:
    """Move an average towards a network's weights, once in so many steps.

    In the beginning it follows soon, later on the last few hundred steps count.

    Args:
        average: Weights by name; changed in place.
        network: The network with its latest weights.
        step: Steps taken since the average began.
        stride: Steps between two moves.
    """
    if step % stride:
        return
    decay = min(0.995, step / (step + 10)) ** stride
    with torch.no_grad():
        for name, value in network.named_parameters():
            average[name].lerp_(value, 1 - decay)


def load_weights(network: Network, weights: dict[str, Tensor]) -> None:
    """Put weights into a network."""
    with torch.no_grad():
        for name, value in network.named_parameters():
            value.copy_(weights[name])
