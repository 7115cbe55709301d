"""Parents for children: within groups, within fixed keys, and in distinct pairs."""

from __future__ import annotations

import numpy as np
import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from synthohive.errors import CapacityError
from synthohive.linkage.assignment import assign_parents, assign_within
from synthohive.linkage.pairs import assign_pairs
from synthohive.randomness import Stream


def u32(values):
    return pl.Series(values, dtype=pl.UInt32)


def test_whole_tables_meet_quotas_exactly():
    quotas = np.random.default_rng(0).integers(0, 30, 100)
    children = u32(np.zeros(quotas.sum()))
    rows = assign_parents(children, u32(np.zeros(100)), u32(quotas), Stream(1))
    assert np.bincount(rows.to_numpy(), minlength=100).tolist() == quotas.tolist()


def test_fixed_value_comes_first_then_the_group():
    parent_fixed, parent_groups = u32([0, 0, 1, 1]), u32([0, 1, 0, 0])
    child_fixed = u32([0, 0, 1, 1, 2, 0, None])
    child_groups = u32([0, 1, 0, 1, 0, None, 0])
    rows = assign_within(
        child_fixed, parent_fixed, child_groups, parent_groups, u32([1, 1, 1, 0]), Stream(1)
    )
    assert rows.to_list() == [0, 1, 2, 2, None, None, None]


@settings(max_examples=40, deadline=None)
@given(st.integers(0, 10_000), st.integers(0, 30), st.integers(0, 100), st.booleans())
def test_within_keeps_the_fixed_value(seed, parents, children, is_whole):
    generator = np.random.default_rng(seed)
    parent_fixed, parent_groups, weights = (
        u32(generator.integers(0, size, parents)) for size in (5, 3, 4)
    )
    child_fixed, child_groups = (u32(generator.integers(0, size, children)) for size in (6, 4))
    arguments = (parent_fixed, child_groups, parent_groups, weights, Stream(seed))
    rows = assign_within(child_fixed, *arguments, is_whole=is_whole)
    possible = set(parent_fixed)
    exact = set(zip(parent_fixed, parent_groups, strict=True))
    for row, fixed, group in zip(rows, child_fixed, child_groups, strict=True):
        assert (row is None) == (fixed not in possible)
        if row is not None:
            assert parent_fixed[row] == fixed
            assert parent_groups[row] == group or (fixed, group) not in exact


@settings(max_examples=25, deadline=None)
@given(st.integers(0, 10_000), st.integers(0, 60))
def test_within_may_come_in_blocks(seed, cut):
    generator = np.random.default_rng(seed)
    parents = [u32(generator.integers(0, size, 20)) for size in (5, 3, 4)]
    fixed, groups = (u32(generator.integers(0, size, 60)) for size in (6, 4))

    def assign(rows, start):
        return assign_within(
            fixed[rows], parents[0], groups[rows], parents[1], parents[2], Stream(1), start=start
        )

    whole = assign(slice(None), 0)
    assert whole.equals(pl.concat([assign(slice(cut), 0), assign(slice(cut, None), cut)]))


@settings(max_examples=40, deadline=None)
@given(st.integers(0, 10_000), st.integers(1, 12), st.integers(1, 4))
def test_pairs_are_distinct(seed, rights, group_count):
    generator = np.random.default_rng(seed)
    counts = generator.integers(0, rights + 1, 20)
    left = u32(np.repeat(np.arange(20), counts))
    groups = u32(generator.integers(0, group_count, len(left)))
    parent_groups = u32(generator.integers(0, group_count, rights))
    right = assign_pairs(left, groups, parent_groups, u32(np.ones(rights)), Stream(seed))
    pairs = pl.DataFrame({"left": left, "right": right})
    assert right.null_count() == 0
    assert not pairs.is_duplicated().any()
    assert (right < rights).all()


def test_pairs_stay_in_their_group_while_it_lasts():
    generator = np.random.default_rng(0)
    left = u32(np.repeat(np.arange(200), 5))
    groups = u32(generator.integers(0, 3, 1000))
    parent_groups = u32(np.arange(300) % 3)
    right = assign_pairs(left, groups, parent_groups, u32(np.ones(300)), Stream(1))
    agreement = parent_groups.to_numpy()[right.to_numpy()] == groups.to_numpy()
    assert agreement.mean() > 0.99


def test_pairs_leave_nulls_alone():
    right = assign_pairs(u32([0, 0, None]), u32([None, 0, 0]), u32([0]), u32([1]), Stream(1))
    assert right.to_list() == [None, 0, 0]


def test_more_rows_than_partners_is_told():
    with pytest.raises(CapacityError, match="3"):
        assign_pairs(u32([0, 0, 0]), u32([0, 0, 0]), u32([0, 0]), u32([1, 1]), Stream(1))
