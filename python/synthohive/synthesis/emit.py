"""Second half of generation, last step: codes and positions become rows, block by block."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import polars as pl

from synthohive.encoding.constraints import apply_constraints
from synthohive.models.settings import BLOCK_ROWS
from synthohive.parallel import ordered_map
from synthohive.synthesis.attributes import attribute_frame, hold_copied, release_copied
from synthohive.synthesis.keys import is_scarce, key_frame
from synthohive.synthesis.memory import tidied

if TYPE_CHECKING:
    from collections.abc import Iterator

    from synthohive.synthesis.fitted import FittedTable
    from synthohive.synthesis.generation import Generation

EMIT_ROWS = 2 * BLOCK_ROWS
"""Rows decoded together, twice as many blocks as threads at once: these rows are what takes
memory at any scale. Does not change the result."""


def emit(generation: Generation, table: FittedTable) -> Iterator[pl.DataFrame]:
    """Yield a table's rows in order, at least one frame, with the real table's schema."""
    height = generation.heights[table.name]
    if table.kept is not None or not height:
        yield table.kept if table.kept is not None else pl.DataFrame(schema=table.schema)
        return
    hold_copied(generation, table)
    blocks = ordered_map(
        lambda start: _block(generation, table, start, min(start + EMIT_ROWS, height)),
        range(0, height, EMIT_ROWS),
        threads=generation.threads,
    )
    yield from tidied(blocks)
    release_copied(generation)


def _block(generation: Generation, table: FittedTable, start: int, stop: int) -> pl.DataFrame:
    declared = generation.fitted.metadata.tables[table.name]
    parts = [
        attribute_frame(generation, table, start, stop),
        _keys(generation, table, start, stop),
    ]
    columns = {column.name: column for part in parts for column in part}
    frame = pl.DataFrame([columns[name] for name in table.schema])
    return apply_constraints(frame, declared.columns, table=table.name, foreign=table.roles.foreign)


def _keys(generation: Generation, table: FittedTable, start: int, stop: int) -> pl.DataFrame:
    rows = np.arange(start, stop, dtype=np.uint32)
    names = [name for name in table.schema if name in table.roles.columns]
    frame = key_frame(generation, table, names, rows)
    for name, share in table.null_shares.items():
        if share and not is_scarce(generation, table, name):
            draws = generation.stream.child(table.name, "null", name).uniform(
                stop - start, start=start
            )
            frame = frame.with_columns(frame[name].alias("").set(draws < share, None).alias(name))
    return frame
