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
        assert in_little_memory(con.cursor(), lambda: limit(con)) == f"{memory.MEMORY}.0 MiB"
        assert limit(con) == told
    with pytest.raises(ZeroDivisionError):
        in_little_memory(con, lambda: 1 / 0)
    assert limit(con) == told


def test_a_smaller_bound_stays(con):
    con.execute("SET memory_limit = '100MiB'")
    assert in_little_memory(con, lambda: limit(con)) == "100.0 MiB"


def test_tables_in_memory_stay_there(con):
    told = limit(con)
    con.execute("ATTACH ':memory:' AS other")
    assert in_little_memory(con, lambda: limit(con)) == told


def test_wide_rows_get_the_memory_they_need(con, monkeypatch):
    """What a wide table takes depends on its columns, not on its rows."""
    metadata = Metadata().add_table("wide", pk="c0")
    wide = pl.DataFrame({f"c{n}": range(3000) for n in range(300)})
    monkeypatch.setattr(memory, "MEMORY", 4)
    asked: list[str] = []

    def watched(con, work):
        return in_little_memory(con, lambda: (asked.append(limit(con)), work())[1])

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
