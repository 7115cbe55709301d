"""Numbers that are never below others stay so in every decoded row."""

from __future__ import annotations

import numpy as np
import polars as pl
import pytest
from decoding import refitted, shuffled
from hypothesis import given, settings
from hypothesis import strategies as st

from synthohive.ctgan import CTGAN
from synthohive.encoding.bounds import find_bounds
from synthohive.models.settings import CTGANSettings
from synthohive.randomness import Stream

RANDOM = np.random.default_rng(0)
ROWS = 2_000
LOW = RANDOM.integers(0, 60, ROWS)
MEAN = LOW + RANDOM.integers(0, 15, ROWS)
HIGH = MEAN + RANDOM.integers(0, 15, ROWS)
FRAME = pl.DataFrame({"high": HIGH, "low": LOW, "mean": MEAN})


def found(frame: pl.DataFrame) -> list[tuple[str, str]]:
    """Return the pairs of a lower and a higher column."""
    return [(bound.base, bound.column) for bound in find_bounds(frame, min_rows=3)]


def test_only_what_the_rest_follows_from_is_kept():
    assert found(FRAME) == [("low", "mean"), ("mean", "high")]
    encoder = refitted(FRAME)
    assert [(bound.base, bound.column) for bound in encoder.relations.bounds] == found(FRAME)
    made = shuffled(FRAME, encoder)
    assert (made["low"] <= made["mean"]).all()
    assert (made["mean"] <= made["high"]).all()
    assert made.schema == FRAME.schema


def test_a_row_without_the_middle_is_bounded_too():
    hole = pl.int_range(ROWS, eager=True) % 4 == 0
    frame = FRAME.with_columns(pl.when(~hole).then("mean"))
    assert set(found(frame)) == {("low", "mean"), ("mean", "high"), ("low", "high")}
    made = shuffled(frame, refitted(frame))
    assert (made["low"] <= made["high"]).all()
    assert made["mean"].null_count() == hole.sum()
    known = made.drop_nulls()
    assert (
        known.select((pl.col("low") <= pl.col("mean")) & (pl.col("mean") <= pl.col("high")))
        .to_series()
        .all()
    )


@pytest.mark.parametrize("row", [0, 3, ROWS - 1])
def test_one_row_that_breaks_it_is_enough_to_find_nothing(row: int):
    frame = FRAME.select("low", "high")
    assert found(frame) == [("low", "high")]
    frame[row, "low"] = frame[row, "high"] + 1
    assert found(frame) == []


def test_a_row_that_is_not_looked_at_first_is_looked_at_in_the_end():
    frame = pl.concat([FRAME.select("low", "high")] * 13)
    assert found(frame) == [("low", "high")]
    frame[1, "low"] = 90
    assert found(frame) == []


def test_numbers_that_never_meet_or_meet_by_chance_are_left_alone():
    assert found(FRAME.select("low", high=pl.col("high") + 500)) == []
    assert found(FRAME.head(99)) == []
    rare = (RANDOM.random(ROWS) < 0.004).astype(int)  # a flag that few rows have
    assert found(pl.DataFrame({"a": rare, "b": np.maximum(rare, LOW % 2)})) == []
    noise = pl.DataFrame({name: RANDOM.normal(size=ROWS) for name in "abcde"})
    assert found(noise) == []
    assert found(FRAME.clear()) == []
    assert found(pl.DataFrame({"a": [None, 1.0, float("nan")] * 99, "b": [True] * 297})) == []


def test_equal_columns_bound_each_other_one_way():
    frame = pl.DataFrame({"a": LOW * 1.5, "b": LOW * 1.5})
    assert found(frame) == [("a", "b")]


def test_results_of_formulas_and_what_is_looked_up_take_no_part():
    frame = FRAME.select("low", "high").with_columns(
        sum=pl.col("low") + pl.col("high"), band=pl.col("low") // 3
    )
    encoder = refitted(frame)
    assert [formula.column for formula in encoder.relations.formulas] == ["sum"]
    assert [(lookup.base, lookup.column) for lookup in encoder.relations.lookups] == [
        ("low", "band")
    ]
    assert encoder.relations.bounds == ()
    encoder = refitted(frame.drop("band"))
    assert [(bound.base, bound.column) for bound in encoder.relations.bounds] == [("low", "high")]
    made = shuffled(frame, encoder)
    assert (made["low"] <= made["high"]).all()
    assert made["sum"].equals(made["low"] + made["high"])


