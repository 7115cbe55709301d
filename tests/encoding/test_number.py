from __future__ import annotations

import numpy as np
import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from synthohive.encoding.blurred import fit_blurred
from synthohive.encoding.cells import cut_cells
from synthohive.encoding.grid import find_grid
from synthohive.encoding.number import NumberCodec, fit_number
from synthohive.encoding.settings import EncodingSettings
from synthohive.encoding.table import fit_encoder
from synthohive.encoding.texture import Texture, find_texture
from synthohive.randomness import Stream

SETTINGS = EncodingSettings()


def again(series: pl.Series, seed: int = 1) -> pl.Series:
    codec = fit_number(series, SETTINGS)
    state = NumberCodec.from_dict(codec.to_dict(), name=series.name, dtype=series.dtype)
    return state.decode(codec.encode(series), Stream(seed), len(series))


INTEGERS = {
    pl.Int8: (-128, 127),
    pl.Int64: (-(2**63), 2**63 - 1),
    pl.UInt64: (0, 2**64 - 1),
    pl.Int128: (-(2**127), 2**127 - 1),
}


@settings(max_examples=25, deadline=None)
@given(st.data())
def test_any_integers_stay_in_their_range(data: st.DataObject) -> None:
    dtype = data.draw(st.sampled_from(list(INTEGERS)))
    low, high = INTEGERS[dtype]
    values = data.draw(st.lists(st.none() | st.integers(low, high), min_size=1, max_size=60))
    series = pl.Series("x", values, dtype=dtype)
    decoded = again(series)
    assert decoded.dtype == dtype
    assert decoded.is_null().equals(series.is_null())
    if series.count():
        assert decoded.drop_nulls().is_between(series.min(), series.max()).all()


@settings(max_examples=30, deadline=None)
@given(st.lists(st.none() | st.floats(), min_size=1, max_size=60), st.booleans())
def test_any_floats_stay_in_their_range(values: list[float | None], narrow: bool) -> None:
    series = pl.Series("x", values, dtype=pl.Float64).cast(pl.Float32 if narrow else pl.Float64)
    decoded = again(series)
    assert decoded.dtype == series.dtype
    assert decoded.is_null().equals(series.is_null())
    for special in (np.nan, np.inf, -np.inf):
        target = pl.Series([special], dtype=series.dtype)
        assert decoded.eq_missing(target).equals(series.eq_missing(target))
    finite = series.filter(series.is_finite())
    if len(finite):
        inside = decoded.filter(decoded.is_finite())
        slack = 1e-6 if narrow else 1e-14  # values off a decimal grid by a rounding error
        low, high = finite.min(), finite.max()
        assert inside.is_between(low - slack * abs(low), high + slack * abs(high)).all()


@settings(max_examples=30, deadline=None)
@given(st.lists(st.decimals(-(10**6), 10**6, places=2), min_size=1, max_size=60))
def test_any_decimals_keep_their_scale(values: list) -> None:
    series = pl.Series("x", values, dtype=pl.Decimal(10, 2))
    decoded = again(series)
    assert decoded.dtype == series.dtype
    assert decoded.is_between(series.min(), series.max()).all()


@pytest.mark.parametrize("step", [0.25, 0.1, 0.05, 5.0, 1e-4])
def test_floats_keep_their_grid(step: float) -> None:
    r = np.random.default_rng(0)
    values = np.round(r.integers(0, 10**5, 5_000) * step, 4)
    decoded = again(pl.Series("x", values)).to_numpy()
    assert np.abs(decoded / step - np.round(decoded / step)).max() < 1e-6
    assert (np.round(decoded, 4) == decoded).all()


def test_rounding_errors_that_rows_share_are_kept() -> None:
    knots = np.arange(60) * 1.15078
    series = pl.Series("x", np.random.default_rng(0).choice(knots, 5_000))
    assert find_grid(series.unique()).decimals == 5
    assert again(series).equals(series.alias(""))


def test_grid_of_shifted_steps() -> None:
    grid = find_grid(pl.Series([3, 13, 33]))
    assert (grid.step, grid.shift) == (10, 3)
    assert grid.values(np.array([0, 1, 2])).to_list() == [3, 13, 23]


def test_endings_that_prices_prefer_survive() -> None:
    r = np.random.default_rng(0)
    whole = r.lognormal(6, 1, 20_000).round()
    cents = r.choice([0.99, 0.5, 0.01], 20_000, p=[0.8, 0.15, 0.05])
    decoded = again(pl.Series("price", whole + cents)).to_numpy()
    endings = np.round(decoded * 100) % 100
    shares = [float(np.mean(endings == ending)) for ending in (99, 50, 1)]
    assert shares == pytest.approx([0.8, 0.15, 0.05], abs=0.03)


