from __future__ import annotations

import subprocess
import sys
import textwrap
from concurrent.futures import ThreadPoolExecutor

import duckdb
import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from synthohive.errors import LandingError
from synthohive.landing.audit import new_run
from synthohive.landing.catalogue import column_types
from synthohive.landing.connection import connect
from synthohive.landing.land import LandedTable, land
from synthohive.landing.read import read_tables
from synthohive.landing.stage import Stage
from synthohive.landing.target import check_writable, find_target
from synthohive.schema.metadata import Metadata
from synthohive.schema.model import Relation, Table

USERS = pl.DataFrame({"id": [1, 2, 3], "name": ["a", "b", None]})
ORDERS = pl.DataFrame({"id": [1, 2], "user_id": [3, None]}, schema_overrides={"user_id": pl.Int64})
SHOP = (
    Metadata().add_table("users", pk="id").add_table("orders", pk="id", fk={"user_id": "users.id"})
)


@pytest.fixture
def con():
    connection = duckdb.connect()
    yield connection
    connection.close()


def rows(con, sql):
    return con.execute(sql).fetchall()


def everything(con):
    """All that a landing may change: tables with their rows, and comments."""
    names = [n for (n,) in rows(con, "SELECT table_name FROM duckdb_tables() ORDER BY ALL")]
    comments = rows(con, "SELECT table_name, comment FROM duckdb_tables() ORDER BY ALL")
    return comments, {name: rows(con, f'FROM synthetic."{name}"') for name in names}


def test_tables_audit_and_result(con):
    landing = land({"users": USERS, "orders": ORDERS}, con, metadata=SHOP)
    assert landing.tables == (
        LandedTable(name="users", rows=3),
        LandedTable(name="orders", rows=2),
    )
    assert rows(con, "FROM synthetic.users") == [(1, "a"), (2, "b"), (3, None)]
    assert rows(con, "SELECT run_id, tables FROM synthetic._synthohive_runs") == [
        (landing.run_id, 2)
    ]
    sql = "SELECT table_name, rows, orphans, duplicate_keys FROM synthetic._synthohive_tables"
    assert rows(con, sql) == [("users", 3, 0, 0), ("orders", 2, 0, 0)]


def test_a_run_is_written_down(con):
    run = new_run(seed=2**63 - 1, scale=0.5)
    land({"users": USERS}, con, run=run)
    [found] = con.execute(
        "SELECT run_id, seed, scale, duckdb_version, finished_at >= started_at AS in_order"
        " FROM synthetic._synthohive_runs"
    ).fetchall()
    assert found == (run.run_id, 2**63 - 1, 0.5, duckdb.__version__, True)


def test_types_and_column_order_of_the_real_table_come_back(con):
    con.execute("CREATE TYPE mood AS ENUM ('sad', 'ok')")
    con.execute("""
        CREATE TABLE t AS SELECT i::INTEGER AS id, uuid() AS u, (i * 3)::HUGEINT AS h,
            to_days(i::INTEGER) AS span, 'ok'::mood AS m, ('{"a":' || i || '}')::JSON AS j,
            [i] AS l, '10:00:00+02'::TIMETZ AS tz, TIME '10:00:00.123456' AS tm,
            i::USMALLINT AS s, (i + 0.5)::DECIMAL(12, 3) AS d, now() AS moment,
            TIMESTAMP_S '2020-01-01 10:00:00' AS sec, NULL AS never
        FROM range(4) r(i)
    """)
    metadata = Metadata().add_table("t", pk="id")
    metadata.tables["t"] = Table(name="t", primary_key=("id",), relation=Relation(identifier="t"))
    frame = read_tables(con, metadata)["t"]
    landing = land({"t": frame.select(reversed(frame.columns))}, con, metadata=metadata)
    real, synthetic = (rows(con, f"DESCRIBE {name}") for name in ("t", "synthetic.t"))
    assert [column[:2] for column in synthetic[:-1]] == [column[:2] for column in real[:-1]]
    assert landing.notices == ()
    same = "SELECT id, u, h, span, m, j, tm, s, d, moment, sec FROM {} ORDER BY id"
    assert rows(con, same.format("synthetic.t")) == rows(con, same.format("t"))
    assert rows(con, "SELECT count(l) FROM synthetic.t") == [(0,)]


