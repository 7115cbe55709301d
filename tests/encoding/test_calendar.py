"""Parts of dates hold in every decoded row."""

from __future__ import annotations

from datetime import date

import numpy as np
import polars as pl
import pytest
from decoding import refitted, shuffled
from hypothesis import example, given, settings
from hypothesis import strategies as st

from synthohive.ctgan import CTGAN
from synthohive.encoding.calendar import CalendarPart, find_calendar
from synthohive.encoding.table import TableEncoder, fit_encoder
from synthohive.errors import ModelFileError
from synthohive.models.settings import CTGANSettings
from synthohive.randomness import Stream

RANDOM = np.random.default_rng(0)
ROWS = 800
DAYS = pl.Series(RANDOM.integers(17_500, 18_500, ROWS)).cast(pl.Int32).cast(pl.Date)
MOMENTS = pl.Series(RANDOM.integers(17_500 * 86_400, 18_500 * 86_400, ROWS) * 1_000_000).cast(
    pl.Datetime("us")
)


def found(frame: pl.DataFrame) -> dict[str, str]:
    """Return which column is which part."""
    return {part.column: part.part for part in find_calendar(frame)}


def test_parts_of_a_day():
    frame = pl.DataFrame({"date": DAYS}).with_columns(
        pl.col("date").dt.year().cast(pl.Float64).alias("year"),
        pl.col("date").dt.quarter().cast(pl.UInt8).alias("quarter"),
        pl.col("date").dt.month().cast(pl.Decimal(5, 2)).alias("month"),
        pl.col("date").dt.day().cast(pl.String).alias("day"),
        pl.col("date").dt.weekday().alias("iso"),
        (pl.col("date").dt.weekday() - 1).alias("iso0"),
        (pl.col("date").dt.weekday() % 7).alias("sunday"),
        (pl.col("date").dt.weekday() % 7 + 1).alias("sunday1"),
        pl.col("date").dt.week().alias("week"),
        pl.col("date").dt.ordinal_day().alias("yday"),
        pl.col("date").dt.to_string("%Y%m%d").cast(pl.Int64).alias("key"),
        pl.col("date").dt.to_string("%B").cast(pl.Categorical).alias("name"),
        pl.col("date").dt.to_string("%a").cast(pl.Enum(list_of_days())).alias("short"),
        pl.col("date").dt.to_string("%Y-%m").alias("period"),
        pl.col("date").dt.to_string("%Y-%m-%d").alias("text"),
        pl.format("Q{}", pl.col("date").dt.quarter()).alias("q"),
        pl.col("date").dt.month_start().alias("start"),
        pl.col("date").dt.month_end().alias("end"),
    )
    parts = {
        "year": "year",
        "quarter": "quarter",
        "month": "month",
        "day": "day",
        "iso": "weekday",
        "iso0": "weekday from 0",
        "sunday": "weekday from Sunday, 0",
        "sunday1": "weekday from Sunday",
        "week": "week",
        "yday": "day of year",
        "key": "year, month and day",
        "name": "%B",
        "short": "%a",
        "period": "%Y-%m",
        "text": "%Y-%m-%d",
        "q": "Q%q",
        "start": "first day of month",
        "end": "last day of month",
    }
    assert found(frame) == parts
    encoder = refitted(frame)
    assert {part.column: part.part for part in encoder.relations.calendar} == parts
    assert not encoder.relations.orders
    assert not encoder.relations.lookups
    made = shuffled(frame, encoder)
    assert made.schema == frame.schema
    for part in encoder.relations.calendar:
        assert part.apply(made["date"], frame.schema[part.column]).equals(made[part.column])
    sizes = [column.size for column in encoder.layout.columns if column.source != "date"]
    assert max(sizes) <= 40  # coarse, even for 700 different days written out


def list_of_days() -> list[str]:
    return ["Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun"]


