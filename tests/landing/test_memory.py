"""A database on disk is landed in with little memory, or in more where rows need it."""

from __future__ import annotations

import duckdb
import polars as pl
import pytest

from synthohive.errors import LandingError
from synthohive.landing import memory
from synthohive.landing.land import land
from synthohive.landing.memory import in_little_memory
from synthohive.schema.metadata import Metadata


def limit(con):
    return con.execute("SELECT current_setting('memory_limit')").fetchone()[0]


@pytest.fixture
def con(tmp_path):
    with duckdb.connect(str(tmp_path / "shop.duckdb")) as con:
        yield con


@pytest.mark.parametrize("before", ["3GiB", "1700.05MiB", "900GB", "-1"])
def test_memory_is_bounded_for_a_while(con, before):
    con.execute(f"SET memory_limit = '{before}'")
    told = limit(con)
    for _ in range(20):
        assert in_little_memory(con.cursor(), 0, lambda: limit(con)) == f"{memory.MEMORY}.0 MiB"
        assert limit(con) == told
    with pytest.raises(ZeroDivisionError):
        in_little_memory(con, 0, lambda: 1 / 0)
    assert limit(con) == told


def test_a_smaller_bound_stays(con):
    con.execute("SET memory_limit = '50MiB'")
    assert in_little_memory(con, 0, lambda: limit(con)) == "50.0 MiB"


def test_wide_tables_and_threads_get_more(con):
    con.execute("SET threads = 3")
    asked = memory.MEMORY + 3 * 40 * memory.COLUMN
    assert in_little_memory(con, 40, lambda: limit(con)) == f"{asked}.0 MiB"


def test_many_rows_take_as_little(con, monkeypatch):
    """All that is asked for is enough, where tables are several times as large."""
    monkeypatch.setattr(memory, "MEMORY", 24)
    con.execute("SET threads = 1")
    rows = 1_500_000
    numbers = pl.int_range(rows, eager=True)
    tables = {
        "users": pl.DataFrame({"id": numbers, "code": numbers.hash(0)}),
        "orders": pl.DataFrame({"id": numbers.hash(1), "user": numbers.hash(2) % rows}),
    }
    metadata = Metadata().add_table("users", pk="id")
    metadata = metadata.add_table("orders", pk="id", fk={"user": "users.id"})
    asked: list[str] = []

    def watched(con, columns, work):
        return in_little_memory(con, columns, lambda: (asked.append(limit(con)), work())[1])

    monkeypatch.setattr("synthohive.landing.land.in_little_memory", watched)
    land(tables, con, metadata=metadata)
    assert asked == ["28.0 MiB"]
    assert con.execute("SELECT count(*) FROM synthetic.orders").fetchall() == [(rows,)]


def test_tables_in_memory_stay_there(con):
    told = limit(con)
    con.execute("ATTACH ':memory:' AS other")
    assert in_little_memory(con, 0, lambda: limit(con)) == told


def test_wide_rows_get_the_memory_they_need(con, monkeypatch):
    """What a wide table takes depends on its columns, not on its rows."""
    metadata = Metadata().add_table("wide", pk="c0")
    wide = pl.DataFrame({f"c{n}": range(3000) for n in range(300)})
    monkeypatch.setattr(memory, "MEMORY", 4)
    monkeypatch.setattr(memory, "COLUMN", 0)
    asked: list[str] = []

    def watched(con, columns, work):
        return in_little_memory(con, columns, lambda: (asked.append(limit(con)), work())[1])

    monkeypatch.setattr("synthohive.landing.land.in_little_memory", watched)
    told = limit(con)
    land({"wide": wide}, con, metadata=metadata)
    assert asked == ["4.0 MiB", told]
    assert con.execute("SELECT count(*), max(c299) FROM synthetic.wide").fetchall() == [
        (3000, 2999)
    ]
    assert limit(con) == told


def test_a_landing_that_fails_for_lack_of_memory_changes_nothing(con):
    land({"users": pl.DataFrame({"id": [1]})}, con)
    wide = pl.DataFrame({f"c{n}": range(3000) for n in range(300)})
    con.execute("SET memory_limit = '4MiB'")
    with pytest.raises(LandingError, match="Out of Memory"):
        land({"users": wide}, con)
    con.execute("SET memory_limit = '1GiB'")
    assert con.execute("SELECT * FROM synthetic.users").fetchall() == [(1,)]
