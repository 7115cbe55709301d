"""Key values of generated rows, computed from row positions."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import polars as pl

from synthohive import kernels
from synthohive.schema.drivers import decision_order
from synthohive.synthesis.attributes import attribute_values
from synthohive.synthesis.capacity import keyed_rows
from synthohive.synthesis.generation import SIBLING, Generation, bare_name, row_name
from synthohive.synthesis.roles import value_columns
from synthohive.synthesis.spool import ABSENT

if TYPE_CHECKING:
    from collections.abc import Iterable

    from numpy.typing import NDArray

    from synthohive.schema.model import ForeignKey
    from synthohive.synthesis.fitted import FittedTable


def assignment_order(table: FittedTable, foreign_keys: Iterable[ForeignKey]) -> list[ForeignKey]:
    """Order foreign keys of a table as they are decided."""
    return decision_order(foreign_keys, None if table.driver is None else table.driver.fk)


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
    if not len(known):  # nothing to look for, perhaps in tables that refer to each other
        return pl.Series(column, [None] * len(rows), dtype=table.schema[column])
    if table.kept is not None:
        values = table.kept[column].alias("").gather(known)
    elif column in table.roles.numbered:
        values = _numbered(generation, table, column, known)
    elif column in table.roles.foreign:
        values = _foreign(generation, table, column, known)
    else:
        values = attribute_values(generation, table, column, known)
    return _spread(values.alias("").cast(table.schema[column]), present).alias(column)


def parent_frame(
    generation: Generation, table: FittedTable, fk: ForeignKey, columns: Iterable[str]
) -> pl.DataFrame:
    """Compute columns of a foreign key as each row of the parent would fill them."""
    return pl.DataFrame(
        [parent_values(generation, table, fk, column).alias(column) for column in columns]
    )


def parent_values(
    generation: Generation, table: FittedTable, fk: ForeignKey, column: str
) -> pl.Series:
    """Compute one column of a foreign key as each row of the parent would fill it, nameless."""
    parent = generation.fitted.tables[fk.parent]
    rows = np.arange(generation.heights[parent.name], dtype=np.uint32)
    source = fk.parent_columns[fk.columns.index(column)]
    return key_values(generation, parent, source, rows).cast(table.schema[column]).alias("")


def numbered(child: pl.DataFrame, parent: pl.DataFrame) -> tuple[pl.Series, pl.Series]:
    """Number the parents' values, and the children's by the same numbers; null for none."""
    distinct = parent.unique(maintain_order=True)
    return kernels.row_ids(child, distinct)[0], kernels.row_ids(parent, distinct)[0]


def _spread(values: pl.Series, present: NDArray) -> pl.Series:
    """Put values where they belong, nulls elsewhere."""
    if present.all():
        return values
    place = pl.Series(np.cumsum(present) - 1, dtype=pl.Int64)
    return values.gather(pl.select(pl.when(pl.Series(present)).then(place)).to_series())


def _numbered(generation: Generation, table: FittedTable, column: str, rows: NDArray) -> pl.Series:
    """Write the number of a row, in the table or among its siblings, as a key."""
    keys = table.formats[column]
    if is_scarce(generation, table, column):
        return _scarce(generation, table, column, rows)
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


def is_scarce(generation: Generation, table: FittedTable, column: str) -> bool:
    """Tell whether a key column has fewer values than rows, and some of these are null."""
    capacity, share = table.formats[column].capacity, table.null_shares.get(column, 0.0)
    is_row = table.roles.numbered[column] == "row"
    last = generation.heights[table.name] + generation.first_key - 1
    return is_row and bool(share) and capacity is not None and last > capacity


def _scarce(generation: Generation, table: FittedTable, column: str, rows: NDArray) -> pl.Series:
    """Give keys to as many rows as have one, wherever they are; null to the others."""
    height = generation.heights[table.name]
    stream = generation.stream.child(table.name, "scarce", column)
    turns = kernels.permuted(
        pl.Series(rows, dtype=pl.UInt32), height, seed=stream.seed, stream=stream.id
    )
    turns = turns.to_numpy()
    present = turns < keyed_rows(height, table.null_shares[column])
    positions = pl.Series(turns[present], dtype=pl.UInt32)
    stream = generation.stream.child(table.name, "key", column)
    first = generation.first_key
    values = table.formats[column].format(positions, first=first, stream=stream, table=table.name)
    return _spread(values, present)


def _foreign(generation: Generation, table: FittedTable, column: str, rows: NDArray) -> pl.Series:
    """Take a key from the parent; of several keys that share the column, the first set one."""
    declared = generation.fitted.metadata.tables[table.name].foreign_keys
    sharing = [fk for fk in declared if column in value_columns(table.name, fk)]
    order = assignment_order(table, sharing)
    places = [(fk, row_name(fk)) for fk in order if generation.spool.has(table.name, row_name(fk))]
    if places and generation.spool.has(table.name, bare_name(column)):
        places.append((places[0][0], bare_name(column)))
    values = pl.Series([None] * len(rows), dtype=table.schema[column])
    for fk, place in places:
        open_rows = values.is_null().to_numpy()
        if not open_rows.any():
            break
        parent = generation.fitted.tables[fk.parent]
        source = fk.parent_columns[fk.columns.index(column)]
        above = np.where(open_rows, generation.spool.take(table.name, place, rows), ABSENT)
        found = key_values(generation, parent, source, above).cast(table.schema[column])
        values = values.zip_with(values.is_not_null(), found.alias(""))
    return values
