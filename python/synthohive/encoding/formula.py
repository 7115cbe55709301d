"""Columns that two others of the same row add up to, multiply to, or divide to.

A total is price times quantity, a count is members plus guests. A generator learns such a
relation nearly, and nearly is wrong in every row. So it is found here, and the result is
computed from its parts when rows are decoded. It is learned like any other column all the
same, so that rows can be asked for by it.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from dataclasses import asdict, dataclass
from itertools import combinations, permutations
from typing import Literal

import numpy as np
import polars as pl

_MIN_ROWS = 30
_LOOK = 64  # rows that candidates are tried on before all rows are
_MIN_DISTINCT = 3  # of every part: a flag times something is no formula worth having
_MAX_COLUMNS = 40
_MAX_DECIMALS = 6
_TINY = 1e-9
_FINE = 0.05  # of the spread of a result: what rounding may change, at most

Sign = Literal["+", "*", "/"]
_Pairs = Callable[[Iterable[str], Literal[2]], Iterator[tuple[str, str]]]
Floats = np.ndarray[tuple[int, ...], np.dtype[np.float64]]


@dataclass(frozen=True, slots=True, kw_only=True)
class Formula:
    """``column = left sign right``, rounded.

    Attributes:
        column: The result.
        left: One part.
        sign: What is done.
        right: The other part.
        decimals: Decimals the result is rounded to; `None` for none.

    Examples:
        >>> total = Formula(column="total", left="price", sign="*", right="pieces", decimals=2)
        >>> parts = {"price": pl.Series([1.25, None]), "pieces": pl.Series([3, 1])}
        >>> total.apply(parts, pl.Float64()).to_list()
        [3.75, None]
    """

    column: str
    left: str
    sign: Sign
    right: str
    decimals: int | None

    def apply(self, columns: dict[str, pl.Series], dtype: pl.DataType) -> pl.Series:
        """Compute the result from its parts, null where one is null or it does not fit."""
        parts = [_numbers(columns[name]) for name in (self.left, self.right)]
        result = _combined(self.sign, *parts)
        if self.decimals is not None:
            result = np.round(result, self.decimals)
        series = pl.Series(result).fill_nan(None)
        return series.cast(dtype, strict=False)

    def to_dict(self) -> dict[str, object]:
        """Return the formula as JSON-able data."""
        return asdict(self)

    @staticmethod
    def from_dict(state: dict) -> Formula:
        """Rebuild a formula from `to_dict`."""
        return Formula(**{name: state[name] for name in Formula.__slots__})


def find_formulas(frame: pl.DataFrame) -> tuple[Formula, ...]:
    """Find the columns that follow from two others in every row.

    Args:
        frame: Real rows; only numbers are looked at.

    Returns:
        At most one formula per column; the parts of each are no results themselves, or
        results of formulas before it.

    Examples:
        >>> frame = pl.DataFrame({"members": range(50), "guests": [i % 7 for i in range(50)]})
        >>> frame = frame.with_columns(riders=pl.col("members") + pl.col("guests"))
        >>> [(f.column, f.left, f.sign, f.right) for f in find_formulas(frame)]
        [('riders', 'members', '+', 'guests')]
    """
    columns = {s.name: _numbers(s) for s in frame if _is_number(s)}
    varied = {name: x for name, x in columns.items() if _is_varied(x)}
    names = list(varied)[:_MAX_COLUMNS]
    found: list[Formula] = []
    for name, left, sign, right in _candidates({name: varied[name] for name in names}):
        results = {formula.column for formula in found}
        parts = {part for formula in found for part in (formula.left, formula.right)}
        if name in results or name in parts or results & {left, right}:
            continue
        decimals = _decimals(varied[name])
        if _holds(varied[name], _combined(sign, varied[left], varied[right]), decimals):
            found.append(Formula(column=name, left=left, sign=sign, right=right, decimals=decimals))
    return tuple(found)


def _is_number(series: pl.Series) -> bool:
    return series.dtype.is_numeric() and series.dtype != pl.Boolean


def _numbers(series: pl.Series) -> Floats:
    return series.alias("").cast(pl.Float64).fill_null(float("nan")).to_numpy()


def _is_varied(numbers: Floats) -> bool:
    known = numbers[np.isfinite(numbers)]
    return len(known) >= _MIN_ROWS and len(np.unique(known)) >= _MIN_DISTINCT


def _candidates(columns: dict[str, Floats]) -> Iterator[tuple[str, str, Sign, str]]:
    """Yield what holds on a few rows: sums first, then products, then ratios."""
    if len(columns) < 3:  # noqa: PLR2004 - two parts and a result
        return
    matrix = np.stack(list(columns.values()))
    complete = np.flatnonzero(np.isfinite(matrix).sum(0) >= 3)  # noqa: PLR2004
    rows = complete[np.linspace(0, len(complete) - 1, min(_LOOK, len(complete))).astype(int)]
    few = dict(zip(columns, matrix[:, rows], strict=True))
    signs: tuple[tuple[Sign, _Pairs], ...] = (
        ("+", combinations),
        ("*", combinations),
        ("/", permutations),
    )
    for sign, pairs in signs:
        for left, right in pairs(columns, 2):
            result = _combined(sign, few[left], few[right])
            for name in columns:
                if name not in (left, right) and _holds(few[name], result, _decimals(few[name])):
                    yield name, left, sign, right


def _combined(sign: Sign, left: Floats, right: Floats) -> Floats:
    with np.errstate(all="ignore"):
        if sign == "+":
            return left + right
        result = left * right if sign == "*" else left / right
    return np.where(np.isfinite(result), result, np.nan)


def _decimals(numbers: Floats) -> int | None:
    """Return the decimals of numbers that have few, else `None`."""
    known = numbers[np.isfinite(numbers)]
    for decimals in range(_MAX_DECIMALS + 1):
        scaled = known * 10.0**decimals
        if (np.abs(scaled - np.round(scaled)) <= _TINY * np.maximum(1, np.abs(scaled))).all():
            return decimals
    return None


def _holds(wanted: Floats, result: Floats, decimals: int | None) -> bool:
    """Tell whether results are as wanted in every row, nulls included."""
    known = np.isfinite(wanted)
    if not known.any() or (known != np.isfinite(result)).any():
        return False
    slack = _TINY * np.maximum(1, np.abs(wanted[known]))
    if decimals is not None and 10.0**-decimals <= _FINE * wanted[known].std():
        slack = slack + 0.5 * 10.0**-decimals
    return bool((np.abs(wanted[known] - result[known]) <= slack).all())
