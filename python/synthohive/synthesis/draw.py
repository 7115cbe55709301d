"""First half of generation: how many rows, and their codes, table after table.

Parents come before their children. A table's rows follow from its driver's rows: child
counts are drawn per driver row, context is repeated along them, and codes are drawn in
fixed blocks of rows, on any number of threads. Everything goes to the spool.
"""

from __future__ import annotations

from collections import deque
from typing import TYPE_CHECKING

import numpy as np
import polars as pl

from synthohive import kernels
from synthohive.events import StageStarted
from synthohive.models.settings import BLOCK_ROWS
from synthohive.parallel import ordered_map
from synthohive.synthesis.capacity import MOST_ROWS, check_height
from synthohive.synthesis.features import Edge, count_codes, count_name, edges_into
from synthohive.synthesis.fitted import IDENTITY
from synthohive.synthesis.generation import (
    OFFSETS,
    SIBLING,
    Generation,
    climb,
    own_codes,
    row_name,
)
from synthohive.synthesis.memory import give_back, keep_little, tidied
from synthohive.synthesis.partners import most_children
from synthohive.synthesis.places import Places, find_places
from synthohive.synthesis.spool import ABSENT

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from numpy.typing import NDArray

    from synthohive.linkage.counts import CountModel
    from synthohive.synthesis.fitted import FittedDriver, FittedTable


def draw(generation: Generation) -> None:
    """Draw the codes of every table into the spool."""
    keep_little()
    for table in generation.fitted.tables.values():
        generation.on_event(StageStarted(stage="draw", detail=table.name))
        if table.kept is not None:
            _keep(generation, table, table.kept)
        else:
            _draw_table(generation, table)
        give_back()


def _keep(generation: Generation, table: FittedTable, kept: pl.DataFrame) -> None:
    """Put the real rows' codes and driver rows into the spool."""
    generation.heights[table.name] = kept.height
    _create(generation, table)
    codes = table.encoder.encode(kept[table.attributes])
    if IDENTITY in table.layout.names:
        rows = np.arange(kept.height, dtype=np.uint32)
        generation.spool.write(table.name, IDENTITY, 0, rows)
    for column in codes:
        generation.spool.write(table.name, column.name, 0, column.to_numpy())
    if table.driver is None:
        return
    fk = table.driver.fk
    parent = generation.fitted.tables[fk.parent].kept
    if parent is None:
        msg = f"{table.name} is kept but its driver {fk.parent} is not"
        raise AssertionError(msg)
    rows, _ = kernels.row_ids(kept[list(fk.columns)], parent[list(fk.parent_columns)])
    counts = kernels.children_per_parent(rows, parent.height)
    generation.spool.store(fk.parent, count_name((table.name, fk)), counts.to_numpy())
    generation.spool.store(table.name, row_name(fk), rows.fill_null(int(ABSENT)).to_numpy())


def _create(generation: Generation, table: FittedTable) -> None:
    """Reserve the columns of a table's own codes."""
    for column in table.layout.columns:
        dtype = np.min_scalar_type(max(0, column.size - 1))
        generation.spool.create(table.name, column.name, dtype, generation.heights[table.name])


def _draw_table(generation: Generation, table: FittedTable) -> None:
    driver = table.driver
    if driver is None:
        generation.heights[table.name] = _root_height(generation, table)
    else:
        _draw_counts(generation, table, driver)
        generation.spool.create(
            table.name, row_name(driver.fk), np.uint32, generation.heights[table.name]
        )
        generation.spool.create(table.name, SIBLING, np.uint32, generation.heights[table.name])
    height = generation.heights[table.name]
    if height:
        keys = table.formats, table.null_shares
        first = generation.first_key
        check_height(keys, table.roles, table.name, height, first=first, is_drawn=True)
    _create(generation, table)
    starts = range(0, height, BLOCK_ROWS)
    done = ordered_map(
        lambda start: _draw_block(generation, table, start), starts, threads=generation.threads
    )
    deque(tidied(done), maxlen=0)