def test_kept_tables_get_their_unlearned_columns_back(con):
    con.execute(
        "CREATE TABLE t AS SELECT 1 AS id, ['a', 'it''s, b'] AS l, {'x': 1, 'y': NULL} AS s,"
        " MAP {'k': 2} AS m, '\\x00\\xFF'::BLOB AS b"
    )
    metadata = Metadata().add_table("t", pk="id", keep=True)
    land(read_tables(con, metadata), con, metadata=metadata)
    assert rows(con, "FROM synthetic.t") == rows(con, "FROM t")


def test_declared_types_stand_in_for_a_missing_real_table(con):
    table = Metadata().add_table("t", pk="id")
    types = {"t": {"id": "BIGINT", "u": "UUID", "n": "number(38, 0) not null", "x": "NUMBER"}}
    frame = pl.DataFrame(
        {"id": [1], "u": ["00000000-0000-4000-8000-000000000000"], "n": [1], "x": ["z"]}
    )
    land({"t": frame}, con, metadata=table.with_column_types(types))
    found = [column[1] for column in rows(con, "DESCRIBE synthetic.t")]
    assert found == ["BIGINT", "UUID", "BIGINT", "VARCHAR"]


def test_polars_types_without_a_real_table(con):
    frame = pl.DataFrame(
        {
            "span": pl.Series([90_000_000], dtype=pl.Duration("us")),
            "nanos": pl.Series([90_000_000_001], dtype=pl.Duration("ns")),
            "kind": pl.Series(["a"], dtype=pl.Categorical),
            "fixed": pl.Series(["b"], dtype=pl.Enum(["a", "b"])),
            "empty": pl.Series([None], dtype=pl.Null),
            "big": pl.Series([2**100], dtype=pl.Int128),
            "at": pl.Series([0], dtype=pl.Datetime("ms", "Europe/Berlin")),
            "list": [[1, 2]],
        }
    )
    land({"t": frame}, con)
    found = {column[0]: column[1] for column in rows(con, "DESCRIBE synthetic.t")}
    assert found == {
        "span": "INTERVAL",
        "nanos": "INTERVAL",
        "kind": "VARCHAR",
        "fixed": "VARCHAR",
        "empty": "VARCHAR",
        "big": "HUGEINT",
        "at": "TIMESTAMP WITH TIME ZONE",
        "list": "BIGINT[]",
    }
    assert rows(con, "SELECT big, list FROM synthetic.t") == [(2**100, [1, 2])]


def test_empty_tables_land_with_all_columns(con):
    with Stage() as stage:
        stage.empty("orders", dict(ORDERS.schema))
        landing = land(stage, con, metadata=SHOP)
    assert landing.tables == (LandedTable(name="orders", rows=0),)
    assert [column[0] for column in rows(con, "DESCRIBE synthetic.orders")] == ["id", "user_id"]


def test_many_parts_keep_their_order(con):
    for ordered in (True, False):
        con.execute(f"SET preserve_insertion_order = {ordered}")
        with Stage() as stage:
            for start in range(0, 300_000, 30_000):
                stage.write("t", pl.select(id=pl.int_range(start, start + 30_000)))
            land(stage, con)
        assert rows(con, "SELECT count(*) FROM synthetic.t WHERE id <> rowid") == [(0,)]


def test_a_second_run_replaces_and_drops_what_is_no_longer_made(con):
    land({"users": USERS, "orders": ORDERS}, con, metadata=SHOP)
    landing = land({"users": USERS.head(1)}, con, metadata=SHOP)
    assert landing.dropped == ("orders",)
    assert rows(con, "SELECT count(*) FROM synthetic.users") == [(1,)]
    assert rows(con, "SELECT tables FROM synthetic._synthohive_runs ORDER BY run_id") == [
        (2,),
        (1,),
    ]


@pytest.mark.parametrize(
    ("frames", "message"),
    [
        (
            {"users": USERS, "orders": pl.DataFrame({"id": [1, 2], "user_id": [3, 99]})},
            r"orders: 1 rows have no parent by user_id → users\.id \(such as 99\)",
        ),
        (
            {"users": pl.DataFrame({"id": [1, 1, 2]})},
            r"users\.id: the primary key repeats in 1 rows and is null in 0 \(such as 1\)",
        ),
        (
            {"users": pl.DataFrame({"id": [1, None]})},
            r"users\.id: the primary key repeats in 0 rows and is null in 1",
        ),
    ],
)
def test_broken_keys_land_nothing(con, frames, message):
    land({"users": USERS, "orders": ORDERS}, con, metadata=SHOP)
    before = everything(con)
    with pytest.raises(LandingError, match=message):
        land(frames, con, metadata=SHOP)
    assert everything(con) == before


