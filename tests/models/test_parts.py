"""Masks, distributions, rounds, splits and plans, each on its own."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from planted import LAYOUT, table

from synthohive.encoding.layout import CodeColumn, Layout
from synthohive.errors import ConfigError
from synthohive.models import CTGANSettings
from synthohive.models.masks import ask, draw_visible
from synthohive.models.outputs import TRUSTS, Outputs, coarse_positions, log_frequencies
from synthohive.models.plan import plan_training
from synthohive.models.rounds import arrange, dependence
from synthohive.models.sampling import invert
from synthohive.models.split import FOLDS, group_rows, split_rows
from synthohive.models.states import WORTH

COARSE = torch.tensor(coarse_positions(LAYOUT))


def seeded(seed):
    return torch.Generator().manual_seed(seed)


@given(st.integers(0, 1_000), st.integers(1, 3), st.integers(1, 50))
def test_fine_codes_are_shown_and_asked_for_only_beside_their_coarse_one(seed, members, rows):
    visible = draw_visible((members, rows), COARSE, seeded(seed))
    assert not (visible[..., 2] & ~visible[..., 1]).any()
    weights = ask(visible, COARSE)
    asked = weights > 0
    assert not (asked & visible).any()
    assert not (asked[..., 2] & ~visible[..., 1]).any()
    total = weights.sum(-1)
    assert torch.allclose(total[~visible.all(-1)], torch.tensor(4.0))
    assert (total[visible.all(-1)] == 0).all()


def test_as_often_few_as_many_columns_are_visible():
    coarse = torch.full((9,), -1)
    counts = draw_visible((1, 20_000), coarse, seeded(1)).sum(-1).flatten()
    shares = torch.bincount(counts, minlength=10) / 20_000
    assert (shares - 0.1).abs().max() < 0.02


@given(
    st.lists(st.floats(0, 1, width=32), min_size=1, max_size=8).filter(lambda s: sum(s) > 0.01),
    st.floats(0, 1, exclude_max=True, width=32),
)
def test_a_code_without_a_share_is_never_drawn(shares, uniform):
    tensor = torch.tensor([shares])
    code = int(invert(tensor / tensor.sum(), torch.tensor([uniform])))
    assert shares[code] > 0


def test_drawn_codes_have_their_shares():
    shares = torch.tensor([0.5, 0.0, 0.2, 0.3]).expand(40_000, 4)
    drawn = invert(shares, torch.rand(40_000, generator=seeded(1)))
    found = torch.bincount(drawn, minlength=4) / 40_000
    assert (found - shares[0]).abs().max() < 0.01


def log_probabilities(outputs, logits, codes, bucket):
    """Add each column's prior by itself: that of its coarse code, or the only one."""
    own = logits[..., bucket.start : bucket.stop].unflatten(-1, (-1, bucket.size))
    priors = []
    for c in bucket.columns:
        coarse, prior = outputs.coarse[c], outputs.prior_table(c)
        inside = codes[..., coarse] if coarse >= 0 else torch.zeros_like(codes[..., c])
        priors.append(prior[inside])
    return torch.log_softmax(own + torch.stack(priors, -2), -1)


def reference_loss(outputs, logits, codes, weights):
    total = 0.0
    for bucket in outputs.buckets:
        logp = log_probabilities(outputs, logits, codes, bucket)
        for i, c in enumerate(bucket.columns):
            picked = logp[..., i, :].gather(-1, codes[..., c : c + 1]).squeeze(-1)
            total = total - (picked * weights[..., c]).sum()
    return total


