"""Dates that never lie before another one of the same row.

A shipment follows its order. Where the time between is short compared with the time that
all rows span, the later date is learned as the time since the earlier one, which keeps
both the order and the delay. Where it is long, both are learned as dates, and the few
rows whose order chance has turned round are mended.
"""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING

import numpy as np
import polars as pl

from synthohive.encoding.draws import below, row_bits
from synthohive.encoding.moment import local, zoned

if TYPE_CHECKING:
    from typing import Literal

    from numpy.typing import NDArray

    from synthohive.randomness import Stream

_MIN_ROWS = 30
_LOOK = 10_000
_NARROW = 0.25
_GAPS = 33


@dataclass(frozen=True, slots=True, kw_only=True)
class Order:
    """One date that never lies before another.

    Attributes:
        column: The later column.
        base: The earlier column.
        is_offset: The later one is learned as the time since the earlier one.
        gaps: Short times between the two, in microseconds, to mend wrong orders with.
    """

    column: str
    base: str
    is_offset: bool
    gaps: tuple[int, ...] = (0,)

    def to_dict(self) -> dict[str, object]:
        """Return the order as JSON-able data."""
        return asdict(self)

    @staticmethod
    def from_dict(state: dict) -> Order:
        """Rebuild an order from `to_dict`."""
        return Order(
            column=state["column"],
            base=state["base"],
            is_offset=state["is_offset"],
            gaps=tuple(state["gaps"]),
        )


def find_orders(frame: pl.DataFrame, bases: pl.DataFrame) -> tuple[Order, ...]:
    """Find the dates that never lie before another one.

    Args:
        frame: Real rows.
        bases: Further dates of the same rows that are known beforehand, such as those of
            the parent; may have no columns.

    Returns:
        At most one order per column, each after the orders of its base.
    """
    # without their names, which may look like patterns to Polars
    named = {name: bases[name].alias("") for name in bases.columns if is_day(bases[name])}
    own = {name: frame[name].alias("") for name in frame.columns if is_day(frame[name])}
    orders: list[Order] = []
    for name in _earliest_first(own):
        found = [
            order
            for base, earlier in named.items()
            if (order := _order(name, own[name], base, earlier)) is not None
        ]
        if found:
            # the base that lies closest before; offsets first
            orders.append(min(found, key=lambda order: (not order.is_offset, order.gaps[-1])))
        named[name] = own[name]
    return tuple(orders)


def _earliest_first(own: dict[str, pl.Series]) -> list[str]:
    """Sort columns so that each comes after those it never lies before."""
    names = list(own)
    sample = {
        name: dates.gather_every(-(-max(1, len(dates)) // _LOOK)) for name, dates in own.items()
    }

    def follows(later: str, earlier: str) -> bool:
        if _gaps(sample[later], sample[earlier]) is None:
            return False
        is_same = _gaps(sample[earlier], sample[later]) is not None
        return not is_same or names.index(earlier) < names.index(later)

    # "never before" is transitive, so that a later column follows more columns
    followed = {
        later: sum(follows(later, earlier) for earlier in names if earlier != later)
        for later in names
    }
    return sorted(names, key=lambda name: (followed[name], names.index(name)))


def is_day(series: pl.Series) -> bool:
    """Tell whether a column holds dates or timestamps."""
    return series.dtype == pl.Date or isinstance(series.dtype, pl.Datetime)


def _order(column: str, later: pl.Series, base: str, earlier: pl.Series) -> Order | None:
    """Describe the order of two named columns, if there is one."""
    if _zone(later) is not None and _zone(earlier) not in (None, _zone(later)):
        return None
    step = -(-max(1, len(later)) // _LOOK)
    if step > 1 and _gaps(later.gather_every(step), earlier.gather_every(step)) is None:
        return None
    gaps = _gaps(later, earlier)
    if gaps is None:
        return None
    dates = _micros(later.drop_nulls())
    is_offset = _spread(gaps) <= _NARROW * _spread(dates)
    if not is_offset and _micros(earlier.drop_nulls()).max() < dates.min():
        return None  # the two never meet
    short = np.quantile(gaps, np.linspace(0.0, 0.1, _GAPS), method="nearest")
    return Order(column=column, base=base, is_offset=is_offset, gaps=tuple(short.tolist()))


def _gaps(later: pl.Series, earlier: pl.Series) -> NDArray[np.int64] | None:
    """Return the times between in microseconds, if none is negative or unknown."""
    known = later.is_not_null()
    if int(known.sum()) < _MIN_ROWS or earlier.filter(known).has_nulls():
        return None
    between = offsets(later, earlier).filter(known).to_physical().to_numpy()
    return None if between.min() < 0 else between // _PER_MICROSECOND[_unit(later)]


def _micros(series: pl.Series) -> NDArray[np.int64]:
    """Return wall-clock microseconds."""
    return _wall(series, "us").to_physical().to_numpy()


def _spread(values: NDArray[np.int64]) -> float:
    low, high = np.quantile(values, [0.05, 0.95])
    return float(high - low)


_PER_MICROSECOND = {"us": 1, "ns": 1_000}


def _unit(later: pl.Series) -> Literal["us", "ns"]:
    """Return the unit of the time between: nanoseconds only for nanosecond columns."""
    dtype = later.dtype
    return "ns" if isinstance(dtype, pl.Datetime) and dtype.time_unit == "ns" else "us"


def _zone(series: pl.Series) -> str | None:
    return series.dtype.time_zone if isinstance(series.dtype, pl.Datetime) else None


def offsets(later: pl.Series, earlier: pl.Series) -> pl.Series:
    """Return the time from one column to the other on the wall clock; ``Duration``."""
    unit = _unit(later)
    start = _start(earlier, later.dtype, unit)
    return _wall(later, unit) - start


def placed(between: pl.Series, earlier: pl.Series, dtype: pl.DataType) -> pl.Series:
    """Return the later dates from the time between; the inverse of `offsets`."""
    unit = between.dtype.time_unit  # pyright: ignore[reportAttributeAccessIssue]
    moments = _start(earlier, dtype, unit) + between
    return zoned(moments, dtype) if isinstance(dtype, pl.Datetime) else moments.dt.date()


def mended(
    later: pl.Series, earlier: pl.Series, order: Order, stream: Stream, *, start: int = 0
) -> pl.Series:
    """Put the later date a short time behind the earlier one where it lies before it."""
    unit = _unit(later)
    base = _start(earlier, later.dtype, unit)
    is_wrong = (_wall(later, unit) < base).fill_null(value=False)
    if not is_wrong.any():
        return later
    bits = row_bits(stream, len(later), start=start)
    gaps = np.array(order.gaps)[below(bits, 0, len(order.gaps))] * _PER_MICROSECOND[unit]
    moved = placed(pl.Series(gaps).cast(pl.Duration(unit)), earlier, later.dtype)
    return later.zip_with(~is_wrong, moved)


def _wall(series: pl.Series, unit: Literal["us", "ns"]) -> pl.Series:
    """Return wall-clock times in a unit."""
    return local(series).cast(pl.Datetime(unit))


def _start(earlier: pl.Series, dtype: pl.DataType, unit: Literal["us", "ns"]) -> pl.Series:
    """Return what the time between counts from: the day's beginning, for dates."""
    if dtype == pl.Date and earlier.dtype != pl.Date:
        earlier = earlier.dt.date()
    return _wall(earlier, unit)
