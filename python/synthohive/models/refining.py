"""Refinement: a critic teaches the columns of one round to agree.

The likelihood judges one column at a time. Where several columns are drawn in one round,
it cannot see whether they belong together; a critic can. Rows are shown up to a round,
the generator draws that round from noise, and the critic compares real with drawn.

Source: Huang et al. 2024, "The GAN is dead; long live the GAN! A Modern GAN Baseline"
(relativistic pairing loss, zero-centred gradient penalties on real and on drawn rows).
"""

from __future__ import annotations

import math
import time
from typing import TYPE_CHECKING

import torch
from torch.nn import functional

from synthohive.errors import TrainingError
from synthohive.models.critic import (
    Critic,
    frozen,
    gradient_penalty,
    initialise_critic,
    one_hot,
    soft_rows,
)
from synthohive.models.draws import generator
from synthohive.models.masks import ask, draw_visible
from synthohive.models.state import load_weights, weights_of

if TYPE_CHECKING:
    from collections.abc import Callable

    from torch import Tensor

    from synthohive.models.outputs import Outputs
    from synthohive.models.rounds import Order
    from synthohive.models.state import Rows, State
    from synthohive.models.task import Task

PENALTY = 0.02
"""Weight of the gradient penalties: a stronger one leaves the critic undecided."""
LIKELIHOOD = 0.05
"""Weight of the likelihood beside the critic's word."""
CRITIC_RATE = 1e-3
RATE = 1e-4
DECAY = 0.995


def refine(
    state: State,
    outputs: Outputs,
    rows: Rows,
    orders: list[Order],
    *,
    task: Task,
    on_evaluation: Callable[[State], None],
) -> None:
    """Train the state's network further, in place; it ends with averaged weights.

    Args:
        state: The network after its warm-up.
        outputs: Reads distributions off the network's outputs.
        rows: The rows to learn from.
        orders: Orders that rows are drawn in; all their rounds are refined.
        task: Context, batch, steps, and where the random numbers come from.
        on_evaluation: Called every few hundred steps.

    Raises:
        TrainingError: A loss is no longer a number.
    """
    plan, settings, stream, network = task.plan, task.settings, task.stream, state.network
    critic = Critic(
        outputs, task.context_layout, width=2 * plan.width, embedding=settings.embedding, packing=1
    ).to(rows.codes.device)
    initialise_critic(critic, generator(stream, "critic"))
    judge = torch.optim.Adam(critic.parameters(), lr=CRITIC_RATE, betas=(0.0, 0.99))
    artist = torch.optim.Adam(network.parameters(), lr=RATE, betas=(0.0, 0.99))
    average = weights_of(network)
    shown = _shown(orders, rows.codes)
    started, total, warm = time.monotonic() - state.seconds, 0.0, state.step
    for step in range(1, settings.adversarial_steps + 1):
        random = generator(stream, "refine", step)
        codes, context = (part[0] for part in rows.draw(plan.batch, random))
        round_ = torch.randint(len(shown[0]), (plan.batch,), generator=random).to(codes.device)
        before, after = shown[0][round_], shown[1][round_]
        real = one_hot(outputs, codes) * _spread(outputs, after)
        logits = _logits(state, outputs, codes, before, context, random)
        fake = soft_rows(outputs, logits, codes, before, random) * _spread(outputs, after)
        loss = _judge(critic, real, fake.detach(), after, context)
        _descend(judge, loss)
        with frozen(critic):
            gap = critic(fake, after, context) - critic(real, after, context)
            spoken = _likelihood(state, outputs, codes, context, random)
            _descend(artist, functional.softplus(-gap).mean() + LIKELIHOOD * spoken)
        with torch.no_grad():
            for name, value in network.named_parameters():
                average[name].lerp_(value, 1 - DECAY)
        total += loss.item()
        state.step = warm + step
        if not math.isfinite(total):
            raise TrainingError(f"the critic's loss is {loss.item()} at step {state.step}")
        if step % plan.evaluate_every == 0 or step == settings.adversarial_steps:
            done = step - (step - 1) // plan.evaluate_every * plan.evaluate_every
            seconds = time.monotonic() - started
            state.history.append((state.step, total / done, math.nan, seconds))
            total = 0.0
            on_evaluation(state)
    load_weights(network, average)


def _shown(orders: list[Order], codes: Tensor) -> tuple[Tensor, Tensor]:
    """Return the columns known before, and after, each round: (rounds, columns) each."""
    before, after = [], []
    for order in orders:
        known = torch.zeros(codes.shape[1], dtype=torch.bool)
        for columns in order:
            before.append(known)
            known = known.clone()
            known[columns] = True
            after.append(known)
    return torch.stack(before).to(codes.device), torch.stack(after).to(codes.device)


def _spread(outputs: Outputs, columns: Tensor) -> Tensor:
    """Repeat a number per column for each of its codes: (rows, output width)."""
    return columns[:, outputs.owner].float()


def _logits(
    state: State,
    outputs: Outputs,
    codes: Tensor,
    visible: Tensor,
    context: Tensor,
    random: torch.Generator,
) -> Tensor:
    noise = torch.randn(1, len(codes), state.network.noise, generator=random).to(codes.device)
    usable = outputs.usable(visible)
    logits = state.network(codes[None], usable[None], context[None], noise)[0]
    return logits * _spread(outputs, outputs.trust[None])


def _judge(critic: Critic, real: Tensor, fake: Tensor, visible: Tensor, context: Tensor) -> Tensor:
    """Return the critic's loss; real and drawn rows go through it together."""
    both = torch.cat([real, fake])
    seen, known = visible.repeat(2, 1), context.repeat(2, 1)
    scores = critic(both, seen, known)
    gap = scores[: len(real)] - scores[len(real) :]
    penalty = gradient_penalty(critic, both, seen, known).mean()
    return functional.softplus(-gap).mean() + PENALTY * penalty


def _likelihood(
    state: State, outputs: Outputs, codes: Tensor, context: Tensor, random: torch.Generator
) -> Tensor:
    visible = draw_visible((1, len(codes)), outputs.coarse.cpu(), random).to(codes.device)
    noise = torch.randn(1, len(codes), state.network.noise, generator=random).to(codes.device)
    logits = state.network(codes[None], visible, context[None], noise)
    return outputs.loss(logits, codes[None], ask(visible, outputs.coarse)) / len(codes)


def _descend(optimiser: torch.optim.Optimizer, loss: Tensor) -> None:
    optimiser.zero_grad()
    loss.backward()
    optimiser.step()
