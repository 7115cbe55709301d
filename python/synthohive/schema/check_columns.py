"""What can be wrong with keys, columns and limits before any data is looked at."""

from __future__ import annotations

from typing import TYPE_CHECKING

from synthohive.errors import did_you_mean
from synthohive.schema.check_references import missing_column
from synthohive.schema.model import PII_KINDS
from synthohive.schema.references import format_reference

if TYPE_CHECKING:
    from collections.abc import Iterator

    from synthohive.schema.model import Column, Table
    from synthohive.schema.shapes import Shape


def column_problems(table: Table, shape: Shape) -> Iterator[str]:
    """Report declared columns that don't exist, and settings that can't be."""
    in_foreign_keys = {name for fk in table.foreign_keys for name in fk.columns}
    in_keys = [name for key in (table.primary_key, *table.unique_keys) for name in key]
    named = dict.fromkeys([*in_keys, *table.columns])
    for name in named:
        if name not in in_foreign_keys and shape.has(name) is False:
            yield missing_column(name, table.name, shape)
    if table.order_by is not None and shape.has(table.order_by) is False:
        yield f"order_by: {missing_column(table.order_by, table.name, shape)}"
    for name in table.primary_key:
        kind = shape.types.get(name)
        if kind and kind.family in ("nested", "binary"):
            yield f"{format_reference(table.name, [name])} is {kind.label}, which can't be a key"
    if table.rows is not None and table.rows < 0:
        yield f"{table.name}: rows is {table.rows}; it must not be negative"
    for column in table.columns.values():
        yield from _setting_problems(table, column)


def _setting_problems(table: Table, column: Column) -> Iterator[str]:
    where = format_reference(table.name, [column.name])
    if column.pii is not None and column.pii not in PII_KINDS:
        suggestion = did_you_mean(column.pii, PII_KINDS)
        yield f"{where}: unknown kind of personal value {column.pii!r}; {suggestion}"
    if column.pii is not None and table.keep:
        yield (
            f"{where} is declared personal, but {table.name} is to be kept as it is;"
            " do not keep the table, or take the column out of it"
        )
    if column.constraint:
        yield from _limit_problems(where, column)


def _limit_problems(where: str, column: Column) -> Iterator[str]:
    limits = column.constraint
    if limits is None:
        return
    if limits.accepted_values == ():
        yield f"{where}: accepted_values is empty, so that no value could be generated"
    low, high = limits.minimum, limits.maximum
    if low is None or high is None:
        return
    if isinstance(low, str) != isinstance(high, str):
        yield f"{where}: min {low!r} and max {high!r} can't be compared"
    elif low > high:  # type: ignore[operator]  # both text or both numbers
        yield f"{where}: min {low!r} is larger than max {high!r}"
