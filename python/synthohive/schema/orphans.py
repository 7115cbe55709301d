"""Rows whose parent is missing, and what to do about them."""

from __future__ import annotations

from typing import TYPE_CHECKING

from synthohive.errors import IntegrityError
from synthohive.schema.drivers import deferred_keys
from synthohive.schema.order import ordered_levels
from synthohive.schema.references import format_reference

if TYPE_CHECKING:
    from collections.abc import Mapping

    import polars as pl

    from synthohive.schema.metadata import Metadata
    from synthohive.schema.model import ForeignKey, OrphanPolicy, Table


def policy_of(table: Table, fk: ForeignKey) -> OrphanPolicy:
    """Return what becomes of orphans of a key.

    A partial key (declared for some of the rows only) has orphans by design: they count as
    rows without a parent, unless the table says otherwise.
    """
    return "null" if fk.is_partial and table.on_orphans == "error" else table.on_orphans


def nullable_columns(table: Table, fk: ForeignKey) -> tuple[str, ...]:
    """Return the columns of a key that can be set to null without harming another key."""
    others = {name for key in table.foreign_keys if key != fk for name in key.columns}
    return tuple(
        name for name in fk.columns if not table.column(name).is_not_null and name not in others
    )


def find_orphans(
    table: Table, fk: ForeignKey, tables: Mapping[str, pl.DataFrame]
) -> pl.Series | None:
    """Mark the rows whose parent is missing; `None` if there are none."""
    from synthohive import kernels  # noqa: PLC0415  # the extension is loaded when needed

    child = tables[table.name][list(fk.columns)]
    parent = tables[fk.parent][list(fk.parent_columns)]
    if not kernels.check_foreign_key(child, parent).orphans:
        return None
    return kernels.row_ids(child, parent)[1]


def apply_orphan_policy(
    metadata: Metadata, tables: Mapping[str, pl.DataFrame]
) -> tuple[dict[str, pl.DataFrame], list[str]]:
    """Drop orphans or set their keys to null, as each table's ``on_orphans`` says.

    Rows that lose their parent because it was itself an orphan are dropped as well.

    Args:
        metadata: The tables; all must be in `tables`.
        tables: The real rows.

    Returns:
        The tables without orphans (the same frames where nothing changed), and a notice for
        each foreign key that had some.

    Raises:
        IntegrityError: A table has orphans and its policy is ``error``, or a key can't be
            null.
        CyclicSchemaError: The foreign keys form a cycle that can't be broken.
    """
    result = dict(tables)
    affected: dict[tuple[str, ForeignKey], int] = {}
    levels = ordered_levels(metadata.tables, deferred_keys(metadata.tables))
    order = [metadata.tables[name] for level in levels for name in level]
    keys = [(table, fk) for table in order for fk in table.foreign_keys]
    is_done = False
    while not is_done:
        is_done = True
        for table, fk in keys:
            orphan = find_orphans(table, fk, result)
            if orphan is None:
                continue
            is_done = False
            is_caused_by_drop = bool(affected) and find_orphans(table, fk, tables) is None
            result[table.name] = _without(
                table, fk, result[table.name], orphan, is_caused_by_drop=is_caused_by_drop
            )
            affected[table.name, fk] = affected.get((table.name, fk), 0) + int(orphan.sum())
    return result, [
        _notice(metadata.tables[name], fk, count, tables[name].height)
        for (name, fk), count in affected.items()
    ]


def _without(
    table: Table, fk: ForeignKey, frame: pl.DataFrame, orphan: pl.Series, *, is_caused_by_drop: bool
) -> pl.DataFrame:
    policy = policy_of(table, fk)
    if policy == "drop" or (policy == "error" and is_caused_by_drop):
        return frame.filter(~orphan)
    columns = nullable_columns(table, fk) if policy == "null" else ()
    if not columns:
        raise IntegrityError(
            f"{format_reference(table.name, fk.columns)}: {int(orphan.sum())} of {frame.height}"
            f" rows have no parent in {fk.parent}",
            table=table.name,
            column=fk.columns[0],
            hint="repair the rows, or set on_orphans to drop or null",
        )
    unnamed = {name: frame[name].alias("") for name in columns}  # a name may look like a pattern
    return frame.with_columns(
        series.set(orphan, None).alias(name) for name, series in unnamed.items()
    )


def _notice(table: Table, fk: ForeignKey, count: int, rows: int) -> str:
    done = "left without a parent" if policy_of(table, fk) == "null" else "dropped"
    return (
        f"{format_reference(table.name, fk.columns)}: {count} of {rows} rows have no parent"
        f" in {fk.parent} and were {done}"
    )
