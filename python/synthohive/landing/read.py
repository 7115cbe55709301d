"""Reading the real tables into Polars frames, in stored row order."""

from __future__ import annotations

from types import SimpleNamespace
from typing import TYPE_CHECKING, Any

import polars as pl
import polars.selectors as cs

from synthohive.errors import SchemaError, UnknownTableError, did_you_mean
from synthohive.events import Notice, ignore
from synthohive.landing.catalogue import column_types, real_name, relation_kind
from synthohive.landing.connection import connected, one
from synthohive.landing.identifiers import quote
from synthohive.landing.types import carrier, has_infinity, is_enum

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping
    from pathlib import Path

    import duckdb

    from synthohive.events import OnEvent
    from synthohive.schema.metadata import Metadata
    from synthohive.schema.model import Table


def read_tables(
    database: duckdb.DuckDBPyConnection | str | Path,
    metadata: Metadata,
    *,
    select: Iterable[str] | None = None,
    on_event: OnEvent = ignore,
) -> dict[str, pl.DataFrame]:
    """Read the real tables of a schema from DuckDB.

    Every column arrives with a Polars type that can be learned: enumerations, UUIDs and
    JSON as text, intervals as durations, integers wider than 64 bits as `Int64` where all
    values fit (else `Decimal`, else text), timestamps with time zone in UTC. Columns that
    cannot be learned (lists, structs, blobs, …) arrive as nulls, except in tables that are
    kept as they are.

    Args:
        database: A connection, or the path of a database file.
        metadata: The tables to read; those that are not in the database are left out.
        select: Names of the tables to read; all when not given.
        on_event: Told about values that could not be read as they are.

    Returns:
        One frame per table, with the real tables' columns, in their order.

    Raises:
        ConfigError: The database file cannot be opened.
        SchemaError: A key column has a type that cannot be a key.
        UnknownTableError: A selected table is not in the database.

    Examples:
        >>> import duckdb
        >>> from synthohive.schema.metadata import Metadata
        >>> con = duckdb.connect()
        >>> _ = con.execute("CREATE TABLE users AS SELECT 7 AS id, 3::HUGEINT AS visits")
        >>> read_tables(con, Metadata().add_table("users", pk="id"))["users"].rows()
        [(7, 3)]
    """
    with connected(database, read_only=True) as con:
        types = column_types(con, metadata.tables)
        names = list(types) if select is None else list(select)
        for name in names:
            if name not in types:
                raise UnknownTableError(
                    f"table {name!r} is not in the database; {did_you_mean(name, types)}",
                    table=name,
                )
        return {n: _read(con, metadata.tables[n], types[n], on_event) for n in names}


def _read(
    con: duckdb.DuckDBPyConnection, table: Table, types: Mapping[str, str], on_event: OnEvent
) -> pl.DataFrame:
    name = real_name(con, table)
    expressions = [
        f"{_expression(con, table, column, sql_type)} AS {quote(column)}"
        for column, sql_type in types.items()
    ]
    for text in _infinities(con, name, table.name, types):
        on_event(Notice(message=text))
    relation = con.sql(f"SELECT {', '.join(expressions)} FROM {name}{_order(con, table)}")
    # Rows come through the Arrow C stream, without pyarrow. Polars remembers the types it
    # was given; a neutral one in between lets DuckDB clean up quietly at exit.
    stream: Any = SimpleNamespace(__arrow_c_stream__=relation.__arrow_c_stream__)
    frame = pl.DataFrame(stream)
    return frame.with_columns([*_durations(types), *_in_utc(types), *_enums(con, types)])


def _expression(con: duckdb.DuckDBPyConnection, table: Table, column: str, sql_type: str) -> str:
    name = quote(column)
    match carrier(sql_type):
        case "plain":
            return f"CASE WHEN isfinite({name}) THEN {name} END" if has_infinity(sql_type) else name
        case "text":
            return f"CAST({name} AS VARCHAR)"
        case "wide_integer":
            return f"CAST({name} AS {_integer_type(con, real_name(con, table), name)})"
        case "interval":
            return f"epoch_us({name})"
        case "time_zone_time":
            return f"CAST({name} AS TIME)"
        case "nothing":
            if column in table.key_columns:
                raise SchemaError(
                    f"{table.name}.{column} is a key of type {sql_type}, which is not supported",
                    table=table.name,
                    column=column,
                    hint=f"cast it to a number or text, such as hex({name})",
                )
            # a table that is kept needs its values again: as text, which casts back
            return f"CAST({name if table.keep else 'NULL'} AS VARCHAR)"


def _integer_type(con: duckdb.DuckDBPyConnection, relation: str, name: str) -> str:
    """Choose the narrowest type that holds all values of a wide integer column."""
    fits = f"count({name}) = count(TRY_CAST({name} AS {{}}))"
    sql = f"SELECT {fits.format('BIGINT')}, {fits.format('DECIMAL(38,0)')} FROM {relation}"
    fits_bigint, fits_decimal = one(con, sql)
    return "BIGINT" if fits_bigint else "DECIMAL(38,0)" if fits_decimal else "VARCHAR"


def _infinities(
    con: duckdb.DuckDBPyConnection, relation: str, table: str, types: Mapping[str, str]
) -> Iterator[str]:
    columns = [column for column, sql_type in types.items() if has_infinity(sql_type)]
    if not columns:
        return
    counts = ", ".join(f"count(*) FILTER (NOT isfinite({quote(name)}))" for name in columns)
    for column, number in zip(columns, one(con, f"SELECT {counts} FROM {relation}"), strict=True):
        if number:
            yield f"{table}.{column}: {number} infinite values are read as null"


def _order(con: duckdb.DuckDBPyConnection, table: Table) -> str:
    """Ask for stored order where the session does not promise it anyway."""
    setting = one(con, "SELECT current_setting('preserve_insertion_order')")[0]
    if str(setting).lower() == "true" or relation_kind(con, table) != "BASE TABLE":
        return ""
    return " ORDER BY rowid"


def _durations(types: Mapping[str, str]) -> list[pl.Expr]:
    names = [name for name, sql_type in types.items() if carrier(sql_type) == "interval"]
    return [_exactly(name).cast(pl.Duration("us")) for name in names]


def _enums(con: duckdb.DuckDBPyConnection, types: Mapping[str, str]) -> list[pl.Expr]:
    """Give enumerations their members, so that nothing else is generated."""
    return [
        _exactly(name).cast(pl.Enum([member for (member,) in con.execute(sql).fetchall()]))
        for name, sql_type in types.items()
        if is_enum(sql_type)
        for sql in [f"SELECT unnest(enum_range(CAST(NULL AS {sql_type})))"]
    ]


def _in_utc(types: Mapping[str, str]) -> list[pl.Expr]:
    names = [name for name, sql_type in types.items() if sql_type == "TIMESTAMP WITH TIME ZONE"]
    return [_exactly(name).dt.convert_time_zone("UTC") for name in names]


def _exactly(name: str) -> pl.Expr:
    """Name one column; `pl.col` would take ``^…$`` for a pattern and ``*`` for all columns."""
    return cs.by_name(name).as_expr()
