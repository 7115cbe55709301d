"""Everything that can be wrong with a schema, found before anything is learned."""

from __future__ import annotations

from typing import TYPE_CHECKING

from synthohive.errors import CyclicSchemaError, SchemaValidationError, did_you_mean
from synthohive.schema.check_columns import column_problems
from synthohive.schema.check_data import data_problems
from synthohive.schema.check_references import circular_problems, reference_problems
from synthohive.schema.context import resolve_context
from synthohive.schema.drivers import deferred_keys
from synthohive.schema.shapes import shape_of

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    import polars as pl

    from synthohive.schema.metadata import Metadata
    from synthohive.schema.model import Table
    from synthohive.schema.shapes import Shape


def validate_schema(
    metadata: Metadata,
    tables: Mapping[str, pl.DataFrame] | None = None,
    row_counts: Mapping[str, int] | None = None,
) -> None:
    """Check a schema and, if given, its data; see `Metadata.validate_schema`."""
    problems = list(schema_problems(metadata, tables))
    problems += row_count_problems(metadata.tables, row_counts or {})
    if not problems and tables is not None:
        problems += data_problems(metadata.tables, tables)
    if problems:
        raise SchemaValidationError(problems)


def schema_problems(
    metadata: Metadata, frames: Mapping[str, pl.DataFrame] | None = None
) -> Iterator[str]:
    """Report everything wrong with the declarations, in the light of the frames' columns."""
    for problems in metadata.problems.values():
        yield from problems
    declared = metadata.tables
    if frames is not None:
        yield from _absent_tables(declared, frames)
    shapes = {
        name: shape_of(table, frames.get(name) if frames else None)
        for name, table in declared.items()
    }
    yield from reference_problems(declared, shapes)
    for name, table in declared.items():
        yield from column_problems(table, shapes[name])
    yield from _order_problems(declared, shapes)


def _absent_tables(
    declared: Mapping[str, Table], frames: Mapping[str, pl.DataFrame]
) -> Iterator[str]:
    for name in declared:
        if name not in frames:
            suggestion = did_you_mean(name, frames)
            yield f"table {name!r} is declared, but no data was given for it; {suggestion}"


def _order_problems(tables: Mapping[str, Table], shapes: Mapping[str, Shape]) -> Iterator[str]:
    try:
        deferred = deferred_keys(tables)
    except CyclicSchemaError as error:
        yield str(error).replace("\n  Hint: ", "; ")
        return
    yield from circular_problems(tables, deferred)
    for table in tables.values():
        yield from resolve_context(table, tables, shapes, deferred)[1]


def row_count_problems(tables: Mapping[str, Table], row_counts: Mapping[str, int]) -> Iterator[str]:
    """Report row counts of unknown or kept tables, and counts that are none."""
    for name, rows in row_counts.items():
        if name not in tables:
            yield f"rows are given for table {name!r}; {did_you_mean(name, tables)}"
        elif tables[name].keep:
            yield f"rows are given for {name}, which is kept as it is"
        elif rows < 0:
            yield f"rows of {name} is {rows}; it must not be negative"
