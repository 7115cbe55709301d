from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import duckdb
import pytest

from synthohive.errors import ConfigError
from synthohive.landing.connection import _explained, connect, connected


def test_a_missing_file_is_not_made(tmp_path):
    with pytest.raises(ConfigError, match=r"no database file .*\n.*dbt build"):
        connect(tmp_path / "gone.duckdb")
    assert list(tmp_path.iterdir()) == []


def test_a_file_that_is_no_database_is_named(tmp_path):
    path = tmp_path / "notes.txt"
    path.write_text("hello, this is no database " * 1000)
    with pytest.raises(ConfigError, match=r"notes\.txt' cannot be opened: "):
        connect(path)


def test_a_lock_names_the_process_that_holds_it(tmp_path):
    path = tmp_path / "shop.duckdb"
    connect(path, must_exist=False).close()
    script = f"""if True:
        import duckdb
        con = duckdb.connect({str(path)!r})
        print("held", flush=True)
        input()
    """
    holder = subprocess.Popen(
        [sys.executable, "-c", script], stdin=subprocess.PIPE, stdout=subprocess.PIPE
    )
    try:
        assert holder.stdout is not None
        holder.stdout.readline()
        with pytest.raises(ConfigError, match=f"in use by process {holder.pid}"):
            connect(path)
    finally:
        holder.communicate(b"\n")


def test_a_newer_storage_version_is_explained():
    told = (
        "IO Error: Trying to read a database file with version number 69, but we can only read "
        "versions between 64 and 68.\nThe database file was created with a newer version"
    )
    message = str(_explained(Path("shop.duckdb"), told))
    assert "was written by another DuckDB version than" in message
    assert "pip install --upgrade duckdb" in message


def test_a_cursor_uses_the_same_schema_and_leaves_the_connection_open():
    with duckdb.connect() as con:
        con.execute("CREATE SCHEMA raw; USE raw; CREATE TABLE t AS SELECT 1 AS x")
        with connected(con) as own:
            assert own.execute("FROM t").fetchall() == [(1,)]
        assert con.execute("FROM t").fetchall() == [(1,)]
