"""What adversarial trainings share: rows a gradient can pass through, and their steps."""

from __future__ import annotations

import math
import time
from typing import TYPE_CHECKING

import torch

from synthohive.errors import TrainingError
from synthohive.models.network import draw_noise, read_fast
from synthohive.models.state import STRIDE, load_weights, move_average, weights_of

if TYPE_CHECKING:
    from collections.abc import Callable

    from torch import Tensor

    from synthohive.models.outputs import Outputs
    from synthohive.models.state import State

TEMPERATURE = 0.2
"""Of the Gumbel softmax: low enough that rows are nearly codes."""


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
        state: Where to start from.
        step: Takes one step; returns the critic's loss.
        steps: Steps to take.
        every: Steps between two entries of the history.
        on_step: Called with the critic's loss after every step.
        on_evaluation: Called after every entry.

    Raises:
        TrainingError: A loss is no longer a number.
    """
    begin, since, total = state.step, state.step, 0.0
    started, average = time.monotonic() - state.seconds, weights_of(state.network)
    while state.step < begin + steps:
        loss = step()
        state.step += 1
        if not math.isfinite(loss):
            raise TrainingError(
                f"the critic's loss is {loss} at step {state.step}", hint="lower learning_rate"
            )
        move_average(average, state.network, state.step - begin, STRIDE)
        total += loss
        on_step(state, loss)
        if (state.step - begin) % every == 0 or state.step == begin + steps:
            seconds = time.monotonic() - started
            state.history.append((state.step, total / (state.step - since), math.nan, seconds))
            since, total = state.step, 0.0
            on_evaluation(state)
    load_weights(state.network, average)


def descend(optimiser: torch.optim.Optimizer, loss: Tensor) -> None:
    """Take one step down a loss."""
    optimiser.zero_grad()
    loss.backward()
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


def spread(outputs: Outputs, columns: Tensor) -> Tensor:
    """Repeat a number per column for each of its codes: (rows, output width)."""
    return columns.float().index_select(1, outputs.owner)


def soft_rows(
    outputs: Outputs, logits: Tensor, real: Tensor, visible: Tensor, random: torch.Generator
) -> Tensor:
    """Draw rows that a gradient can pass through: (rows, output width).

    Visible columns are what they are in `real`; the others are drawn by Gumbel softmax.

    **Shape**: logits, priors included, and real (rows, output width), visible (rows,
    columns).

    Source: Jang et al. 2017, "Categorical Reparameterization with Gumbel-Softmax".
    """
    uniforms = torch.rand(logits.shape, generator=random).to(logits.device)
    noise = uniforms.clamp_(1e-9, 1 - 1e-7).log_().neg_().log_()
    loud = (logits - noise) / TEMPERATURE
    # rows come last here: a column's few codes are too short to be worked on side by side
    widths = [bucket.stop - bucket.start for bucket in outputs.buckets]
    parts = [
        torch.softmax(part.unflatten(0, (-1, bucket.size)), 1).flatten(0, 1)
        for part, bucket in zip(loud.T.contiguous().split(widths), outputs.buckets, strict=True)
    ]
    drawn = torch.cat(parts).T.contiguous()
    return drawn.lerp(real, spread(outputs, visible))