def test_no_number_is_put_above_the_most_that_there_can_be():
    low = RANDOM.integers(40, 101, ROWS)
    frame = pl.DataFrame({"low": low, "high": np.minimum(100, low + RANDOM.integers(1, 9, ROWS))})
    encoder = refitted(frame)
    assert encoder.relations.bounds[0].most == 100
    made = shuffled(frame, encoder)
    assert made["high"].max() == 100
    assert (made["low"] <= made["high"]).all()


DTYPES = [
    pl.Int8(),
    pl.UInt8(),
    pl.Int64(),
    pl.UInt64(),
    pl.Float32(),
    pl.Float64(),
    pl.Decimal(9, 2),
    pl.Decimal(38, 0),
]


@pytest.mark.parametrize("higher", DTYPES, ids=str)
@pytest.mark.parametrize("lower", DTYPES, ids=str)
def test_any_two_types_of_numbers(lower: pl.DataType, higher: pl.DataType):
    # tenths of 32 bits are not those of 64
    exact = [pl.Float64(), pl.Decimal(9, 2)]
    has_tenths = lower == higher == pl.Float32() or (lower in exact and higher in exact)
    scale = 10 if has_tenths else 1
    low, high = (pl.Series(numbers / scale if has_tenths else numbers) for numbers in (LOW, HIGH))
    frame = pl.DataFrame({"low": low.cast(lower), "high": high.cast(higher)})
    made = shuffled(frame, refitted(frame))
    assert made.schema == frame.schema
    assert (made["low"].cast(pl.Float64) <= made["high"].cast(pl.Float64)).all()
    tenths = made["high"].cast(pl.Float64) * scale
    assert (tenths - tenths.round()).abs().max() < 1e-4  # pyright: ignore[reportOperatorIssue, reportOptionalOperand]


def test_floats_without_a_grid():
    low = RANDOM.normal(size=ROWS)
    for dtype in (pl.Float32(), pl.Float64()):
        frame = pl.DataFrame({"low": low, "high": low + RANDOM.exponential(size=ROWS)})
        frame = frame.cast(dtype)
        encoder = refitted(frame)
        assert len(encoder.relations.bounds) == 1
        made = shuffled(frame, encoder)
        assert (made["low"] <= made["high"]).all()


def test_what_is_given_stays_and_the_others_give_way():
    encoder = refitted(FRAME)
    for name, value in (("high", 10), ("low", 70), ("mean", 30)):
        fixed = pl.DataFrame({name: [value] * ROWS})
        made = shuffled(FRAME, encoder, given=fixed)
        assert made[name].to_list() == [value] * ROWS
        assert (made["low"] <= made["mean"]).all()
        assert (made["mean"] <= made["high"]).all()
    fixed = pl.DataFrame({"low": [20] * ROWS, "high": [21] * ROWS})
    made = shuffled(FRAME, encoder, given=fixed)
    assert made["mean"].is_between(20, 21).all()
    assert made.select("low", "high").equals(fixed)


def test_sampled_rows_given_a_bounded_number():
    model = CTGAN(settings=CTGANSettings(epochs=2)).fit(FRAME)
    made = model.sample(200, given={"high": 12})
    assert made["high"].to_list() == [12] * 200
    assert (model.sample(200)["low"] <= model.sample(200)["high"]).all()


def test_blocks_of_rows_are_those_of_the_whole():
    encoder, half = refitted(FRAME), ROWS // 2
    codes = encoder.encode(FRAME)
    codes = codes.with_columns(codes["low"].shuffle(seed=1))
    whole = encoder.decode(codes, Stream(2))
    parts = [
        encoder.decode(codes[:half], Stream(2)),
        encoder.decode(codes[half:], Stream(2), start=half),
    ]
    assert pl.concat(parts).equals(whole)


@settings(max_examples=30, deadline=None)
@given(st.integers(0, 10_000), st.integers(0, 3), st.floats(0, 0.3))
def test_every_bound_found_holds_in_every_decoded_row(seed: int, decimals: int, holes: float):
    r = np.random.default_rng(seed)
    columns = {}
    value = r.gamma(2.0, 50.0, 400)
    for name in "abcd":
        value = np.round(value + r.gamma(0.5, 20.0, 400), decimals)
        columns[name] = np.where(r.random(400) < holes, np.nan, value)
    frame = pl.DataFrame(columns).fill_nan(None)
    encoder = refitted(frame)
    assert encoder.relations.bounds
    made = shuffled(frame, encoder)
    for bound in encoder.relations.bounds:
        assert not (made[bound.base] > made[bound.column]).any()
    assert made.null_count().equals(frame.null_count())
