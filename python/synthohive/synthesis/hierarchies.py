"""Find the parent of every row of a table that refers to itself.

A self reference may share columns with other keys, or with itself: ``(tenant, boss)`` refers
to ``(tenant, id)``. Rows of one level then have parents among the rows above that agree in
what is shared.
"""

from __future__ import annotations

from contextlib import contextmanager
from typing import TYPE_CHECKING

import numpy as np
import polars as pl

from synthohive import kernels
from synthohive.linkage.staffing import block_slices
from synthohive.synthesis.agreeing import Shared, count_levels, make_agree
from synthohive.synthesis.fitted import LEVEL
from synthohive.synthesis.generation import Generation, blocks, row_name
from synthohive.synthesis.keys import key_frame, key_values
from synthohive.synthesis.roles import fixed_columns
from synthohive.synthesis.spool import ABSENT

if TYPE_CHECKING:
    from collections.abc import Generator

    from numpy.typing import DTypeLike, NDArray

    from synthohive.linkage.staffing import NewArray
    from synthohive.randomness import Stream
    from synthohive.schema.model import ForeignKey
    from synthohive.synthesis.fitted import FittedHierarchy, FittedTable

NUMBER_ROWS = 1 << 17
"""Rows whose shared values are numbered together. Does not change the result."""


def assign_hierarchy(generation: Generation, table: FittedTable, fitted: FittedHierarchy) -> None:
    """Hang every row below a row of the level above, in blocks."""
    spool, column = generation.spool, row_name(fitted.fk)
    spool.create(table.name, column, np.uint32, generation.heights[table.name])
    stream = generation.stream.child(table.name, "hierarchy")
    _hang(generation, table, fitted, stream)
    parents = spool.view(table.name, column, is_writable=True)
    declared = generation.fitted.metadata.tables[table.name].foreign_keys
    others = (other for other in declared if other != fitted.fk)
    shared = fixed_columns(table.name, fitted.fk, others)
    if shared and len(parents):
        with _scratch(generation, table) as new:
            found = _shared(generation, table, fitted.fk, shared, new)
            count_levels(parents, found.levels)
            make_agree(parents, found, stream.child("agreeing"))
    for some in block_slices(len(parents)) if fitted.hierarchy.is_self_loop_root else ():
        roots = some.start + np.flatnonzero(parents[some] == ABSENT)
        parents[roots] = roots


@contextmanager
def _scratch(generation: Generation, table: FittedTable) -> Generator[NewArray]:
    """Make arrays as long as the table that lie in the spool for a while."""
    spool, height = generation.spool, generation.heights[table.name]
    names: list[str] = []

    def new(kind: DTypeLike) -> NDArray:
        names.append(f"#hierarchy {len(names)}")
        spool.create(table.name, names[-1], kind, height)
        return spool.view(table.name, names[-1], is_writable=True)

    yield new
    for name in names:
        spool.drop(table.name, name)


def _hang(
    generation: Generation, table: FittedTable, fitted: FittedHierarchy, stream: Stream
) -> None:
    """Find parents by level and codes; what blocks need of each other lies in the spool."""
    spool = generation.spool
    levels = spool.view(table.name, LEVEL)
    codes = {name: spool.view(table.name, name) for name in table.encoder.layout.names}
    start = 0
    with _scratch(generation, table) as new:
        for rows in fitted.hierarchy.assign(levels, codes, stream, new=new):
            spool.write(table.name, row_name(fitted.fk), start, rows)
            start += len(rows)


def _shared(
    generation: Generation, table: FittedTable, fk: ForeignKey, columns: list[str], new: NewArray
) -> Shared:
    """Number what rows and their parents share; the different values are in memory."""
    wants, offers, height = new(np.uint32), new(np.uint32), generation.heights[table.name]
    sources = [fk.parent_columns[fk.columns.index(column)] for column in columns]

    def offered(rows: NDArray[np.uint32]) -> pl.DataFrame:
        values = [key_values(generation, table, source, rows) for source in sources]
        pairs = zip(columns, values, strict=True)
        return pl.DataFrame([own.cast(table.schema[name]).alias(name) for name, own in pairs])

    distinct = offered(np.arange(0, dtype=np.uint32))
    for start, stop in blocks(height, NUMBER_ROWS):
        some = offered(np.arange(start, stop, dtype=np.uint32)).unique()
        distinct = pl.concat([distinct, some]).unique(maintain_order=True)
    for start, stop in blocks(height, NUMBER_ROWS):
        rows = np.arange(start, stop, dtype=np.uint32)
        wanted = key_frame(generation, table, columns, rows)
        for numbers, values in ((wants, wanted), (offers, offered(rows))):
            found = kernels.row_ids(values, distinct)[0]
            numbers[start:stop] = found.fill_null(int(ABSENT)).to_numpy()
    return Shared(wants=wants, offers=offers, levels=new(np.uint8), numbers=distinct.height)
