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

from synthohive.models.adversarial import (
    alternate,
    descend,
    draw_logits,
    one_hot,
    soft_rows,
)
from synthohive.models.critic import Critic, initialise_critic
from synthohive.models.draws import generator
from synthohive.models.sampling import invert

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from torch import Tensor

    from synthohive.models.critic import Judgement
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
    packs = plan.batch // packing
    batch = packs * packing
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
        logits = draw_logits(state, codes, visible, context, random).add_(prior)
        fake = soft_rows(outputs, logits, codes, visible, random)
        mixed = torch.rand(packs, 1, generator=random).to(codes.device)
        blocks = (one_hot(outputs, codes), fake.detach())
        loss = _teach(critic.judge(blocks, visible, context, mixed))
        judge.step()
        # the artist's loss is minus the mean score
        descend(artist, fake, critic.uphill(blocks[1], visible, context) / -packs)
        return loss

    alternate(
        state,
        step,
        steps=plan.steps,
        every=plan.evaluate_every,
        on_step=on_step,
        on_evaluation=on_evaluation,
    )


def _batches(rows: Rows, task: Task, size: int) -> Iterator[tuple[Tensor, Tensor, Tensor]]:
    """Draw codes, which of them are visible, and context, without an end."""
    conditions, device = Conditions(rows.codes, task.layout.sizes), rows.codes.device
    columns = torch.arange(rows.codes.shape[1], device=device)
    all_codes, all_context = rows.codes.contiguous(), rows.context.contiguous()  # row by row
    for first in count(step=AHEAD):
        drawn = conditions.draw(size * AHEAD, generator(task.stream, "conditions", first))
        for column, row in zip(*(part.to(device).split(size) for part in drawn), strict=True):
            # looked up step by step: what is fetched for many at once has left the cache
            codes, context = all_codes.index_select(0, row), all_context.index_select(0, row)
            yield codes, column.unsqueeze(1) == columns, context


def _teach(judgement: Judgement) -> float:
    """Set the gradients of the critic's loss, gradient penalty included, and return it."""
    real, fake = judgement.scores.chunk(2)
    packs, lengths = len(real), (judgement.steepness + 1e-12).sqrt()
    share = torch.full_like(real, 1 / packs)
    judgement.teach(torch.cat([-share, share]), PENALTY / packs * (1 - 1 / lengths))
    return (fake.mean() - real.mean() + PENALTY * (lengths - 1).square().mean()).item()


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
