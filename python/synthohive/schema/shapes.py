"""What is known of a table's columns: all of them, or only those that were declared."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from synthohive.schema.families import polars_family, sql_family

if TYPE_CHECKING:
    from collections.abc import Mapping

    import polars as pl

    from synthohive.schema.families import Family
    from synthohive.schema.model import Table


@dataclass(frozen=True, slots=True, kw_only=True)
class ColumnType:
    """The type of a column.

    Attributes:
        family: What it can be compared with.
        label: The type as the user knows it, SQL or Polars.
        cast: How to say that a column be cast to it.
    """

    family: Family
    label: str
    cast: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Shape:
    """The columns of a table as far as they are known.

    Attributes:
        columns: All columns, or `None` if only declarations are known.
        types: Types by column, where known.
    """

    columns: tuple[str, ...] | None
    types: Mapping[str, ColumnType]

    def has(self, column: str) -> bool | None:
        """Tell whether the column exists; `None` if that is not known."""
        return None if self.columns is None else column in self.columns


def shape_of(table: Table, frame: pl.DataFrame | None = None) -> Shape:
    """Return what the data, or else the declarations, tell of a table's columns."""
    declared = {
        name: ColumnType(
            family=sql_family(column.dtype), label=column.dtype, cast=f"cast(… as {column.dtype})"
        )
        for name, column in table.columns.items()
        if column.dtype
    }
    if frame is None:
        return Shape(columns=table.column_order or None, types=declared)
    types: dict[str, ColumnType] = {}
    for name, dtype in frame.schema.items():
        known = declared.get(name)  # the SQL type is what its user can act upon
        types[name] = ColumnType(
            family=polars_family(dtype),
            label=known.label if known else str(dtype),
            cast=known.cast if known else f"pl.col(…).cast(pl.{dtype})",
        )
    return Shape(columns=tuple(frame.columns), types=types)
