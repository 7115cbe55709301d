"""Whether there are keys enough for the rows that are asked for, before any is drawn."""

from __future__ import annotations

from math import prod
from typing import TYPE_CHECKING

import polars as pl

from synthohive.encoding.key_fit import fit_key_format
from synthohive.errors import CapacityError
from synthohive.schema.drivers import is_required
from synthohive.synthesis.roles import KeyRoles, key_roles

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable, Mapping, Sequence

    from synthohive.encoding.keys import KeyFormat
    from synthohive.planning.plan import Plan, Step
    from synthohive.schema.metadata import Metadata
    from synthohive.schema.model import Table
    from synthohive.synthesis.fitted import Fitted

    Keys = tuple[Mapping[str, KeyFormat], Mapping[str, float]]

MOST_ROWS = 2**32 - 2
"""Rows of a table are numbered by 32 bits."""


def check_capacity(
    fitted: Fitted, *, scale: float, rows: Mapping[str, int], first_key: int = 1
) -> None:
    """Refuse more rows than there are keys for.

    Args:
        fitted: What was learned.
        scale: Rows wanted, as a multiple of the real ones.
        rows: Rows wanted of root tables, by table.
        first_key: Number of the first key.

    Raises:
        CapacityError: A table would have more rows than one of its keys has values, or more
            than can be numbered.
    """
    real = {name: table.rows for name, table in fitted.tables.items()}
    keys = {name: (table.formats, table.null_shares) for name, table in fitted.tables.items()}
    _check(fitted.metadata, fitted.plan, real, keys, scale=scale, rows=rows, first=first_key)


def check_data_capacity(
    metadata: Metadata,
    plan: Plan,
    frames: Mapping[str, pl.DataFrame],
    *,
    scale: float = 1.0,
    rows: Mapping[str, int] | None = None,
    first_key: int = 1,
) -> None:
    """Refuse more rows than there are keys for, before anything is learned.

    Args:
        metadata: The schema.
        plan: Its generation plan.
        frames: The real tables.
        scale: Rows wanted, as a multiple of the real ones.
        rows: Rows wanted of root tables, by table.
        first_key: Number of the first key.

    Raises:
        CapacityError: As in `check_capacity`.
    """
    real = {name: frame.height for name, frame in frames.items()}
    keys: dict[str, Keys] = {}
    for step in plan.steps:
        frame = frames[step.table]
        formats = {}
        if not step.is_kept:
            formats = _limited_formats(metadata.tables[step.table], step, frame)
        keys[step.table] = formats, null_shares(metadata, step.table, formats, frame)
    _check(metadata, plan, real, keys, scale=scale, rows=rows or {}, first=first_key)


def null_shares(
    metadata: Metadata, table: str, columns: Iterable[str], frame: pl.DataFrame
) -> dict[str, float]:
    """Return the share of nulls in those numbered key columns that may be null.

    Args:
        metadata: The schema.
        table: The table.
        columns: Its numbered key columns.
        frame: Its real rows.

    Returns:
        Shares by column; columns that are not null or that others refer to have none.
    """
    declared = metadata.tables[table]
    every = (fk for other in metadata.tables.values() for fk in other.foreign_keys)
    referenced = {fk.parent_columns for fk in every if fk.parent == table}
    return {
        column: frame[column].null_count() / max(1, frame.height)
        for column in columns
        if not declared.column(column).is_not_null and (column,) not in referenced
    }


def keyed_rows(rows: float, share: float) -> int:
    """Return how many of some rows have a key, if a share of them is null.

    Examples:
        >>> keyed_rows(20, 0.5), keyed_rows(20, 0.0)
        (10, 20)
    """
    return round(rows * (1 - share)) if share else int(rows)


def check_height(
    keys: Keys, roles: KeyRoles, table: str, rows: float, *, first: int, is_drawn: bool
) -> None:
    """Refuse a table with more rows than one of its keys has values; nulls need none.

    Args:
        keys: How its key columns are written, and their shares of nulls.
        roles: The part each key column plays.
        table: The table.
        rows: Number of its rows.
        first: Number of the first row's key.
        is_drawn: The number of rows is certain; otherwise it is what is expected.

    Raises:
        CapacityError: A key has too few values.
    """
    formats, shares = keys
    for column, key in formats.items():
        if roles.numbered[column] == "row":
            last = keyed_rows(rows, shares.get(column, 0.0)) + first - 1
            key.check(last, table=table, is_expected=not is_drawn)


