"""Primary keys made of foreign keys, with and without columns that two of them share."""

from __future__ import annotations

import datetime as dt
import random
from itertools import product

import polars as pl
import pytest

import synthohive as sh
from synthohive.errors import CapacityError
from synthohive.models.settings import CTGANSettings

QUICK = CTGANSettings(max_steps=5, width=16, depth=1, members=1)
DAYS = [f"D{i:02d}" for i in range(12)]
SLOT = ("day", "room")
SIGHT = ("day", "who")


def seating() -> dict[str, pl.DataFrame]:
    """Who sat in which room on a day, among those who were there."""
    rng = random.Random(1)
    slots = [pair for pair in product(DAYS, range(6)) if rng.random() < 0.8]
    there = [pair for pair in product(DAYS, range(15)) if rng.random() < 0.6]
    seats = []
    for day, room in slots:
        who = [person for other, person in there if other == day]
        some = rng.sample(who, min(len(who), rng.randrange(8)))
        seats += [(day, room, person, rng.choice("ab")) for person in some]
    return {
        "days": pl.DataFrame({"day": DAYS, "kind": [rng.choice("ab") for _ in DAYS]}),
        "people": pl.DataFrame({"who": range(15), "age": [rng.randrange(90) for _ in range(15)]}),
        "slots": pl.DataFrame(slots, schema=SLOT, orient="row"),
        "attendance": pl.DataFrame(there, schema=SIGHT, orient="row").with_columns(
            role=pl.Series([rng.choice("xy") for _ in there])
        ),
        "seats": pl.DataFrame(seats, schema=["day", "room", "who", "mood"], orient="row"),
    }


def seating_metadata(*, days=False, people=False, driver=None, there=None) -> sh.Metadata:
    """Declare the tables, with or without keys of days and people beside the shared ones."""
    day = {"day": "days.day"} if days else {}
    who = {"who": "people.who"} if people else {}
    return (
        sh.Metadata()
        .add_table("days", pk="day")
        .add_table("people", pk="who")
        .add_table("slots", pk=SLOT, fk=day)
        .add_table("attendance", pk=SIGHT, fk=day | who, driver=there)
        .add_table(
            "seats",
            pk=["day", "room", "who"],
            fk={SLOT: ("slots", SLOT), SIGHT: ("attendance", SIGHT)} | day | who,
            driver=driver,
        )
    )


def check(metadata: sh.Metadata, tables: dict[str, pl.DataFrame]) -> None:
    """Hold every key of every table to account."""
    for name, table in metadata.tables.items():
        keys = tables[name].select(table.primary_key)
        assert not keys.is_duplicated().any(), name
        assert not sum(keys.null_count().row(0)), name
        for fk in table.foreign_keys:
            named = tables[name].select(fk.columns).drop_nulls()
            parents = tables[fk.parent].select(fk.parent_columns)
            on = {"left_on": fk.columns, "right_on": fk.parent_columns}
            assert not named.join(parents, how="anti", **on).height, (name, fk.columns)


def learn(metadata: sh.Metadata, tables: dict[str, pl.DataFrame], threads: int = 1):
    return sh.Synthesizer(metadata, seed=1, ctgan=QUICK, threads=threads).fit(
        {name: tables[name] for name in metadata.tables}
    )


@pytest.mark.parametrize("driver", [SLOT, SIGHT])
@pytest.mark.parametrize("days", [False, True])
@pytest.mark.parametrize("people", [False, True])
def test_keys_that_share_a_column_make_distinct_rows(days, people, driver):
    metadata = seating_metadata(days=days, people=people, driver=driver)
    hive = learn(metadata, seating())
    for scale, seed in ((1, 1), (2, 2), (5, 3)):
        copy = hive.sample(scale=scale, seed=seed)
        check(metadata, copy)
        assert copy["seats"].height > 60 * scale


