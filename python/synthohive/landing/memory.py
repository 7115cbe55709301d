"""Landing in little memory.

DuckDB keeps what it reads and writes until most of the machine's memory is full, at about the
size of the database file. A database on disk can do with less, in no more time: rows are
written in groups, keys are checked in parts, and neither grows with the number of rows.
"""

from __future__ import annotations

from contextlib import contextmanager, suppress
from typing import TYPE_CHECKING, TypeVar

import duckdb

from synthohive.landing.connection import count, one

if TYPE_CHECKING:
    from collections.abc import Callable, Generator

T = TypeVar("T")

MEMORY = 64
"""MiB a database on disk may take while it is landed in, and what groups of rows take."""

COLUMN = 2
"""MiB a column of a group of rows takes, about: 122,880 values of 16 bytes."""

_UNITS = ("bytes", "KiB", "MiB", "GiB", "TiB", "PiB")


def in_little_memory(con: duckdb.DuckDBPyConnection, columns: int, work: Callable[[], T]) -> T:
    """Do some work in a database that takes little memory for it, however many rows there are.

    That is `MEMORY`, and what a group of rows takes for each of the database's threads.

    Args:
        con: A connection to the database, outside of a transaction.
        columns: Columns of the widest table.
        work: What to do. It is done again, in what memory the database had, if rows turn out
            too wide; what it raises then must have left nothing behind.
    """
    threads = count(con, "SELECT current_setting('threads')")
    with _bounded(con, MEMORY + threads * columns * COLUMN) as is_bounded:
        try:
            return work()
        except duckdb.OutOfMemoryException:
            if not is_bounded:
                raise
    return work()


@contextmanager
def _bounded(con: duckdb.DuckDBPyConnection, most: int) -> Generator[bool]:
    """Bound a database's memory, in MiB, for a while; tell if that was possible."""
    size, unit = str(one(con, "SELECT current_setting('memory_limit')")[0]).split()
    is_larger = float(size) * 1024.0 ** (_UNITS.index(unit) - _UNITS.index("MiB")) > most
    in_memory = "SELECT count(*) FROM duckdb_databases() WHERE path IS NULL AND NOT internal"
    if not is_larger or count(con, in_memory):  # whose tables would have to go somewhere else
        yield False
        return
    try:
        con.execute(f"SET memory_limit = '{most}MiB'")
    except duckdb.OutOfMemoryException:  # more than that is in use
        yield False
        return
    try:
        yield True
    finally:
        # the setting is told with one digit, rounded down: what is put back must read the same
        before = "-1" if unit == "PiB" else f"{float(size) + 0.05:.2f}{unit}"
        with suppress(duckdb.Error):
            con.execute(f"SET memory_limit = '{before}'")
