"""See to it that a key made of foreign keys only occurs once.

Rows of one driver row stand together, and only they can repeat each other where the driver is
part of the key: such keys are gone through in windows. A key without the driver, or of one
foreign key that is not the driver, is gone through as a whole, at about 140 bytes a row.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import polars as pl

from synthohive import kernels
from synthohive.linkage.pairs import part_pairs
from synthohive.models.settings import BLOCK_ROWS
from synthohive.synthesis.draw import OFFSETS, Generation, row_name
from synthohive.synthesis.links import ladder_names
from synthohive.synthesis.spool import ABSENT

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from numpy.typing import NDArray

    from synthohive.linkage.assignment import Ladder
    from synthohive.randomness import Stream
    from synthohive.schema.model import ForeignKey
    from synthohive.synthesis.fitted import FittedTable

WINDOW_ROWS = 32 * BLOCK_ROWS
"""Rows gone through together, up to the end of a driver row's children."""


def make_distinct(
    generation: Generation, table: FittedTable, ladders: Mapping[ForeignKey, Ladder]
) -> None:
    """Change parents where a key made of foreign keys only would occur twice.

    Args:
        generation: The database being generated.
        table: A table whose rows have all their parents.
        ladders: The parents of each secondary key, by group.

    Raises:
        CapacityError: A row has more children than there are partners for them.
    """
    driver = None if table.driver is None else table.driver.fk
    stream = generation.stream.child(table.name, "distinct")
    single = [(fk,) for fk in table.roles.one_to_one if fk != driver]
    for keys in (*single, *table.roles.distinct):
        own = stream.child(*(column for fk in keys for column in fk.columns))
        first, *others = sorted(keys, key=lambda fk: fk != driver)
        left, right = (first, others) if others else (None, [first])
        whole = [(0, generation.heights[table.name])]
        for start, stop in _windows(generation, table) if first == driver else whole:
            _repair(generation, table, left, right, ladders, (start, stop), own.child(start))


def _windows(generation: Generation, table: FittedTable) -> Iterator[tuple[int, int]]:
    """Part the rows that have a driver row, between two driver rows."""
    offsets = generation.spool.view(table.name, OFFSETS)
    start, driven = 0, int(offsets[-1])
    while start < driven:
        place = np.searchsorted(offsets, np.uint64(start + WINDOW_ROWS))
        stop = int(offsets[min(int(place), len(offsets) - 1)])
        yield start, stop
        start = stop


def _repair(
    generation: Generation,
    table: FittedTable,
    left: ForeignKey | None,
    others: Sequence[ForeignKey],
    ladders: Mapping[ForeignKey, Ladder],
    window: tuple[int, int],
    stream: Stream,
) -> None:
    """Make the combination of parents distinct in a window, the left one staying."""
    spool = generation.spool
    rows = {fk: spool.read(table.name, row_name(fk), *window) for fk in others}
    kept = np.zeros(window[1] - window[0], np.uint32)
    if left is not None:
        kept = spool.read(table.name, row_name(left), *window)
    present = np.logical_and.reduce([row != ABSENT for row in (kept, *rows.values())])
    if not present.any():
        return
    kept = kept[present] - kept[present].min()
    right = {fk: row[present] for fk, row in rows.items()}
    for fk in others:
        if fk in ladders and not _shares_columns(fk, table):
            rest = _numbered([kept, *(row for other, row in right.items() if other != fk)])
            groups = spool.take(fk.parent, ladder_names(table, fk)[0], right[fk])
            own = stream.child(*fk.columns)
            right[fk] = part_pairs(rest, right[fk], groups, ladders[fk], own)
    for fk, row in _combine(generation, kept, right, stream.child("any")).items():
        rows[fk][present] = row
        spool.write(table.name, row_name(fk), window[0], rows[fk])


def _shares_columns(fk: ForeignKey, table: FittedTable) -> bool:
    """Tell whether another key fixes part of this one, so that few parents will do."""
    keys = [link.fk for link in table.links]
    keys += [] if table.driver is None else [table.driver.fk]
    return any(set(fk.columns) & set(other.columns) for other in keys if other != fk)


def _numbered(columns: Sequence[NDArray]) -> NDArray:
    """Number the combinations of some columns; ``(N,)``."""
    if len(columns) == 1:
        return columns[0]
    frame = pl.DataFrame({str(place): column for place, column in enumerate(columns)})
    return frame.select(pl.struct(pl.all()).rank("dense")).to_series().to_numpy()


def _combine(
    generation: Generation, left: NDArray, right: Mapping[ForeignKey, NDArray], stream: Stream
) -> dict[ForeignKey, NDArray]:
    """Give rows that still repeat others any partner, for there is none of their group.

    Several keys count as one whose parents are all combinations (mixed radix).
    """
    heights = [generation.heights[fk.parent] for fk in right]
    combined = np.zeros(len(left), np.uint64)
    for row, height in zip(right.values(), heights, strict=True):
        combined = combined * np.uint64(height) + row
    values = kernels.distinct_pairs(
        pl.Series(left),
        pl.Series(combined).cast(pl.UInt32),
        int(np.prod(heights)),
        seed=stream.seed,
        stream=stream.id,
    )
    rest = values.to_numpy().astype(np.uint64)
    result: dict[ForeignKey, NDArray] = {}
    for fk, height in reversed(list(zip(right, heights, strict=True))):
        result[fk] = (rest % np.uint64(height)).astype(np.uint32)
        rest //= np.uint64(height)
    return result
