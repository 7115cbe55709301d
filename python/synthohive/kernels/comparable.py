"""Two key columns in one type, in which equal values are equal words or bytes.

What cannot be equal to anything on the other side, such as half a day beside dates, becomes
null; the kernels never match a null.
"""

from __future__ import annotations

import polars as pl

from synthohive.errors import ConfigError

_PER_SECOND = {"ms": 1_000, "us": 1_000_000, "ns": 1_000_000_000}
_SECONDS_PER_DAY = 86_400
_DIGITS = 38


def comparable(left: pl.Series, right: pl.Series) -> tuple[pl.Series, pl.Series]:
    """Bring two key columns to one type.

    Args:
        left: A key column.
        right: The column it is compared with.

    Returns:
        Both as ``Int64``, ``UInt64``, ``Float64``, ``String`` or ``Binary``.

    Raises:
        ConfigError: Their types have no values in common, or are nested.

    Examples:
        >>> comparable(pl.Series([1, 2], dtype=pl.UInt8), pl.Series([1.0, 1.5]))[1].to_list()
        [1, None]
    """
    if left.dtype == pl.Null:
        left = left.cast(right.dtype if right.dtype != pl.Null else pl.Int64)
    if right.dtype == pl.Null:
        right = right.cast(left.dtype)
    kind = _kind(left.dtype)
    if kind is None or kind != _kind(right.dtype):
        raise ConfigError(
            f"key column {left.name!r} of type {left.dtype} cannot be compared with "
            f"{right.name!r} of type {right.dtype}",
            column=left.name,
            hint="cast both columns to one type in the models they come from",
        )
    # from here on unnamed: Polars takes a name such as ^a.*$ for a pattern in some methods
    left, right = left.alias(""), right.alias("")
    if kind == "number":
        return _numbers(left, right)
    if kind in _TICKS:
        return _ticks(left, right)
    target = {"text": pl.String, "bytes": pl.Binary, "time": pl.Int64, "truth": pl.UInt64}[kind]
    return left.cast(target), right.cast(target)


_TICKS = ("instant", "zoned instant", "duration")


def _kind(dtype: pl.DataType) -> str | None:
    """What a column's values are; values of different kinds are never equal."""
    if dtype.is_numeric():
        return "number"
    if isinstance(dtype, (pl.String, pl.Categorical, pl.Enum)):
        return "text"
    if isinstance(dtype, pl.Datetime):
        return "zoned instant" if dtype.time_zone else "instant"
    return next((kind for plain, kind in _PLAIN.items() if isinstance(dtype, plain)), None)


_PLAIN = {
    pl.Date: "instant",
    pl.Duration: "duration",
    pl.Time: "time",
    pl.Boolean: "truth",
    pl.Binary: "bytes",
}


def _numbers(left: pl.Series, right: pl.Series) -> tuple[pl.Series, pl.Series]:
    dtypes = (left.dtype, right.dtype)
    decimals = [dtype for dtype in dtypes if isinstance(dtype, pl.Decimal)]
    floats = sum(dtype.is_float() for dtype in dtypes)
    if floats == len(dtypes) or (floats and decimals):
        return left.cast(pl.Float64), right.cast(pl.Float64)
    if decimals:
        scale = max(dtype.scale for dtype in decimals)
        unscaled = (
            side.cast(pl.Decimal(_DIGITS, scale), strict=False).to_physical()
            for side in (left, right)
        )
        return _narrowest(*unscaled)
    return _narrowest(_whole(left), _whole(right))


def _whole(side: pl.Series) -> pl.Series:
    """Floats as whole numbers; null where they are none."""
    if not side.dtype.is_float():
        return side
    whole = side.to_frame().select(
        pl.when(pl.first() == pl.first().floor()).then(pl.first().cast(pl.Int128, strict=False))
    )
    return whole.to_series()


def _narrowest(left: pl.Series, right: pl.Series) -> tuple[pl.Series, pl.Series]:
    """Whole numbers as 64-bit ones, or else as text.

    If all of one side fits, what does not fit on the other side has no equal.
    """
    for target in (pl.Int64, pl.UInt64):
        narrow = [side.cast(target, strict=False) for side in (left, right)]
        lost = [
            after.null_count() - before.null_count()
            for after, before in zip(narrow, (left, right), strict=True)
        ]
        if not all(lost):
            return narrow[0], narrow[1]
    return left.cast(pl.String), right.cast(pl.String)


def _ticks(left: pl.Series, right: pl.Series) -> tuple[pl.Series, pl.Series]:
    """Points in time as whole numbers of the coarser unit; null where they are none."""
    finest = [_per_day(left.dtype), _per_day(right.dtype)]
    coarse = min(finest)
    sides = []
    for side, ticks in zip((left, right), finest, strict=True):
        whole = side.to_physical().cast(pl.Int64)
        factor = ticks // coarse
        if factor > 1:
            whole = (
                whole.to_frame()
                .select(pl.when(pl.first() % factor == 0).then(pl.first() // factor))
                .to_series()
            )
        sides.append(whole)
    return sides[0], sides[1]


def _per_day(dtype: pl.DataType) -> int:
    if isinstance(dtype, (pl.Datetime, pl.Duration)):
        return _SECONDS_PER_DAY * _PER_SECOND[dtype.time_unit]
    return 1
