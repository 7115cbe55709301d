"""Context and given codes decide what is drawn."""

from __future__ import annotations

import numpy as np
import pytest
from planted import CONTEXT, LAYOUT, TINY, distance

from synthohive.encoding.layout import CodeColumn, Layout
from synthohive.errors import ContextError
from synthohive.models import CTGANSettings, train
from synthohive.randomness import Stream


def kinds(codes):
    return np.bincount(codes[:, 0], minlength=4) / len(codes)


def test_acceptance_25_context_decides_and_permuting_it_permutes_the_outcome(in_context):
    generator, codes, region = in_context
    for wanted in range(3):
        drawn = generator.sample(2_000, context=np.full((2_000, 1), wanted), stream=Stream(5))
        assert distance(kinds(drawn), kinds(codes[region[:, 0] == wanted])) < 0.08
    context = np.repeat([0, 1, 2], 500)[:, None]
    shuffled = np.random.default_rng(0).permutation(context)
    drawn = generator.sample(1_500, context=shuffled, stream=Stream(6))
    for wanted in range(3):
        inside = drawn[shuffled[:, 0] == wanted, 0]
        assert np.isin(inside, [wanted, wanted + 1]).mean() > 0.95


def test_acceptance_26_a_context_of_80_cities_beats_the_marginals():
    random = np.random.default_rng(0)
    city = random.integers(0, 80, 6_000)
    favourite = random.integers(0, 8, 80)
    is_own = random.random(6_000) < 0.7
    codes = np.where(is_own, favourite[city], random.integers(0, 8, 6_000))[:, None]
    generator = train(
        codes,
        Layout((CodeColumn(name="style", size=8, source="style"),)),
        context=city[:, None],
        context_layout=Layout((CodeColumn(name="city", size=80, source="city"),)),
        settings=CTGANSettings(width=64, depth=1, members=1, max_steps=250, batch_size=256),
        stream=Stream(1),
    )
    where = np.repeat(np.arange(80), 50)
    drawn = generator.sample(4_000, context=where[:, None], stream=Stream(2))[:, 0]
    assert abs((drawn == favourite[where]).mean() - 0.7375) < 0.1


def test_a_context_code_never_seen_gets_an_average_row():
    codes = np.repeat([0, 1], 300)[:, None]
    kind = Layout((CodeColumn(name="kind", size=2, source="kind"),))
    settings = CTGANSettings(width=32, depth=1, members=2, max_steps=150, batch_size=128)
    generator = train(
        codes, kind, context=codes, context_layout=CONTEXT, settings=settings, stream=Stream(1)
    )
    drawn = generator.sample(300, context=np.repeat([0, 1, 2], 100)[:, None], stream=Stream(2))
    shares = drawn[:, 0].reshape(3, 100).mean(1)
    assert shares[0] < 0.1
    assert shares[1] > 0.9
    assert 0.1 < shares[2] < 0.9


def test_acceptance_28_wrong_context_is_refused(in_context):
    generator, _, _ = in_context
    with pytest.raises(ContextError, match=r"without the context \(region\)"):
        generator.sample(3, stream=Stream(1))
    with pytest.raises(ContextError, match=r"shape \(2, 1\), not \(3, 1\)"):
        generator.sample(3, context=np.zeros((2, 1), np.int64), stream=Stream(1))


def test_given_codes_are_kept_and_the_others_follow(alone):
    generator, codes = alone
    given = np.full((2_000, 4), -1)
    given[:, 1] = 2
    drawn = generator.sample(2_000, given=given, stream=Stream(7))
    assert (drawn[:, 1] == 2).all()
    assert distance(kinds(drawn), kinds(codes[codes[:, 1] == 2])) < 0.08


def test_every_row_may_have_other_columns_given(alone):
    generator, codes = alone
    random = np.random.default_rng(1)
    given = np.where(random.random((500, 4)) < 0.5, codes[:500], -1)
    drawn = generator.sample(500, given=given, stream=Stream(8))
    assert (drawn[given >= 0] == given[given >= 0]).all()
    everything = generator.sample(500, given=codes[:500], stream=Stream(8))
    assert (everything == codes[:500]).all()


def test_a_fine_code_may_be_given_without_its_coarse_one(alone):
    generator, _ = alone
    given = np.full((300, 4), -1)
    given[:, 2] = 4
    drawn = generator.sample(300, given=given, stream=Stream(9))
    assert (drawn[:, 2] == 4).all()


def test_a_constant_column_can_be_given_another_code():
    codes = np.stack([np.ones(60, np.int64), np.arange(60) % 2], 1)
    layout = Layout((LAYOUT.columns[0], CONTEXT.columns[0]))
    generator = train(codes, layout, settings=TINY, stream=Stream(1))
    drawn = generator.sample(2, given=np.array([[3, -1], [-1, 0]]), stream=Stream(1))
    assert drawn[0, 0] == 3
    assert drawn[1].tolist() == [1, 0]
