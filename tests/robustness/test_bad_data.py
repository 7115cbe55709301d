"""Rows that break what is declared are refused with the place and the evidence; odd ones work."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import duckdb
import pytest

from synthohive.cli import DONE, FAILED, main

CUSTOMERS = "CREATE TABLE customers AS SELECT i AS id, i % 5 AS age FROM range(50) r(i);"
ORDERS = """
CREATE TABLE orders AS SELECT i AS id, i % {} AS customer_id, i % 9 AS amount FROM range(100) r(i);
"""
TYPES = [
    *("BOOLEAN", "TINYINT", "UTINYINT", "INTEGER", "BIGINT", "UBIGINT", "HUGEINT", "UHUGEINT"),
    *("FLOAT", "DOUBLE", "DECIMAL(18,3)", "DECIMAL(38,10)", "VARCHAR", "UUID", "JSON", "BLOB"),
    *("DATE", "TIME", "TIMESTAMP", "TIMESTAMP_S", "TIMESTAMP_MS", "TIMESTAMP_NS", "TIMESTAMPTZ"),
    *("TIMETZ", "INTERVAL", "BIT", "INTEGER[]", "INTEGER[2]", "STRUCT(a INTEGER, b VARCHAR)"),
    *("MAP(VARCHAR, INTEGER)", "UNION(n INTEGER, t VARCHAR)", "ENUM('a', 'b')"),
]
ALL_NULL = ", ".join(f"NULL::{sql_type} AS c{n}" for n, sql_type in enumerate(TYPES))


@pytest.fixture
def shop(projects):
    """Customers and orders that refer to them."""
    return {
        "customers": projects.keyed("id"),
        "orders": projects.keyed("id", customer_id="customers"),
    }


@pytest.fixture
def synthesize(tmp_path, projects, capsys):
    """Make a project, run the command on it, and give its exit code, its errors, its database."""

    def run(sql, tables, *words):
        folder = projects.make_project(tmp_path / "shop", sql, tables)
        options = ["--project-dir", str(folder), "--max-steps", "2", *words]
        code = main(["synthesize", *options])
        err = capsys.readouterr().err
        assert "Traceback" not in err
        assert "internal error" not in err
        return code, err, folder / projects.DATABASE

    return run


def rows_of(database, sql):
    with duckdb.connect(str(database), read_only=True) as con:
        return con.execute(sql).fetchall()


def assert_refused(outcome, *told):
    """The run failed, told all that, and wrote nothing."""
    code, err, database = outcome
    assert code == FAILED
    for text in told:
        assert text in err
    assert rows_of(database, "FROM duckdb_schemas() WHERE schema_name = 'synthetic'") == []


def test_orphans(synthesize, shop):
    outcome = synthesize(CUSTOMERS + ORDERS.format(70), shop)
    told = "orders.customer_id: 20 of 100 rows have no parent in customers.id, such as 50, 51"
    assert_refused(
        outcome, told, "set on_orphans of orders to drop", "or to null, which keeps them"
    )


@pytest.mark.dbt
def test_orphans_told_by_dbt(tmp_path, projects, shop):
    folder = projects.make_project(tmp_path / "shop", CUSTOMERS + ORDERS.format(70), shop)
    projects.add_dbt(folder, shop)
    words = [Path(sys.executable).with_name("dbt"), "run-operation", "synthesize"]
    done = subprocess.run(
        [*words, "--profiles-dir", "."], cwd=folder, capture_output=True, text=True, check=False
    )
    assert done.returncode == 1
    assert "synthohive: 1 problem found:" in done.stdout
    assert "orders.customer_id: 20 of 100 rows have no parent in customers.id" in done.stdout
    assert "Traceback" not in done.stdout + done.stderr


@pytest.mark.parametrize("policy", ["drop", "null"])
def test_orphans_with_a_policy(synthesize, shop, policy):
    code, err, database = synthesize(CUSTOMERS + ORDERS.format(70), shop, "--on-orphans", policy)
    assert code == DONE
    assert "orders.customer_id: 20 of 100 rows have no parent in customers" in err
    sql = """
    SELECT count(*) FROM synthetic.orders o ANTI JOIN synthetic.customers c ON o.customer_id = c.id
    WHERE o.customer_id IS NOT NULL
    """
    assert rows_of(database, sql) == [(0,)]


def test_repeated_keys(synthesize, shop):
    sql = CUSTOMERS + "INSERT INTO customers VALUES (3, 1), (3, 2);" + ORDERS.format(50)
    told = "customers.id is the primary key, but 2 rows repeat a value, such as 3"
    assert_refused(synthesize(sql, shop), told, "remove the repeated rows, or declare another key")


def test_null_keys(synthesize, shop):
    sql = CUSTOMERS + "INSERT INTO customers VALUES (NULL, 1);" + ORDERS.format(50)
    told = "customers.id is in the primary key, but 1 of 51 rows are null"
    assert_refused(synthesize(sql, shop), told, "fill in the values, or declare another key")


def test_keys_with_fractions(synthesize, projects):
    sql = "CREATE TABLE customers AS SELECT i + 0.5::DOUBLE AS id FROM range(30) r(i);"
    told = "customers.id is a key, but 30 of its values are no whole numbers, such as 0.5, 1.5"
    assert_refused(synthesize(sql, {"customers": projects.keyed("id")}), told, "cast the column")


def test_keys_of_unlike_types(synthesize, shop):
    orders = "CREATE TABLE orders AS SELECT i AS id, 'c' || i AS customer_id FROM range(9) r(i);"
    told = "orders.customer_id is VARCHAR but customers.id is BIGINT"
    advice = 'cast one to the other, such as orders.customer_id by cast("customer_id" as BIGINT)'
    assert_refused(synthesize(CUSTOMERS + orders, shop), told, advice)


def test_a_key_that_is_no_key(synthesize, shop, projects):
    keys = [{"columns": ["customer_id"], "to": "customers", "to_columns": ["age"]}]
    orders = projects.Declared(settings={"primary_key": ["id"], "foreign_keys": keys})
    told = "customers.age is what orders.customer_id refers to, but 45 rows repeat a value"
    outcome = synthesize(CUSTOMERS + ORDERS.format(50), shop | {"orders": orders})
    assert_refused(outcome, told, "refer to a key of the table", "2 problems found")


@pytest.fixture
def cycle(projects):
    """Three tables that refer to each other in a circle, and their rows."""
    sql = "".join(
        f"CREATE TABLE {child} AS SELECT i AS id, (i + 1) % 20 AS {parent}_id FROM range(20) r(i);"
        for child, parent in ("ab", "bc", "ca")
    )
    tables = {
        child: projects.keyed("id", **{f"{parent}_id": parent})
        for child, parent in ("ab", "bc", "ca")
    }
    return sql, tables


def test_a_cycle_without_a_nullable_key(synthesize, cycle, projects):
    sql, tables = cycle
    required = {
        child: projects.Declared(settings=tables[child].settings, required=(f"{parent}_id",))
        for child, parent in ("ab", "bc", "ca")
    }
    outcome = synthesize(sql, required)
    assert_refused(outcome, "foreign keys form a cycle: a → b → c → a", "a.b_id; b.c_id; c.a_id")


def test_a_cycle_of_nullable_keys(synthesize, cycle):
    code, err, database = synthesize(*cycle)
    assert code == DONE
    assert "closes a cycle of tables" in err
    for child, parent in ("ab", "bc", "ca"):
        sql = (
            f"SELECT count(*) FROM synthetic.{child} c ANTI JOIN synthetic.{parent} p"
            f" ON c.{parent}_id = p.id WHERE c.{parent}_id IS NOT NULL"
        )
        assert rows_of(database, sql) == [(0,)]


@pytest.mark.parametrize(
    ("sql", "customers", "orders"),
    [
        pytest.param(
            "CREATE TABLE customers (id INTEGER, name VARCHAR, paid DECIMAL(9,2));"
            "CREATE TABLE orders (id INTEGER, customer_id INTEGER, seen TIMESTAMP);",
            0,
            0,
            id="all tables empty",
        ),
        pytest.param(
            CUSTOMERS + "CREATE TABLE orders (id INTEGER, customer_id INTEGER, seen TIMESTAMP);",
            50,
            0,
            id="empty child",
        ),
        pytest.param(
            "CREATE TABLE customers (id INTEGER, age INTEGER); CREATE TABLE orders AS"
            " SELECT i AS id, NULL::INTEGER AS customer_id, i % 3 AS q FROM range(30) r(i);",
            0,
            30,
            id="empty parent",
        ),
        pytest.param(
            "CREATE TABLE customers AS SELECT 1 AS id, 'x' AS name, DATE '2024-01-01' AS born;"
            "CREATE TABLE orders AS SELECT 1 AS id, 1 AS customer_id, 2.5::DECIMAL(9,2) AS price;",
            1,
            1,
            id="one row",
        ),
        pytest.param(
            "CREATE TABLE customers AS SELECT i AS id FROM range(20) r(i);"
            "CREATE TABLE orders AS SELECT i AS id, i AS customer_id FROM range(20) r(i);",
            20,
            20,
            id="keys only",
        ),
    ],
)
def test_hardly_any_data(synthesize, shop, sql, customers, orders):
    code, _, database = synthesize(sql, shop)
    assert code == DONE
    for name, rows in (("customers", customers), ("orders", orders)):
        assert rows_of(database, f"SELECT count(*) FROM synthetic.{name}") == [(rows,)]
        described = [rows_of(database, f"DESCRIBE {s}.{name}") for s in ("raw", "synthetic")]
        assert described[0] == described[1]


@pytest.mark.parametrize("rows", [2, 3, 7, 8])
def test_fewer_rows_than_anything_can_be_learned_from(synthesize, shop, rows):
    sql = "".join(
        f"CREATE TABLE {name} AS SELECT i AS id, i // 2 AS customer_id, ['a', 'b', NULL][1 + i % 3]"
        f" AS kind FROM range({rows}) r(i);"
        for name in shop
    )
    code, _, database = synthesize(sql, shop)
    assert code == DONE
    assert rows_of(database, "SELECT count(*) FROM synthetic.customers") == [(rows,)]


def test_columns_without_any_value(synthesize, projects):
    sql = f"CREATE TABLE things AS SELECT i AS id, {ALL_NULL} FROM range(20) r(i);"
    code, _, database = synthesize(sql, {"things": projects.keyed("id")})
    assert code == DONE
    counts = ", ".join(f"count(c{n})" for n in range(len(TYPES)))
    assert rows_of(database, f"SELECT {counts} FROM synthetic.things") == [(0,) * len(TYPES)]
    real, made = (rows_of(database, f"DESCRIBE {s}.things") for s in ("raw", "synthetic"))
    assert made == real


def test_values_outside_any_scale(synthesize, projects):
    sql = """
    CREATE TABLE things AS SELECT i AS id, ['nan', 'inf', '-inf', '1e308', '5e-324'][1 + i % 5]
        ::DOUBLE AS x, 'infinity'::DATE AS never, repeat('x', 10_000) AS long, '' AS blank,
        chr(0) AS nul, 9_223_372_036_854_775_807 AS most FROM range(30) r(i);
    """
    code, err, database = synthesize(sql, {"things": projects.keyed("id")})
    assert code == DONE
    assert "things.never: 30 infinite values are read as null" in err
    assert rows_of(database, "SELECT count(*), min(most) FROM synthetic.things")[0][0] == 30


def test_a_table_that_is_missing_is_left_out(synthesize, shop):
    code, err, database = synthesize(ORDERS.format(5), shop)
    assert code == DONE
    assert "note: customers is declared but not in the database: left out" in err
    assert "orders.customer_id refers to customers, which is left out" in err
    assert rows_of(database, "SELECT count(*) FROM synthetic.orders") == [(100,)]


def test_a_view_that_is_broken(synthesize, projects):
    sql = """
    CREATE TABLE base AS SELECT 1 AS id; CREATE VIEW customers AS FROM base; DROP TABLE base;
    """
    outcome = synthesize(sql, {"customers": projects.keyed("id")})
    assert_refused(outcome, "table 'customers'", "cannot be read", "rebuild it, or leave the table")


def test_more_keys_than_the_type_has(synthesize, projects):
    sql = "CREATE TABLE customers AS SELECT i::TINYINT AS id FROM range(100) r(i);"
    outcome = synthesize(sql, {"customers": projects.keyed("id")}, "--scale", "10")
    assert_refused(outcome, "end at 127, 1000 is needed", "fewer rows, or use a wider key")


def test_more_rows_than_can_exist(synthesize, shop):
    outcome = synthesize(CUSTOMERS + ORDERS.format(50), shop, "--scale", "1e30")
    assert_refused(outcome, "customers", "scale")
