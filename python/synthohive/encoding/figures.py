"""Columns of numbers, measured for the search of formulas: how fine they are, and how wide."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import numpy as np
import polars as pl

if TYPE_CHECKING:
    from collections.abc import Mapping

    from numpy.typing import NDArray

_MIN_ROWS = 30
_SAMPLE = 256  # values that tell most columns without few decimals
_MAX_DECIMALS = 7
_HUGE = 1e100  # squares of larger numbers are none
_TINY = 1e-9
_EXACT = 1e-12  # of a number, what its own decimals may be off by
_SINGLE = 2.0**-24  # of a number, what single precision rounds off at most
_STEPS = 4  # such roundings in a formula, at most
_FINE = 0.05  # of the spread of a result: what rounding may change, at most
_DENSE = 2  # numbers for every row, at most, where they number the rows
_LOOK = 400  # rows spread over the table that candidates are tried on
_TELLING = 64  # of them, that show a column at another value than its middle one


@dataclass(frozen=True, slots=True, kw_only=True)
class Figure:
    """A column of numbers.

    Attributes:
        values: The numbers; NaN for null.
        decimals: Decimals of numbers that have few, else `None`.
        is_single: The numbers have many decimals, all of them of single precision.
        spread: Their standard deviation.
        has_null: Whether some are null.
        is_flag: Whether they are only two different ones.

    Examples:
        >>> prices = measured(pl.Series([1.25, 2.5, None] * 20 + [3.0]))
        >>> prices is not None and (prices.decimals, prices.has_null)
        (2, True)
    """

    values: NDArray[np.float64]
    decimals: int | None
    is_single: bool
    spread: float
    has_null: bool
    is_flag: bool

    @property
    def unit(self) -> float:
        """How much rounding may have changed the numbers, apart from their own precision."""
        half = 0.0 if self.decimals is None else 0.5 * 10.0**-self.decimals
        return half if 2 * half <= _FINE * self.spread else 0.0

    @property
    def blur(self) -> float:
        """How far the numbers may be off as parts of a function; whole ones are what they are."""
        return self.unit if self.decimals else 0.0

    @property
    def is_numbering(self) -> bool:
        """Whether they number the rows: whole numbers, no two alike, and hardly a gap."""
        if self.decimals != 0 or self.has_null:
            return False
        count = len(self.values)
        is_dense = self.values.max() - self.values.min() < _DENSE * count
        return bool(is_dense) and len(np.unique(self.values)) == count

    def slack(self, wanted: NDArray[np.float64], sizes: NDArray[np.float64]) -> NDArray[np.float64]:
        """Return how far results may lie from the numbers.

        Args:
            wanted: Some of the numbers.
            sizes: How large the numbers are that their results are computed with.
        """
        exact = _SINGLE if self.is_single else 2.0**-53
        tiny = _TINY * np.maximum(min(1.0, self.spread), np.abs(wanted))
        return self.unit + np.maximum(tiny, _STEPS * exact * (np.abs(wanted) + sizes))

    def without_nulls(self) -> Figure:
        """Return the figure with zeros for nulls."""
        values = np.nan_to_num(self.values, nan=0.0)
        spread, is_flag = float(values.std()), _is_flag(values)
        return replace(self, values=values, spread=spread, has_null=False, is_flag=is_flag)


def measured(series: pl.Series) -> Figure | None:
    """Measure a column, unless it has too few numbers, or all are the same, or huge."""
    values = floats(series)
    is_known = np.isfinite(values)
    known = values[is_known]
    if len(known) < _MIN_ROWS:
        return None
    widest = np.abs(known).max()
    if known.min() == known.max() or not 1 / _HUGE < widest < _HUGE:
        return None
    decimals = _decimals(known)
    single = decimals is None and bool(_is_single(known).all())
    return Figure(
        values=np.where(is_known, values, np.nan),
        decimals=decimals,
        is_single=single,
        spread=float(known.std()),
        has_null=len(known) < len(values),
        is_flag=_is_flag(known),
    )


def floats(series: pl.Series) -> NDArray[np.float64]:
    """Return numbers as floats, NaN for null."""
    return series.alias("").cast(pl.Float64).fill_null(float("nan")).to_numpy()


def telling_rows(figures: Mapping[str, Figure]) -> NDArray[np.intp]:
    """Choose rows that show what every column is like, also where it is rarely known."""
    height = len(next(iter(figures.values())).values)
    spread = np.unique(np.linspace(0, height - 1, min(_LOOK, height)).astype(np.intp))
    chosen = [spread]
    for figure in figures.values():
        values = figure.values
        middle = np.nanmedian(values[spread]) if np.isfinite(values[spread]).any() else np.nan
        shown = values[spread]
        chosen.append(np.array([np.nanargmin(values), np.nanargmax(values)]))
        if np.count_nonzero(np.isfinite(shown) & (shown != middle)) < _TELLING:
            telling = np.flatnonzero(np.isfinite(values) & (values != middle))
            places = np.linspace(0, len(telling) - 1, min(_TELLING, len(telling)))
            chosen.append(telling[places.astype(np.intp)])
    return np.unique(np.concatenate(chosen))


def _is_flag(known: NDArray[np.float64]) -> bool:
    return not ((known > known.min()) & (known < known.max())).any()


def _decimals(known: NDArray[np.float64]) -> int | None:
    few = known[:: max(1, len(known) // _SAMPLE)]
    decimals = 0
    for look in (few, known):
        while not _has_decimals(look, decimals):
            decimals += 1
            if decimals > _MAX_DECIMALS:
                return None
    return decimals


def _has_decimals(known: NDArray[np.float64], decimals: int) -> bool:
    scaled = known * 10.0**decimals
    off = np.abs(scaled - np.rint(scaled))
    return bool((off <= np.maximum(_TINY, _EXACT * np.abs(scaled))).all())


def _is_single(known: NDArray[np.float64]) -> NDArray[np.bool_]:
    with np.errstate(over="ignore", under="ignore"):
        single = known.astype(np.float32).astype(np.float64)
    return np.abs(known - single) <= _EXACT * np.abs(known)
