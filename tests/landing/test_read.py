from __future__ import annotations

import datetime as dt
from decimal import Decimal

import duckdb
import polars as pl
import pytest

from synthohive.errors import SchemaError, UnknownTableError
from synthohive.events import Notice
from synthohive.landing.catalogue import column_types, row_counts, with_enumerations
from synthohive.landing.read import read_tables
from synthohive.schema.metadata import Metadata
from synthohive.schema.model import Relation, Table

ODD_COLUMNS = {
    "id": "i::INTEGER",
    "uuid": "('00000000-0000-4000-8000-00000000000' || i)::UUID",
    "huge": "(i * 10)::HUGEINT",
    "very_huge": "170141183460469231731687303715884105727::HUGEINT",
    "wide": "(1e20::HUGEINT + i)",
    "span": "to_days(i::INTEGER)",
    "mood": "(CASE i % 2 WHEN 0 THEN 'sad' ELSE 'it''s' END)::ENUM('sad', 'it''s')",
    "doc": "('{\"a\": ' || i || '}')::JSON",
    "list": "[i, i + 1]",
    "struct": "{'a': i}",
    "map": "MAP {'a': i}",
    "blob": "'\\xAA'::BLOB",
    "bits": "'101'::BIT",
    "zoned": "make_timestamptz(2020, 1, 1 + i, 12, 0, 0, 'America/New_York')",
    "day": "DATE '2020-01-01' + i::INTEGER",
    "until": "CASE WHEN i = 0 THEN 'infinity'::TIMESTAMP ELSE TIMESTAMP '2020-01-01 10:00:00' END",
    "zoned_time": "'10:11:12+02'::TIMETZ",
    "price": "(i + 0.5)::DECIMAL(10,2)",
    "nanos": "TIMESTAMP_NS '2020-01-01 00:00:00.123456789'",
    "tiny": "i::UTINYINT",
    "flag": "i % 2 = 0",
    "nothing": "NULL",
}
"""One column per type that is read in a way of its own, as expressions over a row number i."""


@pytest.fixture
def con():
    connection = duckdb.connect()
    yield connection
    connection.close()


@pytest.fixture
def odd(con):
    chosen = ", ".join(f'{sql} AS "{name}"' for name, sql in ODD_COLUMNS.items())
    con.execute(f"CREATE TABLE odd AS SELECT {chosen} FROM range(3) AS r(i)")
    return Metadata().add_table("odd", pk="id")


def test_every_type_arrives_as_one_that_can_be_learned(con, odd):
    frame = read_tables(con, odd)["odd"]
    assert dict(frame.schema) == {
        "id": pl.Int32,
        "uuid": pl.String,
        "huge": pl.Int64,
        "very_huge": pl.String,
        "wide": pl.Decimal(38, 0),
        "span": pl.Duration("us"),
        "mood": pl.Enum(["sad", "it's"]),
        "doc": pl.String,
        "list": pl.String,
        "struct": pl.String,
        "map": pl.String,
        "blob": pl.String,
        "bits": pl.String,
        "zoned": pl.Datetime("us", "UTC"),
        "day": pl.Date,
        "until": pl.Datetime("us"),
        "zoned_time": pl.Time,
        "price": pl.Decimal(10, 2),
        "nanos": pl.Datetime("ns"),
        "tiny": pl.UInt8,
        "flag": pl.Boolean,
        "nothing": frame.schema["nothing"],  # Null or Int32, by the version of DuckDB
    }
    row = frame.row(1, named=True)
    assert row["uuid"] == "00000000-0000-4000-8000-000000000001"
    assert row["huge"] == 10
    assert row["wide"] == Decimal(10**20 + 1)
    assert row["span"] == dt.timedelta(days=1)
    assert row["mood"] == "it's"
    assert row["zoned"].isoformat() == "2020-01-02T17:00:00+00:00"
    assert row["price"] == Decimal("1.50")
    unlearned = frame.select("list", "struct", "map", "blob", "bits")
    assert unlearned.null_count().sum_horizontal().item() == 3 * 5


def test_values_do_not_depend_on_the_session_time_zone(con, odd):
    before = read_tables(con, odd)["odd"]
    con.execute("SET TimeZone = 'Asia/Tokyo'")
    assert read_tables(con, odd)["odd"].equals(before)


