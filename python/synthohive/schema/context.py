"""Context columns: what a user's ``region`` or ``users.region`` stands for."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from synthohive.schema.drivers import driver_of
from synthohive.schema.references import format_reference, parse_reference

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from synthohive.schema.drivers import Deferred
    from synthohive.schema.model import Table
    from synthohive.schema.shapes import Shape


@dataclass(frozen=True, slots=True, kw_only=True)
class ContextColumn:
    """A column of the driver, or of one of the driver's own drivers.

    Attributes:
        table: The ancestor that has the column.
        column: The column.
    """

    table: str
    column: str

    def __str__(self) -> str:
        """Show as ``users.region``."""
        return format_reference(self.table, (self.column,))


def ancestors(name: str, tables: Mapping[str, Table], deferred: Deferred) -> list[str]:
    """Return a table's driver, the driver's driver and so on, nearest first.

    A table that can't be followed (it is kept, or missing) ends the chain.
    """
    chain: list[str] = []
    while name in tables:
        driver = driver_of(tables[name], deferred.get(name, ()))
        if driver is None or driver.parent in chain:
            break
        name = driver.parent
        chain.append(name)
    return chain


def resolve_context(
    table: Table, tables: Mapping[str, Table], shapes: Mapping[str, Shape], deferred: Deferred
) -> tuple[list[ContextColumn], list[str]]:
    """Find the columns that a table's declared context names.

    A plain column name is looked for in the driver first, then further up.

    Returns:
        The columns found, and a problem for each name that stands for none.
    """
    if not table.context:
        return [], []
    chain = [name for name in ancestors(table.name, tables, deferred) if name in tables]
    found: list[ContextColumn] = []
    problems: list[str] = []
    for text in table.context:
        column = _find(text, chain, tables, shapes)
        problem = (
            _unknown(text, table, chain, shapes)
            if column is None
            else _unusable(column, table.name, tables)
        )
        if problem:
            problems.append(problem)
        elif column is not None and column not in found:
            found.append(column)
    return found, problems


def _find(
    text: str, chain: Sequence[str], tables: Mapping[str, Table], shapes: Mapping[str, Shape]
) -> ContextColumn | None:
    for name in chain:
        if shapes[name].has(text) or text in tables[name].columns:
            return ContextColumn(table=name, column=text)
    parsed = parse_reference(text)
    if parsed and len(parsed[1]) == 1:
        name, (column,) = parsed
        if name in chain and shapes[name].has(column) is not False:
            return ContextColumn(table=name, column=column)
        return None
    open_ends = (name for name in chain if shapes[name].has(text) is None)
    return next((ContextColumn(table=name, column=text) for name in open_ends), None)


def _unknown(text: str, table: Table, chain: Sequence[str], shapes: Mapping[str, Shape]) -> str:
    if not chain:
        return f"{table.name}: context {text!r} is declared, but no parent drives this table"
    columns = shapes[chain[0]].columns
    listed = f"; columns of {chain[0]}: {', '.join(columns)}" if columns else ""
    return (
        f"{table.name}: context column {text!r} is in none of the tables that drive it"
        f" ({' → '.join(chain)}){listed}"
    )


def _unusable(column: ContextColumn, child: str, tables: Mapping[str, Table]) -> str | None:
    ancestor = tables[column.table]
    if ancestor.column(column.column).pii:
        return (
            f"{child}: context column {column} is declared personal and can't be learned from;"
            " take it out of the context"
        )
    stable = {
        name
        for fk in ancestor.foreign_keys
        if fk.parent in tables and tables[fk.parent].keep
        for name in fk.columns
    }
    if column.column in ancestor.key_columns - stable and not ancestor.keep:
        return (
            f"{child}: context column {column} is a key, whose values are made anew;"
            " take it out of the context"
        )
    return None