def test_composite_keys_are_checked(con):
    metadata = (
        Metadata()
        .add_table("days", pk=["place", "day"])
        .add_table("flights", fk={("origin", "day"): ("days", ("place", "day"))})
    )
    days = pl.DataFrame({"place": ["x", "x"], "day": [1, 2]})
    fine = pl.DataFrame({"origin": ["x", None], "day": [2, 7]})
    land({"days": days, "flights": fine}, con, metadata=metadata)
    wrong = pl.DataFrame({"origin": ["x", "y"], "day": [2, 1]})
    with pytest.raises(LandingError, match=r"flights: 1 rows .*\(such as \('y', 1\)\)"):
        land({"days": days, "flights": wrong}, con, metadata=metadata)


def test_values_that_do_not_fit_name_their_column(con):
    con.execute("CREATE TABLE users (id INTEGER, age UTINYINT)")
    land({"users": pl.DataFrame({"id": [1], "age": [1]})}, con)
    before = everything_of_synthetic(con)
    with pytest.raises(LandingError, match=r"users\.age: 1 .* fit .* UTINYINT \(such as 300\)"):
        land({"users": pl.DataFrame({"id": [1, 2], "age": [300, 3]})}, con, metadata=SHOP)
    assert everything_of_synthetic(con) == before


def everything_of_synthetic(con):
    return rows(con, "FROM synthetic.users"), rows(con, "FROM synthetic._synthohive_runs")


def test_text_that_its_type_refuses_lands_as_null_and_is_told(con):
    con.execute("CREATE TABLE users (id INTEGER, doc JSON)")
    landing = land({"users": pl.DataFrame({"id": [1, 2], "doc": ["{", "{}"]})}, con, metadata=SHOP)
    assert rows(con, "FROM synthetic.users ORDER BY id") == [(1, None), (2, "{}")]
    assert landing.notices == ("users.doc: 1 synthetic values are no JSON and landed as null",)


def test_columns_that_differ_from_the_real_table_are_told(con):
    con.execute("CREATE TABLE users (id INTEGER, age INTEGER)")
    landing = land({"users": pl.DataFrame({"id": [1], "city": ["x"]})}, con, metadata=SHOP)
    assert landing.notices == (
        "users: the real table has columns without synthetic values: age",
        "users: the real table lacks columns that were landed: city",
    )


def test_real_tables_are_never_overwritten(con):
    con.execute("CREATE SCHEMA Raw")
    con.execute("CREATE TABLE raw.users AS SELECT 1 AS id")
    metadata = Metadata()
    metadata.tables["users"] = Table(
        name="users", relation=Relation(schema="raw", identifier="users")
    )
    with pytest.raises(LandingError, match="schema 'RAW' holds the real table 'users'"):
        land({"users": USERS}, con, schema="RAW", metadata=metadata)
    with pytest.raises(LandingError, match=r'"raw"\."users" was not made by SynthoHive'):
        land({"Users": USERS}, con, schema="raw")
    assert rows(con, "FROM raw.users") == [(1,)]


def test_foreign_objects_in_the_schema_are_left_alone(con):
    con.execute("CREATE SCHEMA synthetic")
    con.execute("CREATE TABLE synthetic.mine AS SELECT 1 AS x")
    con.execute("CREATE VIEW synthetic.users AS SELECT 1 AS id")
    with pytest.raises(LandingError, match=r"users.* was not made by SynthoHive"):
        land({"users": USERS}, con)
    con.execute("DROP VIEW synthetic.users")
    land({"users": USERS}, con)
    assert land({"orders": ORDERS}, con).dropped == ("users",)
    assert rows(con, "FROM synthetic.mine") == [(1,)]


@pytest.mark.parametrize("name", ["_synthohive_runs", "_SYNTHOHIVE_TABLES"])
def test_names_of_the_audit_tables_are_taken(con, name):
    with pytest.raises(LandingError, match="cannot land beside"):
        land({name: USERS}, con)


def test_names_that_differ_in_case_only_are_refused(con):
    with pytest.raises(LandingError, match="'ORDERS' cannot land beside 'orders'"):
        land({"orders": ORDERS, "ORDERS": ORDERS}, con)


def test_the_callers_transaction_is_not_touched(con):
    con.execute("CREATE TABLE note (x INTEGER)")
    con.execute("BEGIN")
    con.execute("INSERT INTO note VALUES (1)")
    land({"users": USERS}, con)
    con.execute("ROLLBACK")
    assert rows(con, "FROM note") == []
    assert rows(con, "SELECT count(*) FROM synthetic.users") == [(3,)]