def _root_height(generation: Generation, table: FittedTable) -> int:
    if table.name in generation.given:
        return generation.given[table.name].height
    if table.name in generation.rows:
        return generation.rows[table.name]
    wanted = generation.fitted.metadata.tables[table.name].rows
    base = table.rows if wanted is None else wanted
    return max(min(base, 1), round(base * generation.scale))


def _draw_counts(generation: Generation, table: FittedTable, driver: FittedDriver) -> None:
    """Draw how many children each driver row has; fix the table's height and offsets."""
    parents = generation.heights[driver.fk.parent]
    blocks = draw_edge_counts(
        generation,
        (table.name, driver.fk),
        driver.counts,
        scale=_multiplier(generation, driver),
        most=most_children(generation, table, driver.fk),
    )
    generation.spool.create(table.name, OFFSETS, np.uint64, parents + 1)
    driven = 0
    for start, counts in blocks:
        offsets = kernels.child_offsets(pl.Series(counts)).to_numpy() + np.uint64(driven)
        generation.spool.write(table.name, OFFSETS, start + 1, offsets[1:])
        driven = int(offsets[-1])
    share = driver.absent_share
    if share < 1:
        absent = round(driven * share / (1 - share))
    else:
        absent = round(table.rows * generation.scale)
    generation.heights[table.name] = driven + absent


def _multiplier(generation: Generation, driver: FittedDriver) -> float:
    """Return what child counts are multiplied by: the scale, if no ancestor is scaled."""
    parent: FittedTable | None = generation.fitted.tables[driver.fk.parent]
    while parent is not None:
        if parent.kept is None:
            return 1.0
        above = parent.driver
        parent = None if above is None else generation.fitted.tables[above.fk.parent]
    return generation.scale


def draw_edge_counts(
    generation: Generation,
    edge: Edge,
    model: CountModel,
    *,
    scale: float = 1.0,
    most: NDArray[np.uint32] | int = MOST_ROWS,
) -> Iterator[tuple[int, NDArray]]:
    """Draw the number of children of every parent row into the spool.

    Args:
        generation: The database being generated.
        edge: The children's table and the foreign key.
        model: Draws the counts.
        scale: Factor on all counts.
        most: Most children of a row, or of each row.

    Yields:
        For each block of parent rows, once it is written, its first row and its counts,
        ``uint32``.
    """
    child, fk = edge
    parent = generation.fitted.tables[fk.parent]
    height = generation.heights[fk.parent]
    stream = generation.stream.child(child, "counts", *fk.columns)
    edges = edges_into(generation.fitted.plan, fk.parent)
    earlier = edges[: edges.index(edge)]
    generation.spool.create(fk.parent, count_name(edge), np.uint32, height)

    def block(start: int) -> tuple[int, NDArray]:
        features = _features(generation, parent, earlier, start, min(start + BLOCK_ROWS, height))
        drawn = model.sample(
            features,
            stream,
            start=start,
            total=height,
            scale=scale,
            is_evened=not generation.given,  # what is given may be unlike the real rows
        )
        limit = most if isinstance(most, int) else most[start : start + len(drawn)]
        counts = np.minimum(drawn.to_numpy(), limit).astype(np.uint32)
        generation.spool.write(fk.parent, count_name(edge), start, counts)
        return start, counts

    yield from ordered_map(block, range(0, height, BLOCK_ROWS), threads=generation.threads)


def _features(
    generation: Generation, parent: FittedTable, earlier: Sequence[Edge], start: int, stop: int
) -> pl.DataFrame:
    """Return a parent's features for a range of its rows."""
    columns = own_codes(generation, parent, parent.layout.names, start, stop).get_columns()
    if parent.driver is not None:
        rows = generation.spool.read(parent.name, row_name(parent.driver.fk), start, stop)
        columns += _ancestor_codes(generation, parent, parent.driver, rows)
    for edge in earlier:
        counts = generation.spool.read(parent.name, count_name(edge), start, stop)
        columns.append(count_codes(pl.Series(count_name(edge), counts)))
    return pl.DataFrame(columns) if columns else pl.DataFrame(height=stop - start)


