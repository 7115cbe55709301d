"""How many rows one driver row can have before their key would have to repeat.

A key of ``(day, room)`` and ``(day, who)`` has room for as many rows per slot as people were
there on that day. What is not known yet when children are counted is taken not to limit
them: then the rows are refused later, when their parents are found.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import polars as pl

from synthohive.schema.drivers import is_required
from synthohive.synthesis.capacity import MOST_ROWS
from synthohive.synthesis.keys import parent_frame, parent_values

if TYPE_CHECKING:
    from collections.abc import Collection, Sequence

    from numpy.typing import NDArray

    from synthohive.schema.model import ForeignKey
    from synthohive.synthesis.fitted import FittedTable
    from synthohive.synthesis.generation import Generation

COUNT = "count"


def most_children(
    generation: Generation, table: FittedTable, driver: ForeignKey
) -> NDArray[np.uint32] | int:
    """Return the most children each driver row may have for the table's keys to stay unique.

    Args:
        generation: The database being generated; the table's parents are drawn.
        table: The table.
        driver: Its driver.

    Returns:
        One number per driver row, or one for all of them.
    """
    roles = table.roles
    if driver in roles.one_to_one:
        return 1
    siblings = [name for name, kind in roles.numbered.items() if kind == "sibling"]
    room = [table.formats[name].capacity or MOST_ROWS for name in siblings]
    most: NDArray[np.uint32] | int = min([MOST_ROWS, *room])
    parent = generation.fitted.tables[driver.parent]
    most = _without_barren(generation, table, driver, most)
    for columns in roles.within(driver):
        if all(_is_known(generation, parent, source) for source in _sources(driver, columns)):
            most = np.where(_first_of(generation, table, driver, columns), most, 0)
            most = np.minimum(most, 1).astype(np.uint32)
    for keys in roles.combinations:
        others = [fk for fk in keys if fk != driver]
        is_limit = driver in keys or any(set(fk.columns) & set(driver.columns) for fk in others)
        if is_limit and all(fk.parent in generation.heights for fk in others):
            found = _count_partners(generation, table, driver, others)
            if isinstance(most, int) and isinstance(found, int):
                most = min(most, found)
            else:
                most = np.minimum(most, found).astype(np.uint32)
    return most


def _sources(fk: ForeignKey, columns: Collection[str]) -> list[str]:
    """Return the parent's side of some columns of a key."""
    pairs = zip(fk.columns, fk.parent_columns, strict=True)
    return [source for column, source in pairs if column in columns]


def _first_of(
    generation: Generation, table: FittedTable, driver: ForeignKey, columns: Collection[str]
) -> NDArray[np.bool_]:
    """Choose one driver row for each value of some columns, at random."""
    values = parent_frame(generation, table, driver, columns)
    stream = generation.stream.child(table.name, "first", *columns)
    order = np.argsort(stream.uniform(values.height).to_numpy(), kind="stable")
    first = np.zeros(values.height, np.bool_)
    shuffled = values[order].select(pl.struct(pl.all()).is_first_distinct())
    first[order] = shuffled.to_series().to_numpy()
    return first


def _without_barren(
    generation: Generation,
    table: FittedTable,
    driver: ForeignKey,
    most: NDArray[np.uint32] | int,
) -> NDArray[np.uint32] | int:
    """Let driver rows have no children where a key that may not be null finds no parent."""
    declared = generation.fitted.metadata.tables[table.name]
    for fk in (link.fk for link in table.links):
        if (
            is_required(declared, fk)
            and set(fk.columns) & set(driver.columns)
            and fk.parent in generation.heights
        ):
            found = np.asarray(_count_partners(generation, table, driver, [fk]))
            most = np.where(found > 0, most, 0).astype(np.uint32) if found.ndim else most
    return most


def _count_partners(
    generation: Generation, table: FittedTable, driver: ForeignKey, others: Sequence[ForeignKey]
) -> NDArray[np.uint32] | int:
    """Count the bundles of parents that each driver row can go with.

    Keys are joined one after another; a column that no later key shares is summed over.
    """
    keys = (driver, *others)
    above, *frames = (_shared_values(generation, table, fk, keys) for fk in keys)
    bundles = above.unique()
    for place, parents in enumerate(frames):
        kept = {name for frame in (above, *frames[place + 1 :]) for name in frame.columns}
        partners = _summed(parents, kept.union(bundles.columns))
        bundles = _summed(_joined(bundles, partners), kept)
    names = [name for name in above.columns if name != COUNT]
    if not names:
        return min(MOST_ROWS, int(bundles[COUNT].sum()))
    counts = above[names].join(bundles, on=names, how="left", maintain_order="left")[COUNT]
    return counts.fill_null(0.0).clip(upper_bound=MOST_ROWS).cast(pl.UInt32).to_numpy()


def _shared_values(
    generation: Generation, table: FittedTable, fk: ForeignKey, keys: Sequence[ForeignKey]
) -> pl.DataFrame:
    """Compute what is known of the columns a key shares, for all its parents, each of count 1."""
    parent = generation.fitted.tables[fk.parent]
    columns = [pl.Series(COUNT, np.ones(generation.heights[fk.parent]))]
    for number, column in enumerate(table.schema):
        source = dict(zip(fk.columns, fk.parent_columns, strict=True)).get(column)
        if source is None or sum(column in other.columns for other in keys) == 1:
            continue
        if _is_known(generation, parent, source):
            values = parent_values(generation, table, fk, column)
            columns.append(values.alias(str(number)))  # names may look like patterns to Polars
    return pl.DataFrame(columns)


def _is_known(generation: Generation, table: FittedTable, column: str) -> bool:
    """Tell whether a column can be computed before secondary parents are found."""
    if table.kept is not None or column in table.roles.numbered:
        return True
    above = None if table.driver is None else table.driver.fk
    if column not in table.roles.foreign:
        return _attributes_known(generation, table)
    if above is None or column not in above.columns:
        return False
    source = above.parent_columns[above.columns.index(column)]
    return _is_known(generation, generation.fitted.tables[above.parent], source)


def _attributes_known(generation: Generation, table: FittedTable) -> bool:
    """Tell whether a table's attributes follow from drawn rows and drivers alone."""
    if table.kept is not None or not (table.copies or table.encoder.bases):
        return True
    if table.driver is None or any(found.fk != table.driver.fk for found in table.copies):
        return False
    return _attributes_known(generation, generation.fitted.tables[table.driver.fk.parent])


def _summed(frame: pl.DataFrame, names: Collection[str]) -> pl.DataFrame:
    """Add up the counts of rows that agree in some columns."""
    kept = [name for name in frame.columns if name in names and name != COUNT]
    total = pl.col(COUNT).sum()
    return frame.group_by(kept).agg(total) if kept else frame.select(total)


def _joined(left: pl.DataFrame, right: pl.DataFrame) -> pl.DataFrame:
    """Put together rows that agree in the columns both have; counts multiply."""
    common = [name for name in left.columns if name in right.columns and name != COUNT]
    both = left.join(right, on=common) if common else left.join(right, how="cross")
    other = f"{COUNT}_right"
    return both.with_columns(pl.col(COUNT) * pl.col(other)).drop(other)
