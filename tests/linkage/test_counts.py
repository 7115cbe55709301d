"""Counts: learned three ways, drawn the same way for any split into blocks."""

from __future__ import annotations

import json

import numpy as np
import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from synthohive.encoding.layout import CodeColumn, Layout
from synthohive.errors import ConfigError
from synthohive.linkage.counts import CountModel, fit_counts
from synthohive.randomness import Stream

METHODS = ("conditional", "empirical", "negbinom")


def series(counts):
    return pl.Series("count", np.asarray(counts), dtype=pl.UInt32)


def planted(parents, seed=0):
    """Parents whose segment decides their number of children."""
    generator = np.random.default_rng(seed)
    segment = generator.integers(0, 3, parents)
    codes = pl.DataFrame(
        {
            "segment": segment.astype(np.uint8),
            "age": generator.integers(0, 30, parents).astype(np.uint8),
            "city": generator.integers(0, 80, parents).astype(np.uint8),
        }
    )
    layout = Layout(
        (
            CodeColumn(name="segment", size=3, source="segment"),
            CodeColumn(name="age", size=30, source="age", is_ordered=True),
            CodeColumn(name="city", size=80, source="city"),
        )
    )
    return codes, layout, generator.poisson(np.array([1.3, 4.0, 10.3])[segment])


def eta_squared(counts, groups):
    means = np.array([counts[groups == g].mean() for g in range(3)])
    return 1 - ((counts - means[groups]) ** 2).sum() / ((counts - counts.mean()) ** 2).sum()


def test_empirical_keeps_the_distribution_of_uniform_counts():
    real = np.random.default_rng(1).integers(0, 6, 2000)
    drawn = fit_counts(series(real), method="empirical").sample(2000, Stream(3)).to_numpy()
    shares = [np.bincount(x, minlength=6) / 2000 for x in (real, drawn)]
    assert np.abs(shares[0] - shares[1]).sum() / 2 < 0.05
    assert abs(shares[0][0] - shares[1][0]) < 0.03
    assert drawn.max() <= 5


def test_conditional_follows_the_segment_of_new_parents():
    codes, layout, real = planted(2000)
    model = fit_counts(series(real), codes=codes, layout=layout)
    assert model.names == ("segment",)
    new, _, _ = planted(2000, seed=9)
    drawn = model.sample(new, Stream(3)).to_numpy()
    segment = new["segment"].to_numpy()
    for group, mean in enumerate((1.3, 4.0, 10.3)):
        assert drawn[segment == group].mean() == pytest.approx(mean, rel=0.15)
    assert eta_squared(drawn, segment) >= 0.6
    assert drawn.max() <= real.max()


def test_a_table_has_as_many_children_as_its_parents_promise():
    codes, layout, real = planted(2000)
    model = fit_counts(series(real), codes=codes, layout=layout)
    totals = [model.sample(codes, Stream(seed)).sum() for seed in range(20)]
    assert np.std(totals) < 0.01 * real.sum()
    assert np.mean(totals) == pytest.approx(real.sum(), rel=0.01)


def test_neighbours_are_independent():
    drawn = fit_counts(series(range(50)), method="empirical").sample(5000, Stream(1)).to_numpy()
    assert abs(np.corrcoef(drawn[:-1], drawn[1:])[0, 1]) < 0.06


@pytest.mark.parametrize(("mean", "variance"), [(3.0, 30.0), (0.2, 1.5), (400.0, 90_000.0)])
def test_negbinom_keeps_mean_and_variance(mean, variance):
    p = mean / variance
    real = np.random.default_rng(2).negative_binomial(mean * p / (1 - p), p, 4000)
    drawn = fit_counts(series(real), method="negbinom").sample(100_000, Stream(5)).to_numpy()
    assert drawn.mean() == pytest.approx(real.mean(), rel=0.15)
    assert drawn.var() == pytest.approx(real.var(), rel=0.15)


def test_negbinom_of_huge_counts_keeps_mean_and_variance():
    real = np.random.default_rng(2).gamma(1.5, 400_000, 300).astype(np.uint32)
    drawn = fit_counts(series(real), method="negbinom").sample(3000, Stream(5)).to_numpy()
    assert drawn.mean() == pytest.approx(real.mean(), rel=0.05)
    assert drawn.astype(float).var() == pytest.approx(real.astype(float).var(), rel=0.15)


