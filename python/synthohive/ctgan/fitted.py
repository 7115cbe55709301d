"""What a fitted `CTGAN` holds."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from synthohive.encoding.key_fit import fit_key_format

if TYPE_CHECKING:
    import polars as pl

    from synthohive.encoding.keys import KeyFormat
    from synthohive.encoding.table import TableEncoder
    from synthohive.models.generator import Generator
    from synthohive.randomness import Stream
    from synthohive.schema.model import Table


@dataclass(frozen=True, slots=True, kw_only=True)
class FittedTable:
    """What `CTGAN.fit` learned."""

    table: Table
    schema: dict[str, pl.DataType]
    encoder: TableEncoder
    context_encoder: TableEncoder | None
    keys: dict[str, KeyFormat]
    generator: Generator


def keys_of(table: Table) -> set[str]:
    """Return the columns that are not learned: a single primary key, and foreign keys."""
    foreign = {column for key in table.foreign_keys for column in key.columns}
    return foreign | (set(table.primary_key) if len(table.primary_key) == 1 else set())


def fit_keys(frame: pl.DataFrame, table: Table, stream: Stream) -> dict[str, KeyFormat]:
    """Learn the format of the primary key, unless it is a foreign key too."""
    if len(table.primary_key) != 1 or table.primary_key[0] not in frame.columns:
        return {}
    name = table.primary_key[0]
    if any(name in key.columns for key in table.foreign_keys):
        return {}
    column = table.column(name)
    return {
        name: fit_key_format(
            frame[name], pii=column.pii, limits=column.constraint, stream=stream.child("key")
        )
    }
