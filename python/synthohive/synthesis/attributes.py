"""Attribute values of generated rows, those that repeat a parent's included."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import polars as pl

from synthohive import kernels
from synthohive.synthesis.draw import own_codes, row_name
from synthohive.synthesis.fitted import base_place
from synthohive.synthesis.spool import ABSENT

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from synthohive.synthesis.draw import Generation
    from synthohive.synthesis.fitted import FittedCopy, FittedTable


def attribute_frame(
    generation: Generation, table: FittedTable, start: int, stop: int
) -> pl.DataFrame:
    """Decode attributes for a range of rows.

    Args:
        generation: The database being generated; every row has its parents.
        table: The table.
        start: First row.
        stop: Row after the last one.

    Returns:
        The attributes with the real table's types. One that repeats a parent's column is
        taken from there, as often as in the real rows.
    """
    if table.kept is not None:
        return table.kept[table.attributes].slice(start, stop - start)
    codes = own_codes(generation, table, table.encoder.layout.names, start, stop)
    stream = generation.stream.child(table.name, "decode")
    bases = _bases(generation, table, start, stop)
    frame = table.encoder.decode(codes, stream, start=start, bases=bases)
    for found in table.copies:
        frame = frame.with_columns(_copied(generation, table, found, frame, start, stop))
    return frame


def _bases(generation: Generation, table: FittedTable, start: int, stop: int) -> pl.DataFrame:
    """Return the ancestors' dates that dates of the rows are counted from."""
    columns: list[pl.Series] = []
    for name in table.encoder.bases:
        steps, column = base_place(name)
        ancestor, rows = table, np.arange(start, stop, dtype=np.uint32)
        for _ in range(steps):
            if ancestor.driver is None:
                msg = f"{ancestor.name} has no driver"
                raise AssertionError(msg)
            fk = ancestor.driver.fk
            rows = generation.spool.take(ancestor.name, row_name(fk), rows)
            ancestor = generation.fitted.tables[fk.parent]
        columns.append(_values(generation, ancestor, column, rows).alias(name))
    return pl.DataFrame(columns) if columns else pl.DataFrame(height=stop - start)


def _values(generation: Generation, table: FittedTable, column: str, rows: NDArray) -> pl.Series:
    """Return an attribute's values at rows that lie near each other."""
    if not len(rows):
        return pl.Series(column, [], dtype=table.schema[column])
    first = int(rows.min())
    near = attribute_frame(generation, table, first, int(rows.max()) + 1)[[column]]
    return kernels.gather(near, pl.Series(rows - np.uint32(first))).to_series()


def _copied(
    generation: Generation,
    table: FittedTable,
    found: FittedCopy,
    frame: pl.DataFrame,
    start: int,
    stop: int,
) -> pl.Series:
    """Fill an attribute from the parent's; rows without a parent keep their own value."""
    own = frame[found.copy.column]
    rows = generation.spool.read(table.name, row_name(found.fk), start, stop)
    present = rows != ABSENT
    if not present.any():
        return own
    parent = generation.fitted.tables[found.fk.parent]
    first, last = int(rows[present].min()), int(rows[present].max()) + 1
    above = attribute_frame(generation, parent, first, last)[[found.copy.parent_column]]
    place = pl.Series(np.where(present, rows - np.uint32(first), 0).astype(np.uint32))
    parents = kernels.gather(above, place).to_series()
    stream = generation.stream.child(table.name, "copy", found.copy.column)
    copied = found.copy.fill(own, parents, stream, start)
    return own.zip_with(~pl.Series(present), copied)