def test_negbinom_edges():
    assert set(fit_counts(series([4] * 9), method="negbinom").sample(50, Stream(1))) == {4}
    assert set(fit_counts(series([0] * 9), method="negbinom").sample(50, Stream(1))) == {0}
    binomial = np.random.default_rng(0).binomial(10, 0.5, 2000)
    drawn = fit_counts(series(binomial), method="negbinom").sample(4000, Stream(1)).to_numpy()
    assert drawn.var() == pytest.approx(5.0, rel=0.1)  # Poisson: its variance is its mean


@pytest.mark.parametrize("method", METHODS)
def test_no_parents_no_children(method):
    model = fit_counts(series([]), method=method)
    assert model.sample(3, Stream(1)).to_list() == [0, 0, 0]
    assert model.sample(0, Stream(1)).to_list() == []


def test_long_tails_share_bins_and_stay_in_bounds():
    real = np.unique(np.random.default_rng(0).pareto(1.0, 20_000) * 20).astype(np.int64)
    real = np.concatenate([real, np.zeros(4000, np.int64), np.full(3000, 77)])
    model = fit_counts(series(real), method="empirical")
    assert len(model.low) < 600
    drawn = model.sample(20_000, Stream(1)).to_numpy()
    assert (drawn == 0).mean() == pytest.approx((real == 0).mean(), abs=0.01)
    assert (drawn == 77).mean() == pytest.approx((real == 77).mean(), abs=0.01)
    assert drawn.max() <= real.max()
    quantiles = [0.5, 0.9, 0.99]
    assert np.quantile(drawn, quantiles) == pytest.approx(np.quantile(real, quantiles), rel=0.1)


def test_small_leaves_do_not_replay_their_rows():
    codes, layout, real = planted(60)
    table = fit_counts(series(real), codes=codes, layout=layout).table
    assert table.tree.size > 1
    assert (table.shares > 0).all()


def test_scale_keeps_the_mean_of_fractions():
    model = fit_counts(series([1, 1, 2]), method="empirical")
    drawn = model.sample(30_000, Stream(1), scale=0.3)
    assert drawn.mean() == pytest.approx(0.4, rel=0.03)
    assert model.sample(3000, Stream(1), scale=3.0).mean() == pytest.approx(4.0, rel=0.01)


@settings(max_examples=40, deadline=None)
@given(
    st.lists(st.integers(0, 9), min_size=1, max_size=40),
    st.sampled_from(METHODS),
    st.tuples(st.integers(0, 200), st.integers(0, 200)),
    st.sampled_from([1.0, 0.4, 2.5]),
    st.integers(0, 2**32),
)
def test_any_split_into_blocks_draws_the_same(real, method, cut, scale, seed):
    first, second = cut
    model = fit_counts(series(real), method=method)
    whole = model.sample(first + second, Stream(seed), scale=scale)
    head = model.sample(first, Stream(seed), total=first + second, scale=scale)
    tail = model.sample(second, Stream(seed), start=first, scale=scale)
    assert whole.equals(head.extend(tail))
    if method == "empirical" and scale == 1.0:
        assert set(whole) <= set(real)


@settings(max_examples=20, deadline=None)
@given(st.integers(0, 1000), st.integers(1, 299))
def test_conditional_blocks_draw_the_same(seed, cut):
    codes, layout, real = planted(300, seed)
    model = fit_counts(series(real), codes=codes, layout=layout)
    loaded = CountModel.from_dict(json.loads(json.dumps(model.to_dict())))
    whole = model.sample(codes, Stream(seed))
    parts = [
        loaded.sample(codes[:cut], Stream(seed), total=codes.height),
        loaded.sample(codes[cut:], Stream(seed), start=cut),
    ]
    assert whole.equals(pl.concat(parts))
    assert whole.dtype == pl.UInt32
    assert whole.max() <= real.max()


@pytest.mark.parametrize("method", METHODS)
def test_survives_json(method):
    model = fit_counts(series([0, 1, 5, 9, 9, 40]), method=method)
    again = CountModel.from_dict(json.loads(json.dumps(model.to_dict())))
    assert again.sample(500, Stream(1)).equals(model.sample(500, Stream(1)))


