"""Guesses at sums of several columns, with a minus before some, times constants or not.

Every column is fitted, by least squares and on a few rows, by those before it that do not
follow from one another. Parts that explain nothing are left out one by one, and the weights of
those that stay are rounded to plain numbers.
"""

from __future__ import annotations

from dataclasses import dataclass
from fractions import Fraction
from itertools import chain
from typing import TYPE_CHECKING

import numpy as np

from synthohive.encoding.guesses import Guess, holds

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from numpy.typing import NDArray

    from synthohive.encoding.figures import Figure

    Floats = NDArray[np.float64]

_MAX_PARTS = 6
_SPARE = 20  # rows beyond the columns that a sum is fitted with
_SURE = 6.0  # standard errors that a part of a sum is away from none
_FLOOR = 1e-13  # of the spread, what least squares cannot tell from nothing
_DEPENDS = 1e-6  # of the spread, is what may stay unexplained of a column others stand for
_ROUGH = 0.05  # of the spread, may stay unexplained of a rounded result
_MAX_DIVISOR = 12
_DIGITS, _MORE_DIGITS = 4, 5  # of a weight, of a constant


def sums(figures: Mapping[str, Figure], rows: NDArray[np.intp]) -> Iterator[Guess]:
    """Guess sums of one to six weighted parts; of one relation, the most sensible sum first."""
    few = {name: figure.values[rows] for name, figure in figures.items()}
    nulls = {name: int(np.isnan(figure.values).sum()) for name, figure in figures.items()}
    # parts are null where results are at most, and spread less than they do
    names = sorted(figures, key=lambda name: (nulls[name], figures[name].spread))
    tables: dict[bytes, _Rows] = {}
    basis: list[str] = []
    relations: list[tuple[str, ...]] = []
    late: list[str] = []  # of too many parts, unless further sums can stand for some
    for name in chain(names, late):
        is_known = np.isfinite(few[name])
        pattern = is_known.tobytes()
        if pattern not in tables:
            tables[pattern] = _Rows.of(few, is_known)
        table = tables[pattern]
        parts = [part for part in basis if part in table.places and part != name]
        is_sure = bool(parts) and table.height >= len(parts) + _SPARE
        rest = table.fit(name, parts).rest if is_sure else np.inf
        if rest > _DEPENDS * table.spread(name) and name not in basis:
            basis.append(name)
        if rest <= _ROUGH * table.spread(name):
            parts = _shortest(name, _needed(name, parts, table), table, relations)
            guesses = _relation(name, parts, table, figures)
            guesses = [guess for guess in guesses if holds(guess, figures, rows)]
            if len(parts) > _MAX_PARTS and name not in late:
                late.append(name)
            if guesses:
                relations.append((name, *parts))
            yield from guesses


@dataclass(frozen=True, slots=True)
class _Fit:
    """Weights of parts, how sure they are, and what stays unexplained (a standard deviation)."""

    weights: Floats
    errors: Floats
    rest: float


@dataclass(frozen=True, slots=True)
class _Rows:
    """Columns known in the same rows, less their means, turned so that few rows are left."""

    places: dict[str, int]
    means: Floats
    turned: Floats
    height: int

    @staticmethod
    def of(few: Mapping[str, Floats], is_known: NDArray[np.bool_]) -> _Rows:
        """Take the columns that are known in all of some rows."""
        columns = {name: values[is_known] for name, values in few.items()}
        columns = {name: values for name, values in columns.items() if np.isfinite(values).all()}
        matrix = np.stack(list(columns.values()), axis=1)
        means = matrix.mean(0)
        places = {name: place for place, name in enumerate(columns)}
        return _Rows(places, means, np.linalg.qr(matrix - means, mode="r"), len(matrix))

    def spread(self, name: str) -> float:
        return float(np.linalg.norm(self.turned[:, self.places[name]])) / self.height**0.5

    def fit(self, name: str, parts: Sequence[str]) -> _Fit:
        """Fit a column by others."""
        wanted = self.turned[:, self.places[name]]
        given = self.turned[:, [self.places[part] for part in parts]]
        lengths = np.linalg.norm(given, axis=0)
        lengths[lengths == 0] = 1
        inverse = np.linalg.pinv(given / lengths, rcond=_FLOOR)
        scaled = inverse @ wanted
        missed = float(np.linalg.norm(wanted - given / lengths @ scaled))
        missed = max(missed, _FLOOR * float(np.linalg.norm(wanted)))
        rest = missed / max(1, self.height - len(parts) - 1) ** 0.5
        errors = rest * np.linalg.norm(inverse, axis=1)
        return _Fit(scaled / lengths, errors / lengths, rest)


