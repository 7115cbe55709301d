"""Numbers that are never below another number of the same row.

The lowest temperature of a day is no higher than the mean one, a discount is no larger than
the price. A generator learns such a relation nearly, and the few rows that break it are told
at a glance. So it is found here, and those rows are mended: the higher number is put a short
way above the lower one.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import polars as pl

from synthohive.encoding.draws import below, row_bits
from synthohive.encoding.figures import floats
from synthohive.encoding.grid import Grid, find_grid, natural_grid

if TYPE_CHECKING:
    from collections.abc import Collection, Mapping, Sequence

    from synthohive.randomness import Stream

_MIN_ROWS = 100
_LOOK = 10_000  # rows that pairs are tried on before all rows are
_SURPRISES = 20  # rows that would break the relation, were it chance
_SHARE = 0.01  # of the rows: the same
_PIECE = 1_000_000  # rows that are compared together
_MAX_COLUMNS = 100
_MAX_LOWER = 3
_MAX_WHOLE = 2.0**52
_GAPS = 33
_TINY = 1e-6  # of a unit: what rounding of floats may have changed

Floats = np.ndarray[tuple[int, ...], np.dtype[np.float64]]


@dataclass(frozen=True, slots=True, kw_only=True)
class Bound:
    """One number that is never below another.

    Attributes:
        column: The higher column.
        base: The lower column.
        gaps: Short ways between the two, to mend wrong rows with.
        grid: Where the higher column's values lie.
        base_grid: Where the lower column's values lie.
        most: The highest value of the higher column, where enough rows share it.

    Examples:
        >>> grid = Grid(dtype=pl.Int64(), step=1)
        >>> bound = Bound(column="high", base="low", gaps=(2.0,), grid=grid, base_grid=grid)
        >>> from synthohive.randomness import Stream
        >>> high, low = pl.Series([7, 7, None]), pl.Series([6, 8, 9])
        >>> bound.raised(high, low, Stream(1)).to_list()
        [7, 10, None]
        >>> bound.lowered(low, high).to_list()
        [6, 7, 9]
    """

    column: str
    base: str
    gaps: tuple[float, ...]
    grid: Grid
    base_grid: Grid
    most: float | None = None

    def raised(
        self, higher: pl.Series, lower: pl.Series, stream: Stream, *, start: int = 0
    ) -> pl.Series:
        """Put the higher number a short way above the lower one where it is below it."""
        least = floats(lower)
        wrong = np.flatnonzero(floats(higher) < least)
        if not len(wrong):
            return higher
        bits = row_bits(stream, len(higher), start=start)[wrong]
        least = least[wrong]
        wanted = least + np.array(self.gaps)[below(bits, 0, len(self.gaps))]
        if self.most is not None:
            wanted = np.maximum(np.minimum(wanted, self.most), least)
        return higher.clone().scatter(wrong, _on_grid(wanted, least, self.grid, 1))

    def lowered(self, lower: pl.Series, higher: pl.Series) -> pl.Series:
        """Put the lower number on the higher one where it is above it."""
        most = floats(higher)
        wrong = np.flatnonzero(floats(lower) > most)
        if not len(wrong):
            return lower
        most = most[wrong]
        return lower.clone().scatter(wrong, _on_grid(most, most, self.base_grid, -1))

    def to_dict(self) -> dict[str, object]:
        """Return the bound as JSON-able data; dtypes are kept by the table."""
        return {
            "column": self.column,
            "base": self.base,
            "gaps": list(self.gaps),
            "grid": self.grid.to_dict(),
            "base_grid": self.base_grid.to_dict(),
            "most": self.most,
        }

    @staticmethod
    def from_dict(state: dict, schema: Mapping[str, pl.DataType]) -> Bound:
        """Rebuild a bound from `to_dict`."""
        return Bound(
            column=state["column"],
            base=state["base"],
            gaps=tuple(state["gaps"]),
            grid=Grid.from_dict(state["grid"], schema[state["column"]]),
            base_grid=Grid.from_dict(state["base_grid"], schema[state["base"]]),
            most=state["most"],
        )


def bounded(
    columns: Mapping[str, pl.Series],
    bounds: Sequence[Bound],
    stream: Stream,
    *,
    start: int = 0,
    fixed: Collection[str] = (),
) -> dict[str, pl.Series]:
    """Return the columns that are to be mended, mended.

    Args:
        columns: Decoded columns.
        bounds: Each after the bounds of its base.
        stream: Address of the randomness; row ``i`` uses number ``start + i``.
        start: Number of the first row.
        fixed: Columns that stay as they are: where they are the higher one, the lower one is
            put on them.
    """
    mended = {name: columns[name] for bound in bounds for name in (bound.base, bound.column)}

    def lower() -> None:
        limits = set(fixed)
        for bound in reversed(bounds):
            if bound.column in limits and bound.base not in fixed:
                mended[bound.base] = bound.lowered(mended[bound.base], mended[bound.column])
                limits.add(bound.base)

    lower()
    for bound in bounds:
        name = bound.column
        if name not in fixed:
            here = stream.child(name, "raise", bound.base)
            mended[name] = bound.raised(mended[name], mended[bound.base], here, start=start)
    lower()  # what was raised above a fixed one
    return mended


def find_bounds(frame: pl.DataFrame, *, min_rows: int) -> tuple[Bound, ...]:
    """Find the numbers that are never below another one.

    Args:
        frame: Real rows; only numbers are looked at.
        min_rows: Rows that must share a value before it may be kept as it is.

    Returns:
        At most a few bounds per column, each after the bounds of its base. What follows from
        other bounds is left out.

    Examples:
        >>> low = pl.Series(range(300)) * 7 % 100
        >>> frame = pl.DataFrame({"high": low + 30, "mean": low + 9, "low": low})
        >>> [(bound.base, bound.column) for bound in find_bounds(frame, min_rows=3)]
        [('low', 'mean'), ('mean', 'high')]
    """
    # without their names, which may look like patterns to Polars
    named = {name: frame[name].alias("") for name in frame.columns if _is_number(frame[name])}
    step = -(-max(1, frame.height) // _LOOK)
    few = {name: floats(series.gather_every(step)) for name, series in named.items()}
    names = [name for name, numbers in few.items() if _is_varied(numbers)][:_MAX_COLUMNS]
    sorted_few = {name: np.sort(few[name][np.isfinite(few[name])]) for name in names}
    pairs = {
        (low, high): share
        for low in names
        for high in names
        if low != high
        and not (few[low] > few[high]).any()
        and (share := _surprise(few[low], few[high], sorted_few[high]))
    }
    kept = _that_hold(pairs, named) if step > 1 else pairs
    return tuple(_bound(low, high, few, named, min_rows) for low, high in _fewest(kept, names, few))


def _is_number(series: pl.Series) -> bool:
    return series.dtype.is_numeric() and series.dtype != pl.Boolean


def _is_varied(numbers: Floats) -> bool:
    """Tell whether floats hold a column's numbers well, and there is a choice of them."""
    known = numbers[np.isfinite(numbers)]
    if len(known) < _MIN_ROWS or np.abs(known).max() > _MAX_WHOLE:
        return False
    return bool(known.min() < known.max())


