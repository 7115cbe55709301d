"""A critic of rows, and rows a gradient can pass through."""

from __future__ import annotations

from contextlib import contextmanager
from typing import TYPE_CHECKING

import torch
from torch import Tensor, nn
from torch.nn import functional

from synthohive.models.network import Affine, fill_affine

if TYPE_CHECKING:
    from collections.abc import Generator

    from synthohive.encoding.layout import Layout
    from synthohive.models.outputs import Outputs


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
        self.packing = packing
        self.embed = nn.ParameterList(torch.zeros(size, embedding) for size in sizes)
        row = outputs.width + len(outputs.coarse) + embedding * len(sizes)
        self.look = Affine(1, packing * row, width)
        self.think = Affine(1, width, width)
        self.score = Affine(1, width, 1)

    def forward(self, rows: Tensor, visible: Tensor, context: Tensor) -> Tensor:
        """Score packs: (packs,).

        **Shape**: rows (packs x packing, output width), visible (same, columns), context
        (same, context columns).
        """
        seen = [embed[context[:, k]] for k, embed in enumerate(self.embed)]
        x = torch.cat([rows, visible.float(), *seen], 1)
        x = x.view(1, len(x) // self.packing, -1)
        x = functional.leaky_relu(self.look(x), 0.2)
        x = functional.leaky_relu(self.think(x), 0.2)
        return self.score(x).flatten()


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
        for table in critic.embed:
            values = torch.empty_like(table, device="cpu").normal_(0, 0.5, generator=random)
            table.copy_(values)
        for layer in (critic.look, critic.think, critic.score):
            fill_affine(layer, random)


def one_hot(outputs: Outputs, codes: Tensor) -> Tensor:
    """Return rows as shares of codes: (rows, output width)."""
    rows = torch.zeros(len(codes), outputs.width, device=codes.device)
    return rows.scatter_(1, codes + outputs.first, 1.0)


def soft_rows(
    outputs: Outputs, logits: Tensor, codes: Tensor, visible: Tensor, random: torch.Generator
) -> Tensor:
    """Draw rows that a gradient can pass through: (rows, output width).

    Visible columns are what they are; the others are drawn by Gumbel softmax.

    Source: Jang et al. 2017, "Categorical Reparameterization with Gumbel-Softmax".
    """
    uniforms = torch.rand(logits.shape, generator=random).to(logits.device)
    noise = -torch.log(-torch.log(uniforms.clamp(1e-9, 1 - 1e-7)))
    loud = (outputs.add_priors(logits, codes) + noise) / TEMPERATURE
    parts = [
        torch.softmax(loud[:, bucket.start : bucket.stop].unflatten(1, (-1, bucket.size)), -1)
        for bucket in outputs.buckets
    ]
    drawn = torch.cat([part.flatten(1) for part in parts], 1)
    return torch.where(visible[:, outputs.owner], one_hot(outputs, codes), drawn)


TEMPERATURE = 0.2
"""Of the Gumbel softmax: low enough that rows are nearly codes."""


def gradient_penalty(critic: Critic, rows: Tensor, visible: Tensor, context: Tensor) -> Tensor:
    """Return the squared length of the gradient of each pack's score: (packs,)."""
    rows = rows.detach().requires_grad_()
    score = critic(rows, visible, context).sum()
    (gradient,) = torch.autograd.grad(score, rows, create_graph=True)
    return gradient.reshape(len(rows) // critic.packing, -1).square().sum(1)
