"""What can be wrong with the rows: missing parents, repeated or missing keys."""

from __future__ import annotations

from typing import TYPE_CHECKING

from synthohive.schema.orphans import find_orphans, nullable_columns, policy_of
from synthohive.schema.references import format_reference

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    import polars as pl

    from synthohive.schema.model import ForeignKey, Table

_SAMPLES = 5


def data_problems(tables: Mapping[str, Table], frames: Mapping[str, pl.DataFrame]) -> Iterator[str]:
    """Report broken keys in the rows of structurally sound tables.

    Every declared key must be free of repetition, every primary key of nulls, every foreign
    key of orphans that no policy takes care of.
    """
    for table in tables.values():
        frame = frames[table.name]
        yield from _fraction_problems(table, frame)
        yield from _null_problems(table, frame)
        for key, reason in _keys_of(table, tables).items():
            yield from _duplicate_problems(table, key, reason, frame)
    for table in tables.values():
        for fk in table.foreign_keys:
            yield from _orphan_problems(table, fk, frames)


def _keys_of(table: Table, tables: Mapping[str, Table]) -> dict[tuple[str, ...], str]:
    """Name every set of columns that must be unique, with the reason for it."""
    keys: dict[tuple[str, ...], str] = {}
    if table.primary_key:
        keys[table.primary_key] = "the primary key"
    for key in table.unique_keys:
        keys.setdefault(key, "declared unique")
    seen = {frozenset(key) for key in keys}
    for child in tables.values():
        for fk in child.foreign_keys:
            if fk.parent == table.name and frozenset(fk.parent_columns) not in seen:
                seen.add(frozenset(fk.parent_columns))
                keys[fk.parent_columns] = (
                    f"what {format_reference(child.name, fk.columns)} refers to"
                )
    return keys


def _fraction_problems(table: Table, frame: pl.DataFrame) -> Iterator[str]:
    for name in sorted(table.key_columns):
        values = frame[name].alias("")
        if not values.dtype.is_float():
            continue
        broken = (values != values.floor()) | values.is_nan() | values.is_infinite()
        count = int(broken.sum())
        if count:
            samples = _samples(table, (name,), frame.filter(broken))
            yield (
                f"{format_reference(table.name, [name])} is a key, but {count} of its values"
                f" are no whole numbers{samples}; cast the column to an integer or to text"
            )


def _null_problems(table: Table, frame: pl.DataFrame) -> Iterator[str]:
    for name in table.primary_key:
        count = frame[name].null_count()
        if count:
            yield (
                f"{format_reference(table.name, [name])} is in the primary key, but"
                f" {count} of {frame.height} rows are null;"
                " fill in the values, or declare another key"
            )


def _duplicate_problems(
    table: Table, key: tuple[str, ...], reason: str, frame: pl.DataFrame
) -> Iterator[str]:
    from synthohive import kernels  # noqa: PLC0415  # the extension is loaded when needed

    values = frame[list(key)].drop_nulls()
    check = kernels.check_unique(values)
    if not check.duplicates:
        return
    samples = _samples(table, key, values[list(check.duplicate_rows)])
    where = format_reference(table.name, key)
    advice = (
        "remove the repeated rows, or refer to a key of the table"
        if reason.startswith("what ")
        else "remove the repeated rows, or declare another key"
    )
    yield f"{where} is {reason}, but {check.duplicates} rows repeat a value{samples}; {advice}"


def _orphan_problems(
    table: Table, fk: ForeignKey, frames: Mapping[str, pl.DataFrame]
) -> Iterator[str]:
    policy = policy_of(table, fk)
    if policy == "drop" or (policy == "null" and nullable_columns(table, fk)):
        return
    orphan = find_orphans(table, fk, frames)
    if orphan is None:
        return
    frame = frames[table.name]
    samples = _samples(table, fk.columns, frame.filter(orphan))
    leave = f"set on_orphans of {table.name} to drop, which leaves such rows out"
    advice = f"repair the rows, or {leave}"
    if policy == "null":
        advice = f"the key can't be null: {advice}"
    elif nullable_columns(table, fk):
        advice += ", or to null, which keeps them without a parent"
    yield (
        f"{format_reference(table.name, fk.columns)}: {int(orphan.sum())} of {frame.height} rows"
        f" have no parent in {format_reference(fk.parent, fk.parent_columns)}{samples}; {advice}"
    )


def _samples(table: Table, columns: Sequence[str], rows: pl.DataFrame) -> str:
    if any(table.column(name).pii for name in columns):
        return " (personal values, not shown)"
    distinct = rows[list(columns)].unique(maintain_order=True).head(_SAMPLES).rows()
    shown = [repr(row[0] if len(columns) == 1 else row) for row in distinct]
    return f", such as {', '.join(shown)}"
