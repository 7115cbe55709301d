"""Attribute values of generated rows, those that repeat a parent's included."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import polars as pl

from synthohive.models.settings import BLOCK_ROWS
from synthohive.synthesis.fitted import base_place
from synthohive.synthesis.generation import ancestor_of, climb, own_codes, row_name
from synthohive.synthesis.spool import ABSENT

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from synthohive.synthesis.fitted import FittedCopy, FittedTable
    from synthohive.synthesis.generation import Generation

HOLD_ROWS = 8 * BLOCK_ROWS
"""Rows decoded together of columns that are held. Does not change the result."""


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
        taken from there, as often as in the real rows, and what follows from it with it.
        What is given stays, and what follows from it suits it.
    """
    if table.kept is not None:
        return table.kept[table.attributes].slice(start, stop - start)
    codes = own_codes(generation, table, table.encoder.layout.names, start, stop)
    stream = generation.stream.child(table.name, "decode")
    bases = _bases(generation, table, start, stop)
    given = generation.given.get(table.name)
    if given is not None:
        given = given.slice(start, stop - start)
    frame = table.encoder.decode(codes, stream, start=start, bases=bases, given=given)
    for found in table.copies:
        frame = frame.with_columns(_copied(generation, table, found, frame, start, stop))
    return table.encoder.follow_again(frame, [found.copy.column for found in table.copies])


def _bases(generation: Generation, table: FittedTable, start: int, stop: int) -> pl.DataFrame:
    """Return the ancestors' dates that dates of the rows are counted from."""
    found = {0: np.arange(start, stop, dtype=np.uint32)}
    columns: list[pl.Series] = []
    for name in table.encoder.bases:
        steps, column = base_place(name)
        rows = climb(generation, table, found, steps)
        ancestor = ancestor_of(generation, table, steps)
        columns.append(attribute_values(generation, ancestor, column, rows).alias(name))
    return pl.DataFrame(columns) if columns else pl.DataFrame(height=stop - start)


def _copied(
    generation: Generation,
    table: FittedTable,
    found: FittedCopy,
    frame: pl.DataFrame,
    start: int,
    stop: int,
) -> pl.Series:
    """Fill an attribute from the parent's; rows without a parent keep their own value."""
    own = frame[found.copy.column].alias("")
    rows = generation.spool.read(table.name, row_name(found.fk), start, stop)
    present = rows != ABSENT
    if not present.any():
        return own.alias(found.copy.column)
    parent = generation.fitted.tables[found.fk.parent]
    values = attribute_values(generation, parent, found.copy.parent_column, rows[present])
    place = pl.Series(np.cumsum(present) - 1).cast(pl.UInt32).set(pl.Series(~present), None)
    parents = values.gather(place)
    stream = generation.stream.child(table.name, "copy", found.copy.column)
    copied = found.copy.fill(own, parents, stream, start)
    return own.zip_with(~pl.Series(present), copied).alias(found.copy.column)


def attribute_values(
    generation: Generation, table: FittedTable, column: str, rows: NDArray[np.uint32]
) -> pl.Series:
    """Decode an attribute for some rows of a table, quickly if they stand close together."""
    if table.kept is not None:
        return table.kept[column].alias("").gather(rows)
    known = generation.values.get((table.name, column))
    if known is not None:
        return known.gather(rows)
    if not len(rows):
        return pl.Series([], dtype=table.schema[column])
    first = int(rows.min())
    near = attribute_frame(generation, table, first, int(rows.max()) + 1)[column].alias("")
    return near.gather(rows - np.uint32(first))


def hold_copied(generation: Generation, table: FittedTable) -> None:
    """Decode, once and for all, what rows of a table repeat from all over a parent.

    Rows of one block have drivers that stand close together, but their other parents are
    anywhere: these parents' repeated columns are held, whole, until `release_copied`.
    """
    driver = None if table.driver is None else table.driver.fk
    for found in table.copies:
        parent = generation.fitted.tables[found.fk.parent]
        name = (parent.name, found.copy.parent_column)
        if found.fk == driver or parent.kept is not None or name in generation.values:
            continue
        hold_copied(generation, parent)
        height = generation.heights[parent.name]
        parts = [
            attribute_frame(generation, parent, start, min(start + HOLD_ROWS, height))[name[1]]
            for start in range(0, height, HOLD_ROWS)
        ]
        nothing = pl.Series([], dtype=parent.schema[name[1]])
        parts = [nothing, *(part.alias("") for part in parts)]
        generation.values[name] = pl.concat(parts, rechunk=True)


def release_copied(generation: Generation) -> None:
    """Let go of what `hold_copied` holds."""
    generation.values.clear()
