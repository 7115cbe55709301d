"""Checks of the landed tables by SQL, inside the transaction that lands them."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from synthohive.errors import LandingError
from synthohive.landing.connection import count
from synthohive.landing.identifiers import quote

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    import duckdb

    from synthohive.schema.model import ForeignKey, Table

_SAMPLES = 5


@dataclass(frozen=True, slots=True, kw_only=True)
class Integrity:
    """What the checks of one table found.

    Attributes:
        orphans: Rows whose parent is missing; only a partial foreign key may have some.
        duplicate_keys: Rows that repeat a primary or unique key.
    """

    orphans: int
    duplicate_keys: int


def check_integrity(
    con: duckdb.DuckDBPyConnection, tables: Mapping[str, Table], names: Mapping[str, str]
) -> dict[str, Integrity]:
    """Check every key of the landed tables.

    Args:
        con: The connection whose transaction holds the tables.
        tables: The declared tables.
        names: The quoted names of the landed tables.

    Returns:
        The findings per landed table.

    Raises:
        LandingError: A primary key repeats or is null, or a child lacks its parent.
    """
    return {name: _check(con, tables[name], names) for name in names if name in tables}


def _check(con: duckdb.DuckDBPyConnection, table: Table, names: Mapping[str, str]) -> Integrity:
    if table.primary_key:
        _check_primary_key(con, table, names[table.name])
    orphans = sum(
        _orphans(con, table, fk, names) for fk in table.foreign_keys if fk.parent in names
    )
    repeated = [repeats(con, names[table.name], columns) for columns in table.unique_keys]
    return Integrity(orphans=orphans, duplicate_keys=sum(repeated))


def _check_primary_key(con: duckdb.DuckDBPyConnection, table: Table, name: str) -> None:
    key = ", ".join(table.primary_key)
    is_null = " OR ".join(f"{quote(column)} IS NULL" for column in table.primary_key)
    nulls = count(con, f"SELECT count(*) FROM {name} WHERE {is_null}")
    repeated = repeats(con, name, table.primary_key)
    if nulls or repeated:
        columns = ", ".join(quote(column) for column in table.primary_key)
        sql = f"SELECT {columns} FROM {name} GROUP BY ALL HAVING count(*) > 1"
        raise LandingError(
            f"{table.name}.{key}: the primary key repeats in {repeated} rows and is null in "
            f"{nulls}{_samples(con, sql)}",
            table=table.name,
            column=key,
            hint="nothing was landed; check the declared primary key",
        )


def repeats(con: duckdb.DuckDBPyConnection, name: str, columns: Sequence[str]) -> int:
    """Count the rows that repeat a key of an earlier row; null keys repeat nothing."""
    key = ", ".join(quote(column) for column in columns)
    whole = " AND ".join(f"{quote(column)} IS NOT NULL" for column in columns)
    counts = f"SELECT count(*) AS n FROM {name} WHERE {whole} GROUP BY {key}"
    return count(con, f"SELECT coalesce(sum(n - 1), 0)::BIGINT FROM ({counts})")


def _orphans(
    con: duckdb.DuckDBPyConnection, table: Table, fk: ForeignKey, names: Mapping[str, str]
) -> int:
    pairs = list(zip(fk.columns, fk.parent_columns, strict=True))
    whole = " AND ".join(f"child.{quote(column)} IS NOT NULL" for column in fk.columns)
    same = " AND ".join(f"child.{quote(c)} = parent.{quote(p)}" for c, p in pairs)
    orphans = (
        f"FROM {names[table.name]} AS child WHERE {whole} AND NOT EXISTS "
        f"(SELECT 1 FROM {names[fk.parent]} AS parent WHERE {same})"
    )
    number = count(con, f"SELECT count(*) {orphans}")
    if number and not fk.is_partial:
        columns = ", ".join(f"child.{quote(column)}" for column in fk.columns)
        raise LandingError(
            f"{table.name}: {number} rows have no parent by {fk}"
            f"{_samples(con, f'SELECT DISTINCT {columns} {orphans}')}",
            table=table.name,
            column=", ".join(fk.columns),
            hint="nothing was landed; check that parent and child were generated together",
        )
    return number


def _samples(con: duckdb.DuckDBPyConnection, sql: str) -> str:
    rows = con.execute(f"SELECT * FROM ({sql}) ORDER BY ALL LIMIT {_SAMPLES}").fetchall()
    shown = [repr(row[0]) if len(row) == 1 else repr(row) for row in rows]
    return f" (such as {', '.join(shown)})" if shown else ""
