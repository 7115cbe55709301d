"""Which codes of a column may be, and that the values drawn for them are as wanted."""

from __future__ import annotations

import datetime as dt

import numpy as np
import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from synthohive.encoding.columns import fit_column
from synthohive.encoding.settings import EncodingSettings
from synthohive.encoding.wanted import Wanted
from synthohive.randomness import Stream
from synthohive.schema.model import Column

ROWS = 3_000
RANDOM = np.random.default_rng(5)
DAYS = pl.Series(RANDOM.integers(0, 700, ROWS)).cast(pl.Int32).cast(pl.Date)
COLUMNS = {
    "whole": pl.Series(RANDOM.normal(500, 120, ROWS).round()).cast(pl.Int64),
    "few": pl.Series(RANDOM.integers(0, 9, ROWS)),
    "smooth": pl.Series(RANDOM.normal(0, 3, ROWS)),
    "single": pl.Series(RANDOM.normal(0, 3, ROWS)).cast(pl.Float32),
    "cents": pl.Series(RANDOM.gamma(2, 10, ROWS).round(2)),
    "decimal": pl.Series(RANDOM.gamma(2, 10, ROWS).round(2)).cast(pl.Decimal(12, 2)),
    "day": DAYS,
    "moment": DAYS.cast(pl.Datetime("us"))
    + pl.Series(RANDOM.integers(8 * 60, 20 * 60, ROWS) * 60_000_000).cast(pl.Duration("us")),
    "zoned": (
        DAYS.cast(pl.Datetime("ms"))
        + pl.Series(RANDOM.integers(0, 1_440, ROWS) * 60_000).cast(pl.Duration("ms"))
    ).dt.replace_time_zone("UTC"),
    "clock": pl.Series(RANDOM.integers(0, 86_400, ROWS) * 1_000_000_000).cast(pl.Time),
    "pause": pl.Series(RANDOM.integers(0, 9_000, ROWS) * 1_000).cast(pl.Duration("ms")),
}
HALF = pl.Series(RANDOM.random(ROWS) < 0.1)


def fitted(name: str, *, has_null: bool):
    series = COLUMNS[name].alias(name)
    if has_null:
        series = series.zip_with(~HALF, pl.Series(name, [None] * ROWS, dtype=series.dtype))
    return series, fit_column(series, Column(name=name), Stream(1), EncodingSettings())


CODECS = {(name, null): fitted(name, has_null=null) for name in COLUMNS for null in (False, True)}


def drawn(codec, allowed, n: int, seed: int) -> pl.Series:
    """Values of codes that are drawn by the weights and the column's own frequencies."""
    series, random = codec[0], np.random.default_rng(seed)
    codes = [np.asarray(own) for own in codec[1].encode(series)]
    sizes = [column.size for column in codec[1].code_columns]
    share = np.ones(len(series))
    for place, (column, weights) in enumerate(
        zip(codec[1].code_columns, allowed.weights, strict=True)
    ):
        rows = codes[0] if column.coarse else np.zeros(len(series), int)
        assert weights.shape == (sizes[0] if column.coarse else 1, sizes[place])
        share *= weights[rows, codes[place]]
    at = random.choice(len(series), n, p=share / share.sum())
    own = [np.asarray(c[at], np.int64) for c in codes]
    draw = codec[1].decode if allowed.drawing is None else allowed.drawing.draw
    return draw(own, Stream(seed), n)


@settings(max_examples=60, deadline=None)
@given(
    key=st.sampled_from(sorted(CODECS)),
    ends=st.lists(st.integers(0, ROWS - 1), min_size=2, max_size=2),
    is_open=st.sampled_from([(False, False), (True, False), (False, True)]),
)
def test_values_are_within_their_range(key, ends, is_open):
    series, codec = CODECS[key]
    known = COLUMNS[key[0]].sort()
    low, high = (known[place : place + 1] for place in sorted(ends))
    wanted = Wanted(low=None if is_open[0] else low, high=None if is_open[1] else high)
    real = int(wanted.holds(series).sum())
    allowed = codec.allow(wanted)
    if not allowed.is_possible:
        assert real < 5
        return
    if real >= 5:
        assert wanted.holds(drawn(CODECS[key], allowed, 200, 3)).all()