@pytest.mark.parametrize("zone", [None, "America/New_York"])
def test_parts_of_a_moment_are_those_of_the_clock_on_the_wall(zone: str | None):
    local = MOMENTS.dt.truncate("1h").dt.offset_by("7m")
    moment = local.dt.replace_time_zone(zone, ambiguous="earliest", non_existent="null")
    frame = pl.DataFrame({"at": moment}).with_columns(
        pl.col("at").dt.date().alias("day"),
        pl.col("at").dt.hour().cast(pl.Int64).alias("hour"),
        pl.col("at").dt.to_string("%H:%M").alias("clock"),
        pl.col("at").dt.replace_time_zone(None).dt.truncate("1mo").alias("month"),
    )
    encoder = refitted(frame)
    assert {part.column: part.part for part in encoder.relations.calendar} == {
        "day": "day itself",
        "hour": "hour",
        "clock": "%H:%M",
        "month": "first day of month",
    }
    assert not encoder.relations.orders
    made = shuffled(frame, encoder)
    assert made["hour"].equals(made["at"].dt.hour().cast(pl.Int64))
    assert made["day"].equals(made["at"].dt.date())
    assert made.schema == frame.schema


def test_a_part_is_null_just_where_the_date_is():
    hole = pl.int_range(ROWS, eager=True) % 9 == 0
    frame = pl.DataFrame({"date": DAYS.set(hole, None)}).with_columns(m=pl.col("date").dt.month())
    assert found(frame) == {"m": "month"}
    made = shuffled(frame, refitted(frame))
    assert made["m"].eq_missing(made["date"].dt.month()).all()
    assert made["m"].null_count() == hole.sum()
    assert found(frame.with_columns(date=DAYS)) == {}
    assert found(frame.with_columns(m=DAYS.dt.month())) == {}


@pytest.mark.parametrize("row", [0, 17, ROWS - 1])
def test_one_row_that_breaks_it_is_enough_to_find_nothing(row: int):
    frame = pl.DataFrame({"date": DAYS, "month": DAYS.dt.month().cast(pl.Int64)})
    assert found(frame) == {"month": "month"}
    frame[row, "month"] = 13
    assert found(frame) == {}


def test_little_evidence_is_none():
    year = pl.DataFrame({"date": DAYS}).with_columns(year=pl.col("date").dt.year())
    assert found(year) == {"year": "year"}
    assert found(year.filter(pl.col("year") == 2019)) == {}  # it does not vary
    assert found(year.head(29)) == {}
    assert found(pl.DataFrame({"month": DAYS.dt.month()})) == {}
    assert found(year.clear()) == {}


def test_equal_dates_and_dates_of_midnights_are_no_parts():
    midnight = DAYS.cast(pl.Datetime("ms"))
    frame = pl.DataFrame({"a": DAYS, "b": DAYS, "c": midnight})
    assert found(frame) == {}
    assert len(fit_encoder(frame, {}, stream=Stream(1)).relations.orders) == 2


def test_parts_of_a_date_that_is_counted_from_another_one():
    later = DAYS + pl.Series(RANDOM.integers(0, 5, ROWS) * 86_400_000_000).cast(pl.Duration("us"))
    frame = pl.DataFrame({"month": later.dt.month(), "later": later, "first": DAYS})
    encoder = refitted(frame)
    assert [(order.column, order.is_offset) for order in encoder.relations.orders] == [
        ("later", True)
    ]
    made = shuffled(frame, encoder)
    assert made["month"].equals(made["later"].dt.month())
    assert (made["later"] >= made["first"]).all()


def test_what_follows_from_a_part_is_looked_up_after_it():
    season = pl.col("month").replace_strict(
        dict(enumerate("wwsssuuuaaaw", start=1)), return_dtype=pl.String
    )
    key = pl.col("date").dt.to_string("%Y%m").cast(pl.Int32)
    frame = pl.DataFrame({"date": DAYS}).with_columns(month=pl.col("date").dt.month(), period=key)
    frame = frame.select(season.alias("season"), "period", "date", "month")
    encoder = refitted(frame)
    assert [(lookup.column, lookup.base) for lookup in encoder.relations.lookups] == [
        ("season", "month")
    ]
    made = shuffled(frame, encoder)
    assert made["month"].equals(made["date"].dt.month())
    assert made["season"].equals(made.select(season.alias("season")).to_series())
    # a date changed since, such as one copied from a parent
    moved = made.with_columns(pl.col("date").dt.offset_by("3mo"))
    again = encoder.follow_again(moved, ["date"])
    assert again["month"].equals(moved["date"].dt.month())
    assert again["season"].equals(again.select(season.alias("season")).to_series())