def test_infinite_timestamps_become_null_and_are_told(con, odd):
    events: list[object] = []
    frame = read_tables(con, odd, on_event=events.append)["odd"]
    assert frame["until"].null_count() == 1
    assert events == [Notice(message="odd.until: 1 infinite values are read as null")]


def test_a_kept_table_keeps_what_is_not_learned_as_text(con, odd):
    kept = Metadata().add_table("odd", pk="id", keep=True)
    frame = read_tables(con, kept)["odd"]
    assert frame["list"].to_list() == ["[0, 1]", "[1, 2]", "[2, 3]"]


@pytest.mark.parametrize("ordered", [True, False])
def test_rows_arrive_in_stored_order(con, ordered):
    con.execute(f"SET preserve_insertion_order = {ordered}")
    con.execute(
        "CREATE TABLE t AS SELECT hash(i) AS h, i AS id FROM range(300_000) r(i) ORDER BY h"
    )
    frame = read_tables(con, Metadata().add_table("t", pk="id"))["t"]
    assert frame["h"].is_sorted()


def test_tables_that_do_not_exist_are_left_out_unless_selected(con, odd):
    odd.add_table("gone", pk="id")
    assert list(read_tables(con, odd)) == ["odd"]
    with pytest.raises(UnknownTableError, match="table 'gone' is not in the database"):
        read_tables(con, odd, select=["gone"])


def test_a_python_variable_never_stands_in_for_a_missing_table(con):
    gone = pl.DataFrame({"id": [1]})
    assert read_tables(con, Metadata().add_table("gone", pk="id")) == {}
    assert gone.height == 1


def test_a_key_of_a_type_that_cannot_be_one_is_refused(con, odd):
    metadata = Metadata().add_table("odd", pk="blob")
    with pytest.raises(SchemaError, match=r'odd\.blob is a key of type BLOB.*\n.*hex\("blob"\)'):
        read_tables(con, metadata)


def test_a_broken_view_is_named(con):
    con.execute("CREATE TABLE base AS SELECT 1 AS id")
    con.execute("CREATE VIEW shown AS SELECT id FROM base")
    con.execute("DROP TABLE base")
    with pytest.raises(SchemaError, match=r"table 'shown': .*cannot be read: .*base"):
        column_types(con, Metadata().add_table("shown", pk="id").tables)


def test_views_are_read_like_tables(con):
    con.execute("CREATE VIEW shown AS SELECT i AS id FROM range(4) r(i)")
    metadata = Metadata().add_table("shown", pk="id")
    assert read_tables(con, metadata)["shown"]["id"].to_list() == [0, 1, 2, 3]
    assert row_counts(con, metadata.tables) == {"shown": 4}


def test_a_database_opened_under_another_name_is_found(tmp_path):
    path = tmp_path / "copy of shop.duckdb"
    with duckdb.connect(str(path)) as con:
        con.execute('CREATE SCHEMA "raw data"')
        con.execute('CREATE TABLE "raw data"."it\'s" AS SELECT 5 AS "an ""id"""')
    table = Table(
        name="it", relation=Relation(database="shop", schema="raw data", identifier="it's")
    )
    metadata = Metadata()
    metadata.tables["it"] = table
    assert read_tables(path, metadata)["it"].to_dicts() == [{'an "id"': 5}]


def test_a_schema_named_like_its_database_is_no_puzzle(tmp_path):
    path = tmp_path / "raw.duckdb"
    with duckdb.connect(str(path)) as con:
        con.execute("CREATE SCHEMA raw.raw")
        con.execute("CREATE TABLE raw.raw.t AS SELECT 1 AS id")
    metadata = Metadata()
    metadata.tables["t"] = Table(name="t", relation=Relation(schema="raw", identifier="t"))
    assert read_tables(path, metadata)["t"].height == 1


def test_enumerations_declare_their_values(con, odd):
    typed = odd.with_column_types(column_types(con, odd.tables))
    table = with_enumerations(con, typed.tables["odd"])
    limits = table.columns["mood"].constraint
    assert limits is not None
    assert limits.accepted_values == ("sad", "it's")
    assert table.columns["uuid"].constraint is None
