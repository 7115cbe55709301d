"""Any ordered dtype as plain numbers: whole steps where there is a grid, floats otherwise.

Integers, decimals, dates and times are whole numbers of a unit. Floats are too when they
were written with a few decimals. The common step of all values is divided out, so "in
fives", "whole minutes" and "midnight" are kept by construction.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from functools import cache
from typing import TYPE_CHECKING, TypeAlias

import numpy as np
import polars as pl

if TYPE_CHECKING:
    from numpy.typing import NDArray

    Numbers: TypeAlias = NDArray[np.int64 | np.float64]

_MAX_DECIMALS = 8
_MAX_WHOLE_FLOAT = 2.0**52
UNITS_PER_DAY = {"ms": 86_400_000, "us": 86_400_000_000, "ns": 86_400_000_000_000}
_INT64 = np.iinfo(np.int64)
_TRUSTED = 8  # so many values agree in a step only by habit
_DAY = 86_400
_FIRST_DAY, _LAST_DAY = -719_162, 2_932_896  # 0001-01-01 and 9999-12-31


@dataclass(frozen=True, slots=True, kw_only=True)
class Grid:
    """How the values of one dtype map to numbers.

    Attributes:
        dtype: The real dtype.
        step: Distance of neighbouring grid points, in units; 0 for values without a grid.
        shift: The unit value of coordinate 0.
        decimals: Units are ``10**-decimals``; only for floats.
        odd: Coordinates of values that are off the grid by a rounding error, ascending.
        odd_values: These values.

    Examples:
        >>> prices = pl.Series([0.25, 1.5, 3.0])
        >>> grid = find_grid(prices)
        >>> grid.numbers(prices).tolist()
        [1, 6, 12]
        >>> grid.values(np.array([2, 7])).to_list()
        [0.5, 1.75]
    """

    dtype: pl.DataType
    step: int = 0
    shift: int = 0
    decimals: int = 0
    odd: tuple[int, ...] = ()
    odd_values: tuple[float, ...] = ()

    @property
    def is_days(self) -> bool:
        """Neighbouring grid points are one day apart."""
        if isinstance(self.dtype, pl.Datetime):
            return self.step == UNITS_PER_DAY[self.dtype.time_unit]
        return self.dtype == pl.Date and self.step == 1

    def numbers(self, series: pl.Series) -> Numbers:
        """Map values to coordinates, ``int64`` on a grid and ``float64`` without.

        Args:
            series: Values of the grid's dtype: no null, NaN or infinity.
        """
        if self.dtype.is_float():
            floats = series.cast(pl.Float64).to_numpy()
            if not self.step:
                return floats
            limit = _MAX_WHOLE_FLOAT * 2
            units = np.round(np.clip(floats * 10.0**self.decimals, -limit, limit)).astype(np.int64)
        elif not self.step:
            return series.to_physical().cast(pl.Float64).to_numpy()
        else:
            units = _whole(series, self.shift)
            return units // self.step
        return (units - self.shift) // self.step

    def values(self, numbers: Numbers) -> pl.Series:
        """Map coordinates back to values of the real dtype."""
        if self.dtype.is_float():
            floats = numbers
            if self.step:
                floats = (numbers * self.step + self.shift) / 10.0**self.decimals
                floats = self._with_odd(numbers, np.asarray(floats, np.float64))
            return pl.Series(floats, dtype=pl.Float64).cast(self.dtype)
        if not self.step:
            return _from_floats(numbers, self.dtype)
        return _from_whole(numbers * self.step, self.shift, self.dtype)

    def _with_odd(self, numbers: Numbers, floats: Numbers) -> Numbers:
        """Put the odd values in their places."""
        if not self.odd:
            return floats
        odd = np.array(self.odd)
        at = np.minimum(np.searchsorted(odd, numbers), len(odd) - 1)
        return np.where(odd[at] == numbers, np.array(self.odd_values)[at], floats)

    def to_dict(self) -> dict[str, object]:
        """Return the grid as JSON-able data; the dtype is kept by the table."""
        return {
            "step": self.step,
            "shift": self.shift,
            "decimals": self.decimals,
            "odd": list(self.odd),
            "odd_values": list(self.odd_values),
        }

    @staticmethod
    def from_dict(state: dict, dtype: pl.DataType) -> Grid:
        """Rebuild a grid from `to_dict`."""
        return Grid(
            dtype=dtype,
            step=state["step"],
            shift=state["shift"],
            decimals=state["decimals"],
            odd=tuple(state["odd"]),
            odd_values=tuple(state["odd_values"]),
        )


def find_grid(series: pl.Series) -> Grid:
    """Find the grid of a column.

    Args:
        series: The distinct values: no null, NaN or infinity, at least one.
    """
    dtype = series.dtype
    if dtype.is_float():
        return _float_grid(series)
    physical = series.to_physical()
    low, high = _limits(physical)
    if high - low > _INT64.max // 2:
        return Grid(dtype=dtype)
    is_wide = low < _INT64.min // 2 or high > _INT64.max // 2
    base = low if is_wide else 0
    step, shift = _step(_whole(series, base))
    return Grid(dtype=dtype, step=step, shift=base + shift)


def natural_grid(grid: Grid, distinct: int, *, within: int | None = None) -> Grid:
    """Return the grid that few values can be trusted to lie on.

    The common step of two values is their difference: their grid holds nothing but them.
    Few values get the largest power of ten, or unit of time, that divides the step.

    Args:
        grid: The grid of the values.
        distinct: How many values there are.
        within: The largest step allowed, if there is a limit and a smaller step.

    Examples:
        >>> natural_grid(find_grid(pl.Series([51_300, 64_800])), 2).step
        100
    """
    if distinct >= _TRUSTED or grid.step <= 1:
        return grid
    known = [unit for unit in _units(grid) if grid.step % unit == 0]
    allowed = [unit for unit in known if within is None or unit <= within]
    return replace(grid, step=max(allowed, default=1))


def _units(grid: Grid) -> list[int]:
    """Return natural steps in the units of a grid."""
    dtype = grid.dtype
    if isinstance(dtype, pl.Datetime | pl.Duration) or dtype == pl.Time:
        unit = dtype.time_unit if isinstance(dtype, pl.Datetime | pl.Duration) else "ns"
        second = UNITS_PER_DAY[unit] // _DAY
        return [1, *(seconds * second for seconds in (1, 60, 3_600, _DAY))]
    return [1] if dtype == pl.Date else [10**digits for digits in range(19)]


def unit_limits(grid: Grid) -> tuple[float, float]:
    """Return the smallest and largest value of a dtype that can be shown, in units."""
    dtype = grid.dtype
    if dtype.is_integer():
        return integer_limits(dtype)
    if isinstance(dtype, pl.Decimal):
        most = 10**dtype.precision - 1
        return -most, most
    if dtype == pl.Time:
        return 0, UNITS_PER_DAY["ns"] - 1
    if dtype == pl.Date:
        return _FIRST_DAY, _LAST_DAY
    if isinstance(dtype, pl.Datetime):
        day = UNITS_PER_DAY[dtype.time_unit]
        return max(_FIRST_DAY * day, _INT64.min), min((_LAST_DAY + 1) * day - 1, _INT64.max)
    return (-np.inf, np.inf) if dtype.is_float() else (_INT64.min, _INT64.max)


def _float_grid(series: pl.Series) -> Grid:
    """Find the fewest decimals that write every value, and their common step."""
    floats = series.cast(pl.Float64).to_numpy()
    # sums of decimals are off by a few of the last binary digits
    tolerance = 4 * float(np.finfo(np.float64 if series.dtype == pl.Float64 else np.float32).eps)
    for decimals in range(_MAX_DECIMALS + 1):
        scaled = floats * 10.0**decimals
        if np.abs(scaled).max() > _MAX_WHOLE_FLOAT:
            break
        whole = np.round(scaled)
        if (np.abs(scaled - whole) <= tolerance * np.abs(scaled)).all():
            step, shift = _step(whole.astype(np.int64))
            return Grid(dtype=series.dtype, step=step, shift=shift, decimals=decimals)
    return Grid(dtype=series.dtype)


def _limits(whole: pl.Series) -> tuple[int, int]:
    """Return the smallest and largest of whole numbers."""
    return int(str(whole.min())), int(str(whole.max()))


def _step(units: NDArray[np.int64]) -> tuple[int, int]:
    """Return the common step of whole numbers and their common remainder."""
    step = int(np.gcd.reduce(units - units[0])) or 1
    return step, int(units[0]) % step


def _whole(series: pl.Series, shift: int) -> NDArray[np.int64]:
    """Return the physical whole numbers less `shift`, clipped to what 64 bits hold."""
    physical = series.to_physical()
    if not shift and physical.dtype.is_integer() and physical.dtype.base_type() not in _TOO_WIDE:
        return physical.cast(pl.Int64).to_numpy()
    wide = pl.lit(physical).cast(pl.Int128) - pl.lit(shift, dtype=pl.Int128)
    return pl.select(wide.clip(_INT64.min, _INT64.max).cast(pl.Int64)).to_series().to_numpy()


_TOO_WIDE = (pl.UInt64, pl.Int128, pl.UInt128)


def _from_whole(numbers: Numbers, shift: int, dtype: pl.DataType) -> pl.Series:
    """Add `shift` and give whole numbers their real dtype."""
    if dtype.is_integer():
        low, high = integer_limits(dtype)
        if dtype.base_type() in _TOO_WIDE:
            wide = pl.lit(pl.Series(numbers)).cast(pl.Int128) + pl.lit(shift, dtype=pl.Int128)
            return pl.select(wide.clip(low, high).cast(dtype)).to_series()
        return pl.Series(np.clip(numbers + shift, low, high)).cast(dtype)
    if isinstance(dtype, pl.Decimal):
        wide = pl.lit(pl.Series(numbers)).cast(pl.Int128) + pl.lit(shift, dtype=pl.Int128)
        unit = pl.lit(f"1e-{dtype.scale}").cast(pl.Float64).cast(pl.Decimal(38, dtype.scale))
        return pl.select((wide.cast(pl.Decimal(38, 0)) * unit).cast(dtype)).to_series()
    units = pl.Series(numbers + shift, dtype=pl.Int64)
    return units.cast(pl.Int32).cast(dtype) if dtype == pl.Date else units.cast(dtype)


def _from_floats(numbers: Numbers, dtype: pl.DataType) -> pl.Series:
    """Round floats to whole units of a dtype too wide for 64-bit steps."""
    if isinstance(dtype, pl.Decimal):
        return pl.Series(numbers / 10.0**dtype.scale).cast(dtype)
    if not dtype.is_integer():
        return pl.Series(numbers).cast(pl.Int64).cast(dtype)
    low, high = integer_limits(dtype)
    inside = np.clip(np.round(numbers), np.nextafter(low, 0.0), np.nextafter(high, 0.0))
    return pl.Series(inside).cast(dtype)


@cache
def integer_limits(dtype: pl.DataType) -> tuple[int, int]:
    """Return the smallest and largest value of an integer dtype.

    Examples:
        >>> integer_limits(pl.UInt8())
        (0, 255)
    """
    low, high = dtype.min(), dtype.max()  # pyright: ignore[reportAttributeAccessIssue]
    limits = pl.select(low.alias("low"), high.alias("high")).row(0)
    return int(limits[0]), int(limits[1])
