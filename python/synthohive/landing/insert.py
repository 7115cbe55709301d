"""Turning staged Parquet parts into a table with the real table's column types."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING

import duckdb
import polars as pl

from synthohive.errors import LandingError
from synthohive.landing.connection import count, one
from synthohive.landing.identifiers import literal, quote
from synthohive.landing.types import carrier

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from synthohive.landing.stage import Stage
    from synthohive.schema.model import Table

_TYPE_TEXT = re.compile(r"[\w ]+(\([\w ,']*\))?(\[\d*\])*")
_SAMPLES = 5


@dataclass(frozen=True, slots=True, kw_only=True)
class _Landed:
    """A column on its way from a staged file into a table.

    Attributes:
        name: Its name in the table.
        carried: What holds its values in the staged file, as SQL.
        sql_type: The type it gets; `None` to keep the staged one.
        is_lenient: A value that its type does not accept becomes null.
    """

    name: str
    carried: str
    sql_type: str | None
    is_lenient: bool

    @property
    def expression(self) -> str:
        """The SQL that gives the column."""
        if self.sql_type is None:
            return f"{self.carried} AS {quote(self.name)}"
        cast = "TRY_CAST" if self.is_lenient else "CAST"
        value = f"{cast}({self.carried} AS {self.sql_type})"
        # a null that is cast to a union becomes a member of it, which is not null
        value = f"CASE WHEN {self.carried} IS NOT NULL THEN {value} END"
        return f"{value} AS {quote(self.name)}"

    @property
    def is_refused(self) -> str:
        """The SQL that is true for values that the type does not accept."""
        return f"{self.carried} IS NOT NULL AND TRY_CAST({self.carried} AS {self.sql_type}) IS NULL"


def create_table(
    con: duckdb.DuckDBPyConnection,
    name: str,
    stage: Stage,
    table: Table,
    real_types: Mapping[str, str] | None,
) -> list[str]:
    """Create or replace a table from its staged rows.

    Args:
        con: The connection whose transaction creates it.
        name: Its full, quoted name.
        stage: Holds its rows.
        table: What is declared of it.
        real_types: SQL types of the real table's columns, in order; the declared types,
            then the staged ones, stand in where there is no real table.

    Returns:
        What the reader should know: columns that differ, values that could not be cast.

    Raises:
        LandingError: Values do not fit their column.
    """
    staged = stage.schema(table.name)
    columns = _columns(con, table, staged, real_types)
    rows = _staged_rows(con, stage, table.name)
    chosen = ", ".join(column.expression for column in columns)
    try:
        con.execute(f"CREATE OR REPLACE TABLE {name} AS SELECT {chosen} FROM {rows}")
    except duckdb.ConversionException as error:
        raise _unfit(con, rows, table.name, columns, error) from error
    return [*_drift(table.name, real_types, staged), *_lost(con, rows, table.name, columns)]


def _columns(
    con: duckdb.DuckDBPyConnection,
    table: Table,
    staged: Mapping[str, pl.DataType],
    real_types: Mapping[str, str] | None,
) -> list[_Landed]:
    types = real_types or _declared_types(con, table)
    positions = {column: position for position, column in enumerate(staged)}
    order = [column for column in types if column in staged] if real_types else []
    order += [column for column in staged if column not in order]
    return [_landed(c, positions[c], staged[c], types.get(c), table) for c in order]


def _landed(
    name: str, position: int, staged: pl.DataType, sql_type: str | None, table: Table
) -> _Landed:
    carried = f"c{position}"
    if isinstance(staged, pl.Duration):
        carried = f"to_microseconds({carried})"
    elif isinstance(staged, pl.Time) and sql_type != "TIME_NS":
        carried = f"CAST({carried} AS TIME)"  # Polars counts nanoseconds, DuckDB's TIME does not
    if sql_type is None and isinstance(staged, pl.Int128):
        sql_type = "HUGEINT"
    if sql_type == '"NULL"':  # the type of a column that never had a value
        sql_type = "INTEGER"
    is_text = isinstance(staged, pl.String | pl.Categorical | pl.Enum | pl.Null)
    is_lenient = (
        sql_type is not None
        and is_text
        and carrier(sql_type) in {"text", "nothing"}
        and name not in table.key_columns
    )
    return _Landed(name=name, carried=carried, sql_type=sql_type, is_lenient=is_lenient)


def _declared_types(con: duckdb.DuckDBPyConnection, table: Table) -> dict[str, str]:
    """Return the declared types that this database knows."""
    types: dict[str, str] = {}
    for column in table.columns.values():
        if column.dtype is None or not _TYPE_TEXT.fullmatch(column.dtype):
            continue
        try:
            sql = f"DESCRIBE SELECT CAST(NULL AS {column.dtype}) AS c"
            types[column.name] = str(one(con.cursor(), sql)[1])
        except duckdb.Error:
            continue  # a type of another warehouse; the staged type is good enough
    return types


def _staged_rows(con: duckdb.DuckDBPyConnection, stage: Stage, table: str) -> str:
    files = ", ".join(literal(str(part)) for part in stage.parts(table))
    setting = one(con, "SELECT current_setting('preserve_insertion_order')")[0]
    if str(setting).lower() == "true":
        return f"read_parquet([{files}])"
    options = "filename = true, file_row_number = true"
    return f"(FROM read_parquet([{files}], {options}) ORDER BY filename, file_row_number)"


def _drift(
    table: str, real_types: Mapping[str, str] | None, staged: Mapping[str, pl.DataType]
) -> Iterator[str]:
    if real_types is None:
        return
    missing = [name for name in real_types if name not in staged]
    added = [name for name in staged if name not in real_types]
    if missing:
        yield f"{table}: the real table has columns without synthetic values: {', '.join(missing)}"
    if added:
        yield f"{table}: the real table lacks columns that were landed: {', '.join(added)}"


def _lost(
    con: duckdb.DuckDBPyConnection, rows: str, table: str, columns: list[_Landed]
) -> Iterator[str]:
    for column in columns:
        if not column.is_lenient:
            continue
        number = count(con, f"SELECT count(*) FROM {rows} WHERE {column.is_refused}")
        if number:
            yield (
                f"{table}.{column.name}: {number} synthetic values are no {column.sql_type} "
                "and landed as null"
            )


def _unfit(
    con: duckdb.DuckDBPyConnection,
    rows: str,
    table: str,
    columns: list[_Landed],
    error: duckdb.Error,
) -> LandingError:
    """Name the column whose values do not fit; the failed transaction is left alone."""
    reader = con.cursor()
    for column in columns:
        if column.sql_type is None or column.is_lenient:
            continue
        refused = f"FROM {rows} WHERE {column.is_refused}"
        number = count(reader, f"SELECT count(*) {refused}")
        if number:
            sql = f"SELECT DISTINCT {column.carried} {refused} ORDER BY 1 LIMIT {_SAMPLES}"
            samples = ", ".join(repr(value) for (value,) in reader.execute(sql).fetchall())
            return LandingError(
                f"{table}.{column.name}: {number} synthetic values do not fit the real type "
                f"{column.sql_type} (such as {samples})",
                table=table,
                column=column.name,
                hint="nothing was landed; declare min and max of the column, or its dtype",
            )
    return LandingError(
        f"{table}: the rows do not fit the table: {str(error).splitlines()[0]}", table=table
    )
