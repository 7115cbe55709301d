"""Refinement: a critic teaches the columns of one round to agree.

The likelihood judges one column at a time. Where several columns are drawn in one round,
it cannot see whether they belong together; a critic can. Rows are shown up to a round,
the generator draws that round from noise, and the critic compares real with drawn.

Source: Huang et al. 2024, "The GAN is dead; long live the GAN! A Modern GAN Baseline"
(relativistic pairing loss, zero-centred gradient penalties on real and on drawn rows).
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import torch
from torch.nn import functional

from synthohive.models.adversarial import (
    alternate,
    descend,
    draw_logits,
    one_hot,
    soft_rows,
    spread,
)
from synthohive.models.critic import Critic, frozen, initialise_critic
from synthohive.models.draws import generator
from synthohive.models.masks import ask, draw_visible

if TYPE_CHECKING:
    from collections.abc import Callable

    from torch import Tensor

    from synthohive.models.critic import Judgement
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
BETAS = (0.0, 0.99)


def refine(
    state: State,
    outputs: Outputs,
    rows: Rows,
    orders: list[Order],
    *,
    task: Task,
    on_step: Callable[[State, float], None],
    on_evaluation: Callable[[State], None],
) -> None:
    """Train the state's network further, in place; it ends with averaged weights.

    Args:
        state: The network after its warm-up.
        outputs: Reads distributions off the network's outputs.
        rows: The rows to learn from.
        orders: Orders that rows are drawn in; all their rounds are refined.
        task: Context, batch, steps, and where the random numbers come from.
        on_step: Called with the critic's loss after every step.
        on_evaluation: Called every few hundred steps.

    Raises:
        TrainingError: A loss is no longer a number.
    """
    plan, settings, stream = task.plan, task.settings, task.stream
    critic = Critic(
        outputs, task.context_layout, width=2 * plan.width, embedding=settings.embedding, packing=1
    ).to(rows.codes.device)
    initialise_critic(critic, generator(stream, "critic"))
    judge = torch.optim.Adam(critic.parameters(), lr=CRITIC_RATE, betas=BETAS, fused=True)
    artist = torch.optim.Adam(state.network.parameters(), lr=RATE, betas=BETAS, fused=True)
    warm = state.step
    shown = _shown(orders, rows.codes)

    def step() -> float:
        random = generator(stream, "refine", state.step - warm + 1)
        codes, context = (part[0] for part in rows.draw(plan.batch, random))
        round_ = torch.randint(len(shown[0]), (plan.batch,), generator=random).to(codes.device)
        before, after = shown[0][round_], shown[1][round_]
        real, fake = _pair(state, outputs, codes, before, context, random)
        known = spread(outputs, after)
        real, fake = real * known, fake * known
        loss = _teach(critic.judge((real, fake.detach()), after, context))
        judge.step()
        with frozen(critic):
            gap = critic(fake, after, context) - critic(real, after, context)
        spoken = _likelihood(state, outputs, codes, context, random)
        descend(artist, functional.softplus(-gap).mean() + LIKELIHOOD * spoken)
        return loss

    alternate(
        state,
        step,
        steps=settings.adversarial_steps,
        every=plan.evaluate_every,
        on_step=on_step,
        on_evaluation=on_evaluation,
    )


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


def _pair(
    state: State,
    outputs: Outputs,
    codes: Tensor,
    visible: Tensor,
    context: Tensor,
    random: torch.Generator,
) -> tuple[Tensor, Tensor]:
    """Return rows, and what the generator draws where they are not visible."""
    logits = draw_logits(state, codes, outputs.usable(visible), context, random)
    logits = outputs.add_priors(logits * spread(outputs, outputs.trust[None]), codes)
    return one_hot(outputs, codes), soft_rows(outputs, logits, codes, visible, random)


def _teach(judgement: Judgement) -> float:
    """Set the gradients of the critic's loss on real rows and on those drawn, and return it."""
    real, fake = judgement.scores.chunk(2)
    gap = real - fake
    push = torch.sigmoid(-gap) / len(gap)
    steepness = judgement.steepness
    judgement.teach(torch.cat([-push, push]), torch.full_like(steepness, PENALTY / len(steepness)))
    return (functional.softplus(-gap).mean() + PENALTY * steepness.mean()).item()


def _likelihood(
    state: State, outputs: Outputs, codes: Tensor, context: Tensor, random: torch.Generator
) -> Tensor:
    visible = draw_visible((1, len(codes)), outputs.coarse.cpu(), random).to(codes.device)
    logits = draw_logits(state, codes, visible[0], context, random)
    return outputs.loss(logits[None], codes[None], ask(visible, outputs.coarse)) / len(codes)
