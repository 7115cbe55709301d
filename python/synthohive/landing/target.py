"""The schema that synthetic tables land in, and what must not be overwritten there."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from synthohive.errors import LandingError
from synthohive.landing.audit import RUNS, TABLES
from synthohive.landing.catalogue import relation_parts
from synthohive.landing.connection import one
from synthohive.landing.identifiers import literal, qualified

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    import duckdb

    from synthohive.schema.model import Table

_MARK = "Synthetic rows made by SynthoHive"
_SYSTEM_SCHEMAS = ("information_schema", "pg_catalog")


@dataclass(frozen=True, slots=True, kw_only=True)
class Target:
    """A schema of a database.

    Attributes:
        database: The catalogue, as DuckDB names it.
        schema: The schema.
    """

    database: str
    schema: str

    def name(self, table: str) -> str:
        """Return the full, quoted name of a table in the schema."""
        return qualified(self.database, self.schema, table)


def find_target(con: duckdb.DuckDBPyConnection, schema: str) -> Target:
    """Return the schema of that name in the database in use; it need not exist yet."""
    return Target(database=str(one(con, "SELECT current_database()")[0]), schema=schema)


def check_writable(con: duckdb.DuckDBPyConnection, target: Target) -> None:
    """Make sure that tables can be made in the target's database at all.

    Raises:
        LandingError: The database was opened or attached without the right to write.
    """
    sql = "SELECT 1 FROM duckdb_databases() WHERE database_name = ? AND readonly"
    if con.execute(sql, [target.database]).fetchall():
        raise LandingError(
            f"the database {target.database!r} is open for reading only: nothing can land in it",
            hint="open or attach it with the right to write (in profiles.yml: no read_only)",
        )


def check_target(
    con: duckdb.DuckDBPyConnection,
    target: Target,
    names: Iterable[str],
    tables: Mapping[str, Table],
) -> None:
    """Make sure that landing overwrites nothing but synthetic tables of earlier runs.

    Raises:
        LandingError: The schema is DuckDB's own or holds real tables, or a table of one of
            the names that SynthoHive did not make; or two of the names differ in case only.
    """
    if target.schema.lower() in _SYSTEM_SCHEMAS:
        raise LandingError(
            f"schema {target.schema!r} belongs to DuckDB itself: no table can land there",
            hint="land in a schema of its own, such as schema: synthetic",
        )
    _refuse_real_schema(con, target, tables.values())
    _refuse_names(names)
    made = {name.lower() for name in made_tables(con, target)}
    for present in _relations(con, target):
        if present.lower() in {name.lower() for name in names} - made:
            raise LandingError(
                f"{target.name(present)} was not made by SynthoHive and would be overwritten",
                table=present,
                hint="land in another schema (schema: …), or drop it if you do not need it",
            )


def made_tables(con: duckdb.DuckDBPyConnection, target: Target) -> list[str]:
    """Return the tables of the schema that an earlier run made, by their comments."""
    rows = con.execute(
        "SELECT table_name FROM duckdb_tables() WHERE lower(database_name) = lower(?)"
        " AND lower(schema_name) = lower(?) AND starts_with(comment, ?) ORDER BY 1",
        [target.database, target.schema, _MARK],
    ).fetchall()
    return [str(name) for (name,) in rows]


def mark_as_made(con: duckdb.DuckDBPyConnection, target: Target, table: str, run_id: str) -> None:
    """Comment on a table, so that a later run knows that it may be replaced."""
    comment = literal(f"{_MARK}; run {run_id}")
    con.execute(f"COMMENT ON TABLE {target.name(table)} IS {comment}")


def _relations(con: duckdb.DuckDBPyConnection, target: Target) -> list[str]:
    rows = con.execute(
        "SELECT table_name FROM information_schema.tables WHERE lower(table_catalog) = lower(?)"
        " AND lower(table_schema) = lower(?)",
        [target.database, target.schema],
    ).fetchall()
    return [str(name) for (name,) in rows]


def _refuse_real_schema(
    con: duckdb.DuckDBPyConnection, target: Target, tables: Iterable[Table]
) -> None:
    for table in tables:
        if table.relation is None:
            continue
        database, schema, identifier = relation_parts(con, table)
        here = (database.lower(), schema.lower())
        if here == (target.database.lower(), target.schema.lower()):
            raise LandingError(
                f"schema {target.schema!r} holds the real table {identifier!r}; synthetic rows "
                "never land beside real ones",
                table=table.name,
                hint="land in a schema of its own, such as schema: synthetic",
            )


def _refuse_names(names: Iterable[str]) -> None:
    seen: dict[str, str] = {RUNS: RUNS, TABLES: TABLES}
    for name in names:
        other = seen.setdefault(name.lower(), name)
        if other in {RUNS, TABLES} or other != name:
            raise LandingError(
                f"table {name!r} cannot land beside {other!r}: the database ignores case",
                table=name,
                hint="rename one of them, or leave one out",
            )
