"""Any name that DuckDB allows works, from the real table to the synthetic one."""

from __future__ import annotations

import tempfile
from pathlib import Path

import duckdb
import polars as pl
import pytest
import yaml
from hypothesis import given, settings
from hypothesis import strategies as st

import synthohive as sh
from synthohive.cli import DONE, main
from synthohive.errors import LandingError
from synthohive.landing.land import land
from synthohive.landing.read import read_tables
from synthohive.models.settings import CTGANSettings
from synthohive.schema.metadata import Metadata

NAMES = [
    *("select", "order", "table", "rowid", "filename", "file_row_number", "c0", "c1", "n"),
    *("child", "parent", "whole", "id", 'a "quoted" name', "it's", "with space", " leading "),
    *("dot.ted", "a.(b, c)", "comma, name", "new\nline", "tab\tname", "naïve 名前 🙂", "ß"),
    *(
        "{{ jinja }}",
        "{% if x %}",
        "semi; DROP TABLE x --",
        "*",
        "^c.*",
        "^c.*$",
        "^.*$",
        "%s",
        "$1",
        "?",
        "\\",
    ),
    *("[red]bold[/red]", "yes", "null", "123", "_synthohive", "-"),
]


def quoted(name: str) -> str:
    return '"' + name.replace('"', '""') + '"'


def declared(projects, position: int, name: str):
    """A table of that name with a key of that name; it refers to the table before it."""
    column = quoted(f"to {NAMES[position - 1]}")
    keys = [{"columns": [column], "to": f"t{position - 1}"}] if position else []
    return projects.Declared(
        identifier=name, settings={"primary_key": [quoted(name)], "foreign_keys": keys}
    )


def table_sql(position: int, name: str) -> str:
    parent = quoted(f"to {NAMES[position - 1]}")
    reference = f", i % 6 AS {parent}" if position else ""
    attribute = quoted(NAMES[(position + 7) % len(NAMES)])
    return (
        f"CREATE TABLE {quoted(name)} AS "
        f"SELECT i AS {quoted(name)}{reference}, i % 3 AS {attribute} FROM range(6) r(i);"
    )


@pytest.fixture(scope="module")
def landed(tmp_path_factory, projects):
    """All names at once: every table and its key have one, and a column has another."""
    tables = {f"t{n}": declared(projects, n, name) for n, name in enumerate(NAMES)}
    sql = "".join(table_sql(n, name) for n, name in enumerate(NAMES))
    folder = projects.make_project(tmp_path_factory.mktemp("names") / "it's a shop", sql, tables)
    assert main(["synthesize", "--project-dir", str(folder), "--max-steps", "1"]) == DONE
    return folder


def test_every_table_lands_with_its_columns_and_keys(landed):
    with duckdb.connect(str(landed / "shop.duckdb"), read_only=True) as con:
        for n, name in enumerate(NAMES):
            real, made = (
                con.execute(f"DESCRIBE {place}").fetchall()
                for place in (f"raw.{quoted(name)}", f"synthetic.t{n}")
            )
            assert made == real
            if n:
                column, parent = quoted(f"to {NAMES[n - 1]}"), quoted(NAMES[n - 1])
                sql = (
                    f"SELECT count(*), count(p.{parent}) FROM synthetic.t{n} AS c"
                    f" LEFT JOIN synthetic.t{n - 1} AS p ON c.{column} = p.{parent}"
                )
                rows, matched = con.execute(sql).fetchall()[0]
                assert rows == matched > 0


def test_the_sources_file_names_every_column(landed, projects):
    document = yaml.safe_load((landed / projects.SOURCES).read_text(encoding="utf-8"))
    tables = {table["name"]: table for table in document["sources"][0]["tables"]}
    assert sorted(tables) == sorted(f"t{n}" for n in range(len(NAMES)))
    assert all(len(table["columns"]) >= 2 for table in tables.values())


def test_a_model_of_any_names_is_saved_loaded_and_landed(tmp_path):
    few = [name for name in NAMES if not name.isalnum()]
    metadata = sh.Metadata()
    tables = {}
    for n, name in enumerate(few):
        parent = few[n - 1]
        metadata.add_table(name, pk=name, fk={f"to {parent}": (parent, parent)} if n else {})
        columns = {name: range(6), "kind of " + name: ["a", "b", None] * 2}
        reference = {f"to {parent}": [0, 1, 1, 3, 5, None]} if n else {}
        tables[name] = pl.DataFrame(columns | reference)
    hive = sh.Synthesizer(metadata, ctgan=CTGANSettings(max_steps=1)).fit(tables)
    hive.save(tmp_path / "model")
    made = sh.Synthesizer.load(tmp_path / "model").sample(scale=2.0)
    with duckdb.connect() as con:
        landing = land(made, con, metadata=metadata)
        assert [table.name for table in landing.tables] == few
        for name, real in tables.items():
            sql = f"FROM synthetic.{quoted(name)}"
            assert con.sql(sql).columns == real.columns
            assert con.execute(f"SELECT count(*) {sql}").fetchall() == [(made[name].height,)]
        assert made[few[0]].height == 12


names = st.text(
    st.characters(exclude_characters="\0", exclude_categories=["Cs"]), min_size=1, max_size=12
)


@settings(max_examples=25, deadline=None)
@given(st.lists(names, min_size=3, max_size=3, unique_by=str.lower), st.data())
def test_any_names_land_and_read_back(drawn, data):
    parent, child, key = drawn
    attribute = data.draw(names.filter(lambda name: name.lower() != key.lower()))
    metadata = Metadata().add_table(parent, pk=key)
    metadata.add_table(child, pk=attribute, fk={key: (parent, (key,))})
    with duckdb.connect() as con:
        con.execute(f"CREATE TABLE {quoted(parent)} AS SELECT 1 AS {quoted(key)}")
        con.execute(
            f"CREATE TABLE {quoted(child)} AS SELECT 1 AS {quoted(key)}, 5 AS {quoted(attribute)}"
        )
        real = read_tables(con, metadata)
        with tempfile.TemporaryDirectory() as folder:
            path = Path(folder) / "sources.yml"
            land(real, con, metadata=metadata, sources_path=path)
            columns = yaml.safe_load(path.read_text(encoding="utf-8"))["sources"][0]["tables"]
        con.execute("USE synthetic")
        made = read_tables(con, metadata)
        assert {name: frame.rows() for name, frame in made.items()} == {
            name: frame.rows() for name, frame in real.items()
        }
        assert [frame.columns for frame in made.values()] == [[key], [key, attribute]]
        assert len(columns) == 2


def test_names_that_differ_in_case_only_are_refused_not_mixed_up(tmp_path):
    frames = {"users": pl.DataFrame({"id": [1]}), "Users": pl.DataFrame({"id": [2]})}
    with duckdb.connect() as con, pytest.raises(LandingError, match="ignores case"):
        land(frames, con)
