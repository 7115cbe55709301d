"""Columns that follow from others of the same row: sums, products, ratios, and functions.

A total is price times quantity, a balance is what came in less what went out. A generator
learns such a relation nearly, and nearly is wrong in every row. So it is found here, and the
result is computed from its parts when rows are decoded. It is learned like any other column all
the same, so that rows can be asked for by it.
"""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING

import numpy as np
import polars as pl

from synthohive.encoding.figures import floats, measured, telling_rows
from synthohive.encoding.guesses import Guess, combined, functions, holds, products
from synthohive.encoding.sums import sums

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from synthohive.encoding.figures import Figure

_MAX_COLUMNS = 100
_MIN_DISTINCT = 10  # of the one part of a function
_SHARED = 5  # rows of every value of a part that a lookup does as well with


@dataclass(frozen=True, slots=True, kw_only=True)
class Formula:
    """One column that is computed from others, and rounded.

    Attributes:
        column: The result.
        sign: What is done with the weighted parts: ``+``, ``*`` or ``/``, or the name of a
            function of one: ``log``, ``log1p``, ``log10``, ``sqrt``, ``exp``, ``expm1``.
        parts: One to six columns of a sum, two of a product or a ratio, one of a function.
        weights: What each part is multiplied by; -1 for what is subtracted.
        constant: What is added in the end.
        decimals: Decimals the result is rounded to; `None` for none.
        is_single: The result is rounded to single precision.
        nulls_are_zero: A part that is null counts as zero; else the result is null.

    Examples:
        >>> net = Formula(
        ...     column="net",
        ...     sign="+",
        ...     parts=("gross", "tax"),
        ...     weights=(1.0, -1.0),
        ...     constant=0.0,
        ...     decimals=2,
        ...     is_single=False,
        ...     nulls_are_zero=False,
        ... )
        >>> parts = {"gross": pl.Series([3.5, 1.0]), "tax": pl.Series([0.3, None])}
        >>> net.apply(parts, pl.Float64()).to_list()
        [3.2, None]
    """

    column: str
    sign: str
    parts: tuple[str, ...]
    weights: tuple[float, ...]
    constant: float
    decimals: int | None
    is_single: bool
    nulls_are_zero: bool

    def apply(self, columns: Mapping[str, pl.Series], dtype: pl.DataType) -> pl.Series:
        """Compute the result from its parts, null where one is null or it does not fit."""
        parts = {name: floats(columns[name]) for name in self.parts}
        if self.nulls_are_zero:
            parts = {name: np.nan_to_num(values, nan=0.0) for name, values in parts.items()}
        guess = Guess(self.column, self.sign, self.parts, self.weights, self.constant)
        result, _ = combined(guess, parts)
        if self.decimals is not None:
            result = np.round(result, self.decimals)
        if self.is_single:
            with np.errstate(over="ignore", under="ignore"):
                result = result.astype(np.float32).astype(np.float64)
        series = pl.Series(np.where(np.isfinite(result), result, np.nan)).fill_nan(None)
        return series.cast(dtype, strict=False)

    def to_dict(self) -> dict[str, object]:
        """Return the formula as JSON-able data."""
        return asdict(self)

    @staticmethod
    def from_dict(state: dict) -> Formula:
        """Rebuild a formula from `to_dict`."""
        values = {name: state[name] for name in Formula.__slots__}
        for name in ("parts", "weights"):
            values[name] = tuple(values[name])
        return Formula(**values)


def find_formulas(frame: pl.DataFrame) -> tuple[Formula, ...]:
    """Find the columns that follow from others in every row.

    Of the ways to say one relation, one is taken: ``gross = net + tax`` rather than
    ``net = gross - tax``.

    Args:
        frame: Real rows; only numbers are looked at.

    Returns:
        At most one formula per column, each after the formulas of its parts.

    Examples:
        >>> frame = pl.DataFrame({"members": range(50), "guests": [i * i % 11 for i in range(50)]})
        >>> frame = frame.with_columns(riders=pl.col("members") + pl.col("guests"))
        >>> [(f.column, f.sign, f.parts) for f in find_formulas(frame)]
        [('riders', '+', ('members', 'guests'))]
    """
    every = {s.name: measured(s) for s in frame if s.dtype.is_numeric()}
    known = [(name, figure) for name, figure in every.items() if figure is not None]
    figures = dict(known[:_MAX_COLUMNS])
    if len(figures) < 2:  # noqa: PLR2004 - a part and a result
        return ()
    fractions = {name for name in figures if frame.schema[name].is_float()}
    found: dict[str, Formula] = {}
    filled = {n: f.without_nulls() if f.has_null else f for n, f in figures.items()}
    for guess, nulls_are_zero in _guesses(figures, filled):
        if guess.column in found or any(_needs(found, p, guess.column) for p in guess.parts):
            continue
        given = filled if nulls_are_zero else figures
        if holds(guess, given) and _is_worth_it(guess, given, fractions):
            wanted = figures[guess.column]
            found[guess.column] = _formula(guess, wanted, nulls_are_zero=nulls_are_zero)
    return _in_order(found)


def _guesses(
    figures: Mapping[str, Figure], filled: Mapping[str, Figure]
) -> Iterator[tuple[Guess, bool]]:
    """Guess formulas, and whether nulls count as zero in them."""
    rows = telling_rows(figures)
    gaps = {name for name, figure in figures.items() if figure.has_null}
    for search in (sums, products, functions):
        for given in (figures, filled) if gaps else (figures,):
            # a flag times something is worth no formula
            rich = {name: figure for name, figure in given.items() if not figure.is_flag}
            for guess in search(given if search is sums else rich, rows):
                is_filled = given is filled
                is_new = guess.column not in gaps and gaps.intersection(guess.parts)
                if is_new or not is_filled:
                    yield guess, is_filled


def _needs(found: Mapping[str, Formula], name: str, part: str) -> bool:
    """Tell whether a column is a part, or computed from it."""
    if name == part:
        return True
    return name in found and any(_needs(found, other, part) for other in found[name].parts)


def _is_worth_it(guess: Guess, figures: Mapping[str, Figure], fractions: set[str]) -> bool:
    """Tell whether a formula that holds says more than a lookup does, or than row numbers do."""
    if len(set(guess.parts)) > 1:
        is_plain = guess.sign == "+" and {abs(weight) for weight in guess.weights} == {1.0}
        columns = [figures[name] for name in (guess.column, *guess.parts)]
        if is_plain:
            return not all(part.is_flag for part in columns[1:])
        return not any(column.is_flag or column.is_numbering for column in columns)
    part = guess.parts[0]
    values = figures[part].values
    distinct, counts = np.unique(values[np.isfinite(values)], return_counts=True)
    is_shared = part not in fractions and bool((counts >= _SHARED).all())
    return len(distinct) >= _MIN_DISTINCT and not is_shared


def _formula(guess: Guess, wanted: Figure, *, nulls_are_zero: bool) -> Formula:
    return Formula(
        column=guess.column,
        sign=guess.sign,
        parts=guess.parts,
        weights=guess.weights,
        constant=guess.constant,
        decimals=wanted.decimals,
        is_single=wanted.is_single,
        nulls_are_zero=nulls_are_zero,
    )


def _in_order(found: dict[str, Formula]) -> tuple[Formula, ...]:
    """Put every formula after those of its parts."""
    done: dict[str, Formula] = {}
    while len(done) < len(found):
        waiting = found.keys() - done.keys()
        ready = [f for name, f in found.items() if name in waiting and not waiting & {*f.parts}]
        done |= {formula.column: formula for formula in ready}
    return tuple(done.values())
