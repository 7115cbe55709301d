"""Give every row of a table its parent by one foreign key, block by block.

Parents lie on a ladder in the spool: their group, their order and their quotas summed up,
13 or 14 bytes a parent row on disk and nothing in memory. A first pass over the children counts
how many want each group, a second one gives them their parents.

A key that shares columns with one decided before is different: only parents with the value
that is already fixed will do. Their values in the shared columns are held for the whole
parent table: about 90 bytes a parent row, and the values themselves.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import polars as pl

from synthohive import kernels
from synthohive.linkage.assignment import assign_within
from synthohive.models.settings import BLOCK_ROWS
from synthohive.parallel import ordered_map
from synthohive.synthesis.features import count_name
from synthohive.synthesis.generation import Generation, blocks, own_codes, row_name
from synthohive.synthesis.keys import key_frame, numbered, parent_frame
from synthohive.synthesis.nulls import choose_null, leave_null, no_parents, without_parent
from synthohive.synthesis.roles import fixed_columns
from synthohive.synthesis.spool import ABSENT

if TYPE_CHECKING:
    from collections.abc import Iterator

    from numpy.typing import NDArray

    from synthohive.linkage.assignment import Ladder
    from synthohive.schema.model import ForeignKey
    from synthohive.synthesis.fitted import FittedLink, FittedTable

GROUP_ROWS = 8 * BLOCK_ROWS
"""Parents whose groups are dealt together. Part of the result."""

SERVE_ROWS = 8 * BLOCK_ROWS
"""Children that get their parents together. Does not change the result."""

WINDOW_ROWS = 64 * BLOCK_ROWS
"""Children of an overlapping key that are looked at together. Part of the result."""


def assign_link(
    generation: Generation, table: FittedTable, link: FittedLink, decided: list[ForeignKey]
) -> Ladder:
    """Find the parents of one foreign key.

    Args:
        generation: The database being generated.
        table: The table of the key.
        link: The key, and how its parents are found.
        decided: Keys of the table whose parents are found already.

    Returns:
        The parents' ladder; it lies in the spool until `drop_ladder`.

    Raises:
        ConfigError: Rows need a parent, and there is none.
    """
    fk = link.fk
    height = generation.heights[table.name]
    _check_parents(generation, table, fk)
    ladder = _make_ladder(generation, table, link)
    sharing = [earlier for earlier in decided if set(earlier.columns) & set(fk.columns)]
    fixed = fixed_columns(table.name, fk, sharing)
    generation.spool.create(table.name, row_name(fk), np.uint32, height)
    for start, stop in blocks(height, WINDOW_ROWS) if fixed else ():
        # so far nobody's key may follow from this one
        generation.spool.write(table.name, row_name(fk), start, np.full(stop - start, ABSENT))
    if not fixed or _serve_within(generation, table, link, ladder, sharing, fixed):
        _serve(generation, table, link, ladder, sharing)
    return ladder


def ladder_names(table: FittedTable, fk: ForeignKey) -> tuple[str, str, str]:
    """Name the spool columns of a key's parents: their groups, order and summed quotas."""
    name = f"{table.name}({', '.join(fk.columns)})"
    return f"#group {name}", f"#ladder {name}", f"#ends {name}"


def drop_ladder(generation: Generation, table: FittedTable, fk: ForeignKey) -> None:
    """Take what `assign_link` returned out of the spool."""
    for name in ladder_names(table, fk):
        generation.spool.drop(fk.parent, name)


def _check_parents(generation: Generation, table: FittedTable, fk: ForeignKey) -> None:
    """Refuse rows that need a parent where there is none."""
    declared = generation.fitted.metadata.tables[table.name]
    needed = [name for name in fk.columns if declared.column(name).is_not_null]
    if needed and generation.heights[table.name] and not generation.heights[fk.parent]:
        raise no_parents(table.name, needed[0], fk.parent)


def _make_ladder(generation: Generation, table: FittedTable, link: FittedLink) -> Ladder:
    """Lay out the parents of a key in the spool."""
    parent = generation.fitted.tables[link.fk.parent]
    height, spool = generation.heights[parent.name], generation.spool
    names = ladder_names(table, link.fk)
    kinds = np.min_scalar_type(link.matching.group_count), np.uint32, np.uint64
    for name, kind in zip(names, kinds, strict=True):
        spool.create(parent.name, name, kind, height)
    stream = generation.stream.child(table.name, "groups", *link.fk.columns)

    def deal(start: int) -> None:
        stop = min(start + GROUP_ROWS, height)
        codes = own_codes(generation, parent, parent.encoder.layout.names, start, stop)
        groups = link.matching.groups(codes, stream, start=start)
        spool.write(parent.name, names[0], start, groups.to_numpy())

    for _ in ordered_map(deal, range(0, height, GROUP_ROWS), threads=generation.threads):
        pass
    return link.matching.ladder(
        spool.view(parent.name, names[0]),
        spool.view(parent.name, count_name((table.name, link.fk))),
        generation.stream.child(table.name, "assign", *link.fk.columns),
        rows=spool.view(parent.name, names[1], is_writable=True),
        ends=spool.view(parent.name, names[2], is_writable=True),
    )