@pytest.mark.parametrize("scale", [1.0, 30.0, 300.0])
def test_the_loss_and_its_gradient_are_those_of_cross_entropy(scale):
    codes = torch.from_numpy(table(40)).view(2, 20, 4)
    outputs = Outputs(LAYOUT, log_frequencies(table(200), LAYOUT))
    weights = torch.rand(2, 20, 4, generator=seeded(2))
    logits = (scale * torch.randn(2, 20, outputs.width, generator=seeded(3))).requires_grad_()
    losses = [f(logits, codes, weights) for f in (outputs.loss, reference_loss_of(outputs))]
    gradients = [torch.autograd.grad(loss, logits)[0] for loss in losses]
    assert torch.allclose(losses[0], losses[1], rtol=1e-5)
    assert torch.allclose(gradients[0], gradients[1], atol=1e-6)
    by_trust = outputs.losses(logits.detach(), codes, weights)
    assert by_trust.shape == (len(TRUSTS), 4)
    assert torch.allclose(by_trust[-1].sum(), losses[1], rtol=1e-5)


def reference_loss_of(outputs):
    return lambda logits, codes, weights: reference_loss(outputs, logits, codes, weights)


def test_an_untrained_network_says_what_the_frequencies_say():
    codes = table(5_000)
    outputs = Outputs(LAYOUT, log_frequencies(codes, LAYOUT))
    logits = torch.zeros(5_000, outputs.width)
    for bucket in outputs.buckets:
        logp = log_probabilities(outputs, logits, torch.from_numpy(codes), bucket)
        assert torch.allclose(logp.exp().sum(-1), torch.ones(()), atol=1e-5)
        for i, c in enumerate(bucket.columns):
            if c == 2:  # fine: given the coarse code
                real = np.bincount(codes[codes[:, 1] == 1, 2], minlength=5)
                shown = logp[codes[:, 1] == 1, i].exp()[0]
            else:
                real = np.bincount(codes[:, c], minlength=bucket.size)
                shown = logp[0, i].exp()
            assert np.allclose(shown.numpy(), real / real.sum(), atol=1e-4)


@settings(deadline=None, max_examples=30)
@given(st.integers(1, 12), st.integers(0, 100))
def test_rounds_hold_every_column_once_and_coarse_before_fine(count, seed):
    random = np.random.default_rng(seed)
    columns = [CodeColumn(name=f"c{i}", size=3, source=f"c{i}") for i in range(5)]
    fine = [CodeColumn(name=f"f{i}", size=3, source=f"c{i}", coarse=f"c{i}") for i in (1, 3)]
    layout = Layout((*columns, *fine))
    codes = random.integers(0, 3, (50, 7))
    orders = arrange(codes, layout.sizes, coarse_positions(layout), count)
    assert len({str(order) for order in orders}) == len(orders) <= 16
    for rounds in orders:
        check(rounds, layout, count)


def check(rounds, layout, count):
    assert sorted(c for group in rounds for c in group) == list(range(7))
    where = {c: i for i, group in enumerate(rounds) for c in group}
    assert where[5] > where[1]
    assert where[6] > where[3]
    assert len(rounds) <= max(2, count)
    assert all(rounds)


def test_columns_that_depend_on_each_other_are_drawn_in_different_rounds():
    random = np.random.default_rng(0)
    a, b = random.integers(0, 4, (2, 2_000))
    codes = np.stack([a, a, b, b], 1)
    for rounds in arrange(codes, (4,) * 4, [-1] * 4, 2):
        assert all({0, 1} - set(group) and {2, 3} - set(group) for group in rounds)
    between = dependence(codes, (4,) * 4)
    assert between[0, 1] == pytest.approx(np.log(4), abs=0.01)
    assert between[0, 2] < 0.01


def test_columns_that_leave_rows_alike_are_drawn_alone_at_no_cost():
    random = np.random.default_rng(0)
    flags, numbers = random.random((3_000, 6)) < 0.1, random.integers(0, 30, (3_000, 4))
    codes, sizes = np.concatenate([flags, numbers], 1).astype(int), (2,) * 6 + (30,) * 4
    nothing = np.zeros((3_000, 0), int)
    orders = arrange(codes, sizes, [-1] * 10, 2, nothing)
    assert all(passes(codes, rounds) <= 2 for rounds in orders)
    assert np.mean([len(rounds) for rounds in orders]) > 4
    shared = {str(sorted(group for group in rounds if len(group) > 1)) for rounds in orders}
    assert len(shared) == len(orders)
    told_apart = np.arange(3_000)[:, None]
    for context in (None, told_apart):
        assert all(len(rounds) == 2 for rounds in arrange(codes, sizes, [-1] * 10, 2, context))


