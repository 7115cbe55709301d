"""Which foreign keys of a row stay empty, where keys share columns.

A key is empty as soon as one of its columns is null, so that keys which share columns are not
empty independently of each other: without a room there is neither a ``room`` nor a
``(day, room)``, and whoever has a day and a room needs a parent for both together. What rows
have drawn is brought in line with that before they get their parents, and columns that may
not be null are filled in afterwards, where all keys that they belong to are empty.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from synthohive.errors import CapacityError, ConfigError
from synthohive.schema.drivers import is_required
from synthohive.schema.references import format_reference
from synthohive.synthesis.capacity import too_few_parents
from synthohive.synthesis.generation import Generation, bare_name, blocks, row_name
from synthohive.synthesis.keys import key_frame, parent_values
from synthohive.synthesis.spool import ABSENT

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    from synthohive.schema.model import ForeignKey
    from synthohive.synthesis.fitted import FittedLink, FittedTable

BLOCK = 2**16
"""Rows looked at together. Does not change the result."""


def settle_nulls(generation: Generation, table: FittedTable) -> None:
    """Make the rows of a table want parents by keys that can be filled together.

    A key without a parent needs a column that is null in all keys it belongs to. Where the
    keys of a row leave none, the key gets a parent after all: of a group drawn from what the
    other rows want.

    Args:
        generation: The database being generated.
        table: A table whose codes are drawn, and whose rows have no parents yet but their
            drivers.
    """
    if not _is_needed(generation, table):
        return
    shares = {link.fk: _shares(generation, table, link) for link in table.links}
    for start, stop in blocks(generation.heights[table.name], BLOCK):
        _settle_block(generation, table, start, stop, shares)


def leave_null(
    generation: Generation, table: FittedTable, column: str, rows: NDArray[np.intp]
) -> None:
    """Leave some rows of a table without a parent by every key that has a column."""
    for fk in _keys(table):
        if column in fk.columns and generation.spool.has(table.name, row_name(fk)):
            view = generation.spool.view(table.name, row_name(fk), is_writable=True)
            view[rows] = ABSENT
    for link in table.links:
        if column in link.fk.columns:
            codes = generation.spool.view(table.name, link.name, is_writable=True)
            codes[rows] = link.matching.group_count


def choose_null(
    generation: Generation, table: FittedTable, columns: Sequence[str], taken: Sequence[str] = ()
) -> str | None:
    """Choose the column of a key that is to be null.

    Args:
        generation: The database being generated.
        table: The table of the key.
        columns: The columns of the key.
        taken: Columns that have a value by another key.

    Returns:
        The nullable column that leaves the fewest other keys without parent, those that are
        not taken first; `None` if the key has no nullable column.
    """
    driver = None if table.driver is None else table.driver.fk
    free = _nullable(generation, table, columns)

    def cost(column: str) -> tuple[bool, bool, int]:
        sharing = [key for key in _keys(table) if column in key.columns]
        return column in taken, driver in sharing, len(sharing)

    return min(free, key=cost, default=None)


def fill_bare(generation: Generation, table: FittedTable) -> None:
    """Give columns that may not be null the value of some parent, where all keys are empty.

    Raises:
        CapacityError: A key that may not be null has no parent in some rows.
    """
    declared = generation.fitted.metadata.tables[table.name]
    keys = _decided(generation, table)
    for fk in required_keys(generation, table):
        _refuse_absent(generation, table, fk)
    required = dict.fromkeys(name for fk in keys for name in fk.columns)
    for column in (name for name in required if declared.column(name).is_not_null):
        having = [fk for fk in keys if column in fk.columns]
        bare = rows_without(generation, table, having)
        if len(bare):
            rows = np.full(generation.heights[table.name], ABSENT)
            rows[bare] = _any_parents(generation, table, having[0], column, bare)
            generation.spool.store(table.name, bare_name(column), rows)


def _any_parents(
    generation: Generation,
    table: FittedTable,
    fk: ForeignKey,
    column: str,
    bare: NDArray[np.intp],
) -> NDArray[np.uint32]:
    """Choose the parents whose values fill a column, so that unique keys stay so."""
    height = generation.heights[fk.parent]
    if not height:
        raise no_parents(table.name, column, fk.parent)
    turns = generation.stream.child(table.name, "bare", column)
    rows = turns.uniform(generation.heights[table.name]).to_numpy()[bare] * height
    rows = rows.astype(np.uint32)
    for unique, _ in table.roles.partial:
        if column in unique:
            _make_own(generation, table, fk, (column, unique), bare, rows)
    return rows


def _make_own(
    generation: Generation,
    table: FittedTable,
    fk: ForeignKey,
    key: tuple[str, tuple[str, ...]],
    bare: NDArray[np.intp],
    rows: NDArray[np.uint32],
) -> None:
    """Move on to the next parent where a unique key would repeat, in place."""
    column, unique = key
    every = np.arange(generation.heights[table.name], dtype=np.uint32)
    rest = [name for name in unique if name != column]
    known = key_frame(generation, table, [*rest, column], every).rows()
    values = parent_values(generation, table, fk, column).to_list()
    used = {row for row in known if None not in row}
    for place, row in enumerate(bare.tolist()):
        others = known[row][:-1]
        steps = range(len(values)) if None not in others else range(1)
        turn = (int(rows[place]) + step for step in steps)
        found = (at % len(values) for at in turn)
        at = next((at for at in found if (*others, values[at]) not in used), None)
        if at is None:
            wanted, room = f"{len(bare):,} rows", f"fewer than {len(bare):,}"
            raise too_few_parents(table.name, unique, {fk.parent}, wanted=wanted, room=room)
        rows[place] = at
        used.add((*others, values[at]))


def no_parents(table: str, column: str, parent: str) -> ConfigError:
    """Say that a column needs a value, and that there is no row to take it from."""
    return ConfigError(
        f"{table}.{column} may not be null, but {parent} has no rows",
        table=table,
        column=column,
        hint=f"ask for at least one row of {parent}",
    )


def _refuse_absent(generation: Generation, table: FittedTable, fk: ForeignKey) -> None:
    rows, height = len(rows_without(generation, table, [fk])), generation.heights[table.name]
    if rows:
        raise CapacityError(
            f"{format_reference(table.name, fk.columns)}: {rows:,} of {height:,}"
            f" rows need a row of {fk.parent} that shares the values of their other keys, and"
            " there is none",
            table=table.name,
            column=fk.columns[0],
            hint=f"generate more of {fk.parent}, or declare a column of the key that may be null",
        )


def required_keys(generation: Generation, table: FittedTable) -> list[ForeignKey]:
    """List the foreign keys none of whose columns may be null."""
    declared = generation.fitted.metadata.tables[table.name]
    return [fk for fk in _decided(generation, table) if is_required(declared, fk)]


def rows_without(
    generation: Generation, table: FittedTable, keys: Sequence[ForeignKey]
) -> NDArray[np.intp]:
    """Return the rows that have no parent by any of some keys."""
    found: list[NDArray[np.intp]] = [np.zeros(0, np.intp)]
    for start, stop in blocks(generation.heights[table.name], BLOCK):
        absent = without_parent(generation, table, keys, start, stop)
        found.append(start + np.flatnonzero(absent))
    return np.concatenate(found)


def without_parent(
    generation: Generation,
    table: FittedTable,
    keys: Sequence[ForeignKey],
    start: int,
    stop: int,
) -> NDArray[np.bool_]:
    """Tell which of a range of rows have no parent by any of some keys."""
    rows = (generation.spool.read(table.name, row_name(fk), start, stop) for fk in keys)
    return np.logical_and.reduce([np.ones(stop - start, np.bool_), *(r == ABSENT for r in rows)])


def _keys(table: FittedTable) -> list[ForeignKey]:
    """List a table's foreign keys but the one to itself, the driver first."""
    driver = [] if table.driver is None else [table.driver.fk]
    return [*driver, *(link.fk for link in table.links)]