def test_wrong_use_is_told():
    codes, layout, real = planted(500)
    with pytest.raises(ConfigError, match="negbinom"):
        fit_counts(series(real), method="negbinomial")
    with pytest.raises(ConfigError, match="codes of 10 parents"):
        fit_counts(series(real), codes=codes[:10], layout=layout)
    with pytest.raises(ConfigError, match="segment"):
        fit_counts(series(real), codes=codes, layout=layout).sample(5, Stream(1))


def test_few_parents_have_together_as_many_children_as_real_ones():
    """Three of 200 parents have all children: there are about three such parents again."""
    real = [0] * 197 + [900, 1_000, 1_100]
    model = fit_counts(series(real))
    for seed in range(10):
        assert model.sample(200, Stream(seed)).sum() == pytest.approx(3_000, rel=0.15)
        assert model.sample(20, Stream(seed)).sum() in (0, *range(900, 1_101))


def districts(seed):
    """Codes of 77 generated districts: about a quarter are cities."""
    cities = np.random.default_rng(seed).random(77) < 19 / 77
    return pl.DataFrame({"city": cities.astype(np.uint8)})


@pytest.fixture(scope="module")
def uneven():
    """Counts of districts of which one, a city, has an eighth of all accounts."""
    random = np.random.default_rng(0)
    real = pl.DataFrame({"city": (np.arange(77) < 19).astype(np.uint8)})
    counts = np.where(np.arange(77) < 19, random.integers(60, 140, 77), random.integers(20, 75, 77))
    counts[0] = 554
    layout = Layout((CodeColumn(name="city", size=2, source="city"),))
    model = fit_counts(pl.Series(counts, dtype=pl.UInt32), codes=real, layout=layout)
    assert model.names == ("city",)
    return CountModel.from_dict(json.loads(json.dumps(model.to_dict()))), int(counts.sum())


def test_counts_of_few_parents_add_up_as_the_real_ones(uneven):
    model, real = uneven
    chance, evened = (
        [
            int(model.sample(districts(seed), Stream(seed), is_evened=is_evened).sum())
            for seed in range(60)
        ]
        for is_evened in (False, True)
    )
    assert np.std(chance) > 0.06 * real
    assert np.std(evened) < 0.01 * real
    assert np.mean(evened) == pytest.approx(real, rel=0.005)
    twice = model.sample(districts(1), Stream(1), scale=2.5, is_evened=True)
    assert twice.sum() == pytest.approx(2.5 * real, rel=0.01)


def test_counts_of_many_parents_are_evened_where_few_of_them_matter():
    """Three airports of 1,458 have weather, all of them hubs; fewer hubs are generated."""
    layout = Layout((CodeColumn(name="hub", size=2, source="hub"),))
    real, drawn = (
        pl.DataFrame({"hub": (np.arange(1_458) < hubs).astype(np.uint8)}) for hubs in (30, 20)
    )
    counts = np.zeros(1_458, np.uint32)
    counts[:3] = 8_705
    model = fit_counts(pl.Series(counts), codes=real, layout=layout)
    chance, evened = (
        {int(model.sample(drawn, Stream(seed), is_evened=is_evened).sum()) for seed in range(20)}
        for is_evened in (False, True)
    )
    assert evened == {3 * 8_705}
    assert chance > {2 * 8_705}
    counts = model.sample(drawn, Stream(1), is_evened=True)
    assert drawn["hub"].filter(counts > 0).sum() == 3


def test_evened_counts_depend_on_attributes_as_those_drawn_one_by_one(uneven):
    model, _ = uneven
    means = {}
    for is_evened in (False, True):
        drawn = [
            districts(seed).with_columns(
                count=model.sample(districts(seed), Stream(seed), is_evened=is_evened)
            )
            for seed in range(300)
        ]
        per_kind = pl.concat(drawn).group_by("city").agg(pl.col("count").mean()).sort("city")
        means[is_evened] = per_kind["count"].to_numpy()
    assert means[True] == pytest.approx(means[False], rel=0.04)


def test_counts_of_chosen_parents_are_not_evened(uneven):
    """Where all districts are cities, there are more accounts than in the real country."""
    model, real = uneven
    cities = pl.DataFrame({"city": np.ones(77, np.uint8)})
    assert model.sample(cities, Stream(1)).sum() > 1.3 * real
