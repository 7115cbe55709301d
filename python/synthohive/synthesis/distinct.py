"""See to it that a key made of foreign keys only occurs once.

Rows of one driver row stand together, and only they can repeat each other where the driver is
part of the key: such keys are gone through in windows. A key without the driver, of one
foreign key that is not the driver, or of columns that are no whole foreign keys, is gone through
as a whole, at about 140 bytes a row.

Rows that repeat others first swap parents with rows that want the same group and, where keys
share columns, have the same values in them: quotas and groups stay as they are. What no swap
helps gets other parents.
"""

from __future__ import annotations

from math import prod
from typing import TYPE_CHECKING

import numpy as np
import polars as pl

from synthohive import kernels
from synthohive.linkage.pairs import part_pairs
from synthohive.models.settings import BLOCK_ROWS
from synthohive.schema.drivers import is_required
from synthohive.synthesis.bundling import Bundler
from synthohive.synthesis.capacity import MOST_ROWS
from synthohive.synthesis.generation import OFFSETS, Generation, row_name
from synthohive.synthesis.links import ladder_names
from synthohive.synthesis.nulls import required_keys, rows_without
from synthohive.synthesis.spool import ABSENT
from synthohive.synthesis.web import find_web

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
        CapacityError: More rows need a key of their own than there are keys for them.
    """
    driver = None if table.driver is None else table.driver.fk
    stream = generation.stream.child(table.name, "distinct")
    _complete(generation, table, ladders, stream.child("complete"))
    whole = [(0, generation.heights[table.name])]
    for keys in table.roles.combinations:
        if keys == (driver,):
            continue  # no more than one child was drawn for each
        own = stream.child(*(column for fk in keys for column in fk.columns))
        web = find_web(generation, table, keys, ladders)
        bundler = Bundler(generation, table, web, ladders)
        for window in _windows(generation, table) if driver in keys else whole:
            _repair(bundler, window, own.child(window[0]))
    for columns, keys in table.roles.partial:
        web = find_web(generation, table, keys, ladders, columns)
        bundler = Bundler(generation, table, web, ladders)
        _repair(bundler, whole[0], stream.child("partial", *columns))


def _complete(
    generation: Generation,
    table: FittedTable,
    ladders: Mapping[ForeignKey, Ladder],
    stream: Stream,
) -> None:
    """Find other parents where the ones found leave none for a key that may not be null."""
    window = 0, generation.heights[table.name]
    later = {fk for keys in table.roles.combinations for fk in keys}  # seen to with those
    for fk in required_keys(generation, table):
        if fk not in ladders or fk in later:
            continue
        at = rows_without(generation, table, [fk])
        if not len(at):
            continue
        web = find_web(generation, table, (fk,), ladders)
        rows = {key: generation.spool.read(table.name, row_name(key)) for key in web.members}
        before = {key: row.copy() for key, row in rows.items()}
        bundler = Bundler(generation, table, web, ladders)
        bundler.complete(rows, at, stream.child(*fk.columns))
        _write(bundler, window, before, rows)


def _windows(generation: Generation, table: FittedTable) -> Iterator[tuple[int, int]]:
    """Part the rows that have a driver row, between two driver rows."""
    offsets = generation.spool.view(table.name, OFFSETS)
    start, driven = 0, int(offsets[-1])
    while start < driven:
        place = np.searchsorted(offsets, np.uint64(start + WINDOW_ROWS))
        stop = int(offsets[min(int(place), len(offsets) - 1)])
        yield start, stop
        start = stop


def _repair(bundler: Bundler, window: tuple[int, int], stream: Stream) -> None:
    """Make the combination of parents distinct in a window."""
    spool, name, web = bundler.generation.spool, bundler.table.name, bundler.web
    rows = {fk: spool.read(name, row_name(fk), *window) for fk in web.members}
    lacks = _lacks(bundler, rows)
    present = web.is_whole(rows)
    before = {fk: row.copy() for fk, row in rows.items()}
    if present.any() and not web.columns:
        _swap(bundler, rows, np.flatnonzero(present), stream)
    at = np.flatnonzero(present)
    repeated = at[_is_repeated(web.identity({fk: row[at] for fk, row in rows.items()}))]
    stuck = np.union1d(np.flatnonzero(lacks), repeated)
    if len(stuck):
        bundler.check_room(rows, present, window[0])
        if web.columns or not _combine(bundler, rows, at, stream.child("any")):
            bundler.deal(rows, present, stuck, window[0], stream.child("bundle"))
    _write(bundler, window, before, rows)


def _write(
    bundler: Bundler,
    window: tuple[int, int],
    before: Mapping[ForeignKey, NDArray[np.uint32]],
    rows: Mapping[ForeignKey, NDArray[np.uint32]],
) -> None:
    """Keep parents that changed, and those that follow from them."""
    spool, name, web = bundler.generation.spool, bundler.table.name, bundler.web
    for fk in web.members:
        if not np.array_equal(before[fk], rows[fk]):
            spool.write(name, row_name(fk), window[0], rows[fk])
    for fk, (wide, above) in web.follow.items():
        moved = np.flatnonzero((before[wide] != rows[wide]) & (rows[wide] != ABSENT))
        if len(moved):
            own = spool.read(name, row_name(fk), *window)
            own[moved] = above[rows[wide][moved]]
            spool.write(name, row_name(fk), window[0], own)


def _lacks(bundler: Bundler, rows: Mapping[ForeignKey, NDArray[np.uint32]]) -> NDArray[np.bool_]:
    """Tell which rows found no parent though they may not be without; ``(N,)``."""
    declared = bundler.generation.fitted.metadata.tables[bundler.table.name]
    needed = [fk for fk in bundler.web.keys if fk in bundler.web.free and is_required(declared, fk)]
    nothing = np.zeros(len(rows[bundler.web.keys[0]]), np.bool_)
    return np.logical_or.reduce([nothing, *(rows[fk] == ABSENT for fk in needed)])


def _swap(
    bundler: Bundler,
    rows: dict[ForeignKey, NDArray[np.uint32]],
    at: NDArray[np.intp],
    stream: Stream,
) -> None:
    """Let rows that repeat others swap their parents, key after key, in place."""
    web, table = bundler.web, bundler.table
    for fk in web.free:
        tied = web.values[fk]
        if fk not in web.keys or len(tied) == len(fk.columns):
            continue
        rest = [rows[other][at] for other in web.keys if other != fk]
        own = rows[fk][at]
        groups = bundler.generation.spool.take(fk.parent, ladder_names(table, fk)[0], own)
        rows[fk][at] = part_pairs(
            _numbered(rest or [np.zeros_like(own)]),
            own,
            _numbered([*(values[own] for values in tied.values()), groups]),
            None if tied else bundler.ladders[fk],
            stream.child(*fk.columns),
        )


def _numbered(columns: Sequence[NDArray]) -> NDArray:
    """Number the combinations of some columns; ``(N,)``."""
    if len(columns) == 1:
        return columns[0]
    frame = pl.DataFrame({str(place): column for place, column in enumerate(columns)})
    return frame.select(pl.struct(pl.all()).rank("dense")).to_series().to_numpy()


def _is_repeated(columns: Sequence[NDArray]) -> NDArray[np.bool_]:
    """Tell which rows repeat an earlier one; ``(N,)``."""
    return ~pl.Series(_numbered(columns)).is_first_distinct().to_numpy()


def _combine(
    bundler: Bundler,
    rows: dict[ForeignKey, NDArray[np.uint32]],
    at: NDArray[np.intp],
    stream: Stream,
) -> bool:
    """Give rows that repeat others any partner, if keys share nothing; tell if that was done.

    Several keys count as one whose parents are all combinations (mixed radix). There may be
    too many of them, and too few for the rows of one parent by the first key.
    """
    web, heights = bundler.web, bundler.generation.heights
    first, *others = sorted(web.keys, key=lambda fk: fk != web.driver)
    left = rows[first][at] if others else np.zeros(len(at), np.uint32)
    right = others or [first]
    sizes = [heights[fk.parent] for fk in right]
    most = int(np.unique(left, return_counts=True)[1].max(initial=0))
    if web.is_tied or not most <= prod(sizes) <= MOST_ROWS:
        return False
    combined = np.zeros(len(at), np.uint64)
    for fk, size in zip(right, sizes, strict=True):
        combined = combined * np.uint64(size) + rows[fk][at]
    values = kernels.distinct_pairs(
        pl.Series(left - left.min(initial=ABSENT)),
        pl.Series(combined).cast(pl.UInt32),
        prod(sizes),
        seed=stream.seed,
        stream=stream.id,
    )
    rest = values.to_numpy().astype(np.uint64)
    for fk, size in reversed(list(zip(right, sizes, strict=True))):
        rows[fk][at] = (rest % np.uint64(size)).astype(np.uint32)
        rest //= np.uint64(size)
    return True
