"""The paper's one-shot training."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import settings as settings_of
from hypothesis import strategies as st
from planted import CONTEXT, LAYOUT, regional, table

from synthohive.encoding.layout import CodeColumn, Layout
from synthohive.errors import TrainingError
from synthohive.events import StepsTaken
from synthohive.models import CTGANSettings, progress, train
from synthohive.models.adversarial import (
    TEMPERATURE,
    alternate,
    one_hot,
    soft_rows,
    uniforms,
)
from synthohive.models.classic import Conditions, learn_classic
from synthohive.models.critic import Critic, initialise_critic
from synthohive.models.outputs import Outputs, log_frequencies
from synthohive.models.plan import plan_training
from synthohive.models.progress import Progress
from synthohive.models.state import rows_of
from synthohive.models.task import Task, start
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


@given(st.integers(0, 10_000))
@settings_of(deadline=None, max_examples=30)
def test_rows_are_drawn_of_all_columns_and_of_values_that_occur(seed):
    random = np.random.default_rng(seed)
    sizes = tuple(random.integers(2, 9, 3).tolist())
    codes = np.stack([random.integers(0, random.integers(1, s + 1), 20) for s in sizes], 1)
    conditions = Conditions(torch.from_numpy(codes), sizes)
    column, row = conditions.draw(3_000, torch.Generator().manual_seed(seed))
    shown = codes[row.numpy(), column.numpy()]
    for c in range(3):
        counts = np.bincount(codes[:, c])
        drawn = np.bincount(shown[column.numpy() == c], minlength=len(counts))
        assert drawn.sum() > 850
        assert np.abs(drawn / drawn.sum() - np.log1p(counts) / np.log1p(counts).sum()).max() < 0.09


def test_soft_rows_are_nearly_codes_and_keep_what_is_visible():
    codes = table(64)
    outputs = Outputs(LAYOUT, log_frequencies(codes, LAYOUT))
    codes = torch.from_numpy(codes)
    visible = torch.zeros(64, 4, dtype=torch.bool)
    visible[:, 1] = True
    logits = torch.zeros(64, outputs.width, requires_grad=True)
    real = one_hot(outputs, codes)
    loud = outputs.add_priors(logits, codes)
    rows = soft_rows(outputs, loud, codes, visible, torch.Generator().manual_seed(1))
    assert torch.allclose(rows.sum(1), torch.full((64,), 4.0), atol=1e-4)
    first = int(outputs.first[1])
    shown = slice(first, first + 4)
    assert torch.equal(rows[:, shown], real[:, shown])
    (rows * torch.arange(outputs.width)).sum().backward()
    assert logits.grad.abs().sum() > 0
    assert (logits.grad[:, shown] == 0).all()


def test_soft_rows_pass_a_gradient_on_as_a_softmax_does():
    outputs = Outputs(LAYOUT, log_frequencies(table(64), LAYOUT))
    random = torch.Generator().manual_seed(1)
    logits = torch.randn(30, outputs.width, generator=random).requires_grad_()
    weights = torch.randn(30, outputs.width, generator=random)
    nothing = torch.zeros(30, 4, dtype=torch.bool)
    rows = soft_rows(outputs, logits, nothing.long(), nothing, random)
    (taught,) = torch.autograd.grad((rows * weights).sum(), logits)
    # the noise is what the drawn rows say it was: a softmax forgets no more than a constant
    loud = (rows.detach().clamp(min=1e-37).log() * TEMPERATURE - logits.detach()) + logits
    parts = [
        torch.softmax(loud[:, b.start : b.stop].unflatten(1, (-1, b.size)) / TEMPERATURE, 2)
        for b in outputs.buckets
    ]
    expected = torch.cat([part.flatten(1) for part in parts], 1)
    assert torch.allclose(rows, expected, atol=1e-5)
    (expected_gradient,) = torch.autograd.grad((expected * weights).sum(), logits)
    assert torch.allclose(taught, expected_gradient, atol=1e-4)


def test_uniform_numbers_fill_their_range_evenly():
    drawn = uniforms(torch.Size((3, 33_333)), torch.Generator().manual_seed(1))
    assert drawn.shape == (3, 33_333)  # an odd number of them
    assert 0 < drawn.min() < 1e-3
    assert 1 - 1e-3 < drawn.max() < 1
    shares = torch.histc(drawn, 20, 0, 1) / drawn.numel()
    assert (shares - 0.05).abs().max() < 0.004
    neighbours = torch.stack([drawn[:, :-1].flatten(), drawn[:, 1:].flatten()])
    assert torch.corrcoef(neighbours)[0, 1].abs() < 0.02


def beginning(settings, rows=240):
    """Return all that an adversarial training starts from."""
    codes, region = regional(rows)
    task = Task(
        codes=codes,
        layout=LAYOUT,
        context=region,
        context_layout=CONTEXT,
        groups=np.arange(rows),
        plan=plan_training(rows, 30, settings),
        settings=settings,
        stream=Stream(1),
    )
    outputs = Outputs(LAYOUT, log_frequencies(codes, LAYOUT))
    parts = rows_of(torch.from_numpy(codes), torch.from_numpy(region), (np.arange(rows),))
    return start(task, outputs, parts), outputs, parts, task


def test_a_critic_is_taught_what_differentiating_twice_would_teach_it():
    _, outputs, rows, _ = beginning(CTGANSettings.classic())
    random = torch.Generator().manual_seed(1)
    critic = Critic(outputs, CONTEXT, width=7, embedding=3, packing=2).double()
    initialise_critic(critic, random)
    with torch.no_grad():
        for bias in (critic.look_bias, critic.think_bias):
            bias.normal_(generator=random)
    real = torch.softmax(torch.randn(40, outputs.width, generator=random), 1).double()
    visible, context = torch.rand(20, 4, generator=random) > 0.5, rows.context[:20]
    others = (visible.repeat(2, 1), context.repeat(2, 1))
    share = torch.rand(10, 1, generator=random).double()

    judgement = critic.judge(real.split(20), visible, context, share)
    said = [part.requires_grad_() for part in (judgement.scores, judgement.steepness)]
    scores, steepness = said
    loss = (scores * torch.arange(20)).sum() + (steepness.sqrt() - 1).square().sum()
    lesson = torch.autograd.grad(loss, said)
    judgement.teach(lesson[0] + 1, lesson[1] + 1)
    judgement.teach(*lesson)  # instead of the former, not on top of it
    taught = [weights.grad.clone() for weights in critic.parameters()]

    per_row = share.repeat_interleave(2, 0)
    at = (per_row * real[:20] + (1 - per_row) * real[20:]).requires_grad_()
    (gradient,) = torch.autograd.grad(critic(at, visible, context).sum(), at, create_graph=True)
    assert torch.allclose(critic.uphill(at, visible, context), gradient)
    lengths = gradient.reshape(len(at) // 2, -1).square().sum(1)
    both = (real, *others)
    assert torch.allclose(scores, critic(*both))
    assert torch.allclose(steepness, lengths)
    loss = (critic(*both) * torch.arange(20)).sum() + (lengths.sqrt() - 1).square().sum()
    expected = torch.autograd.grad(loss, list(critic.parameters()))
    assert all(torch.allclose(a, b) for a, b in zip(taught, expected, strict=True))


def test_a_loss_that_is_no_number_names_the_step():
    state, *_ = beginning(CTGANSettings.classic())
    losses = iter([1.0, float("nan")])
    with pytest.raises(TrainingError, match="the critic's loss is nan at step 2"):
        alternate(
            state,
            lambda: next(losses),
            steps=3,
            every=3,
            on_step=lambda *_: None,
            on_evaluation=print,
        )


def test_an_interrupt_is_heard_between_two_evaluations(monkeypatch):
    monkeypatch.setattr(progress, "TOLD_SECONDS", 0.0)
    settings = CTGANSettings.classic(width=16, depth=1, batch_size=40, epochs=100)
    state, outputs, rows, task = beginning(settings)

    def stop(event):
        assert type(event) is StepsTaken
        raise KeyboardInterrupt

    told = Progress(table="shop", task=task, on_event=stop)
    heard = {"task": task, "on_step": told.stepped, "on_evaluation": told.evaluated}
    with pytest.raises(KeyboardInterrupt):
        learn_classic(state, outputs, rows, **heard)
    assert state.step == 1
    assert not state.history
