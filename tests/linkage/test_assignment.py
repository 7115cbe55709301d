"""Parents for children: within groups, within fixed keys, and in distinct pairs."""

from __future__ import annotations

import numpy as np
import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from synthohive.linkage.assignment import assign_within
from synthohive.linkage.pairs import part_pairs
from synthohive.linkage.popularity import Popularity, build_ladder
from synthohive.randomness import Stream


def u32(values):
    return pl.Series(values, dtype=pl.UInt32)


def ladder_of(groups, quotas, seed=1):
    """Parents whose real counterparts have just these quotas."""
    groups, quotas = np.asarray(groups, np.uint32), np.asarray(quotas)
    curves = Popularity(places=(np.zeros(1, int),), counts=(np.zeros(1, int),))
    if len(groups):
        order = np.lexsort((quotas, groups))
        members = [order[groups[order] == g] for g in range(int(groups.max()) + 1)]
        curves = Popularity(
            places=tuple(np.arange(max(1, len(m))) for m in members),
            counts=tuple(quotas[m] if len(m) else np.zeros(1, int) for m in members),
        )
    rows, ends = np.empty(len(groups), np.uint32), np.empty(len(groups), np.uint64)
    return build_ladder(groups, quotas, curves, Stream(seed), rows=rows, ends=ends)


def test_quotas_are_met_exactly():
    quotas = np.random.default_rng(0).integers(0, 30, 100)
    ladder = ladder_of(np.zeros(100), quotas)
    assert ladder.quotas().tolist() == quotas.tolist()
    rows = ladder.assign(u32(np.zeros(quotas.sum())))
    assert np.bincount(rows.to_numpy(), minlength=100).tolist() == quotas.tolist()
    assert not rows.is_sorted()


@settings(max_examples=60, deadline=None)
@given(
    st.integers(0, 10_000), st.integers(1, 60), st.integers(0, 300), st.integers(1, 5), st.data()
)
def test_every_parent_gets_its_share_to_within_one(seed, parents, children, groups, data):
    generator = np.random.default_rng(seed)
    own = generator.integers(0, groups, parents)
    own[0] = groups - 1
    quotas = generator.integers(0, 6, parents)
    wanted = u32(generator.integers(0, groups, children)).set(
        pl.Series(generator.random(children) < 0.2, dtype=pl.Boolean), None
    )
    ladder = ladder_of(own, quotas, seed)
    rows = ladder.assign(wanted)
    offered = np.isin(np.arange(groups), own)
    for group in range(groups):
        asked = wanted.to_numpy() == group
        if not offered[group]:
            assert rows.filter(pl.Series(asked)).null_count() == asked.sum()
            continue
        members = own == group
        weight = quotas[members] if quotas[members].sum() else np.ones(members.sum())
        used = np.bincount(rows.filter(pl.Series(asked)).to_numpy(), minlength=parents)
        assert not used[~members].any()
        assert np.abs(used[members] - asked.sum() * weight / weight.sum()).max() < 1 + 1e-9
    assert rows.filter(wanted.is_null()).null_count() == wanted.null_count()
    cut = data.draw(st.integers(0, children))
    demand = ladder.demand(wanted)
    parts = [
        ladder.serve(wanted[:cut], demand, np.zeros_like(demand)),
        ladder.serve(wanted[cut:], demand, ladder.demand(wanted[:cut])),
    ]
    assert rows.equals(pl.concat(parts))


def test_chance_alone_decides_who_is_chosen_among_equals():
    """Neighbours are chosen as often as others, and no stride picks the same of every two."""
    twice = sum(
        np.bincount(
            ladder_of(np.zeros(40), np.ones(40), seed).assign(u32(np.zeros(20))).to_numpy(),
            minlength=40,
        )
        for seed in range(200)
    )
    assert twice.sum() == 200 * 20
    assert 60 < twice.min() <= twice.max() < 140
    assert abs(twice[::2].sum() - twice[1::2].sum()) < 300


def test_blocks_do_not_change_a_ladder(monkeypatch):
    generator = np.random.default_rng(0)
    groups, quotas = generator.integers(0, 4, 500), generator.integers(0, 9, 500)
    whole = ladder_of(groups, quotas)
    monkeypatch.setattr("synthohive.linkage.popularity.BLOCK", 37)
    parts = ladder_of(groups, quotas)
    for one, other in ((whole.rows, parts.rows), (whole.ends, parts.ends)):
        assert one.tolist() == other.tolist()


def test_single_draws_follow_quotas_and_can_step_on():
    ladder = ladder_of([0, 0, 1, 1], [0, 3, 1, 1])
    uniforms = np.random.default_rng(0).random(4000)
    wanted = np.arange(4000) % 2
    by_quota = np.bincount(ladder.draw(wanted, uniforms), minlength=4)
    assert by_quota == pytest.approx([0, 2000, 1000, 1000], abs=150)
    beyond = np.bincount(ladder.draw(wanted, uniforms, 3), minlength=4)
    assert beyond.tolist() == by_quota[[1, 0, 3, 2]].tolist()


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


def junction(seed, lefts, each, groups, sizes):
    """Rows of a junction table, their parents by group and quota but not yet distinct."""
    generator = np.random.default_rng(seed)
    left = np.repeat(np.arange(lefts), each)
    ladder = ladder_of(groups, sizes)
    wanted = generator.choice(np.unique(groups), len(left)).astype(np.uint32)
    return left, ladder, ladder.assign(u32(wanted)).to_numpy()


def repeated(left, right):
    return pl.DataFrame({"left": left, "right": right}).is_duplicated().sum()


def test_pairs_swap_within_their_group_and_quotas_stay():
    sizes = np.random.default_rng(1).pareto(3, 300) * 20 + 1
    groups = np.arange(300) % 3
    left, ladder, right = junction(0, 400, 5, groups, sizes.astype(int))
    assert repeated(left, right) > 50
    distinct = part_pairs(left, right, groups[right], ladder, Stream(1))
    assert repeated(left, distinct) == 0
    assert (groups[distinct] == groups[right]).all()
    moved = np.abs(np.bincount(distinct, minlength=300) - np.bincount(right, minlength=300))
    assert moved.sum() < 0.01 * len(right)


def test_pairs_that_no_swap_can_part_are_drawn_again_in_their_group():
    """Everybody has the same one partner; there are others."""
    groups = np.array([0, 0, 0, 1, 1])
    left, ladder, right = junction(0, 50, 2, groups, [9, 0, 0, 5, 0])
    distinct = part_pairs(left, right, groups[right], ladder, Stream(1))
    assert repeated(left, distinct) == 0
    assert (groups[distinct] == groups[right]).all()


def test_a_group_without_partners_left_keeps_its_pairs():
    left, right = np.zeros(3, np.int64), np.zeros(3, np.uint32)
    ladder = ladder_of([0, 1], [1, 1])
    assert part_pairs(left, right, right, ladder, Stream(1)).tolist() == [0, 0, 0]


def test_distinct_pairs_stay_as_they_are():
    left, right = np.arange(9) // 3, (np.arange(9) % 3).astype(np.uint32)
    ladder = ladder_of([0, 0, 0], [1, 1, 1])
    assert part_pairs(left, right, right * 0, ladder, Stream(1)).tolist() == right.tolist()
