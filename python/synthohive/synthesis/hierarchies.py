"""Find the parent of every row of a table that refers to itself.

A self reference may share columns with other keys, or with itself: ``(tenant, boss)`` refers
to ``(tenant, id)``. Rows of one level then have parents among the rows above that agree in
what is shared.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import polars as pl

from synthohive.linkage.forest import forest
from synthohive.linkage.staffing import block_slices
from synthohive.synthesis.fitted import LEVEL
from synthohive.synthesis.generation import Generation, row_name
from synthohive.synthesis.keys import key_frame, numbered, parent_frame
from synthohive.synthesis.roles import fixed_columns
from synthohive.synthesis.spool import ABSENT

if TYPE_CHECKING:
    from numpy.typing import DTypeLike, NDArray

    from synthohive.randomness import Stream
    from synthohive.schema.model import ForeignKey
    from synthohive.synthesis.fitted import FittedHierarchy, FittedTable


def assign_hierarchy(generation: Generation, table: FittedTable, fitted: FittedHierarchy) -> None:
    """Hang every row below a row of the level above.

    In blocks; where columns are shared, the whole table at once.
    """
    spool, column = generation.spool, row_name(fitted.fk)
    spool.create(table.name, column, np.uint32, generation.heights[table.name])
    stream = generation.stream.child(table.name, "hierarchy")
    _hang(generation, table, fitted, stream)
    parents = spool.view(table.name, column, is_writable=True)
    declared = generation.fitted.metadata.tables[table.name].foreign_keys
    others = (other for other in declared if other != fitted.fk)
    shared = fixed_columns(table.name, fitted.fk, others)
    if shared and len(parents):
        agreeing = _numbered_values(generation, table, fitted.fk, shared)
        rows = pl.Series(parents)
        rows = _agreeing(rows.set(rows == int(ABSENT), None), *agreeing, stream.child("agreeing"))
        parents[:] = rows.fill_null(int(ABSENT)).to_numpy()
    for some in block_slices(len(parents)) if fitted.hierarchy.is_self_loop_root else ():
        roots = some.start + np.flatnonzero(parents[some] == ABSENT)
        parents[roots] = roots


def _hang(
    generation: Generation, table: FittedTable, fitted: FittedHierarchy, stream: Stream
) -> None:
    """Find parents by level and codes; what blocks need of each other lies in the spool."""
    spool, height = generation.spool, generation.heights[table.name]
    scratch: list[str] = []

    def new(kind: DTypeLike) -> NDArray:
        scratch.append(f"#hierarchy {len(scratch)}")
        spool.create(table.name, scratch[-1], kind, height)
        return spool.view(table.name, scratch[-1], is_writable=True)

    levels = spool.view(table.name, LEVEL)
    codes = {name: spool.view(table.name, name) for name in table.encoder.layout.names}
    start = 0
    for rows in fitted.hierarchy.assign(levels, codes, stream, new=new):
        spool.write(table.name, row_name(fitted.fk), start, rows)
        start += len(rows)
    for name in scratch:
        spool.drop(table.name, name)


def _numbered_values(
    generation: Generation, table: FittedTable, fk: ForeignKey, shared: list[str]
) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Number what each row has in the shared columns, and what its children need; -1 for null."""
    every = np.arange(generation.heights[table.name], dtype=np.uint32)
    wanted = key_frame(generation, table, shared, every)
    found = numbered(wanted, parent_frame(generation, table, fk, shared))
    wants, offers = (some.cast(pl.Int64).fill_null(-1).to_numpy() for some in found)
    return wants, offers


def _agreeing(
    rows: pl.Series, wants: NDArray[np.int64], offers: NDArray[np.int64], stream: Stream
) -> pl.Series:
    """Replace parents that differ in what is shared by others of the level above.

    Args:
        rows: Parent of each row, null for a root; ``UInt32 (N,)``.
        wants: Number of what a row's parent needs to have; ``(N,)``.
        offers: Number of what each row has as a parent; ``(N,)``.
        stream: Where the random numbers come from.

    Returns:
        Parents of the level above, else of any level above that, else null.
    """
    level = forest(rows).levels.to_numpy().astype(np.int64)
    parents = rows.fill_null(0).to_numpy()
    wrong = np.flatnonzero(rows.is_not_null().to_numpy() & (wants != offers[parents]))
    depth = int(level.max(initial=0)) + 1
    places = offers * depth + level  # negative where there is nothing to share
    order = np.argsort(places, kind="stable")
    ladder = places[order]
    top = wants[wrong] * depth
    first, near, last = (
        np.searchsorted(ladder, top + step)
        for step in (np.zeros_like(wrong), level[wrong] - 1, level[wrong])
    )
    first = np.where(near < last, near, first)
    turns = stream.uniform(len(level)).to_numpy()[wrong]
    at = first + (turns * (last - first)).astype(np.int64)
    found = (wants[wrong] >= 0) & (first < last)
    chosen = parents.astype(np.uint32)
    chosen[wrong[found]] = order[at[found]]
    none = rows.is_null().to_numpy()
    none[wrong[~found]] = True
    return pl.Series(chosen).set(pl.Series(none), None)
