"""What can be wrong with foreign keys before any data is looked at."""

from __future__ import annotations

from typing import TYPE_CHECKING

from synthohive.errors import did_you_mean
from synthohive.schema.families import are_comparable
from synthohive.schema.references import format_reference

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from synthohive.schema.model import ForeignKey, Table
    from synthohive.schema.shapes import Shape

_UNSUPPORTED = ("nested", "binary")


def reference_problems(tables: Mapping[str, Table], shapes: Mapping[str, Shape]) -> Iterator[str]:
    """Report foreign keys without parent or column, of unequal length or unlike types."""
    for table in tables.values():
        for fk in table.foreign_keys:
            yield from _key_problems(table, fk, tables, shapes)
        yield from _driver_problems(table)


def _key_problems(
    table: Table, fk: ForeignKey, tables: Mapping[str, Table], shapes: Mapping[str, Shape]
) -> Iterator[str]:
    name = f"foreign key {format_reference(table.name, fk.columns)}"
    for column in fk.columns:
        if shapes[table.name].has(column) is False:
            yield f"{name}: {missing_column(column, table.name, shapes[table.name])}"
    if fk.parent not in tables:
        suggestion = did_you_mean(fk.parent, tables)
        yield f"{name}: the parent table {fk.parent!r} is missing; {suggestion}"
        return
    for column in fk.parent_columns:
        if shapes[fk.parent].has(column) is False:
            yield f"{name}: {missing_column(column, fk.parent, shapes[fk.parent])}"
    if len(fk.columns) != len(fk.parent_columns):
        yield (
            f"{name} has {len(fk.columns)} column(s) but refers to"
            f" {format_reference(fk.parent, fk.parent_columns)}; name one parent column each"
        )
        return
    for child_column, parent_column in zip(fk.columns, fk.parent_columns, strict=True):
        yield from _type_problems((table.name, child_column), (fk.parent, parent_column), shapes)
    if table.keep and not tables[fk.parent].keep:
        yield (
            f"{name}: {table.name} is kept as it is but refers to {fk.parent}, whose keys are"
            f" made anew; keep {fk.parent} too, or do not keep {table.name}"
        )


def missing_column(column: str, table: str, shape: Shape) -> str:
    """Say that a table lacks a column, with the closest name it has."""
    return f"{table} has no column {column!r}; {did_you_mean(column, shape.columns or ())}"


def _type_problems(
    child: tuple[str, str], parent: tuple[str, str], shapes: Mapping[str, Shape]
) -> Iterator[str]:
    child_type = shapes[child[0]].types.get(child[1])
    parent_type = shapes[parent[0]].types.get(parent[1])
    if child_type is None or parent_type is None:
        return
    child_text, parent_text = (format_reference(t, (c,)) for t, c in (child, parent))
    if child_type.family in _UNSUPPORTED:
        yield f"{child_text} is {child_type.label}, which can't be a foreign key here"
    elif not are_comparable(child_type.family, parent_type.family):
        yield (
            f"{child_text} is {child_type.label} but {parent_text} is {parent_type.label};"
            f" cast one to the other, such as {child_text} by"
            f" {parent_type.cast.replace('…', _quoted(parent_type.cast, child[1]))}"
        )


def _quoted(cast: str, column: str) -> str:
    return repr(column) if cast.startswith("pl.") else '"' + column.replace('"', '""') + '"'


def _driver_problems(table: Table) -> Iterator[str]:
    if not table.driver:
        return
    chosen = [fk for fk in table.foreign_keys if set(fk.columns) == set(table.driver)]
    known = [", ".join(fk.columns) for fk in table.foreign_keys if fk.parent != table.name]
    driver = ", ".join(table.driver)
    if not chosen:
        yield (
            f"{table.name}: driver {driver!r} is no foreign key;"
            f" {did_you_mean(driver, known) if known else 'the table has none'}"
        )
    elif all(fk.parent == table.name for fk in chosen):
        yield f"{table.name}: driver {driver!r} is a self reference; a table can't drive itself"
