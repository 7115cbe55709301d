"""Guesses at formulas: what a few rows of a table show, to be verified on all of them.

Products, ratios and functions are tried one by one; sums are another module's.
"""

from __future__ import annotations

from itertools import pairwise
from typing import TYPE_CHECKING, NamedTuple

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping

    from numpy.typing import NDArray

    from synthohive.encoding.figures import Figure

    Floats = NDArray[np.float64]

_FACTORS = (1, 2, 7, 10, 12, 24, 52, 60, 100, 365, 1_000, 3_600, 10_000, 1_000_000)
_SCALES = np.array(sorted({1 / f for f in _FACTORS} | {float(f) for f in _FACTORS}))
_HUGE = 1e100  # is no result
_NEAR = 0.05  # of itself, may a scale read off one row be wrong
_STAGES = (0, 2, 8, 32, 128, None)  # rows that are looked at one after the other

FUNCTIONS: dict[str, Callable[[Floats], Floats]] = {
    "log": np.log,
    "log1p": np.log1p,
    "log10": np.log10,
    "log from 1": lambda x: np.log(np.maximum(x, 1)),
    "sqrt": np.sqrt,
    "exp": np.exp,
    "expm1": np.expm1,
}


class Guess(NamedTuple):
    """``column`` may be its weighted parts put together by a sign, plus a constant."""

    column: str
    sign: str
    parts: tuple[str, ...]
    weights: tuple[float, ...]
    constant: float = 0.0


def combined(guess: Guess, columns: Mapping[str, Floats]) -> tuple[Floats, Floats]:
    """Compute a result, NaN where there is none, and the size of what it is computed with."""
    terms = [w * columns[name] for name, w in zip(guess.parts, guess.weights, strict=True)]
    if guess.sign != "+":
        result = _put_together(guess.sign, *terms)
        return result, _sizes(guess.sign, result, terms[0])
    with np.errstate(all="ignore"):
        result = sum(terms[1:], terms[0]) + guess.constant
        sizes = np.abs(terms).sum(0) + abs(guess.constant)
    return np.where(np.abs(result) < _HUGE, result, np.nan), sizes


def holds(
    guess: Guess, figures: Mapping[str, Figure], rows: NDArray[np.intp] | None = None
) -> bool:
    """Tell whether results are as wanted in every row, or in some rows, nulls included."""
    chosen = slice(None) if rows is None else rows
    wanted, part = figures[guess.column], figures[guess.parts[0]]
    values = wanted.values[chosen]
    result, sizes = combined(guess, {name: figures[name].values[chosen] for name in guess.parts})
    known = np.isfinite(values)
    if not known.any() or (known != np.isfinite(result)).any():
        return False
    slack = wanted.slack(values, sizes) + _blur(guess.sign, part.values[chosen], part.blur)
    return bool((np.abs(values - result) <= slack)[known].all())


def products(figures: Mapping[str, Figure], rows: NDArray[np.intp]) -> Iterator[Guess]:
    """Guess products and ratios of two columns, perhaps times a common factor."""
    names = list(figures)
    few = np.stack([figures[name].values[rows] for name in names])
    blurs = np.array([figures[name].blur for name in names])
    both = np.triu_indices(len(names))
    apart = np.nonzero(~np.eye(len(names), dtype=bool))
    for sign, (left, right) in (("*", both), ("/", apart)):
        for place, name in enumerate(names):
            widest = int(np.nanargmax(np.abs(few[place])))
            made = _put_together(sign, few[left, widest], few[right, widest])
            scales = _scales(float(few[place, widest]), made)
            is_open = np.isfinite(scales) & (left != place) & (right != place)
            pairs = (left[is_open], right[is_open])
            scales = scales[is_open]
            for pair in _agreeing(figures[name], few[place], sign, few, blurs, pairs, scales):
                parts = (names[pairs[0][pair]], names[pairs[1][pair]])
                yield Guess(name, sign, parts, (float(scales[pair]), 1.0))


def functions(figures: Mapping[str, Figure], rows: NDArray[np.intp]) -> Iterator[Guess]:
    """Guess functions of one column."""
    names = list(figures)
    few = np.stack([figures[name].values[rows] for name in names])
    blurs = np.array([figures[name].blur for name in names])
    for sign in FUNCTIONS:
        for place, name in enumerate(names):
            others = np.flatnonzero(np.arange(len(names)) != place)
            same = np.ones(len(others))
            for part in _agreeing(figures[name], few[place], sign, few, blurs, (others,), same):
                yield Guess(name, sign, (names[others[part]],), (1.0,))


def _put_together(sign: str, *terms: Floats) -> Floats:
    """Compute what is no sum, NaN where it cannot be."""
    with np.errstate(all="ignore"):
        if sign in FUNCTIONS:
            result = FUNCTIONS[sign](terms[0])
        else:
            result = terms[0] * terms[1] if sign == "*" else terms[0] / terms[1]
    return np.where(np.abs(result) < _HUGE, result, np.nan)


def _sizes(sign: str, result: Floats, part: Floats) -> Floats:
    """Return how large an error of a result is, per relative error of its parts."""
    if sign.startswith("log"):
        return np.abs(result) + 1
    return np.abs(result) * (1 + np.abs(part)) if sign.startswith("exp") else np.abs(result)


def _blur(sign: str, part: Floats, blur: float | Floats) -> Floats | float:
    """Return how far a function is off because its part was rounded."""
    if sign not in FUNCTIONS:
        return 0.0
    return np.nan_to_num(np.abs(_put_together(sign, part + blur) - _put_together(sign, part)))


def _scales(wanted: float, made: Floats) -> Floats:
    """Return which of some common factors each result lacks, NaN where none is near."""
    with np.errstate(all="ignore"):
        ratios = wanted / made
        logs = np.log(np.where(ratios > 0, ratios, np.nan))
    known = np.log(_SCALES)
    nearest = np.searchsorted((known[1:] + known[:-1]) / 2, np.nan_to_num(logs))
    return np.where(np.abs(logs - known[nearest]) <= _NEAR, _SCALES[nearest], np.nan)


def _agreeing(
    wanted: Figure,
    values: Floats,
    sign: str,
    few: Floats,
    blurs: Floats,
    parts: tuple[NDArray[np.intp], ...],
    scales: Floats,
) -> list[int]:
    """Return which parts, the first one scaled, make up a column in a few rows.

    Args:
        wanted: The column.
        values: Its numbers in those rows.
        sign: What is done with the parts.
        few: (columns, rows): the numbers of all columns.
        blurs: How far each column is off because it was rounded.
        parts: For every place in the sign, one column per candidate.
        scales: The factor of every candidate.
    """
    places = np.arange(len(scales))
    for start, end in pairwise(_STAGES):
        seen = few[:, start:end]
        here = values[start:end]
        first, *others = (seen[part[places]] for part in parts)
        first = first * scales[places, None]
        result = _put_together(sign, first, *others)
        slack = wanted.slack(here, _sizes(sign, result, first))
        slack = slack + _blur(sign, first, blurs[parts[0][places], None])
        is_same = np.abs(result - here) <= slack
        is_same |= np.isnan(result) & np.isnan(here)
        places = places[is_same.all(1)]
    return places.tolist()
