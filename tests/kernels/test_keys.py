from __future__ import annotations

from collections import Counter
from itertools import pairwise

import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st

from synthohive import kernels
from synthohive.errors import CapacityError, ConfigError

seeds = st.integers(0, 2**64 - 1)
codes = st.lists(st.one_of(st.none(), st.integers(0, 5)), max_size=60)
AT = {"seed": 7, "stream": 1}


def u32(values: list[int | None]) -> pl.Series:
    return pl.Series(values, dtype=pl.UInt32)


def f64(values: list[float]) -> pl.Series:
    return pl.Series(values, dtype=pl.Float64)


@given(seeds, st.integers(0, 50), st.integers(0, 50), st.integers(1, 9))
def test_blocks_draw_what_the_whole_draws(seed: int, n: int, m: int, parents: int) -> None:
    weights = f64([float(i) for i in range(parents)])
    groups, parent_groups = u32([i % 4 for i in range(n + m)]), u32([i % 3 for i in range(parents)])
    at = {"seed": seed, "stream": 3}

    def grouped(n: int, *, start: int = 0, **at: int) -> pl.Series:
        wanted = groups[start : start + n]
        return kernels.draw_grouped(wanted, parent_groups, weights, start=start, **at)

    draws = [
        lambda n, **at: kernels.draw_uniform(n, parents, **at),
        lambda n, **at: kernels.draw_weighted(n, weights, **at),
        grouped,
    ]
    for draw in draws:
        pieces = pl.concat([draw(n, **at), draw(m, start=n, **at)])
        assert pieces.to_list() == draw(n + m, **at).to_list()
        assert pieces.dtype == pl.UInt32


def test_shares_are_those_of_the_weights() -> None:
    drawn = Counter(kernels.draw_weighted(100_000, f64([1, 0, 3, 6]), **AT).to_list())
    assert drawn[1] == 0
    assert drawn[0] == pytest.approx(10_000, rel=0.05)
    assert drawn[2] == pytest.approx(30_000, rel=0.03)
    assert drawn[3] == pytest.approx(60_000, rel=0.02)
    even = Counter(kernels.draw_weighted(40_000, f64([0, 0]), **AT).to_list())
    assert even[0] == pytest.approx(20_000, rel=0.05)
    plain = Counter(kernels.draw_uniform(40_000, 4, **AT).to_list())
    assert all(plain[parent] == pytest.approx(10_000, rel=0.06) for parent in range(4))


@given(codes, codes, seeds)
def test_parents_come_from_the_wanted_group(
    groups: list[int | None], parents: list[int | None], seed: int
) -> None:
    wanted, offered = u32(groups), u32(parents)
    at = {"seed": seed, "stream": 2}
    weights = f64([float(i % 3) for i in range(len(parents))])
    quotas = u32([i % 4 for i in range(len(parents))])
    for rows in (
        kernels.draw_grouped(wanted, offered, **at),
        kernels.draw_grouped(wanted, offered, weights, **at),
        kernels.draw_quota(wanted, offered, quotas, **at),
    ):
        assert len(rows) == len(groups)
        for row, group in zip(rows.to_list(), groups, strict=True):
            if group is None or not parents:
                assert row is None
            elif group in parents:
                assert parents[row] == group
            else:
                assert 0 <= row < len(parents)


@given(
    st.lists(st.integers(0, 3), max_size=80),
    st.lists(st.tuples(st.integers(0, 3), st.integers(0, 6)), max_size=30),
    seeds,
)
def test_quotas_are_met_but_for_rounding(
    groups: list[int], parents: list[tuple[int, int]], seed: int
) -> None:
    offered, quotas = u32([g for g, _ in parents]), u32([q for _, q in parents])
    rows = kernels.draw_quota(u32(groups), offered, quotas, seed=seed, stream=0)
    used = Counter(
        row for row, group in zip(rows, groups, strict=True) if parents and parents[row][0] == group
    )
    demand = Counter(groups)
    for parent, (group, quota) in enumerate(parents):
        members = [q for g, q in parents if g == group]
        share = quota / sum(members) if sum(members) else 1 / len(members)
        assert abs(used[parent] - demand[group] * share) < 1