def _surprise(low: Floats, high: Floats, high_sorted: Floats) -> float:
    """Return the share of rows that break an order were it chance; 0 if it is too little."""
    known = np.isfinite(low) & np.isfinite(high)
    rows = int(known.sum())
    if rows < _MIN_ROWS:
        return 0.0
    if np.quantile(low[known], 0.95) < np.quantile(high[known], 0.05):
        return 0.0
    less = np.searchsorted(high_sorted, low[known], side="left") / len(high_sorted)
    share = float(less.mean())
    return share if share >= max(_SHARE, _SURPRISES / rows) else 0.0


def _that_hold(
    pairs: dict[tuple[str, str], float], named: dict[str, pl.Series]
) -> dict[tuple[str, str], float]:
    """Return the pairs that hold in all rows."""
    rows = len(next(iter(named.values()), ()))
    for at in range(0, rows, _PIECE):
        used = {name for pair in pairs for name in pair}
        piece = {name: floats(named[name][at : at + _PIECE]) for name in used}
        pairs = {
            (low, high): share
            for (low, high), share in pairs.items()
            if not (piece[low] > piece[high]).any()
        }
    return pairs


def _fewest(
    pairs: dict[tuple[str, str], float], names: list[str], few: dict[str, Floats]
) -> list[tuple[str, str]]:
    """Return the pairs that the others follow from, from the lowest column up."""
    lower = {name: [low for low, high in pairs if high == name] for name in names}
    ranks = sorted(names, key=lambda name: (len(lower[name]), names.index(name)))
    rank = {name: place for place, name in enumerate(ranks)}
    # equal columns would bound each other
    ordered = {pair for pair in pairs if rank[pair[0]] < rank[pair[1]]}
    kept: list[tuple[str, str]] = []
    for name in ranks:
        direct = [
            low
            for low in lower[name]
            if (low, name) in ordered
            and not any(
                {(low, middle), (middle, name)} <= ordered
                and not _is_needed(few[low], few[middle], few[name])
                for middle in lower[name]
            )
        ]
        direct.sort(key=lambda low: (-pairs[low, name], rank[low]))
        kept.extend((low, name) for low in direct[:_MAX_LOWER])
    return kept


