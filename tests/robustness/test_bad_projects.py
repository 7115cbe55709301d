"""Projects, settings and databases that cannot be used are refused in a few lines."""

from __future__ import annotations

import subprocess
import sys

import pytest

from synthohive.cli import FAILED, WRONG_USE, main

TABLES = """
CREATE TABLE customers AS SELECT i AS id, i % 5 AS age FROM range(50) r(i);
CREATE TABLE orders AS SELECT i AS id, i % 50 AS customer_id, i % 9 AS amount FROM range(100) r(i);
"""
TO_CUSTOMERS = {"columns": ["customer_id"], "to": "customers"}
HOLDER = """
import sys, duckdb
with duckdb.connect(sys.argv[1]):
    print("open", flush=True)
    sys.stdin.read()
"""


@pytest.fixture
def make(tmp_path, projects):
    """Make the shop, with the settings of `orders` changed."""

    def make_shop(settings=None, columns=None):
        orders = {"primary_key": ["id"], "foreign_keys": [TO_CUSTOMERS], **(settings or {})}
        tables = {
            "customers": projects.keyed("id"),
            "orders": projects.Declared(settings=orders, columns=columns or {}),
        }
        return projects.make_project(tmp_path / "shop", TABLES, tables)

    return make_shop


@pytest.fixture
def refused(capsys):
    """Run the command and give its exit code and what it told; it must not fall over."""

    def run(folder, *words):
        code = main(["synthesize", "--project-dir", str(folder), "--max-steps", "1", *words])
        out, err = capsys.readouterr()
        assert "Traceback" not in err
        assert "internal error" not in err
        assert out == ""
        return code, err

    return run


@pytest.mark.parametrize(
    ("settings", "told"),
    [
        ({"driver": "custmer_id"}, "orders: driver 'custmer_id' is no foreign key; did you mean"),
        ({"order_by": "amonut"}, "order_by: orders has no column 'amonut'; did you mean 'amount'"),
        ({"context": ["customers.agee"]}, "orders: context column 'customers.agee' is in none"),
        ({"constraints": {"amonut": {"min": 1}}}, "orders has no column 'amonut'; did you mean"),
        ({"constraints": {"amount": {"min": 2, "max": 1}}}, "orders.amount: min 2 is larger than"),
        ({"primary_key": ["idd"]}, "orders has no column 'idd'; did you mean 'id'?"),
        ({"unique": ["idd"]}, "orders has no column 'idd'; did you mean 'id'?"),
        (
            {"foreign_keys": [{"columns": ["custmer_id"], "to": "customers"}]},
            "foreign key orders.custmer_id: orders has no column 'custmer_id'; did you mean",
        ),
        (
            {"foreign_keys": [{**TO_CUSTOMERS, "to_columns": ["idd"]}]},
            "foreign key orders.customer_id: customers has no column 'idd'; did you mean 'id'?",
        ),
        (
            {"foreign_keys": [{"columns": ["customer_id"], "to": "custmers"}]},
            "orders.customer_id: 'custmers' is no reference to a parent column",
        ),
    ],
)
def test_settings_that_the_tables_contradict(make, refused, settings, told):
    code, err = refused(make(settings))
    assert code == FAILED
    assert "1 problem found:" in err
    assert told in err


@pytest.mark.parametrize(
    ("columns", "told"),
    [
        ({"mail": {"pii": "email"}}, "orders has no column 'mail'; known names: amount"),
        ({"amount": {"pii": "emial"}}, "orders.amount: unknown kind of personal value 'emial'"),
    ],
)
def test_column_settings_that_the_tables_contradict(make, refused, columns, told):
    code, err = refused(make(columns=columns))
    assert code == FAILED
    assert told in err


@pytest.mark.parametrize(
    ("settings", "columns", "told"),
    [
        ({"drivr": "x"}, {}, "source raw.orders: unknown setting 'drivr'; did you mean 'driver'?"),
        ({"rows": -1}, {}, "source raw.orders: rows is -1"),
        ({"on_orphans": "dorp"}, {}, "source raw.orders: on_orphans is 'dorp'"),
        ({"constraints": {"amount": {"mni": 1}}}, {}, "unknown setting 'mni'; did you mean 'min'?"),
        ({}, {"amount": {"pi": True}}, "raw.orders, column amount: unknown setting 'pi'"),
    ],
)
def test_settings_that_make_no_sense(make, refused, settings, columns, told):
    code, err = refused(make(settings, columns))
    assert code == WRONG_USE
    assert told in err