def _needed(name: str, parts: list[str], table: _Rows) -> list[str]:
    """Leave out the parts that explain nothing of a column."""
    while len(parts) > 1:
        fit = table.fit(name, parts)
        sure = np.abs(fit.weights) / np.maximum(fit.errors, np.finfo(float).tiny)
        least = int(sure.argmin())
        if sure[least] >= _SURE:
            break
        parts = parts[:least] + parts[least + 1 :]
    return parts


def _shortest(
    name: str, parts: list[str], table: _Rows, relations: list[tuple[str, ...]]
) -> list[str]:
    """Put results of known sums in the place of their parts, where fewer are left so."""
    for result, *own in relations:
        shared = [part for part in own if part in parts]
        if len(shared) > 1 and table.places.keys() >= {result, *own}:
            others = dict.fromkeys((*parts, *own, result))
            others.pop(shared[0])  # the rest can stand for it now
            swapped = _needed(name, list(others), table)
            parts = swapped if len(swapped) < len(parts) else parts
    return parts


def _relation(
    name: str, parts: list[str], table: _Rows, figures: Mapping[str, Figure]
) -> Iterator[Guess]:
    """Guess the sums that say what a column and its parts have to do with each other."""
    if len(parts) > _MAX_PARTS:
        return
    weights = dict(zip(parts, table.fit(name, parts).weights.tolist(), strict=True))
    for result in _results(name, weights, figures):
        others = tuple(part for part in figures if part in (name, *parts) and part != result)
        guess = _sum(result, others, table)
        if guess is not None:
            yield guess


def _results(name: str, weights: Mapping[str, float], figures: Mapping[str, Figure]) -> list[str]:
    """Order the columns of a relation: the first is its result, unless that does not hold.

    With all of them on one side or the other so that none has a minus, the side with fewer
    columns has the result, for the sum then has the fewest minuses; it is the widest column.
    """
    if len(weights) == 1:
        return [column for column in (name, *weights) if not figures[column].is_flag]
    near = [name] + [part for part, weight in weights.items() if weight < 0]
    far = [part for part, weight in weights.items() if weight > 0]
    sides = [side for side in (near, far) if side]
    wide = {column: figures[column].spread for column in (*near, *far)}
    lead = {side[0]: max(wide[column] for column in side) for side in sides}
    sides.sort(key=lambda side: (len(side), -lead[side[0]]))
    ordered = [column for side in sides for column in sorted(side, key=lambda c: -wide[c])]
    return [column for column in ordered if not figures[column].is_flag]


def _sum(result: str, parts: tuple[str, ...], table: _Rows) -> Guess | None:
    """Fit a sum, and round its weights and its constant to plain numbers."""
    fit = table.fit(result, parts)
    pairs = zip(fit.weights.tolist(), fit.errors.tolist(), strict=True)
    weights = [_plain(w, _SURE * e + 1e-9 * abs(w), _DIGITS) for w, e in pairs]
    whole = [w for w in weights if w]
    if len(whole) < len(parts):
        return None
    sizes = [w * table.means[table.places[part]] for w, part in zip(whole, parts, strict=True)]
    mean = float(table.means[table.places[result]])
    rest = mean - sum(sizes)
    off = _SURE * fit.rest / table.height**0.5
    off += 1e-12 * (abs(mean) + sum(abs(size) for size in sizes))
    constant = _plain(rest, off, _MORE_DIGITS)
    return None if constant is None else Guess(result, "+", parts, tuple(whole), constant)


def _plain(number: float, off: float, digits: int) -> float | None:
    """Return the plainest number that is no further off than told."""
    if not np.isfinite(number):
        return None
    divided = Fraction(number).limit_denominator(_MAX_DIVISOR)
    for plain in (0.0, float(round(number)), float(divided), float(f"{number:.{digits}g}")):
        if abs(plain - number) <= off:
            return plain
    return None
