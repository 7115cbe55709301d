"""Declared limits of columns, applied to generated rows."""

from __future__ import annotations

import math
from dataclasses import replace
from datetime import datetime, time
from decimal import ROUND_CEILING, ROUND_FLOOR, Decimal
from typing import TYPE_CHECKING, NoReturn

import numpy as np
import polars as pl

from synthohive.encoding.grid import integer_limits
from synthohive.errors import ConfigError, ConstraintError, SynthoHiveError

if TYPE_CHECKING:
    from collections.abc import Collection, Mapping, Sequence

    from synthohive.schema.model import Bound, Column, Constraint

_DTYPES: dict[str, pl.DataType] = {
    "int": pl.Int64(),
    "float": pl.Float64(),
    "str": pl.String(),
    "bool": pl.Boolean(),
    "date": pl.Date(),
    "datetime": pl.Datetime("us"),
}


def apply_constraints(
    frame: pl.DataFrame,
    columns: Mapping[str, Column],
    *,
    table: str | None = None,
    foreign: Collection[str] = (),
) -> pl.DataFrame:
    """Give columns their declared dtype and bring values inside their limits.

    Args:
        frame: Generated rows.
        columns: What is declared of columns, by name.
        table: The table that errors name.
        foreign: Columns of foreign keys: a value repaired here would have no parent, so that
            their limits are enforced.

    Returns:
        The rows with all declared constraints satisfied; nulls stay.

    Raises:
        ConstraintError: A value breaks a constraint that is to be enforced, not repaired.
        ConfigError: A limit or dtype does not fit the column.

    Examples:
        >>> from synthohive.schema.model import Column, Constraint
        >>> least = Column(name="value", constraint=Constraint(dtype="float", minimum=1.0))
        >>> apply_constraints(pl.DataFrame({"value": [0, 5]}), {"value": least})["value"].to_list()
        [1.0, 5.0]
    """
    changed: list[pl.Series] = []
    for name, column in columns.items():
        limits = column.constraint
        if limits is not None and name in frame.columns:
            if name in foreign:
                limits = replace(limits, mode="enforce")
            where = name if table is None else f"{table}.{name}"
            try:
                # without its name, which may look like a pattern to Polars
                limited = _constrained(frame[name].alias(""), limits, where)
            except SynthoHiveError as error:
                error.table, error.column = table, name
                if name in foreign and isinstance(error, ConstraintError):
                    raise _of_parent(error) from None
                raise
            changed.append(limited.alias(name))
    return frame.with_columns(changed)


def _of_parent(error: ConstraintError) -> ConstraintError:
    """Say where limits of a foreign key belong."""
    return ConstraintError(
        str(error).partition("\n  Hint: ")[0],
        table=error.table,
        column=error.column,
        hint="set the limits of a foreign key on the column of its parent",
    )


def _constrained(series: pl.Series, constraint: Constraint, where: str) -> pl.Series:
    """Apply the constraint of one column; `where` is what errors call it."""
    values = _typed(series, constraint.dtype, where)
    if constraint.accepted_values is not None:
        values = _accepted(values, constraint, where)
    for bound, is_minimum in ((constraint.minimum, True), (constraint.maximum, False)):
        if bound is not None:
            values = _bounded(values, bound, constraint, where, is_minimum=is_minimum)
    return values


def _typed(series: pl.Series, dtype: str | None, where: str) -> pl.Series:
    """Convert to a type family; a column that already belongs to it keeps its dtype."""
    if dtype is None or _family(series.dtype) == dtype:
        return series
    if dtype not in _DTYPES:
        raise ConfigError(
            f"{where!r} has the unknown dtype {dtype!r}",
            column=where,
            hint=f"use one of {', '.join(_DTYPES)}",
        )
    if dtype == "int" and _family(series.dtype) == "float":
        series = series.cast(pl.Float64).fill_nan(None).round()
    try:
        return series.cast(_DTYPES[dtype])
    except pl.exceptions.PolarsError as error:
        raise ConfigError(
            f"{where!r} is of type {series.dtype} and cannot become {dtype}: {error}",
            column=where,
            hint="declare the dtype that the real values have",
        ) from error


def _family(dtype: pl.DataType) -> str | None:
    """Return the type family of a dtype."""
    if dtype.is_integer():
        return "int"
    if dtype.is_float() or dtype.is_decimal():
        return "float"
    others = {"String": "str", "Boolean": "bool", "Date": "date", "Datetime": "datetime"}
    return others.get(str(dtype.base_type()))


def _bounded(
    values: pl.Series, bound: Bound, constraint: Constraint, where: str, *, is_minimum: bool
) -> pl.Series:
    """Clip to a bound, or raise if the bound is enforced."""
    limit = limit_of(values.dtype, bound, where, is_minimum=is_minimum)
    is_out = (values < limit) if is_minimum else (values > limit)
    if values.dtype.is_float():
        is_out &= values.is_not_nan()
    if constraint.mode == "enforce" and is_out.any():
        side = "minimum" if is_minimum else "maximum"
        _refuse(values.filter(is_out), f"the {side} {bound}", where)
    return values.zip_with(~is_out.fill_null(value=False), limit.new_from_index(0, len(values)))


