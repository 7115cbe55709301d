"""Muon: every direction of a matrix learns equally fast.

Gradients of a matrix tend to be strong in a few directions and weak in most. Muon keeps
their directions and makes all of them equally strong, so that rare dependences are learned
soon as well. The matrices in between layers are trained by it; vectors of codes, biases and
the last layer by AdamW.

Source: Jordan et al. 2024, "Muon: An optimizer for hidden layers in neural networks";
Amsel et al. 2025, "The Polar Express: Optimal matrix sign methods and their application to
the Muon algorithm" (how the polynomials are found).
"""

from __future__ import annotations

import math
from itertools import groupby
from typing import TYPE_CHECKING

import torch

from synthohive.models.precision import fastest_dtype

if TYPE_CHECKING:
    from collections.abc import Iterable

    from torch import Tensor

POLYNOMIALS = (
    (8.0934, -23.6204, 17.4462),
    (3.6366, -2.7219, 0.5365),
    (2.6613, -1.9772, 0.4526),
)
"""Factors of x, x³ and x⁵. One after the other they bring all numbers from 0.01 to 1 to
within 0.27 of 1: each is the one whose greatest error is least for what the last one left."""
LENGTH = 0.4
"""Root mean square of an update before the step size, so that one step size suits AdamW too."""
EVERY = 4
"""Steps that a matrix is moved once in, as far as in all of them. In between only the mean of
its gradients goes on: that changes slowly, and making it even takes long."""


class Muon(torch.optim.Optimizer):
    """Trains matrices, each of shape (members, in, out).

    Args:
        matrices: The parameters.
        lr: Step size.
        weight_decay: Share of a weight that a step of size 1 takes off.
        momentum: How much of the mean of past gradients stays at each step.
        every: Steps that matrices are moved once in.

    Examples:
        >>> weight = torch.nn.Parameter(torch.ones(1, 2, 2))
        >>> optimiser = Muon([weight], lr=0.1, every=1)
        >>> (weight * torch.tensor([[3.0, 0.0], [0.0, 0.01]])).sum().backward()
        >>> optimiser.step()
        >>> bool(weight[0, 0, 0] < 1) and bool(weight[0, 1, 1] < 1)
        True
    """

    def __init__(
        self,
        matrices: Iterable[Tensor],
        *,
        lr: float,
        weight_decay: float = 0.0,
        momentum: float = 0.95,
        every: int = EVERY,
    ) -> None:
        defaults = {"lr": lr, "weight_decay": weight_decay, "momentum": momentum, "every": every}
        super().__init__(list(matrices), defaults)

    @torch.no_grad()
    def step(self) -> None:  # pyright: ignore[reportIncompatibleMethodOverride]
        """Take one step along the gradients."""
        for group in self.param_groups:
            for _, alike in groupby(sorted(group["params"], key=_sides), key=_sides):
                self._move(list(alike), **{k: v for k, v in group.items() if k != "params"})

    def _move(
        self, matrices: list[Tensor], *, lr: float, weight_decay: float, momentum: float, every: int
    ) -> None:
        due: list[Tensor] = []
        updates: list[Tensor] = []
        for matrix in matrices:
            gradient = matrix.grad
            if gradient is None:
                gradient = torch.zeros_like(matrix)
            known = self.state[matrix]
            if not known:
                known["momentum"], known["step"] = torch.zeros_like(matrix), torch.tensor(0.0)
            past = known["momentum"]
            past.lerp_(gradient, 1 - momentum)
            known["step"] += 1
            if known["step"] % every == 0:
                update = gradient.lerp(past, momentum)
                due.append(matrix)
                updates.append(update if _is_lying(matrix) else update.mT)
        if not due:
            return
        counts = [len(update) for update in updates]
        even = orthogonal(torch.cat(updates)).split(counts)
        for matrix, update in zip(due, even, strict=True):
            step = every * lr * LENGTH * math.sqrt(max(matrix.shape[1:]))
            turned = update if _is_lying(matrix) else update.mT
            matrix.mul_(1 - every * lr * weight_decay).add_(turned, alpha=-step)


def orthogonal(matrices: Tensor) -> Tensor:
    """Return matrices of the same directions whose singular values are all about 1.

    **Shape**: (matrices, short side, long side), to the same.

    Examples:
        >>> made = orthogonal(torch.tensor([[[5.0, 0.0], [0.0, 0.5]]])).float()
        >>> bool(((torch.linalg.svdvals(made) - 1).abs() < 0.3).all())
        True
    """
    length = torch.linalg.matrix_norm(matrices, keepdim=True)
    x = (matrices / (1.01 * length + 1e-7)).to(fastest_dtype(matrices.device))
    for a, b, c in POLYNOMIALS:
        square = torch.bmm(x, x.mT)
        x = torch.baddbmm(x, torch.baddbmm(square, square, square, beta=b, alpha=c), x, beta=a)
    return x


def _sides(matrix: Tensor) -> tuple[int, int]:
    return min(matrix.shape[1:]), max(matrix.shape[1:])


def _is_lying(matrix: Tensor) -> bool:
    return matrix.shape[1] <= matrix.shape[2]