def test_quotas_leave_no_order_behind() -> None:
    n = 2000
    rows = kernels.draw_quota(u32([0] * n), u32([0] * n), u32([1] * n), **AT).to_list()
    assert sorted(rows) == list(range(n))
    ascents = sum(a < b for a, b in pairwise(rows))
    assert ascents == pytest.approx(n / 2, rel=0.1)


@given(
    st.lists(
        st.tuples(
            st.one_of(st.none(), st.integers(0, 3)), st.one_of(st.none(), st.integers(0, 29))
        ),
        max_size=30,
    ),
    seeds,
)
def test_pairs_become_distinct_and_first_ones_stay(
    pairs: list[tuple[int | None, int | None]], seed: int
) -> None:
    left, right = u32([p[0] for p in pairs]), u32([p[1] for p in pairs])
    repaired = kernels.distinct_pairs(left, right, 30, seed=seed, stream=0).to_list()
    complete = [
        (pair[0], new) for pair, new in zip(pairs, repaired, strict=True) if None not in pair
    ]
    assert len(set(complete)) == len(complete)
    seen = set()
    for pair, new in zip(pairs, repaired, strict=True):
        if None in pair or pair not in seen:
            assert new == pair[1]
        else:
            assert 0 <= new < 30
        seen.add(pair)


def test_a_full_junction_is_filled_and_a_fuller_one_refused() -> None:
    same = u32([4] * 200)
    full = kernels.distinct_pairs(same, u32([0] * 200), 200, **AT)
    assert full.sort().to_list() == list(range(200))
    with pytest.raises(CapacityError, match=r"left position 4 wants 200 .* only 199"):
        kernels.distinct_pairs(same, u32([0] * 200), 199, **AT)


def test_nothing_in_nothing_out() -> None:
    assert kernels.draw_uniform(2, 0, **AT).to_list() == [None, None]
    assert kernels.draw_weighted(2, f64([]), **AT).to_list() == [None, None]
    assert kernels.draw_grouped(u32([0]), u32([]), **AT).to_list() == [None]
    assert kernels.draw_quota(u32([0]), u32([]), u32([]), **AT).to_list() == [None]
    for empty in (
        kernels.draw_uniform(0, 3, **AT),
        kernels.draw_weighted(0, f64([1.0]), **AT),
        kernels.draw_grouped(u32([]), u32([1]), **AT),
        kernels.draw_quota(u32([]), u32([1]), u32([1]), **AT),
        kernels.distinct_pairs(u32([]), u32([]), 0, **AT),
    ):
        assert empty.dtype == pl.UInt32
        assert empty.is_empty()


def test_wrong_arguments_are_named() -> None:
    with pytest.raises(ConfigError, match="parents: is -1"):
        kernels.draw_uniform(1, -1, **AT)
    with pytest.raises(CapacityError):
        kernels.distinct_pairs(u32([0]), u32([0]), 2**32, **AT)
    for weights, problem in [
        ([1.0, -0.5], "weights: entry 1 is -0.5"),
        ([float("inf")], "weights: entry 0 is inf"),
        ([None], "weights: has 1 nulls"),
    ]:
        with pytest.raises(ConfigError, match=problem):
            kernels.draw_weighted(1, pl.Series(weights, dtype=pl.Float64), **AT)
    with pytest.raises(ConfigError, match="weights: has 1 entries, but parent_groups has 2"):
        kernels.draw_grouped(u32([0]), u32([0, 0]), f64([1.0]), **AT)
    with pytest.raises(ConfigError, match="groups: has the entry 4294967295"):
        kernels.draw_grouped(u32([2**32 - 1]), u32([0]), **AT)
    with pytest.raises(ConfigError, match="quotas: has 0 entries"):
        kernels.draw_quota(u32([0]), u32([0]), u32([]), **AT)
    with pytest.raises(ConfigError, match="right: position 3 is not below rights"):
        kernels.distinct_pairs(u32([0]), u32([3]), 3, **AT)
    with pytest.raises(ConfigError, match="right: has 2 entries, but left has 1"):
        kernels.distinct_pairs(u32([0]), u32([0, 1]), 3, **AT)
