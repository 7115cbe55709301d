"""Columns that may have some of their codes only."""

from __future__ import annotations

from functools import cache

import numpy as np
import pytest

from synthohive.encoding.layout import CodeColumn, Layout
from synthohive.models.settings import CTGANSettings
from synthohive.models.training import train
from synthohive.randomness import Stream

ROWS = 4_000
SIZES = {"a": 6, "b": 6, "c": 8, "c#fine": 4, "d": 3}
LAYOUT = Layout(
    tuple(
        CodeColumn(name=name, size=size, source=name[0], coarse="c" if "#" in name else None)
        for name, size in SIZES.items()
    )
)


def rows():
    """Codes: `b` is near `a`, `d` follows from both, fine codes are uneven."""
    random = np.random.default_rng(0)
    a = random.choice(6, ROWS, p=[0.3, 0.25, 0.2, 0.1, 0.1, 0.05])
    b = (a + random.choice([0, 1, 2], ROWS, p=[0.7, 0.2, 0.1])) % 6
    c = random.choice(8, ROWS)
    fine = np.where(random.random(ROWS) < 0.7, 0, random.integers(0, 4, ROWS))
    d = np.where(random.random(ROWS) < 0.9, (a + b) % 3, random.integers(0, 3, ROWS))
    return np.stack([a, b, c, fine, d], 1)


@cache
def trained(**changes):
    settings = CTGANSettings(max_steps=400, width=48, depth=1, **changes)
    return train(
        rows(),
        LAYOUT,
        context=None,
        context_layout=Layout(),
        settings=settings,
        stream=Stream(1),
        label="t",
        on_event=lambda _: None,
    )


@pytest.fixture(scope="module", params=["one", "two", "rounds", "classic"])
def generator(request):
    changes = {"one": {"members": 1}, "two": {"members": 2}, "rounds": {"rounds": 2}}
    return trained(**changes.get(request.param, {"objective": "classic"}))


def only(size, *codes):
    weights = np.zeros((1, size))
    weights[0, codes] = 1.0
    return weights


FINE = np.ones((8, 4))
FINE[:2] = FINE[5:] = 0.0
FINE[2] = [0.0, 0.0, 1.0, 1.0]
WEIGHTS = {2: only(8, 2, 3, 4), 3: FINE}


def test_only_allowed_codes_are_drawn(generator):
    limited = generator.limited({0: only(6, 1, 5), 1: only(6, 2), **WEIGHTS}, is_asked=True)
    drawn = limited.sample(3_000, stream=Stream(2))
    assert set(drawn[:, 0]) <= {1, 5}
    assert set(drawn[:, 1]) == {2}
    assert FINE[drawn[:, 2], drawn[:, 3]].all()
    again = limited.sample(3_000, stream=Stream(2), threads=1)
    assert np.array_equal(drawn, again)


def test_coarse_codes_weigh_what_their_fine_codes_weigh(generator):
    drawn = generator.limited(WEIGHTS, is_asked=True).sample(8_000, stream=Stream(2))
    real = rows()
    real = real[FINE[real[:, 2], real[:, 3]] > 0]
    share = [float((part[:, 2] == 2).mean()) for part in (drawn, real)]
    assert share[0] == pytest.approx(share[1], abs=0.05)


def test_an_early_column_looks_ahead_to_a_later_one():
    generator = trained(members=1)
    asked = {0: only(6, 0, 1, 2), 1: only(6, 2, 3, 4, 5)}
    drawn = generator.limited(asked, is_asked=True).sample(8_000, stream=Stream(2))
    real = rows()
    fits = real[np.isin(real[:, 0], [0, 1, 2]) & np.isin(real[:, 1], [2, 3, 4, 5])]
    shares = [np.bincount(part[:, 0], minlength=3) / len(part) for part in (drawn, fits)]
    assert np.abs(shares[0] - shares[1]).max() < 0.05
    alone = np.bincount(real[real[:, 0] < 3, 0], minlength=3) / (real[:, 0] < 3).sum()
    assert np.abs(alone - shares[1]).max() > 0.2  # what comes of looking at one column only


def test_codes_that_are_given_are_seen_by_limited_columns():
    generator = trained(members=1).limited({0: only(6, 1, 2, 3)}, is_asked=True)
    given = np.full((4_000, 5), -1)
    given[:, 1] = 3
    drawn, real = generator.sample(4_000, given=given, stream=Stream(2)), rows()
    real = real[(real[:, 1] == 3) & np.isin(real[:, 0], [1, 2, 3])]
    for code in (1, 2, 3):
        share = float((real[:, 0] == code).mean())
        assert float((drawn[:, 0] == code).mean()) == pytest.approx(share, abs=0.12)


def test_limits_that_are_not_asked_for_leave_the_order(generator):
    limited = generator.limited({4: only(3, 0, 1)}, is_asked=False)
    assert limited.parts.orders == generator.parts.orders
    assert set(limited.sample(2_000, stream=Stream(2))[:, 4]) == {0, 1}


def test_the_generator_itself_stays_as_it_is(generator):
    before = generator.sample(500, stream=Stream(2))
    generator.limited({0: only(6, 1)}, is_asked=True).sample(10, stream=Stream(2))
    assert np.array_equal(generator.sample(500, stream=Stream(2)), before)
