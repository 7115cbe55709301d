"""Large counts go to parents that together are as the real children's parents are."""

from __future__ import annotations

import json

import numpy as np
import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from synthohive.encoding.layout import CodeColumn, Layout
from synthohive.linkage.balance import Balance, fit_balance
from synthohive.linkage.counts import CountModel, fit_counts
from synthohive.randomness import Stream

LAYOUT = Layout(
    (
        CodeColumn(name="area", size=6, source="area"),
        CodeColumn(name="height", size=8, source="height", is_ordered=True),
        CodeColumn(name="height#fine", size=5, source="height", coarse="height", is_ordered=True),
    )
)


def towers(random, rows):
    """Codes of some parents."""
    return pl.DataFrame(
        {c.name: random.integers(0, c.size, rows).astype(np.uint8) for c in LAYOUT.columns}
    )


def gap(codes, real, counts, dealt):
    """Return the energy distance of children's parents from the real ones, pair by pair."""
    area, height, fine = (
        np.concatenate([codes[name].to_numpy(), real[name].to_numpy()]).astype(float)
        for name in LAYOUT.names
    )
    height = 5 * height + fine
    weights = np.concatenate([dealt / dealt.sum(), counts / -float(counts.sum())])
    total = 0.0
    for apart in (
        area[:, None] != area[None, :],
        np.abs(height[:, None] - height[None, :]),
    ):
        there = weights[len(codes) :]
        variety = there @ apart[len(codes) :, len(codes) :] @ there
        if variety > 1e-9:
            total -= (weights @ apart @ weights) / variety
    return total


@settings(max_examples=30, deadline=None)
@given(
    st.integers(0, 2**32 - 1),
    st.lists(st.integers(1, 900), min_size=1, max_size=8),
    st.integers(1, 3),
)
def test_parents_of_a_leaf_exchange_counts_and_fit_no_worse(seed, large, leaf_count):
    random = np.random.default_rng(seed)
    real, codes = towers(random, 40), towers(random, 60)
    counts = np.zeros(40, np.uint32)
    counts[: len(large)] = large
    drawn = np.zeros(60, np.int64)
    drawn[random.permutation(60)[: len(large)]] = large
    leaves = random.integers(0, leaf_count, 60)
    balance = fit_balance(codes=real, layout=LAYOUT, counts=pl.Series(counts))
    if balance is None:
        assert len({row for row, n in zip(real.rows(), counts, strict=True) if n}) == 1
        return
    balance = Balance.from_dict(json.loads(json.dumps(balance.to_dict())))
    before = drawn.copy()
    dealt = balance.deal(drawn, leaves, codes)
    assert (drawn == before).all()
    for leaf in range(leaf_count):
        assert sorted(dealt[leaves == leaf]) == sorted(drawn[leaves == leaf])
    assert (dealt == balance.deal(drawn, leaves, codes)).all()
    was, now = (gap(codes, real, counts, each) for each in (drawn, dealt))
    assert now < was if (dealt != drawn).any() else now == was


def model_of_hubs(*, is_balanced):
    """Three of 500 towers have all children; two of them stand in area 1, one in area 2."""
    real = towers(np.random.default_rng(0), 500)
    hubs = [
        *np.flatnonzero(real["area"].to_numpy() == 1)[:2],
        np.flatnonzero(real["area"].to_numpy() == 2)[0],
    ]
    counts = np.zeros(500, np.uint32)
    counts[hubs] = [1_000, 1_100, 1_200]
    series = pl.Series(counts)
    model = fit_counts(series, codes=real, layout=LAYOUT)
    balance = fit_balance(real, LAYOUT, series) if is_balanced else None
    state = {**model.to_dict(), "balance": None if balance is None else balance.to_dict()}
    return CountModel.from_dict(json.loads(json.dumps(state)))


def area_shares(model, seed, **kwargs):
    """Return how many of the children of generated towers live in each area, in shares."""
    drawn = towers(np.random.default_rng(1_000 + seed), 500)
    counts = model.sample(drawn, Stream(seed), **kwargs).to_numpy()
    return np.bincount(drawn["area"].to_numpy(), counts, minlength=6) / counts.sum()


def test_the_few_parents_that_matter_are_spread_as_the_real_ones():
    wanted = np.array([0, 2_100, 1_200, 0, 0, 0]) / 3_300
    plain, balanced = (
        [area_shares(model_of_hubs(is_balanced=b), seed, is_evened=True) for seed in range(12)]
        for b in (False, True)
    )
    far = [np.abs(shares - wanted).sum() / 2 for shares in plain]
    near = [np.abs(shares - wanted).sum() / 2 for shares in balanced]
    assert np.mean(far) > 0.4
    assert max(near) < 0.07


def test_chosen_parents_and_parts_of_a_table_are_not_balanced():
    """What is given may be unlike the real parents; a block does not know the others."""
    plain, balanced = (model_of_hubs(is_balanced=b) for b in (False, True))
    drawn = towers(np.random.default_rng(5), 500)
    for kwargs in ({}, {"is_evened": True, "start": 0, "total": 501}):
        assert (
            plain.sample(drawn, Stream(1), **kwargs).to_list()
            == balanced.sample(drawn, Stream(1), **kwargs).to_list()
        )


def test_balancing_keeps_the_counts():
    plain, balanced = (model_of_hubs(is_balanced=b) for b in (False, True))
    drawn = towers(np.random.default_rng(5), 500)
    for scale in (1.0, 2.5):
        before, after = (
            model.sample(drawn, Stream(1), is_evened=True, scale=scale)
            for model in (plain, balanced)
        )
        assert before.sort().to_list() == after.sort().to_list()
        assert before.to_list() != after.to_list()


@pytest.mark.parametrize("counts", [[0, 0, 0, 0], [0, 7, 0, 0]])
def test_nothing_is_known_without_children_or_with_those_of_one_parent(counts):
    codes = towers(np.random.default_rng(0), 4)
    assert fit_balance(codes, LAYOUT, pl.Series(counts, dtype=pl.UInt32)) is None


def test_a_column_without_variety_is_left_out():
    codes = pl.DataFrame({"area": [0, 0, 3], "height": [1, 2, 3], "height#fine": [4, 0, 0]})
    balance = fit_balance(codes, LAYOUT, pl.Series([5, 5, 0]))
    assert balance is not None
    assert [margin.names for margin in balance.margins] == [("height", "height#fine")]
    assert np.flatnonzero(balance.margins[0].shares).tolist() == [9, 10]
