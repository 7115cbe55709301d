"""Polars dtypes as JSON-able data."""

from __future__ import annotations

from typing import cast

import polars as pl

from synthohive.errors import ModelFileError

_PLAIN: dict[str, pl.DataType] = {
    str(dtype): dtype()
    for dtype in (
        *(pl.Int8, pl.Int16, pl.Int32, pl.Int64, pl.Int128),
        *(pl.UInt8, pl.UInt16, pl.UInt32, pl.UInt64),
        *(pl.Float32, pl.Float64, pl.Boolean, pl.String, pl.Binary),
        *(pl.Date, pl.Time, pl.Null, pl.Categorical, pl.Object),
    )
}


def dtype_to_dict(dtype: pl.DataType) -> object:  # noqa: PLR0911  (one return per kind)
    """Describe a dtype: a name, or a list of a name and what belongs to it.

    Examples:
        >>> dtype_to_dict(pl.Int8()), dtype_to_dict(pl.Decimal(10, 2))
        ('Int8', ['Decimal', 10, 2])
        >>> dtype_from_dict(["Datetime", "us", "UTC"])
        Datetime(time_unit='us', time_zone='UTC')
    """
    match dtype:
        case pl.Decimal():
            return ["Decimal", dtype.precision, dtype.scale]
        case pl.Datetime():
            return ["Datetime", dtype.time_unit, dtype.time_zone]
        case pl.Duration():
            return ["Duration", dtype.time_unit]
        case pl.Enum():
            return ["Enum", dtype.categories.to_list()]
        case pl.List():
            return ["List", dtype_to_dict(_inner(dtype.inner))]
        case pl.Array():
            return ["Array", dtype_to_dict(_inner(dtype.inner)), list(dtype.shape)[:1]]
        case pl.Struct():
            fields = [[field.name, dtype_to_dict(_inner(field.dtype))] for field in dtype.fields]
            return ["Struct", fields]
        case _:
            return str(dtype.base_type())


def dtype_from_dict(state: object) -> pl.DataType:  # noqa: PLR0911  (same)
    """Rebuild a dtype from `dtype_to_dict`.

    Raises:
        ModelFileError: There is no such dtype.
    """
    match state:
        case ["Decimal", precision, scale]:
            return pl.Decimal(precision, scale)
        case ["Datetime", unit, zone]:
            return pl.Datetime(unit, zone)
        case ["Duration", unit]:
            return pl.Duration(unit)
        case ["Enum", categories]:
            return pl.Enum(categories)
        case ["List", inner]:
            return pl.List(dtype_from_dict(inner))
        case ["Array", inner, [length]]:
            return pl.Array(dtype_from_dict(inner), length)
        case ["Struct", fields]:
            return pl.Struct({name: dtype_from_dict(inner) for name, inner in fields})
        case str() if state in _PLAIN:
            return _PLAIN[state]
        case _:
            raise ModelFileError(f"the model speaks of an unknown column type {state!r}")


def _inner(dtype: object) -> pl.DataType:
    """Return an instance, where Polars may give a class."""
    return cast("pl.DataType", dtype() if isinstance(dtype, type) else dtype)