def _serve(
    generation: Generation,
    table: FittedTable,
    link: FittedLink,
    ladder: Ladder,
    sharing: list[ForeignKey],
) -> None:
    """Give the rows that no key decided before restricts a parent of the group they want."""
    spool, name = generation.spool, row_name(link.fk)
    height = generation.heights[table.name]

    def wanted(start: int, stop: int) -> pl.Series:
        codes = pl.Series(spool.read(table.name, link.name, start, stop))
        groups = link.matching.wanted(codes, ladder.sizes)
        if not sharing:
            return groups
        return groups.set(~pl.Series(without_parent(generation, table, sharing, start, stop)), None)

    demand = np.zeros_like(ladder.sizes)
    for start, stop in blocks(height, SERVE_ROWS):
        demand += ladder.demand(wanted(start, stop))

    def work() -> Iterator[tuple[int, pl.Series, NDArray[np.int64]]]:
        before = np.zeros_like(demand)
        for start, stop in blocks(height, SERVE_ROWS):
            groups = wanted(start, stop)
            yield start, groups, before
            before = before + ladder.demand(groups)

    def serve(item: tuple[int, pl.Series, NDArray[np.int64]]) -> None:
        start, groups, before = item
        rows = ladder.serve(groups, demand, before).fill_null(int(ABSENT)).to_numpy()
        if sharing:
            known = spool.read(table.name, name, start, start + len(rows))
            rows = np.where(known != ABSENT, known, rows)
        spool.write(table.name, name, start, rows)

    for _ in ordered_map(serve, work(), threads=generation.threads):
        pass


def _serve_within(
    generation: Generation,
    table: FittedTable,
    link: FittedLink,
    ladder: Ladder,
    sharing: list[ForeignKey],
    fixed: list[str],
) -> bool:
    """Give every row a parent that has the values already fixed; tell if some rows have none.

    Quotas are met as nearly as whole rows allow in tables of one window, in larger ones on
    average. A row for which there is no such parent is left without, and so is every key that
    shares the column which is null then.
    """
    fk, spool = link.fk, generation.spool
    height, is_open = generation.heights[table.name], False
    keys = parent_frame(generation, table, fk, fixed)
    pool = pl.Series(spool.view(fk.parent, ladder_names(table, fk)[0]).astype(np.uint32))
    quotas = pl.Series(ladder.quotas())
    stream = generation.stream.child(table.name, "within", *fk.columns)
    for start, stop in blocks(height, WINDOW_ROWS):
        named = key_frame(generation, table, fixed, _range(start, stop))
        codes = pl.Series(spool.read(table.name, link.name, start, stop))
        wanted = link.matching.child_groups(codes)
        rows = pl.Series([None] * (stop - start), dtype=pl.UInt32)
        for columns, at in _patterns(named):
            here = pl.Series(at)
            some = named[columns].select(pl.when(here).then(pl.all()))
            if len(columns) == len(fk.columns):  # there is at most one
                found, needed = kernels.row_ids(some, keys[columns])[0], here
            else:
                child, parent = numbered(some, keys[columns])
                found = assign_within(
                    child,
                    parent,
                    wanted,
                    pool,
                    quotas,
                    stream if columns == fixed else stream.child(*columns),
                    start=start,
                    is_whole=height <= WINDOW_ROWS,
                )
                needed = here & wanted.is_not_null()
            rows = rows.zip_with(rows.is_not_null(), found)
            _give_up(generation, table, fk, columns, start, needed & found.is_null())
        spool.write(table.name, row_name(fk), start, rows.fill_null(int(ABSENT)).to_numpy())
        is_open = is_open or bool(without_parent(generation, table, sharing, start, stop).any())
    return is_open and bool(sharing)


def _patterns(named: pl.DataFrame) -> Iterator[tuple[list[str], NDArray[np.bool_]]]:
    """Yield each set of columns that have values in the same rows, and those rows."""
    known = np.zeros(named.height, np.int64)
    for place, column in enumerate(named):
        known |= column.is_not_null().to_numpy().astype(np.int64) << place
    for pattern in np.unique(known)[::-1].tolist():
        columns = [name for place, name in enumerate(named.columns) if pattern >> place & 1]
        if columns:
            yield columns, known == pattern


def _give_up(
    generation: Generation,
    table: FittedTable,
    fk: ForeignKey,
    taken: list[str],
    start: int,
    lacks: pl.Series,
) -> None:
    """Leave a column of a key null in rows for which there is no parent."""
    column = choose_null(generation, table, fk.columns, taken) if lacks.any() else None
    if column is not None:
        leave_null(generation, table, column, start + np.flatnonzero(lacks.to_numpy()))


def _range(start: int, stop: int) -> NDArray:
    return np.arange(start, stop, dtype=np.uint32)
