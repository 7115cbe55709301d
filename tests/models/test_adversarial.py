"""The paper's one-shot training, and refinement by a critic."""

from __future__ import annotations

import numpy as np
import torch
from planted import CONTEXT, LAYOUT, distance, joint, regional, table

from synthohive.encoding.layout import CodeColumn, Layout
from synthohive.models import CTGANSettings, train
from synthohive.models.classic import Conditions
from synthohive.models.critic import one_hot, soft_rows
from synthohive.models.outputs import Outputs, log_frequencies
from synthohive.randomness import Stream


def test_the_classic_preset_learns_a_planted_mixture():
    random = np.random.default_rng(0)
    first = random.integers(0, 3, 2_000)
    codes = np.stack([first, first, (first + (random.random(2_000) < 0.1)) % 3], 1)
    layout = Layout(tuple(CodeColumn(name=n, size=3, source=n) for n in "abc"))
    settings = CTGANSettings.classic(
        width=64, depth=1, max_steps=250, batch_size=100, packing=2, learning_rate=2e-3, noise=8
    )
    generator = train(codes, layout, settings=settings, stream=Stream(1))
    drawn = generator.sample(3_000, stream=Stream(2))
    assert [len(order) for order in generator.parts.orders] == [1]
    assert (drawn[:, 0] == drawn[:, 1]).mean() > 0.8  # a third, if they were independent
    assert all((np.bincount(drawn[:, c], minlength=3) > 200).all() for c in range(3))


def test_the_classic_preset_uses_context_and_given_codes():
    codes, region = regional(600)
    settings = CTGANSettings.classic(width=32, depth=1, max_steps=20, batch_size=100)
    generator = train(
        codes, LAYOUT, context=region, context_layout=CONTEXT, settings=settings, stream=Stream(1)
    )
    given = np.full((50, 4), -1)
    given[:, 0] = 3
    drawn = generator.sample(50, context=region[:50], given=given, stream=Stream(2))
    assert (drawn[:, 0] == 3).all()
    assert generator.history[-1, 0] == 20
    assert generator.held_out_loss is None


def test_conditions_come_with_rows_that_satisfy_them_and_favour_the_rare():
    codes = torch.from_numpy(np.repeat([[0], [1]], [990, 10], axis=0))
    column, rows = Conditions(codes, (2,)).draw(2_000, torch.Generator().manual_seed(1))
    assert (column == 0).all()
    assert 0.15 < codes[rows, 0].float().mean() < 0.35  # log 11 / (log 11 + log 991) = 0.26


def test_soft_rows_are_nearly_codes_and_keep_what_is_visible():
    codes = table(64)
    outputs = Outputs(LAYOUT, log_frequencies(codes, LAYOUT))
    codes = torch.from_numpy(codes)
    visible = torch.zeros(64, 4, dtype=torch.bool)
    visible[:, 1] = True
    logits = torch.zeros(64, outputs.width, requires_grad=True)
    rows = soft_rows(outputs, logits, codes, visible, torch.Generator().manual_seed(1))
    real = one_hot(outputs, codes)
    assert torch.allclose(rows.sum(1), torch.full((64,), 4.0), atol=1e-4)
    first = int(outputs.first[1])
    assert torch.equal(rows[:, first : first + 4], real[:, first : first + 4])
    rows[:, 0].sum().backward()
    assert logits.grad.abs().sum() > 0


def test_refinement_by_a_critic_runs_from_the_warm_up_on():
    codes = table(1_000)
    settings = CTGANSettings(
        width=32, depth=1, max_steps=150, batch_size=128, rounds=2, adversarial_steps=40, noise=8
    )
    generator = train(codes, LAYOUT, settings=settings, stream=Stream(1))
    warm = settings.max_steps
    assert generator.history[-1, 0] <= warm + 40
    assert np.isnan(generator.history[-1, 2])
    drawn = generator.sample(3_000, stream=Stream(2))
    assert distance(joint(drawn), joint(codes)) < 0.3
