"""The one-shot adversarial training of the CTGAN paper, on codes.

The generator is shown one column of a row (the conditional vector), its context and
noise, and draws all other columns at once. Conditions are drawn so that rare values are
seen often (training by sampling), the critic scores packs of rows, and it is trained with
the Wasserstein loss and a gradient penalty.

Source: Xu et al. 2019, "Modeling Tabular Data using Conditional GAN".
"""

from __future__ import annotations

from itertools import count
from typing import TYPE_CHECKING

import numpy as np
import torch
from torch import Tensor

from synthohive.models.adversarial import (
    alternate,
    descend,
    draw_logits,
    one_hot,
    soft_rows,
)
from synthohive.models.critic import Critic, frozen, initialise_critic
from synthohive.models.draws import generator
from synthohive.models.sampling import invert

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from synthohive.models.outputs import Outputs
    from synthohive.models.state import Rows, State
    from synthohive.models.task import Task

PENALTY = 10.0
"""Weight of the gradient penalty."""
BETAS = (0.5, 0.9)
AHEAD = 16
"""Steps whose rows are drawn together; part of the result."""


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
        counts = [np.bincount(c, minlength=size) for c, size in zip(columns, sizes, strict=True)]
        starts = [np.cumsum(count) - count for count in counts]
        self._counts = torch.from_numpy(np.concatenate(counts))
        self._starts = torch.from_numpy(np.concatenate(starts))
        self._bounds = torch.from_numpy(np.cumsum([0, *sizes]))  # of a column's values
        # weights run on over all columns, so that all values are found in one sorted row
        self._weights = torch.log1p(self._counts.double()).cumsum(0)
        self._totals = torch.cat([self._weights.new_zeros(1), self._weights])[self._bounds]

    def draw(self, count: int, random: torch.Generator) -> tuple[Tensor, Tensor]:
        """Return columns to show, each equally likely, and rows to show them of.

        A column's value is drawn by the logarithm of how often it occurs, then a row among
        those that have it: (count,) both.
        """
        u = torch.rand(3, count, generator=random, dtype=torch.float64)
        column = (u[0] * len(self._sorted)).long()
        weight = torch.lerp(self._totals[column + 1], self._totals[column], u[1])
        value = torch.searchsorted(self._weights, weight)
        value = value.clamp(self._bounds[column], self._bounds[column + 1] - 1)
        place = self._starts[value] + (u[2] * self._counts[value]).long()
        return column, self._sorted[column, place.clamp(max=self._sorted.shape[1] - 1)]


def learn_classic(
    state: State,
    outputs: Outputs,
    rows: Rows,
    *,
    task: Task,
    on_step: Callable[[State, float], None],
    on_evaluation: Callable[[State], None],
) -> None:
    """Train the state's network in place, adversarially.

    Every step draws rows once: the critic learns from them, then the generator learns from
    what the critic now says of them.

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
    judge = torch.optim.Adam(
        critic.parameters(), lr=settings.learning_rate, betas=BETAS, fused=True
    )
    artist = torch.optim.Adam(
        state.network.parameters(),
        lr=settings.learning_rate,
        betas=BETAS,
        weight_decay=settings.weight_decay,
        fused=True,
    )
    batches = _batches(rows, task, batch)
    prior = outputs.add_priors(
        torch.zeros(1, outputs.width, device=rows.codes.device), rows.codes[:1]
    )

    def step() -> float:
        random = generator(stream, "step", state.step)
        codes, visible, context = next(batches)
        logits = draw_logits(state, codes, visible, context, random) + prior
        real = one_hot(outputs, codes)
        fake = soft_rows(outputs, logits, real, visible, random)
        loss = _judge(critic, real, fake.detach(), visible, context, random)
        descend(judge, loss)
        with frozen(critic):
            fooled = -critic(fake, visible, context).mean()
        descend(artist, fooled)
        return loss.item()

    alternate(
        state,
        step,
        steps=plan.steps - state.step,
        every=plan.evaluate_every,
        on_step=on_step,
        on_evaluation=on_evaluation,
    )


def _batches(rows: Rows, task: Task, size: int) -> Iterator[tuple[Tensor, Tensor, Tensor]]:
    """Draw codes, which of them are visible, and context, without an end."""
    conditions, device = Conditions(rows.codes, task.layout.sizes), rows.codes.device
    for first in count(step=AHEAD):
        column, row = conditions.draw(size * AHEAD, generator(task.stream, "conditions", first))
        row = row.to(device)
        visible = torch.nn.functional.one_hot(column, rows.codes.shape[1]).bool().to(device)
        parts = (rows.codes[row], visible, rows.context[row])
        yield from zip(*(part.split(size) for part in parts), strict=True)


def _judge(
    critic: Critic,
    real: Tensor,
    fake: Tensor,
    visible: Tensor,
    context: Tensor,
    random: torch.Generator,
) -> Tensor:
    """Return the critic's loss, gradient penalty included."""
    packs = len(real) // critic.packing
    mixed = torch.rand(packs, 1, generator=random).to(real.device)
    both = torch.cat([real, fake])
    scores, steepness = critic.judge(both, visible.repeat(2, 1), context.repeat(2, 1), mixed)
    wrong = scores[packs:].mean() - scores[:packs].mean()
    return wrong + PENALTY * ((steepness + 1e-12).sqrt() - 1).square().mean()


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
