"""Parents within a table agree with their children in what other keys fix as well."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from synthohive.randomness import Stream
from synthohive.synthesis.agreeing import Shared, count_levels, make_agree
from synthohive.synthesis.spool import ABSENT

NUMBERS = 5


@st.composite
def forests(draw):
    """Draw levels, parents on the level above, and what is wanted and offered."""
    steps = draw(st.lists(st.integers(0, 4), min_size=1, max_size=60))
    levels = np.searchsorted(np.unique(steps), steps)
    parents = np.full(len(levels), ABSENT)
    for row, level in enumerate(levels):
        if level:
            parents[row] = draw(st.sampled_from(np.flatnonzero(levels == level - 1).tolist()))
    number = st.sampled_from([*range(NUMBERS), int(ABSENT)])
    wants, offers = (
        np.array(draw(st.lists(number, min_size=len(levels), max_size=len(levels))), np.uint32)
        for _ in range(2)
    )
    return levels, parents, wants, offers


def agreed(forest, *, window=1 << 18):
    levels, parents, wants, offers = forest
    found, own = np.zeros(len(levels), np.uint8), parents.copy()
    count_levels(own, found)
    assert found.tolist() == levels.tolist()
    shared = Shared(wants=wants, offers=offers, levels=found, numbers=NUMBERS)
    make_agree(own, shared, Stream(3), window=window)
    return own


@settings(max_examples=100, deadline=None)
@given(forests())
def test_parents_agree_and_are_as_near_as_there_are_any(forest):
    levels, parents, wants, offers = forest
    for row, parent in enumerate(agreed(forest).tolist()):
        was = int(parents[row])
        if was == ABSENT or wants[row] == offers[was]:
            assert parent == was
            continue
        alike = np.flatnonzero((offers == wants[row]) & (wants[row] != ABSENT))
        near, above = alike[levels[alike] == levels[row] - 1], alike[levels[alike] < levels[row]]
        choice = near if len(near) else above
        assert parent in choice if len(choice) else parent == ABSENT


@settings(max_examples=50, deadline=None)
@given(forests(), st.integers(1, 20))
def test_windows_do_not_change_the_result(forest, window):
    assert agreed(forest, window=window).tolist() == agreed(forest).tolist()


def test_choices_spread_over_all_who_agree():
    rows = 4_000
    parents = np.full(rows, ABSENT)
    parents[rows // 2 :] = 0
    offers = np.arange(rows, dtype=np.uint32) % 2
    wants = np.ones(rows, np.uint32)
    found = agreed((np.repeat([0, 1], rows // 2), parents, wants, offers))
    served = np.bincount(found[rows // 2 :], minlength=rows // 2)
    assert not served[::2].any()
    assert served[1::2].mean() == pytest.approx(2)
    assert served[1::2].var() == pytest.approx(2, rel=0.2)