def too_few_parents(
    table: str, columns: Sequence[str], parents: Collection[str], *, wanted: str, room: str
) -> CapacityError:
    """Say that rows need more combinations of parents than there are.

    Args:
        table: The table.
        columns: Columns of the key that would repeat.
        parents: Tables of which more rows would help.
        wanted: The rows, in words.
        room: How many combinations there are, in words.
    """
    return CapacityError(
        f"{table}.({', '.join(columns)}): {wanted} need a key of their own, and {room} are"
        " possible",
        table=table,
        column=columns[0],
        hint=f"generate fewer rows of {table}, or more of {' and '.join(sorted(parents))}",
    )


def _limited_formats(table: Table, step: Step, frame: pl.DataFrame) -> dict[str, KeyFormat]:
    """Return the formats of key columns that may have few values: texts get longer instead."""
    formats: dict[str, KeyFormat] = {}
    for name in key_roles(table, step).numbered:
        limits = table.column(name).constraint
        is_limited = limits is not None and (
            limits.accepted_values is not None
            or limits.minimum is not None
            or limits.maximum is not None
        )
        if is_limited or frame.schema[name].base_type() not in (pl.String, pl.Categorical):
            pii = table.column(name).pii
            formats[name] = fit_key_format(frame[name], pii=pii, limits=limits, table=table.name)
    return formats


def _check(
    metadata: Metadata,
    plan: Plan,
    real: Mapping[str, int],
    keys: Mapping[str, Keys],
    *,
    scale: float,
    rows: Mapping[str, int],
    first: int,
) -> None:
    expected = _expected_rows(metadata, plan, real, scale, rows)
    for step in plan.steps:
        name, count = step.table, expected[step.table]
        if count > MOST_ROWS:
            base = metadata.tables[name].rows or real[name]
            raise CapacityError(
                f"{name} would have {count:.3g} rows, and {MOST_ROWS:,} is the most",
                table=name,
                hint=f"ask for fewer rows; the scale is {scale:g}, and its base {base:,} rows",
            )
        if step.is_kept or not count > 0:
            continue
        roles = key_roles(metadata.tables[name], step)
        is_drawn = step.driver is None
        check_height(keys[name], roles, name, count, first=first, is_drawn=is_drawn)
        _check_parents(metadata.tables[name], step, roles, expected)


def _expected_rows(
    metadata: Metadata, plan: Plan, real: Mapping[str, int], scale: float, rows: Mapping[str, int]
) -> dict[str, float]:
    """Expect as many rows of each table as there are real ones, per row of its driver."""
    expected: dict[str, float] = {}
    kept = {step.table for step in plan.steps if step.is_kept}
    for step in plan.steps:
        name, driver = step.table, step.driver
        declared = metadata.tables[name].rows
        base = real[name] if driver is not None or declared is None else declared
        count = base * scale
        if step.is_kept:
            count = real[name]
        elif name in rows:
            count = rows[name]
        elif driver is not None and driver.parent not in kept and real[driver.parent]:
            count = base * (expected[driver.parent] / real[driver.parent])
        if driver is not None and driver in key_roles(metadata.tables[name], step).one_to_one:
            count = min(count, expected[driver.parent])
        expected[name] = count
    return expected


def _check_parents(
    table: Table, step: Step, roles: KeyRoles, expected: Mapping[str, float]
) -> None:
    """Refuse more rows than there are combinations of parents, where rows do not follow them."""
    for keys in roles.combinations:
        columns = list(dict.fromkeys(column for fk in keys for column in fk.columns))
        is_needed = all(is_required(table, fk) for fk in keys)
        if step.driver in keys or not is_needed:
            continue
        wanted, room = expected[table.name], prod(expected[fk.parent] for fk in keys)
        if int(wanted) > room:
            raise too_few_parents(
                table.name,
                columns,
                {fk.parent for fk in keys},
                wanted=f"about {int(wanted):,} rows",
                room=f"about {int(room):,}",
            )
