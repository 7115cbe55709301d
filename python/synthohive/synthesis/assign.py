"""Second half of generation, first step: every row's secondary parents and self reference.

All rows of all tables are drawn by now, so any row can be referred to. A row has drawn the
group of parents it wants; here it gets one of them, each parent about as often as its own
quota says. The result, a parent position per row, goes to the spool.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import polars as pl

from synthohive import kernels
from synthohive.errors import ConfigError
from synthohive.linkage.assignment import assign_within
from synthohive.models.settings import BLOCK_ROWS
from synthohive.synthesis.draw import Generation, draw_edge_counts, own_codes, row_name
from synthohive.synthesis.features import count_name, edges_into
from synthohive.synthesis.fitted import LEVEL
from synthohive.synthesis.keys import assignment_order, key_frame
from synthohive.synthesis.spool import ABSENT

if TYPE_CHECKING:
    from collections.abc import Iterator

    from numpy.typing import NDArray

    from synthohive.randomness import Stream
    from synthohive.schema.model import ForeignKey
    from synthohive.synthesis.fitted import FittedHierarchy, FittedLink, FittedTable

WINDOW_ROWS = 512 * BLOCK_ROWS
"""Rows whose parents are dealt out together. Part of the result, and a bound on memory."""


def assign(generation: Generation) -> None:
    """Find the parents of every table's secondary, deferred and self references."""
    _draw_quotas(generation)
    for table in generation.fitted.tables.values():
        if table.kept is not None:
            continue
        links = {link.fk: link for link in table.links}
        decided = [] if table.driver is None else [table.driver.fk]
        for fk in assignment_order(table, links):
            _assign_link(generation, table, links[fk], decided)
            decided.append(fk)
        if table.hierarchy is not None:
            _assign_hierarchy(generation, table, table.hierarchy)
        _make_unique(generation, table)


def _draw_quotas(generation: Generation) -> None:
    """Draw how often each parent should be chosen by the keys that do not decide rows."""
    for parent in generation.fitted.tables:
        for child, fk in edges_into(generation.fitted.plan, parent):
            name = count_name((child, fk))
            if generation.spool.has(parent, name):
                continue
            links = {link.fk: link for link in generation.fitted.tables[child].links}
            quotas = draw_edge_counts(generation, (child, fk), links[fk].quotas)
            generation.spool.store(parent, name, quotas)


def _windows(height: int) -> Iterator[tuple[int, int]]:
    for start in range(0, height, WINDOW_ROWS):
        yield start, min(start + WINDOW_ROWS, height)


def _assign_link(
    generation: Generation, table: FittedTable, link: FittedLink, decided: list[ForeignKey]
) -> None:
    """Deal out the parents of one foreign key, window by window."""
    fk = link.fk
    height = generation.heights[table.name]
    _check_parents(generation, table, fk)
    generation.spool.create(table.name, row_name(fk), np.uint32, height)
    pool = _pool(generation, table, link)
    stream = generation.stream.child(table.name, "assign", *fk.columns)
    fixed = _fixed_columns(fk, decided)
    keys = _parent_keys(generation, fk, fixed)
    for start, stop in _windows(height):
        codes = pl.Series(generation.spool.read(table.name, link.name, start, stop))
        window = stream.child(start)
        named = key_frame(generation, table, fixed, _range(start, stop))
        if len(fixed) == len(fk.columns):
            rows = kernels.row_ids(named, keys)[0]  # what was decided before names the parent
            free = codes.set(rows.is_not_null(), link.matching.size - 1)
            drawn = link.matching.assign(free, *pool, window, start=start)
            rows = rows.zip_with(rows.is_not_null(), drawn)
        elif fixed:
            child, parent = _numbered(named, keys)
            wanted = link.matching.child_groups(codes)
            rows = assign_within(child, parent, wanted, *pool, window, is_whole=True)
        else:
            rows = link.matching.assign(codes, *pool, window, start=start)
        values = rows.cast(pl.UInt32).fill_null(int(ABSENT)).to_numpy()
        generation.spool.write(table.name, row_name(fk), start, values)


def _check_parents(generation: Generation, table: FittedTable, fk: ForeignKey) -> None:
    """Refuse rows that need a parent where there is none."""
    declared = generation.fitted.metadata.tables[table.name]
    needed = [name for name in fk.columns if declared.column(name).is_not_null]
    if needed and generation.heights[table.name] and not generation.heights[fk.parent]:
        raise ConfigError(
            f"{table.name}.{needed[0]} may not be null, but {fk.parent} has no rows",
            table=table.name,
            column=needed[0],
            hint=f"ask for at least one row of {fk.parent}",
        )


