"""What generation passes from stage to stage: the request, and the rows drawn so far."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import numpy as np
import polars as pl

from synthohive.events import OnEvent, ignore
from synthohive.synthesis.spool import ABSENT, Spool

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from numpy.typing import NDArray

    from synthohive.randomness import Stream
    from synthohive.schema.model import ForeignKey
    from synthohive.synthesis.fitted import Fitted, FittedTable

OFFSETS = "#offsets"
SIBLING = "#sibling"


@dataclass(frozen=True, slots=True, kw_only=True)
class Generation:
    """A database being generated.

    Attributes:
        fitted: What was learned.
        spool: Codes and positions of the rows drawn so far.
        stream: Where randomness comes from.
        scale: Rows wanted, as a multiple of the real ones.
        rows: Rows wanted of root tables, by table.
        given: Values the rows of root tables must have, by table.
        threads: Worker threads.
        heights: Rows of every table drawn so far.
        first_key: Number of the first generated key.
        values: Columns decoded as a whole because rows all over a table are wanted of
            them, by table and column.
        on_event: Receives progress.
    """

    fitted: Fitted
    spool: Spool
    stream: Stream
    scale: float
    rows: Mapping[str, int]
    given: Mapping[str, pl.DataFrame]
    threads: int
    heights: dict[str, int]
    first_key: int = 1
    values: dict[tuple[str, str], pl.Series] = field(default_factory=dict)
    on_event: OnEvent = ignore


def blocks(height: int, rows: int) -> Iterator[tuple[int, int]]:
    """Yield first and last row, the latter excluded, of blocks of so many rows."""
    for start in range(0, height, rows):
        yield start, min(start + rows, height)


def row_name(fk: ForeignKey) -> str:
    """Name the spool column of parent positions of a foreign key."""
    return f"#row {', '.join(fk.columns)}"


def bare_name(column: str) -> str:
    """Name the spool column of the parents that fill a column whose keys are all empty."""
    return f"#bare {column}"


def own_codes(
    generation: Generation, table: FittedTable, names: Sequence[str], start: int, stop: int
) -> pl.DataFrame:
    """Read a table's own codes for a range of rows."""
    if not names:
        return pl.DataFrame(height=stop - start)
    return pl.DataFrame(
        {name: generation.spool.read(table.name, name, start, stop) for name in names}
    )


def climb(
    generation: Generation, table: FittedTable, rows: dict[int, NDArray], steps: int
) -> NDArray:
    """Return the rows of the ancestor some drivers up, remembering the ones on the way.

    Args:
        generation: The database being generated.
        table: The table climbed from.
        rows: Rows known so far, by drivers up; `ABSENT` where there is none.
        steps: Drivers up.
    """
    if steps not in rows:
        below = climb(generation, table, rows, steps - 1)
        ancestor = ancestor_of(generation, table, steps - 1)
        above = np.full(len(below), ABSENT)
        present = below != ABSENT
        if ancestor.driver is not None:
            name = row_name(ancestor.driver.fk)
            above[present] = generation.spool.take(ancestor.name, name, below[present])
        rows[steps] = above
    return rows[steps]


def ancestor_of(generation: Generation, table: FittedTable, steps: int) -> FittedTable:
    """Return the table some drivers up."""
    for _ in range(steps):
        if table.driver is None:
            msg = f"{table.name} has no driver"
            raise AssertionError(msg)
        table = generation.fitted.tables[table.driver.fk.parent]
    return table
