"""What the database says about the declared tables: which exist, their types, their rows."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, cast

import duckdb

from synthohive.errors import SchemaError
from synthohive.landing.connection import count, one
from synthohive.landing.identifiers import qualified, quote
from synthohive.landing.types import is_enum
from synthohive.schema.model import Column, Constraint

if TYPE_CHECKING:
    from collections.abc import Mapping

    from synthohive.schema.model import Scalar, Table

ColumnTypes = dict[str, dict[str, str]]
"""SQL types by table and column, in the order of the real tables' columns."""


def column_types(con: duckdb.DuckDBPyConnection, tables: Mapping[str, Table]) -> ColumnTypes:
    """Return the SQL types of the tables' columns, in stored order.

    Tables that do not exist in the database are left out.

    Raises:
        SchemaError: A relation exists but cannot be read, such as a broken view.
    """
    described = ((name, _describe(con, table)) for name, table in tables.items())
    return {name: columns for name, columns in described if columns is not None}


def row_counts(con: duckdb.DuckDBPyConnection, tables: Mapping[str, Table]) -> dict[str, int]:
    """Count the rows of real tables that exist."""
    return {
        name: count(con, f"SELECT count(*) FROM {real_name(con, table)}")
        for name, table in tables.items()
    }


def with_enumerations(con: duckdb.DuckDBPyConnection, table: Table) -> Table:
    """Declare the values of enumeration columns as the accepted ones.

    An enumeration names its values in public, and no other value could land.

    Args:
        con: The database that holds the table.
        table: A table that exists, with the types of its columns.
    """
    columns = dict(table.columns)
    for column in table.columns.values():
        limits = column.constraint or Constraint()
        if not is_enum(column.dtype or "") or limits.accepted_values is not None:
            continue
        limits = replace(
            limits,
            accepted_values=_enumerated(con, table, column),
            evidence=(*limits.evidence, "enumeration type"),
        )
        columns[column.name] = replace(column, constraint=limits)
    return replace(table, columns=columns)


def real_name(con: duckdb.DuckDBPyConnection, table: Table) -> str:
    """Return the full, quoted name of a table's real relation.

    A declared database that is not attached means that the file was opened under another
    name than dbt's; the connection's own database stands in for it.
    """
    return qualified(*relation_parts(con, table))


def relation_parts(con: duckdb.DuckDBPyConnection, table: Table) -> tuple[str, str, str]:
    """Return database, schema and identifier of a table's real relation, as in `real_name`."""
    current = one(con, "SELECT current_database(), current_schema()")
    if table.relation is None:
        return str(current[0]), str(current[1]), table.name
    rows = con.execute("SELECT database_name FROM duckdb_databases()").fetchall()
    attached = {str(name).lower() for (name,) in rows}
    database = table.relation.database
    is_attached = database is not None and database.lower() in attached
    return (
        str(database if is_attached else current[0]),
        table.relation.schema or str(current[1]),
        table.relation.identifier,
    )


def relation_kind(con: duckdb.DuckDBPyConnection, table: Table) -> str | None:
    """Return ``BASE TABLE`` or ``VIEW`` for a table's real relation, `None` if there is none."""
    rows = con.execute(
        "SELECT table_type FROM information_schema.tables WHERE lower(table_catalog) = lower(?)"
        " AND lower(table_schema) = lower(?) AND lower(table_name) = lower(?)",
        list(relation_parts(con, table)),
    ).fetchall()
    return str(rows[0][0]) if rows else None


def _describe(con: duckdb.DuckDBPyConnection, table: Table) -> dict[str, str] | None:
    if relation_kind(con, table) is None:
        return None
    name = real_name(con, table)
    try:
        rows = con.execute(f"DESCRIBE SELECT * FROM {name}").fetchall()
    except (duckdb.CatalogException, duckdb.BinderException) as error:
        raise SchemaError(
            f"table {table.name!r}: {name} cannot be read: {str(error).splitlines()[0]}",
            table=table.name,
            hint="rebuild it, or leave the table out",
        ) from error
    return {str(row[0]): str(row[1]) for row in rows}


def _enumerated(con: duckdb.DuckDBPyConnection, table: Table, column: Column) -> tuple[Scalar, ...]:
    # any_value() of no rows is a null of the right type, whose values can be listed
    rows = f"(FROM {real_name(con, table)} LIMIT 0)"
    values = one(con, f"SELECT enum_range(any_value({quote(column.name)})) FROM {rows}")[0]
    return tuple(cast("list[str]", values))