def _ancestor_codes(
    generation: Generation, table: FittedTable, driver: FittedDriver, rows: NDArray
) -> list[pl.Series]:
    """Read the context codes of a table's ancestors for some of its driver's rows.

    Args:
        generation: The database being generated.
        table: The table that is generated from the codes.
        driver: Its driver.
        rows: Driver rows, `ABSENT` where there is none; absent ancestors get the last code.
    """
    found = {1: rows}
    columns: list[pl.Series] = []
    for code in driver.context:
        above = climb(generation, table, found, code.steps)
        present = above != ABSENT
        values = np.full(len(above), code.column.size - 1, np.uint32)
        values[present] = generation.spool.take(code.table, code.column.name, above[present])
        columns.append(pl.Series(code.name, values))
    return columns


def _draw_block(generation: Generation, table: FittedTable, start: int) -> None:
    """Draw one block of rows into the spool."""
    stop = min(start + BLOCK_ROWS, generation.heights[table.name])
    context = None
    if table.driver is not None:
        offsets = generation.spool.view(table.name, OFFSETS)
        places = find_places(offsets, start, stop)
        _write_places(generation, table, table.driver, places, start)
        context = _context_block(generation, table, table.driver, places)
    if table.generator is None:
        return
    codes = table.generator.sample(
        stop - start,
        context=context,
        given=_given_block(generation, table, start, stop),
        stream=generation.stream.child(table.name, "draw"),
        start=start,
        threads=1,
    )
    for index, column in enumerate(table.layout.names):
        generation.spool.write(table.name, column, start, codes[:, index])


def _write_places(
    generation: Generation, table: FittedTable, driver: FittedDriver, places: Places, start: int
) -> None:
    rows = kernels.parent_rows(pl.Series(places.counts, dtype=pl.UInt32), start=places.first)
    absent = np.full(places.absent, ABSENT)
    spool = generation.spool
    spool.write(table.name, row_name(driver.fk), start, np.concatenate([rows.to_numpy(), absent]))
    position = np.concatenate([places.position, np.arange(places.absent, dtype=np.uint32)])
    spool.write(table.name, SIBLING, start, position)


def _context_block(
    generation: Generation, table: FittedTable, driver: FittedDriver, places: Places
) -> NDArray:
    """Return the context codes of a range of rows, ``(N, K)``."""
    rows = np.arange(places.first, places.first + len(places.counts), dtype=np.uint32)
    place = np.concatenate(
        [
            driver.siblings.encode(places.position, places.siblings),
            driver.siblings.absent(places.absent),
        ]
    )
    if not driver.context:
        return place
    counts = pl.Series(places.counts, dtype=pl.UInt32)
    codes = pl.DataFrame(_ancestor_codes(generation, table, driver, rows))
    absent = [[code.column.size - 1 for code in driver.context]] * places.absent
    present = kernels.repeat(codes, counts).to_numpy().astype(np.int64)
    width = len(driver.context)
    ancestors = np.concatenate([present, np.array(absent, np.int64).reshape(-1, width)])
    return np.concatenate([ancestors, place], axis=1)


def _given_block(
    generation: Generation, table: FittedTable, start: int, stop: int
) -> NDArray | None:
    """Return the codes that are given, -1 where they are not, ``(N, C)``."""
    given = generation.given.get(table.name)
    if given is None:
        return None
    codes = np.full((stop - start, len(table.layout)), -1, np.int64)
    stream = generation.stream.child(table.name, "given")
    rows = given.slice(start, stop - start)
    encoded = table.encoder.encode_given(rows, stream, start=start)
    codes[:, : encoded.shape[1]] = encoded  # the attributes' codes come first
    return codes
