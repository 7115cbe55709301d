"""Requests that can be refused before anything is drawn."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, cast

import polars as pl

from synthohive.errors import ConfigError, did_you_mean
from synthohive.planning.plan import root_above
from synthohive.synthesis.capacity import check_capacity

if TYPE_CHECKING:
    from collections.abc import Iterator

    from synthohive.planning.plan import Plan, Step
    from synthohive.synthesis.fitted import Fitted


MOST_SEED = 2**64 - 1


def frames_of(tables: object) -> dict[str, pl.DataFrame]:
    """Take the data of all tables as frames.

    Raises:
        ConfigError: What was given is no mapping, or something in it is no table.
    """
    if not isinstance(tables, Mapping):
        raise ConfigError(
            f"the data must be given by table, not as {type(tables).__name__}",
            hint='write {"users": users, "orders": orders}',
        )
    given = cast("Mapping[str, object]", tables)
    return {name: _frame(name, table) for name, table in given.items()}


def _frame(name: str, table: Any) -> pl.DataFrame:
    try:
        return pl.DataFrame(table)
    except (TypeError, ValueError) as error:
        raise ConfigError(
            f"the data of table {name!r} are no table but {type(table).__name__}",
            table=name,
            hint="give a Polars frame, or anything that exports an Arrow stream",
        ) from error


def check_seed(seed: object) -> None:
    """Refuse what is no seed.

    Raises:
        ConfigError: It is no whole number from 0 on, or too large a one.
    """
    if not isinstance(seed, int) or not 0 <= seed <= MOST_SEED:
        raise ConfigError(f"seed must be a whole number from 0 to 2**64 - 1, not {seed!r}")


def check_request(
    fitted: Fitted,
    scale: float,
    rows: Mapping[str, int],
    given: Mapping[str, pl.DataFrame],
    first_key: int = 1,
) -> None:
    """Refuse what cannot be generated before anything is drawn.

    Raises:
        ConfigError: A table or column is unknown, or its rows follow from a driver.
        CapacityError: A table would have more rows than its keys have values, or than can
            be numbered.
    """
    if not scale > 0:
        raise ConfigError(f"scale must be greater than 0, not {scale}")
    for argument, names in (("rows", rows), ("given", given)):
        for name in names:
            check_root(fitted.plan, argument, name)
    for name, count in rows.items():
        if count < 0:
            raise ConfigError(f"rows of {name} must not be negative: {count}", table=name)
        if name in given:
            raise ConfigError(
                f"{name} is named in both rows and given", table=name, hint="name it in one"
            )
    for name, frame in given.items():
        known = fitted.tables[name].attributes
        for column in frame.columns:
            if column not in known:
                raise ConfigError(
                    f"given {name}.{column} is no learned column",
                    table=name,
                    column=column,
                    hint=did_you_mean(column, known),
                )
    heights = {name: frame.height for name, frame in given.items()}
    check_capacity(fitted, scale=scale, rows={**rows, **heights}, first_key=first_key)


def check_root(plan: Plan, argument: str, name: str) -> None:
    """Refuse a table whose number of rows cannot be asked for.

    Raises:
        ConfigError: The table is unknown, kept, or its rows follow from a driver.
    """
    steps = {step.table: step for step in plan.steps}
    if name not in steps:
        raise ConfigError(
            f"{argument} names the unknown table {name!r}",
            table=name,
            hint=did_you_mean(name, steps),
        )
    step = steps[name]
    if step.is_kept:
        raise ConfigError(
            f"{argument} names {name}, whose real rows are kept",
            table=name,
            hint="remove `keep` from its settings to generate it",
        )
    if step.driver is not None:
        raise ConfigError(
            f"{argument} names {name}, whose rows follow from its driver {step.driver.parent}",
            table=name,
            hint=_other_way(steps, step.driver.parent),
        )


def _other_way(steps: Mapping[str, Step], parent: str) -> str:
    """Say how to get more rows: by the table that all drivers lead up to, if it is free."""
    root = root_above(steps, parent)
    if root.is_kept:
        return "use scale: it multiplies what the real rows of kept tables drive"
    return f"ask for rows of {root.table}, or use scale"


def typed_given(fitted: Fitted, given: Mapping[str, pl.DataFrame]) -> dict[str, pl.DataFrame]:
    """Give given values the types of the real columns.

    Raises:
        ConfigError: A value does not fit its column.
    """
    frames: dict[str, pl.DataFrame] = {}
    for name, frame in given.items():
        schema = fitted.tables[name].schema
        columns: list[pl.Series] = []
        for column in frame:
            try:
                columns.append(column.cast(schema[column.name]))
            except pl.exceptions.PolarsError as error:
                raise ConfigError(
                    f"given {name}.{column.name} is {column.dtype}, the real column "
                    f"{schema[column.name]}: {error}",
                    table=name,
                    column=column.name,
                ) from error
        frames[name] = pl.DataFrame(columns)
    return frames


def unseen_given(fitted: Fitted, given: Mapping[str, pl.DataFrame]) -> Iterator[str]:
    """Tell which given values were never learned from, one sentence per column."""
    for name, frame in given.items():
        encoder = fitted.tables[name].encoder
        for column, count in encoder.unseen(encoder.filled_up(frame)).items():
            if column not in frame.columns:
                continue
            values = "values" if count > 1 else "a value"
            yield (
                f"given {name}.{column}: {count} of {frame.height} rows have {values} never"
                " learned from; they stay, and the rest of the row follows the nearest known one"
            )