def test_a_date_never_follows_from_its_own_part():
    date_first = DAYS.sample(40).gather(pl.Series(RANDOM.integers(0, 40, ROWS)))
    frame = pl.DataFrame({"key": date_first.dt.to_string("%Y%m%d").cast(pl.Int32)})
    frame = frame.with_columns(date=date_first, other=pl.Series(RANDOM.normal(size=ROWS)))
    encoder = refitted(frame)
    assert [part.column for part in encoder.relations.calendar] == ["key"]
    assert encoder.relations.lookups == ()
    made = shuffled(frame, encoder)
    assert made["key"].equals(made["date"].dt.to_string("%Y%m%d").cast(pl.Int32))


def test_given_dates_and_given_parts_stay_as_they_are():
    frame = pl.DataFrame({"date": DAYS}).with_columns(
        month=pl.col("date").dt.month().cast(pl.Int64), heat=pl.Series(RANDOM.normal(size=ROWS))
    )
    small = CTGANSettings(epochs=2)
    model = CTGAN(settings=small).fit(frame)
    made = model.sample(50, given={"month": 7})
    assert made["month"].to_list() == [7] * 50
    day = date(2019, 3, 14)
    made = model.sample(50, given={"date": day})
    assert made["date"].to_list() == [day] * 50
    encoder = fit_encoder(frame, {}, stream=Stream(1))
    given_days = pl.DataFrame({"date": [day] * ROWS})
    assert shuffled(frame, encoder, given=given_days)["month"].to_list() == [3] * ROWS
    codes = encoder.encode_given(given_days, Stream(3))
    month = codes[:, encoder.layout.index("month")]
    assert (month == encoder.encode(frame)["month"].to_numpy()[DAYS.dt.month() == 3][0]).all()


@example(seed=24, days=39_987, part="first day of month")  # no two rows have the same month
@settings(max_examples=30, deadline=None)
@given(
    st.integers(0, 10_000),
    st.integers(300, 40_000),
    st.sampled_from(["year", "month", "week", "weekday", "%Y-%m", "first day of month"]),
)
def test_a_part_is_found_over_any_time(seed: int, days: int, part: str):
    seconds = np.random.default_rng(seed).integers(-days * 86_400, days * 86_400, 100)
    base = pl.Series(seconds * 1_000).cast(pl.Datetime("ms"))
    text = pl.String() if part.startswith("%") else pl.Date() if "first" in part else pl.Int64()
    column = CalendarPart(column="p", base="at", part=part).apply(base, text)
    assert found(pl.DataFrame({"p": column, "at": base})) == {"p": part}


def test_a_part_unknown_makes_a_model_unreadable():
    state = fit_encoder(
        pl.DataFrame({"date": DAYS, "month": DAYS.dt.month()}), {}, stream=Stream(1)
    ).to_dict()
    state["relations"]["calendar"] = [
        {"column": "month", "base": "date", "part": "phase of the moon"}
    ]
    with pytest.raises(ModelFileError, match="damaged"):
        TableEncoder.from_dict(state)


def test_blocks_of_rows_are_those_of_the_whole():
    frame = pl.DataFrame({"at": MOMENTS}).with_columns(week=pl.col("at").dt.week())
    encoder, half = refitted(frame), ROWS // 2
    codes = encoder.encode(frame)
    whole = encoder.decode(codes, Stream(2))
    ends = [encoder.decode(codes[half:], Stream(2), start=half)]
    assert pl.concat([encoder.decode(codes[:half], Stream(2)), *ends]).equals(whole)
