"""Whether there are keys enough for the rows that are asked for, before any is drawn."""

from __future__ import annotations

from math import prod
from typing import TYPE_CHECKING

import polars as pl

from synthohive.encoding.key_fit import fit_key_format
from synthohive.errors import CapacityError
from synthohive.synthesis.roles import KeyRoles, key_roles

if TYPE_CHECKING:
    from collections.abc import Collection, Mapping, Sequence

    from synthohive.encoding.keys import KeyFormat
    from synthohive.planning.plan import Plan, Step
    from synthohive.schema.metadata import Metadata
    from synthohive.schema.model import Table
    from synthohive.synthesis.fitted import Fitted

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
    formats = {name: table.formats for name, table in fitted.tables.items()}
    _check(fitted.metadata, fitted.plan, real, formats, scale=scale, rows=rows, first=first_key)


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
    formats = {
        step.table: _limited_formats(metadata.tables[step.table], step, frames[step.table])
        for step in plan.steps
    }
    _check(metadata, plan, real, formats, scale=scale, rows=rows or {}, first=first_key)


def check_height(
    formats: Mapping[str, KeyFormat], roles: KeyRoles, table: str, last: float, *, is_drawn: bool
) -> None:
    """Refuse a table with more rows than one of its keys has values.

    Args:
        formats: How its key columns are written.
        roles: The part each key column plays.
        table: The table.
        last: Number of the last row's key.
        is_drawn: The number of rows is certain; otherwise it is what is expected.

    Raises:
        CapacityError: A key has too few values.
    """
    for column, keys in formats.items():
        if roles.numbered[column] == "row":
            keys.check(int(last), table=table, is_expected=not is_drawn)


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
        is_listed = limits is not None and limits.accepted_values is not None
        if is_listed or frame.schema[name].base_type() not in (pl.String, pl.Categorical):
            pii = table.column(name).pii
            formats[name] = fit_key_format(frame[name], pii=pii, limits=limits)
    return formats


def _check(
    metadata: Metadata,
    plan: Plan,
    real: Mapping[str, int],
    formats: Mapping[str, Mapping[str, KeyFormat]],
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
        check_height(formats[name], roles, name, count + first - 1, is_drawn=is_drawn)
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
        is_needed = all(table.column(column).is_not_null for column in columns)
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
