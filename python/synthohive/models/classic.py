"""The one-shot adversarial training of the CTGAN paper, on codes.

The generator is shown one column of a row (the conditional vector), its context and
noise, and draws all other columns at once. Conditions are drawn so that rare values are
seen often (training by sampling), the critic scores packs of rows, and it is trained with
the Wasserstein loss and a gradient penalty.

Source: Xu et al. 2019, "Modeling Tabular Data using Conditional GAN".
"""

from __future__ import annotations

import math
import time
from typing import TYPE_CHECKING

import numpy as np
import torch
from torch import Tensor

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
from synthohive.models.sampling import invert

if TYPE_CHECKING:
    from collections.abc import Callable

    from synthohive.models.outputs import Outputs
    from synthohive.models.state import Rows, State
    from synthohive.models.task import Task

PENALTY = 10.0
"""Weight of the gradient penalty."""


class Conditions:
    """Draws conditions and rows that satisfy them.

    Rows are sorted by value once per column, so that a batch is two look-ups.

    Args:
        codes: All rows, (rows, columns).
        sizes: Codes per column.
    """

    def __init__(self, codes: Tensor, sizes: tuple[int, ...]) -> None:
        columns = codes.T.cpu().numpy()
        self._sorted = torch.from_numpy(np.stack([np.argsort(c, kind="stable") for c in columns]))
        counts = np.zeros((len(sizes), max(sizes)), np.int64)
        for c, size in enumerate(sizes):
            counts[c, :size] = np.bincount(columns[c], minlength=size)
        self._counts = torch.from_numpy(counts)
        self._starts = torch.from_numpy(np.cumsum(counts, 1) - counts)
        self._weights = torch.log1p(self._counts.double()).cumsum(1)

    def draw(self, count: int, random: torch.Generator) -> tuple[Tensor, Tensor]:
        """Return columns to show, each equally likely, and rows to show them of.

        A column's value is drawn by the logarithm of how often it occurs, then a row among
        those that have it: (count,) both.
        """
        u = torch.rand(3, count, generator=random, dtype=torch.float64)
        column = (u[0] * len(self._counts)).long()
        weights = self._weights[column]
        value = torch.searchsorted(weights, (1 - u[1, :, None]) * weights[:, -1:]).squeeze(1)
        place = (u[2] * self._counts[column, value]).long()
        return column, self._sorted[column, self._starts[column, value] + place]


def learn_classic(
    state: State,
    outputs: Outputs,
    rows: Rows,
    *,
    task: Task,
    on_evaluation: Callable[[State], None],
) -> None:
    """Train the state's network in place, adversarially.

    Raises:
        TrainingError: A loss is no longer a number.
    """
    plan, settings, stream = task.plan, task.settings, task.stream
    packing = min(settings.packing, plan.batch)
    batch = plan.batch // packing * packing
    critic = Critic(
        outputs,
        task.context_layout,
        width=plan.width,
        embedding=settings.embedding,
        packing=packing,
    ).to(rows.codes.device)
    initialise_critic(critic, generator(stream, "critic"))
    judge = torch.optim.Adam(critic.parameters(), lr=settings.learning_rate, betas=(0.5, 0.9))
    artist = torch.optim.Adam(
        state.network.parameters(),
        lr=settings.learning_rate,
        betas=(0.5, 0.9),
        weight_decay=settings.weight_decay,
    )
    conditions = Conditions(rows.codes, task.layout.sizes)
    started, total = time.monotonic(), 0.0
    while state.step < plan.steps:
        random = generator(stream, "step", state.step)
        real = _real_batch(rows, conditions, batch, random)
        with torch.no_grad():
            fake = _fake(state, outputs, real, random)
        loss = _judge(critic, one_hot(outputs, real[0]), fake, real, random)
        _descend(judge, loss)
        real = _real_batch(rows, conditions, batch, random)
        with frozen(critic):
            fooled = -critic(_fake(state, outputs, real, random), real[1], real[2]).mean()
            _descend(artist, fooled)
        total += loss.item()
        state.step += 1
        if not math.isfinite(total):
            raise TrainingError(
                f"the critic's loss is {loss.item()} at step {state.step}",
                hint="lower learning_rate",
            )
        if state.step % plan.evaluate_every == 0 or state.step == plan.steps:
            steps = state.step - (int(state.history[-1][0]) if state.history else 0)
            seconds = time.monotonic() - started
            state.history.append((state.step, total / steps, math.nan, seconds))
            total = 0.0
            on_evaluation(state)


_Batch = tuple[Tensor, Tensor, Tensor]
"""Codes, which of them are visible, and context."""


def _real_batch(rows: Rows, conditions: Conditions, size: int, random: torch.Generator) -> _Batch:
    column, row = conditions.draw(size, random)
    row = row.to(rows.codes.device)
    visible = torch.nn.functional.one_hot(column, rows.codes.shape[1]).bool()
    return rows.codes[row], visible.to(rows.codes.device), rows.context[row]


def _fake(state: State, outputs: Outputs, real: _Batch, random: torch.Generator) -> Tensor:
    codes, visible, context = real
    noise = torch.randn(1, len(codes), state.network.noise, generator=random).to(codes.device)
    logits = state.network(codes[None], visible[None], context[None], noise)[0]
    return soft_rows(outputs, logits, codes, visible, random)


def _judge(
    critic: Critic, real: Tensor, fake: Tensor, batch: _Batch, random: torch.Generator
) -> Tensor:
    """Return the critic's loss, gradient penalty included."""
    _, visible, context = batch
    mixed = torch.rand(len(real), 1, generator=random).to(real.device)
    between = real * mixed + fake * (1 - mixed)
    length = (gradient_penalty(critic, between, visible, context) + 1e-12).sqrt()
    wrong = critic(fake, visible, context).mean() - critic(real, visible, context).mean()
    return wrong + PENALTY * (length - 1).square().mean()


def _descend(optimiser: torch.optim.Optimizer, loss: Tensor) -> None:
    optimiser.zero_grad()
    loss.backward()
    optimiser.step()


def show_one(outputs: Outputs, known: Tensor, random: torch.Generator) -> Tensor:
    """Fill in one random column by its frequencies where nothing of a row is known.

    **Shape**: `known` (rows, columns), -1 where there is nothing, and so the result.
    """
    uniforms = torch.rand(2, len(known), generator=random).to(known.device)
    column = (uniforms[0] * known.shape[1]).long()
    column = torch.where((known >= 0).any(1), -1, column)
    known = known.clone()
    for c in range(known.shape[1]):
        rows = torch.nonzero(column == c).squeeze(1)
        shares = outputs.prior_table(c).exp().expand(len(rows), -1)
        known[rows, c] = invert(shares, uniforms[1, rows])
    return known