def _is_needed(low: Floats, middle: Floats, high: Floats) -> bool:
    """Tell whether rows without a middle have a low and a high."""
    return bool((np.isfinite(low) & np.isfinite(high) & ~np.isfinite(middle)).any())


def _bound(
    low: str, high: str, few: dict[str, Floats], named: dict[str, pl.Series], min_rows: int
) -> Bound:
    """Describe one order of two columns."""
    gaps = few[high] - few[low]
    short = np.quantile(gaps[np.isfinite(gaps)], np.linspace(0.0, 0.1, _GAPS), method="nearest")
    highest = _finite(named[high])
    most = highest.max()
    is_shared = int((highest == most).sum()) >= min_rows
    return Bound(
        column=high,
        base=low,
        gaps=tuple(short.tolist()),
        grid=_grid(highest),
        base_grid=_grid(_finite(named[low])),
        most=float(str(most)) if is_shared else None,
    )


def _finite(series: pl.Series) -> pl.Series:
    return series.filter(pl.Series(np.isfinite(floats(series))))


def _grid(known: pl.Series) -> Grid:
    distinct = known.gather_every(-(-len(known) // _LOOK)).unique()
    return natural_grid(find_grid(distinct), len(distinct))


def _on_grid(wanted: Floats, limit: Floats, grid: Grid, way: int) -> pl.Series:
    """Return the nearest values on the grid that are beyond `wanted`, and not short of `limit`.

    Args:
        wanted: Numbers.
        limit: Numbers that are no further than `wanted`.
        grid: Where the values may lie.
        way: 1 for upwards, -1 for downwards.
    """
    if grid.step:
        scale = 10 ** (grid.dtype.scale if isinstance(grid.dtype, pl.Decimal) else grid.decimals)
        exact = (wanted * scale - grid.shift) / grid.step
        places = way * np.ceil(way * exact - _TINY).astype(np.int64)
    else:
        places = wanted
    values = grid.values(places)
    short = way * floats(values) < way * limit
    if not short.any():
        return values
    # rounding: to the next place, or the next float of the column's own width
    single = np.float32 if grid.dtype == pl.Float32 else np.float64
    beyond = places + way if grid.step else np.nextafter(limit.astype(single), way * single("inf"))
    return grid.values(np.where(short, beyond, places))