def test_windows_and_threads_do_not_change_which_rows_are_distinct(monkeypatch):
    metadata = seating_metadata(days=True)
    hive, other = learn(metadata, seating()), learn(metadata, seating(), threads=2)
    first, again = hive.sample(scale=4, seed=3), other.sample(scale=4, seed=3)
    assert all(first[name].equals(again[name]) for name in first)
    monkeypatch.setattr("synthohive.synthesis.distinct.WINDOW_ROWS", 20)
    check(metadata, hive.sample(scale=4, seed=3))


def test_a_window_keeps_groups_and_popularity_of_shared_keys():
    """Rows are parted by swaps: most parents keep the number of children they had."""
    metadata = seating_metadata(days=True)
    copy = learn(metadata, seating()).sample(scale=8, seed=4)
    per_day = copy["attendance"].join(copy["seats"], on=SIGHT, how="left", coalesce=True)
    counts = per_day.group_by(SIGHT).agg(pl.col("room").count())["room"]
    real = seating()
    joined = real["attendance"].join(real["seats"], on=SIGHT, how="left", coalesce=True)
    before = joined.group_by(SIGHT).agg(pl.col("room").count())["room"]
    assert float(counts.std()) < 2 * float(before.std())


def trips() -> tuple[sh.Metadata, dict[str, pl.DataFrame]]:
    """Three foreign keys in a row, each sharing a column with the next."""
    rng = random.Random(3)
    first = sorted({(rng.randrange(8), rng.randrange(8)) for _ in range(40)})
    second = sorted({(rng.randrange(8), rng.randrange(8)) for _ in range(40)})
    third = sorted({(rng.randrange(8), rng.randrange(8)) for _ in range(40)})
    rows = [
        (a, b, c, d)
        for a, b in first
        for other, c in second
        for last, d in third
        if other == b and last == c
    ]
    metadata = (
        sh.Metadata()
        .add_table("one", pk=["a", "b"], keep=True)
        .add_table("two", pk=["b", "c"], keep=True)
        .add_table("three", pk=["c", "d"], keep=True)
        .add_table(
            "trips",
            pk=["a", "b", "c", "d"],
            fk={
                ("a", "b"): ("one", ("a", "b")),
                ("b", "c"): ("two", ("b", "c")),
                ("c", "d"): ("three", ("c", "d")),
            },
        )
    )
    tables = {
        "one": pl.DataFrame(first, schema=["a", "b"], orient="row"),
        "two": pl.DataFrame(second, schema=["b", "c"], orient="row"),
        "three": pl.DataFrame(third, schema=["c", "d"], orient="row"),
        "trips": pl.DataFrame(
            rng.sample(rows, len(rows) // 3), schema=["a", "b", "c", "d"], orient="row"
        ),
    }
    return metadata, tables


def test_three_keys_in_a_row_make_distinct_rows():
    metadata, tables = trips()
    hive = learn(metadata, tables)
    for seed in range(3):
        check(metadata, hive.sample(seed=seed))


def three(rows: int, size: int) -> tuple[sh.Metadata, dict[str, pl.DataFrame]]:
    """A key of three foreign keys that share nothing."""
    rng = random.Random(5)
    made = sorted({tuple(rng.randrange(size) for _ in "abc") for _ in range(rows)})
    metadata = sh.Metadata()
    for name in "abc":
        metadata = metadata.add_table(f"{name}s", pk="id")
    fk = {name: f"{name}s.id" for name in "abc"}
    metadata = metadata.add_table("links", pk=["a", "b", "c"], fk=fk)
    tables = {
        f"{name}s": pl.DataFrame({"id": range(size), "x": [1, 2] * (size // 2)}) for name in "abc"
    }
    return metadata, tables | {"links": pl.DataFrame(made, schema=["a", "b", "c"], orient="row")}


@pytest.mark.parametrize(("rows", "size"), [(60, 4), (300, 6)])
def test_three_foreign_keys_in_one_primary_key(rows, size):
    metadata, tables = three(rows, size)
    hive = learn(metadata, tables)
    for seed in range(3):
        check(metadata, hive.sample(scale=1 + seed, seed=seed))


def test_three_large_parents_do_not_overflow():
    metadata, tables = three(200, 6)
    hive = learn(metadata, tables)
    copy = hive.sample(rows={"as": 3, "bs": 70_000, "cs": 70_000})
    check(metadata, copy)


@pytest.mark.parametrize("own", ["line_no", "on"])
def test_a_key_of_a_foreign_key_and_an_own_column(own):
    rng = random.Random(7)
    day = dt.date(2024, 1, 1)
    lines = [
        (order, number + 1, day + dt.timedelta(number * 3))
        for order in range(60)
        for number in range(rng.randrange(6))
    ]
    tables = {
        "orders": pl.DataFrame({"id": range(60), "size": [rng.choice("sml") for _ in range(60)]}),
        "lines": pl.DataFrame(lines, schema=["order_id", "line_no", "on"], orient="row"),
    }
    metadata = (
        sh.Metadata()
        .add_table("orders", pk="id")
        .add_table("lines", pk=["order_id", own], fk={"order_id": "orders.id"})
    )
    check(metadata, learn(metadata, tables).sample(scale=20))


def test_too_few_partners_with_the_shared_value_are_an_error():
    """Who was there on a day is only known when all rows are drawn: the last check finds it."""
    metadata = seating_metadata(days=True, people=True, there="who", driver=SLOT)
    hive = learn(metadata, seating())
    check(metadata, hive.sample(scale=2))
    with pytest.raises(CapacityError) as caught:
        hive.sample(rows={"people": 1})
    assert caught.value.table == "seats"
    text = str(caught.value)
    assert "seats.(day, room, who): " in text
    assert "rows with day = " in text
    assert "or more of attendance" in text


def pairs_without_driver() -> tuple[sh.Metadata, dict[str, pl.DataFrame]]:
    """The key is made of two secondary keys, and one parent has most rows."""
    rng = random.Random(9)
    pairs = [(0, c) for c in range(20)] + [(b, rng.randrange(20)) for b in range(1, 15)]
    metadata = sh.Metadata()
    for name in "abc":
        metadata = metadata.add_table(f"{name}s", pk="id")
    metadata = metadata.add_table(
        "links", pk=["b", "c"], fk={name: f"{name}s.id" for name in "abc"}
    )
    tables = {f"{name}s": pl.DataFrame({"id": range(20), "x": [1, 2] * 10}) for name in "abc"}
    links = pl.DataFrame(pairs, schema=["b", "c"], orient="row")
    links = links.with_columns(a=pl.Series([rng.randrange(20) for _ in pairs]))
    return metadata, tables | {"links": links}


def test_a_key_without_the_driver_is_made_distinct_as_a_whole():
    metadata, tables = pairs_without_driver()
    hive = learn(metadata, tables)
    for seed in range(4):
        check(metadata, hive.sample(seed=seed))
        full = hive.sample(seed=seed, rows={"as": 20, "bs": 6, "cs": 6})
        check(metadata, full)  # 34 of 36
    with pytest.raises(CapacityError, match=r"links\.\(b, c\): about 34 rows .* about 25 are"):
        hive.sample(rows={"as": 20, "bs": 5, "cs": 5})


def test_rows_with_a_null_in_a_unique_key_may_repeat_and_stay_null():
    tables = seating()
    rows = tables["seats"].height
    empty = pl.Series([number % 4 == 0 for number in range(rows)])
    seats = tables["seats"].with_columns(
        id=pl.Series(range(rows)), who=tables["seats"]["who"].set(empty, None)
    )
    metadata = (
        sh.Metadata()
        .add_table("slots", pk=SLOT)
        .add_table("attendance", pk=SIGHT)
        .add_table(
            "seats",
            pk="id",
            unique=[["day", "room", "who"]],
            fk={SLOT: ("slots", SLOT), SIGHT: ("attendance", SIGHT)},
        )
    )
    hive = learn(metadata, tables | {"seats": seats})
    for seed in range(3):
        copy = hive.sample(scale=3, seed=seed)
        check(metadata, copy)
        whole = copy["seats"].select("day", "room", "who").drop_nulls()
        assert not whole.is_duplicated().any()
        assert copy["seats"]["who"].null_count() / copy["seats"].height == pytest.approx(
            0.25, abs=0.12
        )