def test_heaped_numbers_survive() -> None:
    r = np.random.default_rng(0)
    exact = r.integers(10_000, 900_000, 10_000)
    heaped = np.where(r.random(10_000) < 0.6, exact // 1000 * 1000, exact)
    decoded = again(pl.Series("salary", heaped)).to_numpy()
    assert np.mean(decoded % 1000 == 0) == pytest.approx(np.mean(heaped % 1000 == 0), abs=0.02)


@settings(max_examples=30, deadline=None)
@given(
    weights=st.lists(st.floats(0.01, 1.0), min_size=1, max_size=12),
    low=st.integers(-(10**15), 10**15),
    width=st.integers(0, 1000),
)
def test_texture_stays_in_range(weights: list[float], low: int, width: int) -> None:
    texture = Texture(tuple((np.array(weights) / sum(weights)).tolist()))
    inner = np.linspace(0, np.nextafter(1, 0), 101)
    lows = np.full(101, low)
    drawn = texture.between(lows, lows + width, inner)
    assert (drawn >= low).all()
    assert (drawn <= low + width).all()
    assert (np.diff(drawn) >= 0).all()


def test_noise_has_no_texture() -> None:
    r = np.random.default_rng(0)
    values, rows = np.unique(r.integers(0, 10**6, 3_000), return_counts=True)
    assert len(find_texture(values, rows, (2, 5, 10, 100), min_rows_exact=3).weights) == 1


@settings(max_examples=25, deadline=None)
@given(st.lists(st.integers(0, 300), min_size=1, max_size=3_000), st.booleans())
def test_cells_cover_every_value_once(values: list[int], has_fine: bool) -> None:
    distinct, rows = np.unique(values, return_counts=True)
    cells = cut_cells(distinct, rows, SETTINGS, has_fine=has_fine)
    found = cells.find(distinct)
    assert (np.diff(found) >= 0).all()
    assert set(found) == set(range(len(cells.coarse)))
    assert (cells.cell_of(cells.coarse, cells.fine) == np.arange(len(cells.coarse))).all()
    assert cells.edges[0] == 0
    assert cells.edges[-1] == len(cells.coarse)
    assert (np.diff(cells.edges) > 0).all()
    if not has_fine:
        assert cells.fine_size == 1
    # a value drawn from a cell lies between the cell's neighbours
    drawn = cells.draw(found, np.full(len(found), 0.5))
    assert (np.diff(drawn) >= 0).all()


def test_few_rows_get_few_codes() -> None:
    r = np.random.default_rng(0)
    codec = fit_number(pl.Series("x", r.normal(size=100)), SETTINGS)
    assert 4 <= codec.code_columns[0].size <= 18


def test_a_heavy_value_has_a_code_of_its_own() -> None:
    r = np.random.default_rng(0)
    values = np.where(r.random(5_000) < 0.4, 0.0, r.normal(size=5_000))
    series = pl.Series("x", values)
    decoded = again(series)
    assert (decoded == 0).equals(series == 0)


def test_what_only_few_rows_have_is_not_copied() -> None:
    r = np.random.default_rng(0)
    for series in (
        pl.Series("x", r.lognormal(10, 1, 3_000)),
        pl.Series("x", r.integers(0, 10**12, 3_000)),
        pl.Series("x", [1.234567, 99.87654321, 1234.56789, 8.7654321]),
    ):
        copied = again(series).is_in(series.implode()).mean()
        assert copied < 0.002


def test_what_many_rows_share_is_exact() -> None:
    r = np.random.default_rng(0)
    series = pl.Series("x", r.choice(np.round(r.lognormal(3, 1, 400), 2), 20_000))
    decoded = again(series)
    assert decoded.is_in(series.implode()).mean() > 0.999


def test_mean_of_a_heavy_tail_survives() -> None:
    r = np.random.default_rng(0)
    series = pl.Series("x", r.lognormal(10, 1.5, 20_000))
    means = [again(series, seed).mean() for seed in range(5)]
    assert np.mean(means) == pytest.approx(series.mean(), rel=0.02)


def test_a_personal_number_keeps_nothing_but_its_range() -> None:
    r = np.random.default_rng(0)
    series = pl.Series("x", r.integers(10**6, 10**7, 1_000)).cast(pl.Int32)
    codec = fit_blurred(series)
    assert codec.code_columns == ()
    decoded = codec.decode(codec.encode(series), Stream(1), 1_000)
    assert decoded.dtype == pl.Int32
    assert decoded.is_between(series.min(), series.max()).all()
    assert not decoded.is_in(series.implode()).any()


def test_days_are_met_again_as_often_as_fresh_rows_meet_them():
    random = np.random.default_rng(3)
    days = pl.Series("day", random.integers(0, 2_000, 6_000), dtype=pl.Int32).cast(pl.Date)
    learned, fresh = days[:3_000], days[3_000:]
    encoder = fit_encoder(learned.to_frame(), {}, stream=Stream(1))
    made = encoder.decode(encoder.encode(learned.to_frame()), Stream(2))["day"]
    known = learned.implode()
    assert made.is_in(known).mean() == pytest.approx(fresh.is_in(known).mean(), abs=0.05)