def _decided(generation: Generation, table: FittedTable) -> list[ForeignKey]:
    return [fk for fk in _keys(table) if generation.spool.has(table.name, row_name(fk))]


def _nullable(generation: Generation, table: FittedTable, columns: Sequence[str]) -> list[str]:
    declared = generation.fitted.metadata.tables[table.name]
    return [name for name in columns if not declared.column(name).is_not_null]


def _is_needed(generation: Generation, table: FittedTable) -> bool:
    """Tell whether keys share columns, and some rows have none of their parents."""
    columns = [name for fk in _keys(table) for name in fk.columns]
    if len(set(columns)) == len(columns):
        return False
    return (
        any(link.matching.has_nulls for link in table.links)
        or any(not generation.heights[fk.parent] for fk in _keys(table))
        or (table.driver is not None and table.driver.absent_share > 0)
    )


def _shares(generation: Generation, table: FittedTable, link: FittedLink) -> NDArray[np.float64]:
    """Return the share of rows that want each group or one before it; ``(G,)``."""
    counts = np.zeros(link.matching.group_count)
    for start, stop in blocks(generation.heights[table.name], BLOCK):
        codes = generation.spool.read(table.name, link.name, start, stop)
        counts += np.bincount(codes, minlength=len(counts))[: len(counts)]
    total = counts.sum()
    return np.cumsum(counts) / total if total else np.arange(1, len(counts) + 1) / len(counts)


