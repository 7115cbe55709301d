"""Steps of a critic and a generator, and rows that a gradient can pass through."""

from __future__ import annotations

import math
import time
from typing import TYPE_CHECKING

import torch
from torch import Tensor

from synthohive.errors import TrainingError
from synthohive.models.network import draw_noise, read_fast
from synthohive.models.state import STRIDE, load_weights, move_average, weights_of

if TYPE_CHECKING:
    from collections.abc import Callable

    from synthohive.models.outputs import Outputs
    from synthohive.models.state import State

TEMPERATURE = 0.2
"""Of the Gumbel softmax: low enough that rows are nearly codes."""
CERTAIN = 1e6
"""Added to the logit of a code that is known; no other comes near."""


def alternate(
    state: State,
    step: Callable[[], float],
    *,
    steps: int,
    every: int,
    on_step: Callable[[State, float], None],
    on_evaluation: Callable[[State], None],
) -> None:
    """Take steps of a critic and a generator, and keep the history.

    The network ends with averaged weights: the latest ones swing around them.

    Args:
        state: Where to start from, the beginning.
        step: Takes one step; returns the critic's loss.
        steps: Steps to take.
        every: Steps between two entries of the history.
        on_step: Called with the critic's loss after every step.
        on_evaluation: Called after every entry.

    Raises:
        TrainingError: A loss is no longer a number.
    """
    since, total = 0, 0.0
    started, average = time.monotonic(), weights_of(state.network)
    while state.step < steps:
        loss = step()
        state.step += 1
        if not math.isfinite(loss):
            raise TrainingError(
                f"the critic's loss is {loss} at step {state.step}", hint="lower learning_rate"
            )
        move_average(average, state.network, state.step, STRIDE)
        total += loss
        on_step(state, loss)
        if state.step % every == 0 or state.step == steps:
            seconds = time.monotonic() - started
            state.history.append((state.step, total / (state.step - since), math.nan, seconds))
            since, total = state.step, 0.0
            on_evaluation(state)
    load_weights(state.network, average)


def descend(optimiser: torch.optim.Optimizer, loss: Tensor, gradient: Tensor | None = None) -> None:
    """Take one step down a loss, or down something of which `gradient` is the gradient."""
    optimiser.zero_grad()
    loss.backward(gradient)
    optimiser.step()


def draw_logits(
    state: State, codes: Tensor, visible: Tensor, context: Tensor, random: torch.Generator
) -> Tensor:
    """Return the network's outputs for rows and fresh noise: (rows, output width).

    **Shape**: codes and visible (rows, columns), context (rows, context columns).
    """
    noise = draw_noise(state.network, len(codes), random)
    return read_fast(state.network, codes[None], visible[None], context[None], noise)[0]


def one_hot(outputs: Outputs, codes: Tensor) -> Tensor:
    """Return rows as shares of codes: (rows, output width)."""
    rows = torch.zeros(len(codes), outputs.width, device=codes.device)
    return rows.scatter_(1, codes + outputs.first, 1.0)


def soft_rows(
    outputs: Outputs, logits: Tensor, codes: Tensor, visible: Tensor, random: torch.Generator
) -> Tensor:
    """Draw rows that a gradient can pass through: (rows, output width).

    Visible columns are what they are in `codes`; the others are drawn by Gumbel softmax.

    **Shape**: logits, priors included, (rows, output width), codes and visible (rows,
    columns).

    Source: Jang et al. 2017, "Categorical Reparameterization with Gumbel-Softmax".
    """
    noise = uniforms(logits.T.shape, random).log_().neg_().log_().to(logits.device)
    given = (codes + outputs.first).T, visible.T * CERTAIN
    return _Softened.apply(logits, noise, given, outputs)  # pyright: ignore[reportReturnType]


def uniforms(shape: torch.Size, random: torch.Generator) -> Tensor:
    """Draw numbers within (0, 1), two at a time: `torch.rand` takes half as long again."""
    count = shape.numel()
    pairs = torch.empty(-(-count // 2), dtype=torch.int64).random_(-(2**63), None, generator=random)
    whole = pairs.view(torch.int32)[:count].view(shape)
    return whole.float().mul_(2**-32).add_(0.5).clamp_(1e-9, 1 - 1e-7)


class _Softened(torch.autograd.Function):
    """Softmax of each column, and its way back.

    Rows come last inside: a column's few codes are too short to be worked on side by side.
    """

    @staticmethod
    def forward(
        ctx: torch.autograd.function.FunctionCtx,
        logits: Tensor,
        noise: Tensor,
        given: tuple[Tensor, Tensor],
        outputs: Outputs,
    ) -> Tensor:
        loud = torch.sub(logits.T, noise, out=noise).div_(TEMPERATURE)
        # what is certain has a share of exactly one, and no gradient
        loud.scatter_add_(0, *given)
        shares = torch.empty_like(loud)
        for part, result in zip(_columns(outputs, loud), _columns(outputs, shares), strict=True):
            torch.softmax(part, 1, out=result)
        ctx.save_for_backward(shares)
        ctx.outputs = outputs  # pyright: ignore[reportAttributeAccessIssue]
        return shares.T.contiguous()

    @staticmethod
    def backward(  # pyright: ignore[reportIncompatibleMethodOverride]
        ctx: torch.autograd.function.FunctionCtx, of_rows: Tensor
    ) -> tuple[Tensor | None, ...]:
        (shares,) = ctx.saved_tensors  # pyright: ignore[reportAttributeAccessIssue]
        outputs: Outputs = ctx.outputs  # pyright: ignore[reportAttributeAccessIssue]
        result = (shares * of_rows.T).div_(TEMPERATURE)
        for part, share in zip(_columns(outputs, result), _columns(outputs, shares), strict=True):
            part.addcmul_(share, part.sum(1, keepdim=True), value=-1)
        return result.T, None, None, None


def _columns(outputs: Outputs, rows: Tensor) -> list[Tensor]:
    """Return views of columns with equally many codes: each (columns, size, rows)."""
    parts = rows.split([bucket.stop - bucket.start for bucket in outputs.buckets])
    return [
        part.view(-1, bucket.size, rows.shape[1])
        for part, bucket in zip(parts, outputs.buckets, strict=True)
    ]
