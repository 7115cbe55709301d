from __future__ import annotations

import random

import numpy as np
import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st

from synthohive import kernels
from synthohive.errors import CapacityError, ConfigError

words = st.integers(0, 2**64 - 1)
parts = st.lists(st.one_of(st.text(max_size=3), st.integers(-5, 5)), max_size=4)


@given(words, words, st.integers(0, 99), st.lists(st.integers(0, 40), max_size=5))
def test_any_cut_gives_the_same_numbers(
    seed: int, stream: int, start: int, cuts: list[int]
) -> None:
    for draw in (kernels.uniform, kernels.random_u64):
        whole = draw(sum(cuts), seed=seed, stream=stream, start=start).to_list()
        pieces, at = [], start
        for n in cuts:
            pieces += draw(n, seed=seed, stream=stream, start=at).to_list()
            at += n
        assert pieces == whole


def test_numbers_are_those_of_the_published_function() -> None:
    # known answers of Philox2x64-10, from the authors' own test vectors
    assert kernels.random_u64(2, seed=0, stream=0).to_list() == [
        0xCA00A0459843D731,
        0x66C24222C9A845B5,
    ]
    ones = 2**64 - 1
    last = kernels.random_u64(1, seed=ones, stream=ones, start=ones)
    assert last.item() == kernels.random_u64(2, seed=ones, stream=ones, start=ones - 1)[1]


def test_uniform_numbers_look_uniform_and_streams_unrelated() -> None:
    a = kernels.uniform(50_000, seed=1, stream=1).to_numpy()
    b = kernels.uniform(50_000, seed=1, stream=2).to_numpy()
    assert a.min() >= 0
    assert a.max() < 1
    assert np.abs(np.sort(a) - np.linspace(0, 1, len(a))).max() < 0.01  # Kolmogorov-Smirnov
    assert abs(np.corrcoef(a, b)[0, 1]) < 0.02
    assert abs(np.corrcoef(a[1:], a[:-1])[0, 1]) < 0.02


@given(parts, parts)
def test_streams_are_named_by_their_parts(one: list[str | int], other: list[str | int]) -> None:
    same = [(type(part), part) for part in one] == [(type(part), part) for part in other]
    assert (kernels.stream_id(*one) == kernels.stream_id(*other)) == same
    assert 0 <= kernels.stream_id(*one) < 2**64


def test_a_stream_has_the_same_name_in_every_process() -> None:
    assert kernels.stream_id("orders", "keys", 3) == 4187614510652881340
    assert kernels.stream_id("ab") != kernels.stream_id("a", "b")
    assert kernels.stream_id("1") != kernels.stream_id(1)


@given(st.integers(0, 2000), words, words)
def test_a_permutation_is_a_bijection_found_entry_by_entry(n: int, seed: int, stream: int) -> None:
    shuffled = kernels.permutation(n, seed=seed, stream=stream)
    assert shuffled.dtype == pl.UInt32
    assert shuffled.sort().to_list() == list(range(n))
    for dtype in (pl.UInt32, pl.UInt64):
        some = pl.Series(range(0, n, 7), dtype=dtype)
        places = kernels.permuted(some, n, seed=seed, stream=stream)
        assert places.dtype == dtype
        assert places.to_list() == shuffled.to_list()[::7]


@given(st.lists(st.integers(0, 40), min_size=1, max_size=6), words, words)
def test_shuffles_of_groups_are_apart(sizes: list[int], seed: int, stream: int) -> None:
    pairs = [(row, group) for group, size in enumerate(sizes) for row in range(size)]
    rows, groups = (pl.Series([pair[side] for pair in pairs], dtype=pl.UInt32) for side in (0, 1))
    lengths = pl.Series(sizes, dtype=pl.UInt32)
    places = kernels.permuted_within(rows, groups, lengths, seed=seed, stream=stream)
    assert sorted(zip(places, groups, strict=True)) == sorted(pairs)
    alone = kernels.permuted_within(rows[::3], groups[::3], lengths, seed=seed, stream=stream)
    assert alone.to_list() == places.to_list()[::3]


def test_seeds_and_streams_give_different_shuffles() -> None:
    orders = {
        tuple(kernels.permutation(20, seed=seed, stream=stream).to_list())
        for seed in range(10)
        for stream in range(10)
    }
    assert len(orders) == 100


def test_wide_shuffles_need_no_memory() -> None:
    rows = pl.Series([0, 1, 2**40], dtype=pl.UInt64)
    places = kernels.permuted(rows, 2**40 + 1, seed=7, stream=1)
    assert places.n_unique() == 3
    assert places.max() <= 2**40


def test_wrong_addresses_are_refused() -> None:
    with pytest.raises(ConfigError, match="row 5 is not below n, which is 5"):
        kernels.permuted(pl.Series([5], dtype=pl.UInt32), 5, seed=1, stream=1)
    with pytest.raises(ConfigError, match="rows: has type Int64"):
        kernels.permuted(pl.Series([0]), 5, seed=1, stream=1)
    one = pl.Series([2], dtype=pl.UInt32)
    with pytest.raises(ConfigError, match="row 2 is not below the size of group 2, which is 0"):
        kernels.permuted_within(one, one, one, seed=1, stream=1)
    with pytest.raises(CapacityError):
        kernels.permutation(2**32, seed=1, stream=1)
    with pytest.raises(CapacityError):
        kernels.uniform(2**32, seed=1, stream=1)
    for wrong in ({"seed": -1, "stream": 1}, {"seed": 1, "stream": 2**64}):
        with pytest.raises(ConfigError, match=r"2\*\*64"):
            kernels.uniform(1, **wrong)


def test_the_callers_generators_are_left_alone() -> None:
    np.random.seed(3)  # noqa: NPY002 - the caller's global state is what is watched
    random.seed(3)
    before = (np.random.get_state()[1].tolist(), random.getstate())  # noqa: NPY002
    kernels.uniform(100, seed=1, stream=1)
    kernels.permutation(100, seed=1, stream=1)
    kernels.draw_uniform(100, 5, seed=1, stream=1)
    assert (np.random.get_state()[1].tolist(), random.getstate()) == before  # noqa: NPY002
