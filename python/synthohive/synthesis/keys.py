"""Key values of generated rows, computed from row positions."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import polars as pl

from synthohive.synthesis.attributes import attribute_values
from synthohive.synthesis.generation import SIBLING, Generation, row_name
from synthohive.synthesis.spool import ABSENT

if TYPE_CHECKING:
    from collections.abc import Iterable

    from numpy.typing import NDArray

    from synthohive.schema.model import ForeignKey
    from synthohive.synthesis.fitted import FittedTable


def assignment_order(table: FittedTable, foreign_keys: Iterable[ForeignKey]) -> list[ForeignKey]:
    """Order foreign keys so that what shares columns is decided by the most telling one.

    The driver is decided first: its rows exist because of it. Then wide keys come before
    narrow ones, whose columns they may already fix.
    """
    driver = None if table.driver is None else table.driver.fk
    return sorted(foreign_keys, key=lambda fk: (fk != driver, -len(fk.columns), fk.columns))


def key_frame(
    generation: Generation, table: FittedTable, columns: Iterable[str], rows: NDArray
) -> pl.DataFrame:
    """Compute key columns for some rows of a table.

    Args:
        generation: The database being generated; parents' positions are in its spool.
        table: The table.
        columns: Key columns.
        rows: Row positions, `ABSENT` where the value is null.

    Returns:
        The columns with the real table's types, ``len(rows)`` high.
    """
    return pl.DataFrame([key_values(generation, table, column, rows) for column in columns])


def key_values(generation: Generation, table: FittedTable, column: str, rows: NDArray) -> pl.Series:
    """Compute one key column for some rows of a table; null where the row is `ABSENT`."""
    present = rows != ABSENT
    known = rows[present]
    if table.kept is not None:
        values = table.kept[column].alias("").gather(known)
    elif column in table.roles.numbered:
        values = _numbered(generation, table, column, known)
    elif column in table.roles.foreign:
        values = _foreign(generation, table, column, known)
    else:
        values = attribute_values(generation, table, column, known)
    return _spread(values.alias("").cast(table.schema[column]), present).alias(column)


def parent_values(
    generation: Generation, table: FittedTable, fk: ForeignKey, column: str
) -> pl.Series:
    """Compute one column of a foreign key as each row of the parent would fill it, nameless."""
    parent = generation.fitted.tables[fk.parent]
    rows = np.arange(generation.heights[parent.name], dtype=np.uint32)
    source = fk.parent_columns[fk.columns.index(column)]
    return key_values(generation, parent, source, rows).cast(table.schema[column]).alias("")


def _spread(values: pl.Series, present: NDArray) -> pl.Series:
    """Put values where they belong, nulls elsewhere."""
    if present.all():
        return values
    place = pl.Series(np.cumsum(present) - 1, dtype=pl.Int64)
    return values.gather(pl.select(pl.when(pl.Series(present)).then(place)).to_series())


def _numbered(generation: Generation, table: FittedTable, column: str, rows: NDArray) -> pl.Series:
    """Write the number of a row, in the table or among its siblings, as a key."""
    keys = table.formats[column]
    if table.roles.numbered[column] == "sibling":
        rows = generation.spool.take(table.name, SIBLING, rows)
        if keys.capacity:  # rows without a driver are no siblings, and may repeat each other
            rows = rows % np.uint32(min(keys.capacity, int(ABSENT)))
        first = 1
    else:
        first = generation.first_key
    stream = generation.stream.child(table.name, "key", column)
    positions = pl.Series(rows, dtype=pl.UInt32)
    return keys.format(positions, first=first, stream=stream, table=table.name)


def _foreign(generation: Generation, table: FittedTable, column: str, rows: NDArray) -> pl.Series:
    """Take a key from the parent; of several keys that share the column, the first set one."""
    declared = generation.fitted.metadata.tables[table.name].foreign_keys
    sharing = [fk for fk in declared if column in fk.columns]
    values = pl.Series([None] * len(rows), dtype=table.schema[column])
    for fk in assignment_order(table, sharing):
        if not generation.spool.has(table.name, row_name(fk)):
            continue
        parent = generation.fitted.tables[fk.parent]
        source = fk.parent_columns[fk.columns.index(column)]
        above = generation.spool.take(table.name, row_name(fk), rows)
        found = key_values(generation, parent, source, above).cast(table.schema[column])
        values = values.zip_with(values.is_not_null(), found.alias(""))
    return values
