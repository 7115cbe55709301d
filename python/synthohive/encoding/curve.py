"""Numbers that nearly follow from another number of the same row.

A stone's length nearly follows from its weight, a day's highest temperature from its mean.
Codes are too coarse for such a relation: within one code of the weight, lengths differ by
more than they do in truth. So a curve is laid through the two columns, and what is learned
of the one is its distance from the curve. Distances are short, so that the same number of
codes tells them apart much finer, and the relation holds by construction.

A column with values of its own that rows prefer, such as round amounts, is left alone: they
would be lost among the distances.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import polars as pl

from synthohive.encoding.draws import below, fraction
from synthohive.encoding.figures import floats
from synthohive.encoding.grid import Grid
from synthohive.encoding.number import NumberCodec, finite

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping

    from numpy.typing import NDArray

    from synthohive.encoding.grid import Numbers

    Floats = NDArray[np.float64]

_LOOK = 10_000  # rows that curves are laid through
_MIN_ROWS = 300
_CELL_ROWS = 25  # per knot of a curve, at least
_MAX_KNOTS = 64
_MIN_KNOTS = 3
_MAX_COLUMNS = 40
_MIN_DISTINCT = 20
_COARSER = 1.1  # the base has at most so many times the values: few follow from many, not back
_HEAVY = 0.1  # of the rows, with one value: a distance would hide it
_TEN = 10
_UNEVEN = 0.15  # of the rows, with other last digits than chance has
_MONOTONE = 0.9  # rank correlation of two columns that are worth a curve
_NARROW = 0.15  # of a column's spread, is what the distances spread, at most
_NARROW_SAME = 0.25  # the same of a column that never crosses its base
_BY_CHANCE = 0.05  # of the pairs of strange rows, crossing, show that never crossing says much
_SURE = 2.0**52  # whole floats are exact up to here
_QUANTILES = np.linspace(0.05, 0.95, 10)


@dataclass(frozen=True, slots=True, kw_only=True)
class Line:
    """Straight pieces between knots, going on beyond the last ones.

    Attributes:
        at: Where the knots are, ascending, at least two.
        to: The line's heights there.

    Examples:
        >>> Line(at=(0.0, 1.0), to=(5.0, 7.0)).heights(np.array([-1.0, 0.5, 3.0])).tolist()
        [3.0, 6.0, 11.0]
    """

    at: tuple[float, ...]
    to: tuple[float, ...]

    def heights(self, x: Floats) -> Floats:
        """Return the heights of the line."""
        at, to = np.array(self.at), np.array(self.to)
        slopes = np.diff(to) / np.diff(at)
        piece = np.clip(np.searchsorted(at, x, side="right") - 1, 0, len(slopes) - 1)
        return to[piece] + slopes[piece] * (x - at[piece])


@dataclass(frozen=True, slots=True, kw_only=True)
class Curve:
    """One number that is learned as its distance from a curve along another one.

    Attributes:
        column: What is learned as a distance.
        base: What the curve runs along.
        grid: How the column's values map to numbers.
        base_grid: How the base's do.
        low: The least value of the column, as a number.
        high: Its greatest.
        line: The curve, from numbers of the base to numbers of the column.
        back: The curve the other way round.
        strays: How far bases lie from it: one row of quantiles for each of its knots.
    """

    column: str
    base: str
    grid: Grid
    base_grid: Grid
    low: float
    high: float
    line: Line
    back: Line
    strays: tuple[tuple[float, ...], ...]

    def distances(self, series: pl.Series, base: pl.Series) -> pl.Series:
        """Return the distances from the curve, null where a value or its base is."""
        known = (series.is_not_null() & base.is_not_null()).to_numpy()
        values = self.grid.numbers(series.filter(pl.Series(known)))
        beside = values - self._curve(base.filter(pl.Series(known)))
        return _placed(pl.Series(beside), known)

    def values(self, distances: pl.Series, base: pl.Series) -> pl.Series:
        """Return the values at distances from the curve; the inverse of `distances`."""
        known = (distances.is_not_null() & base.is_not_null()).to_numpy()
        kept = distances.filter(pl.Series(known)).to_numpy()
        numbers = np.clip(kept + self._curve(base.filter(pl.Series(known))), self.low, self.high)
        whole = numbers.astype(np.int64) if self.grid.step else numbers
        return _placed(self.grid.values(whole), known)

    def bases(self, series: pl.Series, bits: NDArray[np.uint64]) -> pl.Series:
        """Draw bases that go with values of the column, null where these are null.

        Args:
            series: Values of the column.
            bits: 64 random bits per row.
        """
        known = series.is_not_null().to_numpy()
        numbers = self.grid.numbers(series.filter(pl.Series(known))).astype(np.float64)
        knots = np.array(self.back.at)
        nearest = np.searchsorted((knots[1:] + knots[:-1]) / 2, numbers)
        bits = bits[known]
        strays: Floats = np.array(self.strays)[nearest]
        place = below(bits, 0, strays.shape[1] - 1)
        rows, inner = np.arange(len(numbers)), fraction(bits, 1)
        stray = strays[rows, place] * (1 - inner) + strays[rows, place + 1] * inner
        drawn = self.back.heights(numbers) + stray
        whole = np.rint(drawn).astype(np.int64) if self.base_grid.step else drawn
        return _placed(self.base_grid.values(whole), known)

    def _curve(self, base: pl.Series) -> Numbers:
        heights = self.line.heights(self.base_grid.numbers(base).astype(np.float64))
        return np.rint(heights).astype(np.int64) if self.grid.step else heights

    def to_dict(self) -> dict[str, object]:
        """Return the curve as JSON-able data; dtypes are kept by the table."""
        return {
            "column": self.column,
            "base": self.base,
            "grid": self.grid.to_dict(),
            "base_grid": self.base_grid.to_dict(),
            "low": self.low,
            "high": self.high,
            "line": [self.line.at, self.line.to],
            "back": [self.back.at, self.back.to],
            "strays": self.strays,
        }

    @staticmethod
    def from_dict(state: dict, schema: Mapping[str, pl.DataType]) -> Curve:
        """Rebuild a curve from `to_dict`."""
        lines = {
            name: Line(at=tuple(state[name][0]), to=tuple(state[name][1]))
            for name in ("line", "back")
        }
        return Curve(
            column=state["column"],
            base=state["base"],
            grid=Grid.from_dict(state["grid"], schema[state["column"]]),
            base_grid=Grid.from_dict(state["base_grid"], schema[state["base"]]),
            low=state["low"],
            high=state["high"],
            strays=tuple(tuple(row) for row in state["strays"]),
            **lines,
        )


def _placed(values: pl.Series, where: NDArray[np.bool_]) -> pl.Series:
    """Put values in their rows, null elsewhere."""
    if where.all():
        return values.alias("")
    place = pl.Series(np.where(where, np.cumsum(where) - 1, -1))
    return values.gather(place.replace(-1, None)).alias("")


@dataclass(frozen=True, slots=True, kw_only=True)
class _Numbers:
    """A column of numbers, looked at in some rows."""

    codec: NumberCodec
    numbers: Floats  # NaN where null
    values: Floats  # the same as they are, not on the grid
    distinct: int
    is_smooth: bool


def find_curves(
    frame: pl.DataFrame, codecs: Mapping[str, object], names: Iterable[str]
) -> tuple[Curve, ...]:
    """Find the numbers that nearly follow from another one.

    Args:
        frame: Real rows.
        codecs: How each column would be encoded by itself.
        names: Columns that may take part.

    Returns:
        At most one curve per column, each after the curve of its base.

    Examples:
        >>> from synthohive.encoding.number import fit_number
        >>> from synthohive.encoding.settings import EncodingSettings
        >>> weight = np.random.default_rng(1).uniform(1, 4, 2_000)
        >>> frame = pl.DataFrame({"weight": weight.round(1), "length": weight ** (1 / 3)})
        >>> codecs = {name: fit_number(frame[name], EncodingSettings()) for name in frame.columns}
        >>> [(curve.column, curve.base) for curve in find_curves(frame, codecs, frame.columns)]
        [('length', 'weight')]
    """
    if frame.height < _MIN_ROWS:
        return ()
    looked = frame.gather_every(-(-frame.height // _LOOK))
    columns: dict[str, _Numbers] = {}
    for name in names:
        codec = codecs[name]
        if isinstance(codec, NumberCodec) and (seen := _look(looked[name].alias(""), codec)):
            columns[name] = seen
    columns = dict(list(columns.items())[:_MAX_COLUMNS])
    tightest_first = sorted(
        (tightness, column, base)
        for column, base in _monotone(columns)
        if (tightness := _tightness(columns[column], columns[base])) is not None
    )
    chosen: dict[str, str] = {}
    for _, column, base in tightest_first:
        if column not in chosen and column not in _line_of(base, chosen):
            chosen[column] = base
    in_order = sorted(chosen, key=lambda column: len(_line_of(column, chosen)))
    found = [
        _curve(column, columns[column], base, columns[base])
        for column, base in ((column, chosen[column]) for column in in_order)
        if not (frame[column].is_not_null() & frame[base].is_null()).any()
    ]
    return tuple(curve for curve in found if curve is not None)


def _line_of(column: str, bases: Mapping[str, str]) -> list[str]:
    """Return a column, its base, the base of that, and so on."""
    line = [column]
    while line[-1] in bases:
        line.append(bases[line[-1]])
    return line


def _look(series: pl.Series, codec: NumberCodec) -> _Numbers | None:
    """Look at a column, if it is one of many different finite numbers."""
    if not series.dtype.is_numeric() or codec.special or codec.cells is None:
        return None
    counts = series.drop_nulls().value_counts(name="rows")["rows"]
    if len(counts) < _MIN_DISTINCT:
        return None
    known = finite(series)
    numbers = np.full(len(series), np.nan)
    numbers[known] = codec.grid.numbers(series.filter(pl.Series(known)))
    if np.nanmax(np.abs(numbers)) > _SURE:
        return None
    heaviest = int(counts.max() or 0)  # pyright: ignore[reportArgumentType]
    return _Numbers(
        codec=codec,
        numbers=numbers,
        values=floats(series),
        distinct=len(counts),
        is_smooth=heaviest <= _HEAVY * known.sum() and not _prefers(numbers[known], codec.grid),
    )


def _prefers(numbers: Floats, grid: Grid) -> bool:
    """Tell whether values prefer some last digits, as prices and round amounts do."""
    if not grid.step:
        return False
    digits = np.bincount((numbers % _TEN).astype(np.int64), minlength=_TEN) / len(numbers)
    return bool(np.abs(digits - 1 / _TEN).sum() / 2 > _UNEVEN)


def _monotone(columns: Mapping[str, _Numbers]) -> Iterator[tuple[str, str]]:
    """Yield columns with what may be their base: known where they are, and ordered alike."""
    names = list(columns)
    if len(names) < 2:  # noqa: PLR2004 - a column and its base
        return
    ranks = np.stack([_ranks(columns[name].numbers) for name in names])
    for name in names:
        column = columns[name]
        known = np.isfinite(column.numbers)
        if not column.is_smooth or known.sum() < _MIN_ROWS:
            continue
        with np.errstate(all="ignore"):  # what is null or constant there has no correlation
            likeness = np.atleast_2d(np.corrcoef(ranks[:, known]))[names.index(name)]
        for base, alike in zip(names, likeness, strict=True):
            is_coarser = columns[base].distinct <= _COARSER * column.distinct
            if base != name and is_coarser and abs(alike) >= _MONOTONE:
                yield name, base


def _tightness(column: _Numbers, base: _Numbers) -> float | None:
    """Return the spread left beside the curve as a share of the column's, if it is narrow."""
    known = np.isfinite(column.numbers)
    x, y = base.numbers[known], column.numbers[known]
    line, spread = _lay(x, y), _spread(y)
    if line is None or not spread:
        return None
    left = _spread(y - line.heights(x)) / spread
    are_alike = _never_cross(column.values[known], base.values[known])
    return left if left <= (_NARROW_SAME if are_alike else _NARROW) else None


