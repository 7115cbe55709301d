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
from synthohive.errors import ConfigError
from synthohive.linkage.assignment import assign_within
from synthohive.models.settings import BLOCK_ROWS
from synthohive.parallel import ordered_map
from synthohive.synthesis.features import count_name
from synthohive.synthesis.generation import Generation, own_codes, row_name
from synthohive.synthesis.keys import key_frame
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
    fixed = fixed_columns(fk, decided)
    generation.spool.create(table.name, row_name(fk), np.uint32, height)
    for start, stop in _blocks(height, WINDOW_ROWS) if fixed else ():
        # so far nobody's key may follow from this one
        generation.spool.write(table.name, row_name(fk), start, np.full(stop - start, ABSENT))
    if fixed and len(fixed) < len(fk.columns):
        _serve_within(generation, table, link, ladder, fixed)
        return ladder
    if fixed:
        _follow(generation, table, fk)
    _serve(generation, table, link, ladder, is_open=not fixed)
    return ladder


def ladder_names(table: FittedTable, fk: ForeignKey) -> tuple[str, str, str]:
    """Name the spool columns of a key's parents: their groups, order and summed quotas."""
    name = f"{table.name}({', '.join(fk.columns)})"
    return f"#group {name}", f"#ladder {name}", f"#ends {name}"


def drop_ladder(generation: Generation, table: FittedTable, fk: ForeignKey) -> None:
    """Take what `assign_link` returned out of the spool."""
    for name in ladder_names(table, fk):
        generation.spool.drop(fk.parent, name)


def fixed_columns(fk: ForeignKey, decided: list[ForeignKey]) -> list[str]:
    """List the columns of a key that keys decided before already fix."""
    taken = {column for earlier in decided for column in earlier.columns}
    return [column for column in fk.columns if column in taken]


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


def _blocks(height: int, rows: int) -> Iterator[tuple[int, int]]:
    for start in range(0, height, rows):
        yield start, min(start + rows, height)


def _follow(generation: Generation, table: FittedTable, fk: ForeignKey) -> None:
    """Find the parents that what was decided before names."""
    keys = _parent_keys(generation, fk, list(fk.columns))
    for start, stop in _blocks(generation.heights[table.name], WINDOW_ROWS):
        named = key_frame(generation, table, fk.columns, _range(start, stop))
        rows = kernels.row_ids(named, keys)[0].fill_null(int(ABSENT))
        generation.spool.write(table.name, row_name(fk), start, rows.to_numpy())


def _serve(
    generation: Generation, table: FittedTable, link: FittedLink, ladder: Ladder, *, is_open: bool
) -> None:
    """Give the rows that have no parent yet one of the group they want."""
    spool, name = generation.spool, row_name(link.fk)
    height = generation.heights[table.name]

    def wanted(start: int, stop: int) -> pl.Series:
        codes = pl.Series(spool.read(table.name, link.name, start, stop))
        groups = link.matching.wanted(codes, ladder.sizes)
        if is_open:
            return groups
        return groups.set(pl.Series(spool.read(table.name, name, start, stop)) != int(ABSENT), None)

    demand = np.zeros_like(ladder.sizes)
    for start, stop in _blocks(height, SERVE_ROWS):
        demand += ladder.demand(wanted(start, stop))

    def work() -> Iterator[tuple[int, pl.Series, NDArray[np.int64]]]:
        before = np.zeros_like(demand)
        for start, stop in _blocks(height, SERVE_ROWS):
            groups = wanted(start, stop)
            yield start, groups, before
            before = before + ladder.demand(groups)

    def serve(item: tuple[int, pl.Series, NDArray[np.int64]]) -> None:
        start, groups, before = item
        rows = ladder.serve(groups, demand, before).fill_null(int(ABSENT)).to_numpy()
        if not is_open:
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
    fixed: list[str],
) -> None:
    """Give every row a parent that has the value already fixed.

    Quotas are met as nearly as whole rows allow in tables of one window, in larger ones on
    average.
    """
    fk, spool = link.fk, generation.spool
    height = generation.heights[table.name]
    keys = _parent_keys(generation, fk, fixed)
    pool = pl.Series(spool.view(fk.parent, ladder_names(table, fk)[0]).astype(np.uint32))
    quotas = pl.Series(ladder.quotas())
    stream = generation.stream.child(table.name, "within", *fk.columns)
    for start, stop in _blocks(height, WINDOW_ROWS):
        child, parent = _numbered(key_frame(generation, table, fixed, _range(start, stop)), keys)
        wanted = link.matching.child_groups(
            pl.Series(spool.read(table.name, link.name, start, stop))
        )
        rows = assign_within(
            child,
            parent,
            wanted,
            pool,
            quotas,
            stream,
            start=start,
            is_whole=height <= WINDOW_ROWS,
        )
        spool.write(table.name, row_name(fk), start, rows.fill_null(int(ABSENT)).to_numpy())


def _parent_keys(generation: Generation, fk: ForeignKey, columns: list[str]) -> pl.DataFrame:
    """Compute the parent's side of some of a foreign key's columns, for all its rows."""
    parent = generation.fitted.tables[fk.parent]
    names = [fk.parent_columns[fk.columns.index(column)] for column in columns]
    return key_frame(generation, parent, names, _range(0, generation.heights[fk.parent]))


def _numbered(child: pl.DataFrame, parent: pl.DataFrame) -> tuple[pl.Series, pl.Series]:
    """Number the parent's values, and the child's by the same numbers."""
    distinct = parent.unique(maintain_order=True)
    return kernels.row_ids(child, distinct)[0], kernels.row_ids(parent, distinct)[0]


def _range(start: int, stop: int) -> NDArray:
    return np.arange(start, stop, dtype=np.uint32)
