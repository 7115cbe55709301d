"""Opening a DuckDB file, with errors that say what to do."""

from __future__ import annotations

import re
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

import duckdb

from synthohive.errors import ConfigError
from synthohive.landing.identifiers import qualified

if TYPE_CHECKING:
    from collections.abc import Generator


def connect(
    path: str | Path, *, read_only: bool = False, must_exist: bool = True
) -> duckdb.DuckDBPyConnection:
    """Open a database file.

    Args:
        path: The file; ``:memory:`` for a database without one.
        read_only: Open without the right to write; several processes may do so at once.
        must_exist: Refuse to create a new, empty database.

    Raises:
        ConfigError: The file is missing, locked by another process, written by a newer
            DuckDB or no database at all.

    Examples:
        >>> connect("no such file.duckdb")
        Traceback (most recent call last):
        synthohive.errors.ConfigError: no database file 'no such file.duckdb'
          Hint: build the real tables first (for a dbt project: dbt build), or check the path
    """
    if str(path) == ":memory:":
        return duckdb.connect(":memory:")
    file = Path(path)
    if file.is_dir() or (must_exist and not file.is_file()):
        raise ConfigError(
            f"no database file {str(path)!r}",
            hint="build the real tables first (for a dbt project: dbt build), or check the path",
        )
    try:
        return duckdb.connect(str(file), read_only=read_only)
    except duckdb.Error as error:
        raise _explained(file, str(error)) from error


@contextmanager
def connected(
    database: duckdb.DuckDBPyConnection | str | Path,
    *,
    read_only: bool = False,
    must_exist: bool = True,
) -> Generator[duckdb.DuckDBPyConnection]:
    """Give a connection of our own for a while: a cursor of one, or a file opened and closed.

    A cursor has its own transaction, so the caller's stays as it is.
    """
    if isinstance(database, duckdb.DuckDBPyConnection):
        con = database.cursor()
        # a cursor starts in the database's default catalogue, not in the one in use
        con.execute(_use(database))
    else:
        con = connect(database, read_only=read_only, must_exist=must_exist)
    try:
        yield con
    except RuntimeError as error:
        if str(error) == "Query interrupted":  # what DuckDB makes of Ctrl-C during a query
            raise KeyboardInterrupt from error
        raise
    finally:
        con.close()


def one(con: duckdb.DuckDBPyConnection, sql: str) -> tuple[object, ...]:
    """Run a query that always gives a row, and return that row."""
    return con.execute(sql).fetchall()[0]


def count(con: duckdb.DuckDBPyConnection, sql: str) -> int:
    """Run a query whose one value is a number of rows."""
    return int(str(one(con, sql)[0]))


def _use(con: duckdb.DuckDBPyConnection) -> str:
    catalogue, schema = one(con, "SELECT current_database(), current_schema()")
    return f"USE {qualified(str(catalogue), str(schema))}"


def _explained(file: Path, message: str) -> ConfigError:
    first = message.splitlines()[0]
    if "lock" in message.lower():
        process = re.search(r"PID (\d+)", message)
        holder = f"process {process[1]}" if process else "another process"
        return ConfigError(
            f"the database {str(file)!r} is in use by {holder}",
            hint="close it there (a DuckDB shell, a notebook, another dbt run) and try again",
        )
    if "version" in message.lower():
        return ConfigError(
            f"the database {str(file)!r} was written by another DuckDB version than "
            f"{duckdb.__version__}, the one installed here: {first}",
            hint="install the DuckDB version that wrote it: pip install --upgrade duckdb",
        )
    return ConfigError(
        f"the database {str(file)!r} cannot be opened: {first}",
        hint="check that it is a DuckDB file and that you may read and write it",
    )
