"""What can be wrong with foreign keys before any data is looked at."""

from __future__ import annotations

from typing import TYPE_CHECKING

from synthohive.errors import did_you_mean
from synthohive.schema.drivers import decision_order, driver_of, value_pairs
from synthohive.schema.families import are_comparable
from synthohive.schema.references import format_reference

if TYPE_CHECKING:
    from collections.abc import Collection, Iterator, Mapping

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


def circular_problems(
    tables: Mapping[str, Table], deferred: Mapping[str, Collection[ForeignKey]]
) -> Iterator[str]:
    """Report columns that take their values from each other, so that they would have none."""
    above: dict[tuple[str, str], tuple[ForeignKey, str]] = {}
    for table in tables.values():
        driver = driver_of(table, deferred.get(table.name, ()))
        keys = [] if table.keep else table.foreign_keys
        for fk in decision_order(keys, driver):
            for own, source in value_pairs(table.name, fk):
                above.setdefault((table.name, own), (fk, source))
    told: set[tuple[str, str]] = set()
    for start in above:
        path = [start]
        while path[-1] in above and path[-1] not in path[:-1] and path[-1] not in told:
            fk, source = above[path[-1]]
            path.append((fk.parent, source))
        if path[-1] in path[:-1]:
            loop = path[path.index(path[-1]) :]
            shown = " → ".join(format_reference(name, [column]) for name, column in loop)
            wide = (format_reference(name, above[name, column][0].columns) for name, column in loop)
            yield (
                f"columns take their values from each other: {shown}; declare one of the foreign"
                f" keys {', '.join(dict.fromkeys(wide))} without the column that goes round"
            )
        told.update(path)


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