def passes(codes, rounds):
    """Rows that differ when a round begins, per row, summed over rounds."""
    cost = 0.0
    for place in range(len(rounds)):
        seen = [c for columns in rounds[:place] for c in columns]
        share = len({tuple(row) for row in codes[:, seen]}) / len(codes)
        cost += share if share <= WORTH else 1
    return cost


@given(st.integers(1, 200), st.integers(1, 8), st.integers(0, 50))
def test_members_are_judged_on_rows_of_their_own(rows, members, seed):
    split = split_rows(np.arange(rows), members, rows // 4, seeded(seed))
    assert len(split.learned) == members
    for learned, held in zip(split.learned, split.held, strict=True):
        assert len(learned)
        assert sorted([*learned, *held]) == list(range(rows))
    if members > 1 and len(split.held[0]):
        held = np.concatenate(split.held)
        assert len(np.unique(held)) == len(held)
        assert len(held) == rows or max(map(len, split.held)) <= -(-rows // FOLDS)


def test_rows_of_one_group_are_held_out_together():
    groups = np.repeat(np.arange(60), 3)
    for members in (1, 4):
        split = split_rows(groups, members, 40, seeded(1))
        for learned, held in zip(split.learned, split.held, strict=True):
            assert not set(groups[learned]) & set(groups[held])
            assert len(held) >= (36 if members == 1 else 21)


def test_rows_are_grouped_where_there_are_enough_groups():
    known = np.where(np.arange(180) < 60, -1, np.arange(180) // 2)
    assert len(np.unique(group_rows(180, known))) == 60 + 60
    assert len(np.unique(group_rows(180, np.arange(180) // 60))) == 180
    assert len(np.unique(group_rows(180, None))) == 180
    assert len(group_rows(0, np.zeros(0, np.int64))) == 0


@given(st.integers(0, 1_000_000), st.integers(1, 100_000), st.sampled_from([None, 1, 30]))
def test_plans_fit_the_table(rows, codes, epochs):
    plan = plan_training(rows, codes, CTGANSettings(epochs=epochs))
    assert 1 <= plan.batch <= 512
    assert plan.batch <= max(1, rows)
    assert 1 <= plan.evaluate_every <= plan.steps
    assert plan.held_out < max(1, rows)
    assert plan.width <= plan_training(rows, 2 * codes, CTGANSettings()).width
    more = plan_training(2 * rows, codes, CTGANSettings())
    assert plan.members >= more.members
    # eight networks of few rows are each wider than the one of some more
    assert plan.width <= more.width or plan.members > more.members


@given(st.integers(1_500, 1_000_000))
def test_more_rows_are_worth_more_looks(rows):
    plan, more = (plan_training(n, 300, CTGANSettings()) for n in (rows, 2 * rows))
    assert plan.steps * plan.batch <= more.steps * more.batch


@pytest.mark.parametrize(
    ("wrong", "message"),
    [
        ({"batch_size": 0}, "batch_size is 0, less than 1"),
        ({"dropout": 1.0}, "dropout is 1.0, not below 1"),
        ({"learning_rate": 0}, "learning_rate is 0"),
        ({"device": "gpu"}, "device is 'gpu'"),
        ({"objective": "clasic"}, "did you mean 'classic'"),
    ],
)
def test_wrong_settings_are_refused(wrong, message):
    with pytest.raises(ConfigError, match=message):
        CTGANSettings(**wrong)


def test_settings_survive_json_and_unknown_ones_are_suggested():
    changed = CTGANSettings.classic(epochs=3)
    assert CTGANSettings.from_dict(changed.to_dict()) == changed
    with pytest.raises(ConfigError, match="did you mean 'patience'"):
        CTGANSettings.from_dict({"patient": 3})
