"""Checks of the landed tables by SQL, inside the transaction that lands them.

Comparing keys takes about 60 bytes a row. Larger tables are therefore gone through several
times, each time for the keys of one class of hashes: equal keys are of one class.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from synthohive.errors import LandingError
from synthohive.landing.connection import count, one
from synthohive.landing.identifiers import quote

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    import duckdb

    from synthohive.schema.model import ForeignKey, Table

PART_ROWS = 1_000_000
"""Rows whose keys are compared at once, more or less. Does not change what is found."""

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
    number = 0
    for (part,) in _classes(_parts(con, name), key):
        counts = f"SELECT count(*) AS n FROM {name} WHERE {whole} AND {part} GROUP BY {key}"
        number += count(con, f"SELECT coalesce(sum(n - 1), 0)::BIGINT FROM ({counts})")
    return number


def _parts(con: duckdb.DuckDBPyConnection, *names: str) -> int:
    """Return in how many parts to compare keys of some tables."""
    if one(con, "SELECT current_setting('default_collation')")[0]:
        return 1  # keys may be equal that differ, and their hashes with them
    rows = max(count(con, f"SELECT count(*) FROM {name}") for name in names)
    return max(1, -(-rows // PART_ROWS))


def _classes(parts: int, *keys: str) -> Iterator[tuple[str, ...]]:
    """Yield for each part the SQL that is true for it, for each way to write the key."""
    for part in range(parts):
        yield tuple(f"hash({key}) % {parts} = {part}" if parts > 1 else "true" for key in keys)


def _orphans(
    con: duckdb.DuckDBPyConnection, table: Table, fk: ForeignKey, names: Mapping[str, str]
) -> int:
    pairs = list(zip(fk.columns, fk.parent_columns, strict=True))
    whole = " AND ".join(f"child.{quote(column)} IS NOT NULL" for column in fk.columns)
    same = " AND ".join(f"child.{quote(c)} = parent.{quote(p)}" for c, p in pairs)
    child, parent = names[table.name], names[fk.parent]

    def orphans(own: str, above: str) -> str:
        return (
            f"FROM {child} AS child WHERE {whole} AND {own} AND NOT EXISTS "
            f"(SELECT 1 FROM {parent} AS parent WHERE {same} AND {above})"
        )

    parts = _parts(con, child, parent) if _are_alike(con, child, parent, pairs) else 1
    keys = (
        ", ".join(f"child.{quote(c)}" for c in fk.columns),
        ", ".join(f"parent.{quote(p)}" for p in fk.parent_columns),
    )
    number = sum(count(con, f"SELECT count(*) {orphans(*part)}") for part in _classes(parts, *keys))
    if number and not fk.is_partial:
        columns, found = keys[0], orphans("true", "true")
        raise LandingError(
            f"{table.name}: {number} rows have no parent by {fk}"
            f"{_samples(con, f'SELECT DISTINCT {columns} {found}')}",
            table=table.name,
            column=", ".join(fk.columns),
            hint="nothing was landed; check that parent and child were generated together",
        )
    return number


def _are_alike(
    con: duckdb.DuckDBPyConnection, child: str, parent: str, pairs: Sequence[tuple[str, str]]
) -> bool:
    """Tell whether a key has the same types on both sides, so that equal keys hash equally."""
    own, above = (
        {str(row[0]): row[1] for row in con.execute(f"DESCRIBE {name}").fetchall()}
        for name in (child, parent)
    )
    return all(own.get(c) == above.get(p) is not None for c, p in pairs)


def _samples(con: duckdb.DuckDBPyConnection, sql: str) -> str:
    rows = con.execute(f"SELECT * FROM ({sql}) ORDER BY ALL LIMIT {_SAMPLES}").fetchall()
    shown = [repr(row[0]) if len(row) == 1 else repr(row) for row in rows]
    return f" (such as {', '.join(shown)})" if shown else ""
