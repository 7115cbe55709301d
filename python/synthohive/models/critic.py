"""A critic of rows, and how much it would have them change."""

from __future__ import annotations

from contextlib import contextmanager
from typing import TYPE_CHECKING

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn import functional

from synthohive.models.network import fill_evenly

if TYPE_CHECKING:
    from collections.abc import Generator

    from synthohive.encoding.layout import Layout
    from synthohive.models.outputs import Outputs

LEAK = 0.2
"""Slope of the critic's bends below zero."""


class Critic(nn.Module):
    """Scores packs of rows: the higher, the more they look real.

    It sees each row as shares of codes (one 1 per column for a real row), which columns
    were visible to the generator, and the row's context.

    Args:
        outputs: Where each column's codes lie.
        context_layout: The context columns.
        width: Width of the hidden layers.
        embedding: Length of the vector of a context code.
        packing: Rows scored together.
    """

    others: Tensor

    def __init__(
        self,
        outputs: Outputs,
        context_layout: Layout,
        *,
        width: int,
        embedding: int,
        packing: int,
    ) -> None:
        super().__init__()
        sizes = context_layout.sizes
        self.packing, self.codes = packing, outputs.width
        self.embed = nn.Parameter(torch.zeros(sum(sizes), embedding))
        first = torch.from_numpy(np.cumsum([0, *sizes])[:-1])
        self.register_buffer("others", first, persistent=False)
        row = outputs.width + len(outputs.coarse) + embedding * len(sizes)
        self.look = nn.Parameter(torch.zeros(packing * row, width))
        self.look_bias = nn.Parameter(torch.zeros(width))
        self.think = nn.Parameter(torch.zeros(width, width))
        self.think_bias = nn.Parameter(torch.zeros(width))
        self.weigh = nn.Parameter(torch.zeros(width))

    def forward(self, rows: Tensor, visible: Tensor, context: Tensor) -> Tensor:
        """Score packs: (packs,). Shapes as for `packs`."""
        first = torch.addmm(self.look_bias, self.packs(rows, visible, context), self.look)
        second = torch.addmm(self.think_bias, _bend(first), self.think)
        return _bend(second) @ self.weigh

    def packs(self, rows: Tensor, visible: Tensor, context: Tensor) -> Tensor:
        """Put all that is seen of a pack side by side: (packs, width of the input).

        **Shape**: rows (packs x packing, output width), visible (same, columns), context
        (same, context columns).
        """
        parts = [rows, visible.float()]
        if context.shape[1]:
            parts.append(self.embed[context + self.others].flatten(1))
        return torch.cat(parts, 1).view(len(rows) // self.packing, -1)

    def judge(
        self, rows: Tensor, visible: Tensor, context: Tensor, mixed: Tensor | None = None
    ) -> tuple[Tensor, Tensor]:
        """Return scores, and how steeply they depend on the rows. Shapes as for `packs`.

        Args:
            rows: What is scored.
            visible: Which columns were visible.
            context: The rows' context.
            mixed: If given, (packs / 2, 1), steepness is taken between packs of the first
                half and of the second, which may differ in their rows only, at these shares
                of the first; else at every pack.

        Returns:
            The scores, (packs,), and the squared lengths of gradients by all shares of a pack.
        """
        weights = (self.look, self.look_bias, self.think, self.think_bias, self.weigh)
        x = self.packs(rows, visible, context)
        return _Judgement.apply(x, *weights, mixed, self)  # pyright: ignore[reportReturnType]


class _Judgement(torch.autograd.Function):
    """Scores of packs, the squared lengths of the scores' gradients, and the way back of both.

    Between its bends the critic is affine: a gradient is a product of weights and slopes,
    and does not change with the pack. What lies between two packs is mixed behind the first
    layer, and the largest weights get their gradient by a single product.
    """

    @staticmethod
    def forward(
        ctx: torch.autograd.function.FunctionCtx,
        x: Tensor,
        look: Tensor,
        look_bias: Tensor,
        think: Tensor,
        think_bias: Tensor,
        weigh: Tensor,
        mixed: Tensor | None,
        critic: Critic,
    ) -> tuple[Tensor, Tensor]:
        first = torch.addmm(look_bias, x, look)
        at = first
        if mixed is not None:
            half = len(first) // 2
            at = torch.lerp(first[half:], first[:half], mixed)
        bent = _bend(first)
        second = torch.addmm(think_bias, bent, think)
        at_second = second if mixed is None else torch.addmm(think_bias, _bend(at), think)
        outer = _slope(at_second) * weigh
        inner = _slope(at) * (outer @ think.T)
        gradient = inner @ look.T
        gradient.view(-1, x.shape[1] // critic.packing)[:, critic.codes :] = 0
        ctx.save_for_backward(x, first, bent, second, at, at_second, outer, inner, gradient)
        ctx.weights = (look, think, weigh)  # pyright: ignore[reportAttributeAccessIssue]
        return _bend(second) @ weigh, gradient.square().sum(1)

    @staticmethod
    def backward(  # pyright: ignore[reportIncompatibleMethodOverride]
        ctx: torch.autograd.function.FunctionCtx, of_scores: Tensor, of_lengths: Tensor
    ) -> tuple[Tensor | None, ...]:
        look, think, weigh = ctx.weights  # pyright: ignore[reportAttributeAccessIssue]
        saved = ctx.saved_tensors  # pyright: ignore[reportAttributeAccessIssue]
        x, first, bent, second, at, at_second, outer, inner, gradient = saved
        (of_context, *_) = ctx.needs_input_grad  # pyright: ignore[reportAttributeAccessIssue]
        of_second = of_scores.unsqueeze(1) * weigh * _slope(second)
        of_first = (of_second @ think.T) * _slope(first)
        of_gradient = gradient * (2 * of_lengths).unsqueeze(1)
        of_product = (of_gradient @ look) * _slope(at)
        of_outer = (of_product @ think) * _slope(at_second)
        return (
            of_first @ look.T if of_context else None,
            torch.cat([x, of_gradient]).T @ torch.cat([of_first, inner]),
            of_first.sum(0),
            torch.cat([bent, of_product]).T @ torch.cat([of_second, outer]),
            of_second.sum(0),
            of_scores @ _bend(second) + of_outer.sum(0),
            None,
            None,
        )


def _bend(x: Tensor) -> Tensor:
    return functional.leaky_relu(x, LEAK)


def _slope(x: Tensor) -> Tensor:
    return torch.where(x > 0, 1.0, LEAK)


@contextmanager
def frozen(critic: Critic) -> Generator[None]:
    """Ask a critic without teaching it: no gradients of its own weights are computed."""
    critic.requires_grad_(requires_grad=False)
    try:
        yield
    finally:
        critic.requires_grad_(requires_grad=True)


def initialise_critic(critic: Critic, random: torch.Generator) -> None:
    """Fill the weights from `random`."""
    with torch.no_grad():
        vectors = torch.empty_like(critic.embed, device="cpu")
        critic.embed.copy_(vectors.normal_(0, 0.5, generator=random))
    for weights in (critic.look, critic.think, critic.weigh):
        fill_evenly(weights, len(weights), random)