def _settle_block(
    generation: Generation,
    table: FittedTable,
    start: int,
    stop: int,
    shares: dict[ForeignKey, NDArray[np.float64]],
) -> None:
    absent, must = _wishes(generation, table, start, stop)
    for fk, forced in must.items():
        stuck = forced & ~_can_be_null(generation, table, fk, absent)
        column = choose_null(generation, table, fk.columns) if stuck.any() else None
        if column is not None:
            leave_null(generation, table, column, start + np.flatnonzero(stuck))
            for other in absent:
                if column in other.columns:
                    absent[other] |= stuck
    for link in table.links:
        filled = absent[link.fk] & ~_can_be_null(generation, table, link.fk, absent)
        if filled.any() and generation.heights[link.fk.parent]:
            stream = generation.stream.child(table.name, "filled", *link.fk.columns)
            turns = stream.uniform(stop - start, start=start).to_numpy()[filled]
            groups = np.searchsorted(shares[link.fk], turns, side="right")
            codes = generation.spool.read(table.name, link.name, start, stop)
            codes[filled] = np.minimum(groups, link.matching.group_count - 1)
            generation.spool.write(table.name, link.name, start, codes)


def _wishes(
    generation: Generation, table: FittedTable, start: int, stop: int
) -> tuple[dict[ForeignKey, NDArray[np.bool_]], dict[ForeignKey, NDArray[np.bool_]]]:
    """Tell which rows want no parent by each key, and which can have none."""
    spool = generation.spool
    absent: dict[ForeignKey, NDArray[np.bool_]] = {}
    must: dict[ForeignKey, NDArray[np.bool_]] = {}
    if table.driver is not None:
        fk = table.driver.fk
        absent[fk] = must[fk] = spool.read(table.name, row_name(fk), start, stop) == ABSENT
    for link in table.links:
        codes = spool.read(table.name, link.name, start, stop)
        absent[link.fk] = codes >= link.matching.group_count
        if not generation.heights[link.fk.parent]:
            absent[link.fk] = must[link.fk] = np.ones(stop - start, np.bool_)
    return {fk: rows.copy() for fk, rows in absent.items()}, must


def _can_be_null(
    generation: Generation,
    table: FittedTable,
    fk: ForeignKey,
    absent: dict[ForeignKey, NDArray[np.bool_]],
) -> NDArray[np.bool_]:
    """Tell which rows have a nullable column in a key, all keys of which want no parent."""
    able = np.zeros(len(absent[fk]), np.bool_)
    for column in _nullable(generation, table, fk.columns):
        able |= np.logical_and.reduce([absent[key] for key in absent if column in key.columns])
    return able