@pytest.mark.parametrize(
    ("text", "told"),
    [
        (b"", "can't be read: Expecting value: line 1 column 1"),
        (b'{"nodes": {', "can't be read: Expecting property name"),
        (b"\xff\xfe", "can't be read: 'utf-8' codec"),
        (b"[]", "is no dbt manifest"),
        (b'{"nodes": 3}', "this is no dbt manifest: it has no 'nodes'"),
        (b'{"nodes": {}, "sources": [1]}', "this is no dbt manifest: 'sources' is a list"),
        (b'{"nodes": {"x": 5}}', "this is no dbt manifest: 'x' in 'nodes' has no name"),
        (b'{"nodes": {"x": {"resource_type": "seed"}}}', "'x' in 'nodes' has no name"),
        (
            b'{"nodes": {"x": {"resource_type": "seed", "name": "x", "meta": {"synthohive": 5}}}}',
            "settings of seed x: config.meta.synthohive is 5; write settings by name",
        ),
        (b'{"nodes": {}}', "there is no table to synthesize"),
    ],
)
def test_a_broken_manifest(make, refused, text, told):
    folder = make()
    (folder / "target" / "manifest.json").write_bytes(text)
    code, err = refused(folder)
    assert code == WRONG_USE
    assert told in err


@pytest.mark.parametrize(
    ("path", "content", "told"),
    [
        ("target/manifest.json", None, "no dbt manifest at"),
        ("dbt_project.yml", None, "there is no dbt_project.yml"),
        ("dbt_project.yml", b"- a", "holds no settings"),
        ("profiles.yml", b"a: [b", "is no YAML"),
        ("profiles.yml", b"shop: {outputs: {dev: {type: postgres}}}", "has no target 'default'"),
        ("shop.duckdb", None, "no database file"),
        ("shop.duckdb", b"text" * 4096, "it is not a valid DuckDB database file"),
        ("shop.duckdb", b"", "it is not a valid DuckDB database file"),
    ],
)
def test_a_file_that_is_missing_or_something_else(make, refused, path, content, told):
    folder = make()
    (folder / path).unlink()
    if content is not None:
        (folder / path).write_bytes(content)
    code, err = refused(folder)
    assert code == WRONG_USE
    assert told in err


def test_tables_that_are_not_built_yet(make, refused):
    folder = make()
    code, err = refused(folder, "--database", ":memory:")
    assert code == WRONG_USE
    assert 'none of the selected tables is in the database: "memory"."raw"."customers", ' in err
    assert "dbt build" in err
    code, err = refused(folder, "--exclude", "customers", "orders")
    assert code == WRONG_USE
    assert "there is no table to synthesize" in err


def test_a_database_that_is_in_use(make, refused):
    folder = make()
    words = [sys.executable, "-c", HOLDER, str(folder / "shop.duckdb")]
    with subprocess.Popen(words, stdin=subprocess.PIPE, stdout=subprocess.PIPE) as holder:
        assert holder.stdout is not None
        assert holder.stdout.readline() == b"open\n"
        code, err = refused(folder)
        holder.communicate()
    assert code == WRONG_USE
    assert f"is in use by process {holder.pid}" in err
    assert "close it there" in err


@pytest.mark.parametrize(
    ("words", "told"),
    [
        (["--sede", "3"], "--seed"),
        (["--scale", "nan"], "option 'scale'"),
        (["--scale", "much"], "--scale"),
        (["--seed", "-1"], "option 'seed'"),
        (["--select", "custmers"], "did you mean 'customers'?"),
        (["--rows", "custmers=5"], "did you mean 'customers'?"),
        (["--rows", "orders=5"], "rows names orders, whose rows follow from its driver customers"),
        (["--source-name", "a b"], "option 'source_name'"),
    ],
)
def test_options_that_make_no_sense(make, refused, words, told):
    code, err = refused(make(), *words)
    assert code == WRONG_USE
    assert told in err


@pytest.mark.parametrize(
    ("words", "told"),
    [
        (["--schema", "raw"], "schema 'raw' holds the real table"),
        (["--schema", "information_schema"], "belongs to DuckDB itself"),
        (["--model", "nowhere at all", "--reuse"], "is no saved model"),
    ],
)
def test_options_that_the_project_contradicts(make, refused, words, told):
    code, err = refused(make(), *words)
    assert code == FAILED
    assert told in err


def test_a_sources_file_of_somebody_else_is_left_alone(make, refused, projects):
    folder = make()
    path = folder / projects.SOURCES
    path.write_text("version: 2\n")
    code, err = refused(folder)
    assert code == FAILED
    assert "was not written by SynthoHive" in err
    assert "read: " not in err, "it is refused before anything is read or learned"
    assert path.read_text() == "version: 2\n"


def test_a_models_folder_that_is_a_file(make, refused):
    folder = make()
    (folder / "models").rmdir()
    (folder / "models").write_text("")
    code, err = refused(folder)
    assert code == FAILED
    assert "cannot be written" in err
    assert "models' is no folder" in err
    assert "read: " not in err, "it is refused before anything is read or learned"


def test_a_model_folder_that_is_a_file(make, refused):
    folder = make()
    code, err = refused(folder, "--model", str(folder / "shop.duckdb"))
    assert code == WRONG_USE
    assert "the model folder" in err
    assert "shop.duckdb' is no folder" in err
    assert "read: " not in err