def _pool(
    generation: Generation, table: FittedTable, link: FittedLink
) -> tuple[pl.Series, pl.Series]:
    """Return the group and the quota of every parent row; ``UInt32``, ``(P,)`` each."""
    parent = generation.fitted.tables[link.fk.parent]
    height = generation.heights[parent.name]
    codes = own_codes(generation, parent, parent.encoder.layout.names, 0, height)
    stream = generation.stream.child(table.name, "groups", *link.fk.columns)
    drawn = generation.spool.read(parent.name, count_name((table.name, link.fk)))
    groups = link.matching.groups(codes, stream)
    return groups, link.matching.quotas(groups, pl.Series(drawn))


def _fixed_columns(fk: ForeignKey, decided: list[ForeignKey]) -> list[str]:
    """List the columns of a key that keys decided before already fix."""
    taken = {column for earlier in decided for column in earlier.columns}
    return [column for column in fk.columns if column in taken]


def _parent_keys(generation: Generation, fk: ForeignKey, fixed: list[str]) -> pl.DataFrame:
    """Compute the parent's side of some of a foreign key's columns, for all its rows."""
    parent = generation.fitted.tables[fk.parent]
    columns = [fk.parent_columns[fk.columns.index(column)] for column in fixed]
    return key_frame(generation, parent, columns, _range(0, generation.heights[fk.parent]))


def _numbered(child: pl.DataFrame, parent: pl.DataFrame) -> tuple[pl.Series, pl.Series]:
    """Number the parent's values, and the child's by the same numbers."""
    distinct = parent.unique(maintain_order=True)
    return kernels.row_ids(child, distinct)[0], kernels.row_ids(parent, distinct)[0]


def _range(start: int, stop: int) -> NDArray:
    return np.arange(start, stop, dtype=np.uint32)


def _assign_hierarchy(generation: Generation, table: FittedTable, fitted: FittedHierarchy) -> None:
    """Hang every row below a row of the level above; the whole table at once."""
    height = generation.heights[table.name]
    levels = pl.Series(generation.spool.read(table.name, LEVEL))
    codes = own_codes(generation, table, table.encoder.layout.names, 0, height)
    stream = generation.stream.child(table.name, "hierarchy")
    rows = fitted.hierarchy.assign(levels, codes, stream)
    if fitted.hierarchy.is_self_loop_root:
        rows = rows.zip_with(rows.is_not_null(), pl.Series(_range(0, height)))
    values = rows.fill_null(int(ABSENT)).to_numpy()
    generation.spool.store(table.name, row_name(fitted.fk), values)


def _make_unique(generation: Generation, table: FittedTable) -> None:
    """Draw again where a key made of foreign keys only would occur twice."""
    driver = None if table.driver is None else table.driver.fk
    stream = generation.stream.child(table.name, "unique")
    for fk in table.roles.one_to_one:
        if fk != driver:
            height = generation.heights[table.name]
            _redraw(generation, table, np.zeros(height, np.uint32), (fk,), stream)
    for keys in table.roles.distinct:
        first, *others = sorted(keys, key=lambda fk: fk != driver)
        left = generation.spool.read(table.name, row_name(first))
        _redraw(generation, table, left, tuple(others), stream)


def _redraw(
    generation: Generation,
    table: FittedTable,
    left: NDArray,
    keys: tuple[ForeignKey, ...],
    stream: Stream,
) -> None:
    """Make the combination of `left` and some foreign keys' parents distinct.

    Several keys count as one whose parents are all combinations (mixed radix).
    """
    heights = [generation.heights[fk.parent] for fk in keys]
    rows = [generation.spool.read(table.name, row_name(fk)) for fk in keys]
    present = np.logical_and.reduce([row != ABSENT for row in (left, *rows)])
    combined = np.zeros(len(left), np.uint64)
    for row, height in zip(rows, heights, strict=True):
        combined = combined * np.uint64(height) + row
    right = pl.Series(np.where(present, combined, 0)).cast(pl.UInt32)
    right = right.to_frame("right").select(pl.when(pl.Series(present)).then("right")).to_series()
    distinct = kernels.distinct_pairs(
        pl.Series(left),
        right,
        int(np.prod(heights)),
        seed=stream.seed,
        stream=stream.child(*(column for fk in keys for column in fk.columns)).id,
    )
    values = distinct.fill_null(0).to_numpy().astype(np.uint64)
    for fk, height, row in reversed(list(zip(keys, heights, rows, strict=True))):
        chosen = np.where(present, values % np.uint64(max(1, height)), row).astype(np.uint32)
        generation.spool.write(table.name, row_name(fk), 0, chosen)
        values //= np.uint64(max(1, height))