def _never_cross(one: Floats, other: Floats) -> bool:
    """Tell whether one column is never below the other, though by chance it would be."""
    if (one < other).any() and (one > other).any():
        return False
    low, high = sorted((one, other), key=lambda x: float(x.mean()))
    crossing = np.searchsorted(np.sort(high), low).mean() / len(high)
    return bool(crossing >= _BY_CHANCE)


def _ranks(x: Floats) -> Floats:
    return pl.Series(x).fill_nan(None).rank().fill_null(float("nan")).to_numpy()


def _spread(x: Floats) -> float:
    low, high = np.quantile(x, [0.05, 0.95])
    return float(high - low)


def _cells(x: Floats) -> list[NDArray[np.intp]]:
    """Split rows into runs of neighbours along a column, equal values together."""
    count = min(_MAX_KNOTS, len(x) // _CELL_ROWS)
    edges = np.unique(np.quantile(x, np.linspace(0, 1, count + 1)[1:-1]))
    cell = np.searchsorted(edges, x, side="left")
    order = np.argsort(cell, kind="stable")
    rows = np.split(order, np.searchsorted(cell[order], np.arange(1, len(edges) + 1)))
    return [run for run in rows if len(run) >= _CELL_ROWS // 2]


def _lay(x: Floats, y: Floats) -> Line | None:
    """Lay a curve through medians of neighbours."""
    runs = _cells(x)
    at, first = np.unique([np.median(x[run]) for run in runs], return_index=True)
    if len(at) < _MIN_KNOTS:
        return None
    to = np.array([np.median(y[run]) for run in runs])[first]
    return Line(at=tuple(at.tolist()), to=tuple(to.tolist()))


def _curve(name: str, column: _Numbers, base_name: str, base: _Numbers) -> Curve | None:
    """Describe the curve of two columns, there and back."""
    known = np.isfinite(column.numbers)
    x, y = base.numbers[known], column.numbers[known]
    line, back, cells = _lay(x, y), _lay(y, x), column.codec.cells
    if line is None or back is None or cells is None:
        return None
    beside = x - back.heights(y)
    knots = np.array(back.at)
    nearest = np.searchsorted((knots[1:] + knots[:-1]) / 2, y)
    strays = [np.quantile(beside[nearest == knot], _QUANTILES) for knot in range(len(knots))]
    return Curve(
        column=name,
        base=base_name,
        grid=column.codec.grid,
        base_grid=base.codec.grid,
        low=float(cells.low[0]),
        high=float(cells.high[-1]),
        line=line,
        back=back,
        strays=tuple(tuple(row.tolist()) for row in strays),
    )