def test_tables_land_in_the_database_in_use(con):
    con.execute("ATTACH ':memory:' AS other")
    con.execute("USE other")
    land({"users": USERS}, con)
    assert rows(con, "SELECT count(*) FROM other.synthetic.users") == [(3,)]


def test_a_concurrent_writer_makes_landing_fail_whole(tmp_path):
    path = tmp_path / "shop.duckdb"
    with connect(path, must_exist=False) as con:
        land({"users": USERS}, con)
        con.execute("BEGIN")
        con.execute("CREATE OR REPLACE TABLE synthetic.users AS SELECT 7 AS id")
        with ThreadPoolExecutor(1) as pool, pytest.raises(LandingError, match="refused"):
            pool.submit(land, {"users": USERS.head(1)}, con).result()
        con.execute("ROLLBACK")
        assert rows(con, "SELECT count(*) FROM synthetic.users") == [(3,)]


def test_a_process_killed_at_any_moment_leaves_the_earlier_tables(tmp_path):
    (tmp_path / "dbt_project.yml").write_text("name: shop\n")
    (tmp_path / "target").mkdir()
    path, sources = tmp_path / "shop.duckdb", tmp_path / "models" / "sources.yml"
    land({"users": USERS}, path, sources_path=sources)
    text = sources.read_text()
    for moment in ("write_audit", "draft_sources"):
        script = f"""
            import os, signal
            import polars as pl
            from synthohive.landing import land as landing
            work = landing.{moment}
            def die(*args, **kwargs):
                work(*args, **kwargs)
                os.kill(os.getpid(), signal.SIGKILL)
            landing.{moment} = die
            landing.land({{"orders": pl.DataFrame({{"id": [1]}})}}, {str(path)!r},
                         sources_path={str(sources)!r})
        """
        done = subprocess.run([sys.executable, "-c", textwrap.dedent(script)], check=False)
        assert done.returncode == -9
        with connect(path) as con:
            assert rows(con, "FROM synthetic.users") == list(USERS.iter_rows())
            assert rows(con, "SELECT count(*) FROM synthetic._synthohive_runs") == [(1,)]
            found = [name for (name,) in rows(con, "SELECT table_name FROM duckdb_tables()")]
            assert "orders" not in found
        assert sources.read_text() == text
        assert list(sources.parent.iterdir()) == [sources]
    assert len(list((tmp_path / "target").iterdir())) == 1  # the draft of the one killed last


def test_a_database_or_schema_that_takes_no_tables_is_refused(tmp_path):
    path = tmp_path / "shop.duckdb"
    connect(path, must_exist=False).close()
    with duckdb.connect() as con:
        check_writable(con, find_target(con, "synthetic"))
        con.execute(f"ATTACH '{path}' (READ_ONLY)")
        con.execute("USE shop")
        with pytest.raises(LandingError, match="'shop' is open for reading only"):
            check_writable(con, find_target(con, "synthetic"))
        con.execute("USE memory")
        for schema in ("information_schema", "PG_catalog"):
            with pytest.raises(LandingError, match="belongs to DuckDB itself"):
                land({"users": USERS}, con, schema=schema)


NAMES = st.text(
    st.characters(codec="utf-8", exclude_characters="\x00", exclude_categories=["Cs"]),
    min_size=1,
    max_size=12,
)


@settings(max_examples=25, deadline=None)
@given(table=NAMES, column=NAMES, other=NAMES, schema=NAMES)
def test_any_name_the_database_allows_works(table, column, other, schema):
    columns = list({name.lower(): name for name in (column, other)}.values())
    child = table + "'s child"
    metadata = (
        Metadata()
        .add_table(table, pk=columns[0])
        .add_table(child, fk={columns[-1]: (table, columns[0])})
    )
    frames = {name: pl.DataFrame({c: [1, 2] for c in columns}) for name in (table, child)}
    with duckdb.connect() as con:
        if len(columns) == 1 and column.lower() != other.lower():
            return
        landing = land(frames, con, schema=f"s{schema}", metadata=metadata)
        assert [landed.name for landed in landing.tables] == [table, child]
        landed = Metadata()
        for name in frames:
            place = Relation(schema=f"s{schema}", identifier=name)
            landed.tables[name] = Table(name=name, relation=place)
        assert list(column_types(con, landed.tables)[table]) == columns
        assert read_tables(con, landed)[child].equals(frames[child])
