"""Personal numbers, dates and times: drawn evenly from a rounded range, never real ones."""

from __future__ import annotations

import math
import sys
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import polars as pl

from synthohive.encoding.category import CategoryCodec, no_values
from synthohive.encoding.draws import fraction, row_bits
from synthohive.encoding.grid import Grid, find_grid, natural_grid, unit_limits
from synthohive.encoding.number import finite
from synthohive.encoding.presence import new_nulls, presence_codes, presence_columns
from synthohive.encoding.seen import Seen, remember
from synthohive.encoding.wanted import Allowed, Wanted, not_null

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    from synthohive.encoding.grid import Numbers
    from synthohive.encoding.layout import CodeColumn
    from synthohive.randomness import Stream

_ROOM = 8  # grid points per real value that a range of few values shall have
_MOST_SEEN = 0.5  # where more of all grid points are real, drawing them tells nothing
_TRIES = 12
_FLOAT_DIGITS = 1e-12
_WIDEST = 2**62  # units that fit 64 bits on either side


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class BlurredCodec:
    """One column of personal numbers: only whether there is a value has a code.

    Attributes:
        name: Column name.
        grid: How values map to numbers.
        low: Smallest number drawn.
        high: Largest number drawn.
        seen: The real numbers, none of which is drawn; `None` where they fill the range, as
            ages do.
        has_null: Null has a code, the last one.
    """

    name: str
    grid: Grid
    low: float
    high: float
    seen: Seen | None = None
    has_null: bool = False

    @property
    def dtype(self) -> pl.DataType:
        """The real dtype."""
        return self.grid.dtype

    @property
    def code_columns(self) -> tuple[CodeColumn, ...]:
        """Null or not, if there are nulls."""
        return presence_columns(self.name, has_null=self.has_null)

    def encode(self, series: pl.Series) -> tuple[NDArray[np.int64], ...]:
        """Return 0 for a value and 1 for null."""
        return presence_codes(series, has_null=self.has_null)

    def unseen(self, series: pl.Series) -> int:
        """Count nulls where there were none."""
        return new_nulls(series, has_null=self.has_null)

    def decode(
        self, codes: Sequence[NDArray[np.int64]], stream: Stream, n: int, *, start: int = 0
    ) -> pl.Series:
        """Draw values for `n` rows."""
        bits = row_bits(stream, n, start=start)
        numbers = self._draw(bits, 0)
        if self.seen is not None:
            numbers = self._drawn_anew(numbers, bits, self.seen)
        values = self.grid.values(numbers)
        return values.set(pl.Series(codes[0] == 1), None) if codes else values

    def _draw(self, bits: NDArray[np.uint64], salt: int) -> Numbers:
        uniform = fraction(bits, salt)
        if not self.grid.step:
            # a weighted mean, because the difference may be too large for a float
            return np.clip(self.low * (1.0 - uniform) + self.high * uniform, self.low, self.high)
        low, high = int(self.low), int(self.high)
        return np.minimum(low + (uniform * (high - low + 1)).astype(np.int64), high)

    def _drawn_anew(self, numbers: Numbers, bits: NDArray[np.uint64], seen: Seen) -> Numbers:
        """Draw again where a number is real; at last go on to the next that is not."""
        low, size = int(self.low), int(self.high) - int(self.low) + 1
        again = np.flatnonzero(_contains(seen, numbers))
        for salt in range(1, _TRIES):
            if not len(again):
                return numbers
            numbers[again] = self._draw(bits[again], salt)
            again = again[_contains(seen, numbers[again])]
        for _ in range(size):
            if not len(again):
                break
            numbers[again] = low + (numbers[again] - low + 1) % size
            again = again[_contains(seen, numbers[again])]
        return numbers

    def allow(self, wanted: Wanted) -> Allowed:
        """Tell which codes may be: any value will do, or none can be chosen."""
        if wanted.is_any:
            return not_null(self.code_columns, has_null=self.has_null)
        return Allowed(weights=(), is_possible=False, learned="no values: they are invented")

    def to_dict(self) -> dict[str, object]:
        """Return the codec as JSON-able data."""
        return {
            "grid": self.grid.to_dict(),
            "low": self.low,
            "high": self.high,
            "seen": None if self.seen is None else self.seen.to_dict(),
            "has_null": self.has_null,
        }

    @staticmethod
    def from_dict(state: dict, *, name: str, dtype: pl.DataType) -> BlurredCodec:
        """Rebuild a codec from `to_dict`."""
        return BlurredCodec(
            name=name,
            grid=Grid.from_dict(state["grid"], dtype),
            low=state["low"],
            high=state["high"],
            seen=None if state["seen"] is None else Seen.from_dict(state["seen"]),
            has_null=state["has_null"],
        )


