"""A critic of rows, and how much it would have them change."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn import functional

from synthohive.models.network import fill_evenly

if TYPE_CHECKING:
    from collections.abc import Sequence

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
        self.packing, self.shares = packing, packing * outputs.width
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
        """Score packs: (packs,).

        **Shape**: rows (packs x packing, output width), visible (same, columns), context
        (same, context columns).
        """
        first = self._first(rows, visible, context)
        second = torch.addmm(self.think_bias, _bend(first), self.think)
        return _bend(second) @ self.weigh

    def uphill(self, rows: Tensor, visible: Tensor, context: Tensor) -> Tensor:
        """Return how the scores' sum would grow with the rows, whose shape it has.

        Shapes as for `forward`; the critic learns nothing from it.
        """
        with torch.no_grad():
            first = self._first(rows, visible, context)
            second = torch.addmm(self.think_bias, _bend(first), self.think)
            return self.slopes(first, second)[2].view(rows.shape)

    def slopes(self, first: Tensor, second: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        """Return the gradients of scores by both layers and by all shares of a pack.

        **Shape**: first and second, the layers before their bends, (packs, width).
        """
        outer = _through(self.weigh.expand_as(second), second)
        inner = _through(outer @ self.think.T, first)
        return outer, inner, inner @ self.look[: self.shares].T

    def judge(
        self,
        blocks: Sequence[Tensor],
        visible: Tensor,
        context: Tensor,
        mixed: Tensor,
    ) -> Judgement:
        """Return scores, and how steeply they depend on rows in between.

        Args:
            blocks: Two versions of the same rows, each as for `forward`.
            visible: Which columns were visible.
            context: The rows' context.
            mixed: Steepness is taken between packs of the first version and of the second,
                at these shares of the first: (packs of a version, 1).
        """
        with torch.no_grad():
            rows = [self._packed(block) for block in blocks]
            count = sum(len(block) for block in rows)
            x = rows[0].new_empty(count + len(mixed), len(self.look))
            known = self._known(visible, context)
            for block, pack in zip(rows, x.split(len(known)), strict=False):
                pack[:, : self.shares] = block
                pack[:, self.shares :] = known
            x[count:, self.shares :] = 0
            return _judge(self, x, count, context, mixed)

    def _first(self, rows: Tensor, visible: Tensor, context: Tensor) -> Tensor:
        """Return the first layer before its bend: (packs, width)."""
        x = torch.cat([self._packed(rows), self._known(visible, context)], 1)
        return torch.addmm(self.look_bias, x, self.look)

    def _known(self, visible: Tensor, context: Tensor) -> Tensor:
        """Return what is seen of packs but for their rows, side by side."""
        shown = self._packed(visible.to(self.look.dtype))
        if not context.shape[1]:
            return shown
        vectors = self.embed[context + self.others].flatten(1)
        return torch.cat([shown, self._packed(vectors)], 1)

    def teach_context(self, context: Tensor, of_first: Tensor) -> None:
        """Set the gradient of the vectors of context, given the first layer's."""
        if not context.shape[1]:
            return
        columns = len(self.look) - self.packing * context.shape[1] * self.embed.shape[1]
        packs = len(context) // self.packing
        of_seen = (of_first @ self.look[columns:].T).view(-1, packs, len(self.look) - columns)
        of_vectors = of_seen.sum(0).view(-1, self.embed.shape[1])
        ids = ((context + self.others).flatten(),)
        # in an order of its own on a GPU too, unlike `index_add_`
        self.embed.grad = torch.zeros_like(self.embed).index_put_(ids, of_vectors, accumulate=True)

    def _packed(self, rows: Tensor) -> Tensor:
        """Put the rows of a pack side by side."""
        return rows.reshape(len(rows) // self.packing, self.packing * rows.shape[1])


@dataclass(frozen=True, slots=True, kw_only=True)
class Judgement:
    """What a critic says of packs, and the way back to its weights, written down.

    Between its bends the critic is affine: a gradient is a product of weights and slopes,
    and does not change with the pack. What lies between two packs is mixed behind the first
    layer, and the largest weights get their gradient by a single product, of packs and,
    below them, of what the gradients' lengths ask for.

    Attributes:
        critic: Who says it.
        context: The context of a version's rows.
        scores: Of packs, version by version: (packs,).
        steepness: Squared lengths of the scores' gradients by all shares of a pack.
        x: All that is seen of packs, and room below for what is asked of gradients.
        layers: Of packs: the first layer, the same bent, the second, the same bent.
        at: Where gradients are taken: both layers, and the scores' gradients by them.
        gradient: The scores' gradients by all shares of a pack.
    """

    critic: Critic
    context: Tensor
    scores: Tensor
    steepness: Tensor
    x: Tensor
    layers: tuple[Tensor, ...]
    at: tuple[Tensor, ...]
    gradient: Tensor

    def teach(self, of_scores: Tensor, of_steepness: Tensor) -> None:
        """Set the gradients of the critic's weights, given those of what it says."""
        with torch.no_grad():
            self._teach(of_scores, of_steepness)

    def _teach(self, of_scores: Tensor, of_steepness: Tensor) -> None:
        critic, (first, bent, second, sure) = self.critic, self.layers
        at, at_second, outer, inner = self.at
        of_second = _through(torch.outer(of_scores, critic.weigh), second)
        of_first = _through(of_second @ critic.think.T, first)
        of_gradient = self.x[len(first) :]  # nought but for the shares
        scale = (2 * of_steepness).unsqueeze(1)
        torch.mul(self.gradient, scale, out=of_gradient[:, : critic.shares])
        of_product = _through(of_gradient @ critic.look, at)
        of_outer = _through(of_product @ critic.think, at_second)
        if critic.look.grad is None:  # kept from then on: to get so much memory takes time
            critic.look.grad = torch.empty_like(critic.look)
        torch.mm(self.x.T, torch.cat([of_first, inner]), out=critic.look.grad)
        critic.look_bias.grad = of_first.sum(0)
        critic.think.grad = torch.cat([bent, of_product]).T @ torch.cat([of_second, outer])
        critic.think_bias.grad = of_second.sum(0)
        critic.weigh.grad = (sure * of_scores.unsqueeze(1)).sum(0) + of_outer.sum(0)
        critic.teach_context(self.context, of_first)


def _judge(critic: Critic, x: Tensor, count: int, context: Tensor, mixed: Tensor) -> Judgement:
    first = torch.addmm(critic.look_bias, x[:count], critic.look)
    at = torch.lerp(first[len(mixed) :], first[: len(mixed)], mixed)
    bent = _bend(torch.cat([first, at]))
    second = torch.addmm(critic.think_bias, bent, critic.think)
    at_second = second[count:]
    bent, second = bent[:count], second[:count]
    outer, inner, gradient = critic.slopes(at, at_second)
    sure = _bend(second)
    return Judgement(
        critic=critic,
        context=context,
        scores=(sure * critic.weigh).sum(1),
        steepness=torch.linalg.vector_norm(gradient, dim=1).square(),
        x=x,
        layers=(first, bent, second, sure),
        at=(at, at_second, outer, inner),
        gradient=gradient,
    )


def _bend(x: Tensor) -> Tensor:
    return functional.leaky_relu(x, LEAK)


def _through(gradient: Tensor, x: Tensor) -> Tensor:
    """Return a gradient before a bend at `x`; a product with slopes would take far longer."""
    return torch.ops.aten.leaky_relu_backward(gradient, x, LEAK, False)


def initialise_critic(critic: Critic, random: torch.Generator) -> None:
    """Fill the weights from `random`."""
    with torch.no_grad():
        vectors = torch.empty_like(critic.embed, device="cpu")
        critic.embed.copy_(vectors.normal_(0, 0.5, generator=random))
    for weights in (critic.look, critic.think, critic.weigh):
        fill_evenly(weights, len(weights), random)