@settings(max_examples=30, deadline=None)
@given(
    key=st.sampled_from(sorted(CODECS)),
    places=st.lists(st.integers(0, ROWS - 1), min_size=1, max_size=5),
)
def test_values_are_of_their_set(key, places):
    values = COLUMNS[key[0]].gather(places).unique()
    wanted = Wanted(values=values)
    allowed = CODECS[key][1].allow(wanted)
    assert allowed.is_possible
    rows = drawn(CODECS[key], allowed, 100, 3)
    assert rows.dtype == values.dtype
    assert wanted.holds(rows).all()


@pytest.mark.parametrize("key", sorted(CODECS), ids=str)
def test_any_value_but_null(key):
    allowed = CODECS[key][1].allow(Wanted())
    assert drawn(CODECS[key], allowed, 400, 3).null_count() == 0


@pytest.mark.parametrize("name", ["whole", "smooth", "cents", "day", "moment", "clock"])
def test_shares_within_a_range_are_the_real_ones(name):
    series, codec = CODECS[name, False]
    known = series.sort()
    low, high, middle = (known[int(ROWS * at) : int(ROWS * at) + 1] for at in (0.21, 0.63, 0.4))
    wanted = Wanted(low=low, high=high)
    rows = drawn((series, codec), codec.allow(wanted), 4_000, 3)
    real = series.filter(pl.Series(wanted.holds(series)))
    below = [float((part <= middle[0]).mean()) for part in (rows, real)]
    assert below[0] == pytest.approx(below[1], abs=0.05)
    top = known[int(ROWS * 0.6)]
    above = [float((part >= top).mean()) for part in (rows, real)]
    assert above[0] == pytest.approx(above[1], abs=0.035)


def test_special_floats_and_what_there_is_not():
    series = pl.Series("x", [1.0, 2.0, float("inf"), float("nan"), None] * 50)
    codec = fit_column(series, Column(name="x"), Stream(1), EncodingSettings())
    least = Wanted(low=pl.Series([1.5]))
    assert set(drawn((series, codec), codec.allow(least), 200, 1)) == {2.0, float("inf")}
    beyond = codec.allow(Wanted(low=pl.Series([1.2]), high=pl.Series([1.8])))
    assert not beyond.is_possible
    assert beyond.learned == "values from 1.0 to 2.0"
    empty = pl.Series("x", [None] * 50, dtype=pl.Int64)
    codec = fit_column(empty, Column(name="x"), Stream(1), EncodingSettings())
    assert not codec.allow(Wanted(low=pl.Series([3]))).is_possible
    assert not codec.allow(Wanted()).is_possible


def test_rare_categories_are_not_of_a_set():
    series = pl.Series("x", ["a"] * 60 + ["b"] * 40 + [f"rare {n}" for n in range(30)] + [None] * 9)
    codec = fit_column(series, Column(name="x"), Stream(1), EncodingSettings())
    allowed = codec.allow(Wanted(values=pl.Series(["b", "rare 1"])))
    assert (allowed.weights[0] > 0).sum() == 1
    assert allowed.missing == 1
    assert set(drawn((series, codec), allowed, 50, 1)) == {"b"}


def test_days_of_a_range_that_are_cut_have_less_weight():
    series, codec = CODECS["moment", False]
    day = dt.datetime(1971, 3, 1)
    ends = [pl.Series([day + dt.timedelta(hours=h)], dtype=pl.Datetime("us")) for h in (18, 66)]
    rows = drawn((series, codec), codec.allow(Wanted(low=ends[0], high=ends[1])), 4_000, 1)
    share = float((rows.dt.date() == day.date()).mean())
    assert 0.02 < share < 0.2