def fit_blurred(series: pl.Series) -> BlurredCodec | CategoryCodec:
    """Prepare to draw a personal number or date: evenly from where nine in ten values lie.

    Args:
        series: Real values of any numeric or temporal dtype, nulls included.
    """
    name, series = series.name, series.alias("")
    known = series.filter(pl.Series(finite(series)))
    if not len(known):
        return no_values(name, series.dtype)
    distinct = known.unique().sort()
    grid = find_grid(distinct)
    low, high = _range(grid, grid.numbers(known))
    if max(abs(low - grid.shift), abs(high - grid.shift)) > _WIDEST:
        grid, low, high = Grid(dtype=series.dtype), float(low), float(high)
    seen = None
    if grid.step:
        grid, low, high = _with_room(grid, int(low), int(high), len(distinct))
        if len(distinct) <= _MOST_SEEN * (high - low + 1):
            seen = remember(_as_text(grid.numbers(distinct)))
    has_null = series.has_nulls()
    return BlurredCodec(name=name, grid=grid, low=low, high=high, seen=seen, has_null=has_null)


def rounded_range(low: float, high: float) -> tuple[float, float]:
    """Widen a range to round numbers of two digits, so that it tells no real value.

    Args:
        low: Smallest value.
        high: Largest value; may be the same.

    Returns:
        Whole numbers for whole numbers, floats for floats.

    Examples:
        >>> rounded_range(51_307, 98_444), rounded_range(57_321, 57_321), rounded_range(3, 3)
        ((51000, 99000), (50000, 60000), (0, 10))
    """
    span, leading = (high - low, 2) if high > low else (max(abs(low), 10), 1)
    if isinstance(span, int):
        unit: float = 10 ** max(0, len(str(span)) - leading)
        most: float = 2**200
    else:
        most = sys.float_info.max
        finest = max(abs(low), abs(high)) * _FLOAT_DIGITS  # what a float of this size can show
        unit = max(10.0 ** (math.floor(math.log10(min(span, most))) + 1 - leading), finest)
    first, last = low // unit * unit, -(-high // unit) * unit
    return max(first, -most), min(last if last > first else first + unit, most)


def _range(grid: Grid, numbers: Numbers) -> tuple[float, float]:
    """Return the rounded range of nine in ten numbers: values, or units where there is a grid."""
    ends = np.quantile(numbers, [0.05, 0.95], method="nearest").tolist()
    if grid.step:
        ends = [end * grid.step + grid.shift for end in ends]
    low, high = rounded_range(*ends)
    least, most = unit_limits(grid)
    return max(low, least), min(high, most)


def _with_room(grid: Grid, low: int, high: int, distinct: int) -> tuple[Grid, int, int]:
    """Choose a grid on which few values are not all there is; units become numbers of it."""
    grid = natural_grid(grid, distinct, within=(high - low) // (_ROOM * distinct))
    first = -(-(low - grid.shift) // grid.step)
    return grid, first, max(first, (high - grid.shift) // grid.step)


def _contains(seen: Seen, numbers: Numbers) -> NDArray[np.bool_]:
    return seen.contains(_as_text(numbers))


def _as_text(numbers: Numbers) -> pl.Series:
    return pl.Series(numbers).cast(pl.String)
