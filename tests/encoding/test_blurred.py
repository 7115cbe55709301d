from __future__ import annotations

import json
from datetime import date, datetime, time, timedelta

import numpy as np
import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from synthohive.encoding.blurred import BlurredCodec, fit_blurred
from synthohive.encoding.grid import find_grid, natural_grid
from synthohive.encoding.key_fit import fit_key_format
from synthohive.encoding.number import fit_number
from synthohive.encoding.settings import EncodingSettings
from synthohive.encoding.table import TableEncoder, fit_encoder
from synthohive.randomness import Stream
from synthohive.schema.model import Column

RANDOM = np.random.default_rng(0)
LAST_SECOND = datetime(9999, 12, 31, 23, 59, 59)

REAL = {
    "one": pl.Series([57_300]),
    "two": pl.Series([50_000, 60_000]),
    "three equal": pl.Series([42, 42, 42]),
    "decimal": pl.Series([1_950, 2_450]).cast(pl.Decimal(10, 2)),
    "wide decimal": pl.Series(["123456789012345678901234567890"]).cast(pl.Decimal(38, 0)),
    "float": pl.Series([71.5, 80.25, None]),
    "any float": pl.Series([np.pi, np.e]),
    "negative": pl.Series([-512.5]),
    "zero": pl.Series([0, 0, 0]),
    "int8": pl.Series([127, 120], dtype=pl.Int8),
    "uint64": pl.Series([2**64 - 1], dtype=pl.UInt64),
    "special": pl.Series([float("nan"), float("inf"), 3.25]),
    "born": pl.Series([date(1980, 5, 17), date(1991, 2, 3), date(1999, 12, 31)]),
    "last day": pl.Series([date(9999, 12, 31)]),
    "seen": pl.Series([datetime(2024, 1, 3), datetime(2024, 1, 9)]),
    "last second": pl.Series([LAST_SECOND]),
    "zoned": pl.Series([datetime(2024, 3, 31, 2)]).dt.replace_time_zone("UTC"),
    "centuries": pl.Series([datetime(1700, 1, 1), datetime(2200, 1, 1)]).cast(pl.Datetime("ns")),
    "time": pl.Series([time(23, 59, 59), time(0, 0, 1)]),
    "duration": pl.Series([timedelta(days=3), None]),
    "account": pl.Series(RANDOM.integers(5_550_000, 5_560_000, 3_000)),
}


def drawn(series: pl.Series, rows: int = 400) -> pl.Series:
    frame = pl.DataFrame({"x": series})
    encoder = fit_encoder(frame, {"x": Column(name="x", pii="text")}, stream=Stream(1))
    encoder = TableEncoder.from_dict(json.loads(json.dumps(encoder.to_dict())))
    times = -(-rows // len(frame))
    return encoder.decode(encoder.encode(pl.concat([frame] * times)), Stream(2))["x"]


@pytest.mark.parametrize("name", REAL)
def test_acceptance_30_no_personal_number_of_a_small_table_is_written(name: str) -> None:
    series = REAL[name]
    decoded = drawn(series)
    assert decoded.dtype == series.dtype
    assert decoded.null_count() / len(decoded) == series.null_count() / len(series)
    assert not decoded.drop_nulls().is_in(series.drop_nulls().implode()).any()
    assert decoded.n_unique() > 5
    assert decoded.to_list()  # Python can show every value
    if (
        series.dtype.is_numeric()
        and (series.fill_nan(0) if series.dtype.is_float() else series).min() >= 0
    ):
        assert decoded.min() >= 0


def test_ages_fill_their_range_and_stay_in_it() -> None:
    ages = pl.Series(RANDOM.integers(18, 91, 2_000))
    decoded = drawn(ages)
    assert decoded.is_between(18, 91).all()
    assert decoded.n_unique() > 50


def test_nothing_is_known_of_an_empty_column() -> None:
    empty = pl.Series("x", [None, None], dtype=pl.Int64)
    codec = fit_blurred(empty)
    assert not isinstance(codec, BlurredCodec)
    assert codec.decode(codec.encode(empty), Stream(1), 2).equals(empty)


@settings(max_examples=60, deadline=None)
@given(st.lists(st.integers(-(2**63), 2**63 - 1), min_size=1, max_size=12))
def test_any_few_personal_integers_are_not_written(values: list[int]) -> None:
    series = pl.Series(values, dtype=pl.Int64)
    decoded = drawn(series, 60)
    assert decoded.dtype == pl.Int64
    spread = max(values) - min(values) + 1
    if spread > 20 * len(values) or spread == 1:
        assert not decoded.is_in(series.implode()).any()


@settings(max_examples=60, deadline=None)
@given(st.lists(st.floats(allow_nan=True), min_size=1, max_size=8))
def test_any_few_personal_floats_are_not_written(values: list[float]) -> None:
    decoded = drawn(pl.Series(values, dtype=pl.Float64), 40)
    assert decoded.dtype == pl.Float64
    assert decoded.drop_nulls().is_finite().all()


def test_rows_do_not_depend_on_blocks() -> None:
    series = REAL["account"]
    codec = fit_blurred(series)
    whole = codec.decode((), Stream(3), 100)
    parts = [codec.decode((), Stream(3), 50, start=start) for start in (0, 50)]
    assert pl.concat(parts).equals(whole)


def test_the_first_personal_point_in_time_is_not_the_first_key() -> None:
    real = pl.Series([datetime(2024, 1, 3, 7, 11, 13), datetime(2024, 6, 9, 22, 51, 37)])
    keys = fit_key_format(real, pii="text")
    written = keys.format(pl.Series(range(50), dtype=pl.UInt32), stream=Stream(1))
    assert written.n_unique() == 50
    assert not written.is_in(real.implode()).any()


def test_the_difference_of_two_values_is_no_grid() -> None:
    real = pl.Series("x", [51_300, 64_800])
    assert find_grid(real).step == 13_500
    codec = fit_number(real, EncodingSettings())
    both = pl.concat([real] * 200)
    decoded = codec.decode(codec.encode(both), Stream(1), 400)
    assert decoded.is_between(51_300, 64_800).all()
    assert (decoded % 100 == 0).all()
    assert decoded.is_in(real.implode()).mean() < 0.1


def test_few_timestamps_stay_on_midnight_and_many_values_on_their_grid() -> None:
    few = pl.Series([datetime(2024, 1, 3), datetime(2024, 1, 17)])
    assert natural_grid(find_grid(few), 2).is_days
    fives = pl.Series(range(0, 100, 5))
    assert natural_grid(find_grid(fives), 20).step == 5