def limit_of(dtype: pl.DataType, bound: Bound, where: str, *, is_minimum: bool) -> pl.Series:
    """Return a bound as a value of the column's dtype, on the inner side of the bound.

    Raises:
        ConfigError: The bound does not fit the dtype.
    """
    try:
        if isinstance(dtype, pl.Datetime):
            moment = pl.Series([datetime.fromisoformat(str(bound)).replace(tzinfo=None)])
            return moment.cast(pl.Datetime(dtype.time_unit)).dt.replace_time_zone(dtype.time_zone)
        if dtype == pl.Date or dtype == pl.Time:  # noqa: PLR1714  (dtypes are not hashed alike)
            is_time, text = dtype == pl.Time, str(bound)
            point = time.fromisoformat(text) if is_time else datetime.fromisoformat(text).date()
            return pl.Series([point])
        if dtype.is_integer():
            whole = math.ceil(float(bound)) if is_minimum else math.floor(float(bound))
            low, high = integer_limits(dtype)
            whole = int(bound) if isinstance(bound, int) else whole
            return pl.Series([min(max(whole, low), high)], dtype=dtype)
        if isinstance(dtype, pl.Decimal):
            unit = Decimal(1).scaleb(-dtype.scale)
            rounding = ROUND_CEILING if is_minimum else ROUND_FLOOR
            return pl.Series([Decimal(str(bound)).quantize(unit, rounding)], dtype=dtype)
        if dtype.is_float():
            return pl.Series([float(bound)], dtype=dtype)
        return pl.Series([str(bound)]).cast(dtype)
    except (ValueError, ArithmeticError, pl.exceptions.PolarsError) as error:
        raise ConfigError(
            f"the bound {bound!r} of {where!r} does not fit its type {dtype}",
            column=where,
            hint="give a number for a number, and ISO text such as 2024-01-31 for a date",
        ) from error


def _accepted(values: pl.Series, constraint: Constraint, where: str) -> pl.Series:
    """Replace what is not accepted by the nearest accepted number, or the first value."""
    accepted = accepted_series(constraint.accepted_values or (), values.dtype, name=where)
    is_out = values.is_not_null() & ~values.is_in(accepted.implode())
    if not is_out.any():
        return values
    if constraint.mode == "enforce":
        _refuse(values.filter(is_out), f"the accepted values {accepted.to_list()[:5]}", where)
    if values.dtype.is_numeric() or values.dtype.is_temporal():
        accepted = accepted.sort()
        numbers = accepted.to_physical().cast(pl.Float64).to_numpy()
        wrong = values.filter(is_out).to_physical().cast(pl.Float64).to_numpy()
        nearest = np.searchsorted((numbers[1:] + numbers[:-1]) / 2, wrong)
    else:
        nearest = np.zeros(int(is_out.sum()), np.int64)
    return values.scatter(np.flatnonzero(is_out.to_numpy()), accepted.gather(nearest))


def accepted_series(values: Sequence[object], dtype: pl.DataType, *, name: str) -> pl.Series:
    """Return accepted values in a column's dtype, without repetition, in the order given.

    Raises:
        ConfigError: A value does not fit the dtype.
    """
    texts = pl.Series([str(value) for value in values], dtype=pl.String)
    if dtype == pl.Boolean:
        texts = texts.str.to_lowercase().replace({"true": "1", "false": "0"})
        found = texts.cast(pl.Int8, strict=False).cast(pl.Boolean)
    elif dtype.is_integer():
        found = texts.cast(pl.Float64, strict=False).cast(dtype, strict=False)
    elif dtype == pl.Date:
        found = texts.str.slice(0, 10).str.to_date(strict=False)
    elif dtype == pl.Time:
        found = texts.str.to_time(strict=False)
    elif isinstance(dtype, pl.Datetime):
        found = texts.str.to_datetime(time_unit=dtype.time_unit, strict=False)
        found = found.dt.replace_time_zone(dtype.time_zone)
    else:
        found = texts.cast(dtype, strict=False)
    if found.has_nulls():
        wrong = texts.filter(found.is_null()).to_list()[:5]
        raise ConfigError(
            f"accepted values of {name!r} do not fit its type {dtype}: {wrong}", column=name
        )
    return found.unique(maintain_order=True)


def _refuse(wrong: pl.Series, rule: str, where: str) -> NoReturn:
    samples = ", ".join(map(str, wrong.unique().sort().head(5)))
    raise ConstraintError(
        f"{len(wrong)} generated values of {where!r} break {rule}: {samples}",
        column=where,
        hint="set mode: clip to repair such values, or look for them in the real data",
    )
