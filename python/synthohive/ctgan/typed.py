"""What is asked of a column, in the column's own type."""

from __future__ import annotations

import datetime as dt
import math
from typing import TYPE_CHECKING

import polars as pl

from synthohive.ctgan.asked import Asked, Between, OneOf
from synthohive.encoding.category import CategoryCodec
from synthohive.encoding.moment import zoned
from synthohive.encoding.personal import PersonalCodec
from synthohive.encoding.wanted import Wanted
from synthohive.errors import ConfigError

if TYPE_CHECKING:
    from collections.abc import Sequence

    from synthohive.encoding.columns import Codec


def typed(asked: Asked, codec: Codec, dtype: pl.DataType, *, table: str, column: str) -> Wanted:
    """Return what is asked of a column in the column's own type.

    Raises:
        ConfigError: It is not of the type, has no value, or a range of values without order.
    """

    def refuse(what: str, hint: str | None = None) -> ConfigError:
        message = f"given {table}.{column} is {asked!r}, {what}"
        return ConfigError(message, table=table, column=column, hint=hint)

    try:
        if isinstance(asked, OneOf):
            values = _series(asked.values, dtype)
            if not len(values) or values.has_nulls():
                raise refuse(
                    "which has a null" if len(values) else "which has no value",
                    "name the values that rows may have",
                )
            return Wanted(values=values.unique(maintain_order=True))
        if not isinstance(asked, Between):
            return Wanted()
        low = None if asked.low is None else _end(asked.low, dtype, is_high=False)
        high = None if asked.high is None else _end(asked.high, dtype, is_high=True)
    except (pl.exceptions.PolarsError, TypeError, ValueError, OverflowError) as error:
        if isinstance(error, ConfigError):
            raise
        raise refuse(f"which is not of the type {dtype}: {error}") from error
    if isinstance(codec, CategoryCodec | PersonalCodec):
        raise refuse(f"but values of the type {dtype} have no order here", "ask for OneOf(...)")
    if any(end is not None and end.has_nulls() for end in (low, high)):
        raise refuse(f"an end of which is not of the type {dtype}")
    if low is not None and high is not None and dtype != pl.String and low[0] > high[0]:
        raise refuse("which ends before it begins", "give the lower end first")
    return Wanted(low=low, high=high)


def _series(values: Sequence[object], dtype: pl.DataType) -> pl.Series:
    """Return values in a column's type; times without a zone are on the wall clock of its own."""
    series = pl.Series("", list(values))
    if isinstance(dtype, pl.Datetime) and dtype.time_zone is not None:
        if series.dtype == pl.Date:
            series = series.cast(pl.Datetime(dtype.time_unit))
        if isinstance(series.dtype, pl.Datetime) and series.dtype.time_zone is None:
            return zoned(series.cast(pl.Datetime(dtype.time_unit)), dtype)
    return series.cast(dtype)


def _end(value: object, dtype: pl.DataType, *, is_high: bool) -> pl.Series | None:
    """Return one end of a range; the next one inside for what the type does not have."""
    if dtype.is_integer() and isinstance(value, float):
        if math.isinf(value):
            return None
        value = math.floor(value) if is_high else math.ceil(value)
    is_day = isinstance(value, dt.date) and not isinstance(value, dt.datetime)
    if isinstance(dtype, pl.Datetime) and is_day and is_high:
        value = dt.datetime.combine(value, dt.time.max)  # pyright: ignore[reportArgumentType]
    if dtype == pl.Date and isinstance(value, dt.datetime) and not is_high:
        value = (value + dt.timedelta(days=1, microseconds=-1)).date()
    return _series([value], dtype)
