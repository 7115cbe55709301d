"""Columns that are a part of a date of the same row.

A year, a month, a weekday's name, the day of a timestamp: reports are full of them. A
generator learns them nearly, and then the 14th of March lies in April. So they are found
here and computed from the date when rows are decoded. They are learned all the same, but
coarsely, so that rows can be asked for by them.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING

import polars as pl

from synthohive.encoding.moment import local, zoned

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable, Iterator

    from synthohive.encoding.lookup import Lookup

_MIN_ROWS = 30
_LOOK = 10_000  # rows that parts are tried on before all rows are
_SURPRISES = 5  # rows that would break the relation, were it chance
_PIECE = 1_000_000  # rows that are compared together

_Part = Callable[[pl.Series], pl.Series]

_NUMBERS: dict[str, _Part] = {
    "year": lambda s: s.dt.year(),
    "quarter": lambda s: s.dt.quarter(),
    "month": lambda s: s.dt.month(),
    "day": lambda s: s.dt.day(),
    "weekday": lambda s: s.dt.weekday(),
    "weekday from 0": lambda s: s.dt.weekday() - 1,
    "weekday from Sunday": lambda s: s.dt.weekday() % 7 + 1,
    "weekday from Sunday, 0": lambda s: s.dt.weekday() % 7,
    "week": lambda s: s.dt.week(),
    "year of week": lambda s: s.dt.iso_year(),
    "day of year": lambda s: s.dt.ordinal_day(),
    "year and month": lambda s: s.dt.year() * 100 + s.dt.month(),
    "year, month and day": lambda s: (s.dt.year() * 100 + s.dt.month()) * 100 + s.dt.day(),
}
_OF_TIME: dict[str, _Part] = {
    "hour": lambda s: s.dt.hour(),
    "minute": lambda s: s.dt.minute(),
    "second": lambda s: s.dt.second(),
}
_FORMATS = ("%B", "%b", "%A", "%a", "%m", "%d", "%H", "%H:%M", "%V", "%G-W%V", "%Y-%m", "%Y-%m-%d")
_DAY_LONG = ("year, month and day", "%Y-%m-%d")
_STARTS = {
    "day itself": "1d",
    "first day of week": "1w",
    "first day of month": "1mo",
    "first day of quarter": "1q",
    "first day of year": "1y",
    "beginning of hour": "1h",
    "beginning of minute": "1m",
}
_DAYS: dict[str, _Part] = {
    "last day of month": lambda s: s.dt.month_end().dt.truncate("1d"),
}


@dataclass(frozen=True, slots=True, kw_only=True)
class CalendarPart:
    """One column that is a part of a date, on the wall clock of the date's time zone.

    Attributes:
        column: The part's column.
        base: The column of the date or timestamp.
        part: Which part, such as ``month``; a format such as ``%Y-%m`` for texts.

    Examples:
        >>> days = pl.Series(["2024-02-29", None]).str.to_date()
        >>> CalendarPart(column="m", base="d", part="month").apply(days, pl.Int64()).to_list()
        [2, None]
        >>> CalendarPart(column="m", base="d", part="%B").apply(days, pl.String()).to_list()
        ['February', None]
    """

    column: str
    base: str
    part: str

    @property
    def is_enough(self) -> bool:
        """The part is computed in all rows."""
        return True

    @property
    def is_twin(self) -> bool:
        """There are as many parts as days."""
        return self.part in _DAY_LONG

    def apply(self, base: pl.Series, dtype: pl.DataType) -> pl.Series:
        """Compute the part, null where the date is null."""
        return _as(_computed(local(base), self.part), dtype)

    def to_dict(self) -> dict[str, object]:
        """Return the part as JSON-able data."""
        return asdict(self)

    @staticmethod
    def from_dict(state: dict) -> CalendarPart:
        """Rebuild a part from `to_dict`."""
        part = CalendarPart(**{name: state[name] for name in CalendarPart.__slots__})
        if part.part not in _ALL:
            raise ValueError(f"unknown part {part.part!r}")
        return part


_ALL = {*_NUMBERS, *_OF_TIME, *_FORMATS, *_STARTS, *_DAYS, "Q%q"}


def find_calendar(frame: pl.DataFrame) -> tuple[CalendarPart, ...]:
    """Find the columns that are a part of a date of their row, in every row.

    Args:
        frame: Real rows.

    Returns:
        At most one part per column; no part of one is the base of another.

    Examples:
        >>> days = pl.date_range(pl.date(2023, 9, 1), pl.date(2024, 3, 1), eager=True)
        >>> frame = pl.DataFrame({"year": days.dt.year(), "name": days.dt.to_string("%b")})
        >>> frame = frame.with_columns(pl.lit(5).alias("day"), days.alias("date"))
        >>> [(part.column, part.base, part.part) for part in find_calendar(frame)]
        [('year', 'date', 'year'), ('name', 'date', '%b')]
    """
    # without their names, which may look like patterns to Polars
    columns = {name: frame[name].alias("") for name in frame.columns if _may_be(frame[name])}
    if not any(column.dtype.is_temporal() for column in columns.values()):
        return ()
    step = -(-max(1, frame.height) // _LOOK)
    sample = {name: column.gather_every(step) for name, column in columns.items()}
    dates = [name for name, column in columns.items() if column.dtype.is_temporal()]
    dates.sort(key=lambda name: _values_of(sample[name]), reverse=True)
    wanted = [name for name in columns if _is_evident(sample[name])]
    found: dict[str, CalendarPart] = {}
    for place, base in enumerate(dates):
        if base in found:
            continue
        finer = dates[: place + 1]
        rest = [name for name in wanted if name not in found and name not in finer]
        for part in _parts_of(sample, base, rest):
            if part.column not in found and _holds(part, columns):
                found[part.column] = part
    return tuple(found[name] for name in columns if name in found)


def _values_of(dates: pl.Series) -> tuple[int, ...]:
    """Count different values, times, days of the year and weekdays: a part has no more of them."""
    moments = local(dates).cast(pl.Datetime("us"))
    parts = (moments, moments.dt.time(), moments.dt.ordinal_day(), moments.dt.weekday())
    return tuple(part.n_unique() for part in parts)


def _may_be(series: pl.Series) -> bool:
    dtype = series.dtype
    if isinstance(dtype, (pl.Date, pl.Datetime, pl.String, pl.Enum, pl.Categorical)):
        return True
    return dtype.is_numeric() and dtype != pl.Boolean


def _is_evident(series: pl.Series) -> bool:
    """Tell whether a column varies in so many rows that no chance makes it a date's part."""
    known = series.drop_nulls()
    counts = known.value_counts(name="rows")["rows"].to_numpy()
    if len(known) < _MIN_ROWS:
        return False
    return bool(len(known) - (counts**2.0).sum() / len(known) >= _SURPRISES)


def _parts_of(sample: dict[str, pl.Series], base: str, names: list[str]) -> Iterator[CalendarPart]:
    """Yield the parts of a date that other columns are, in the rows looked at."""
    naive = local(sample[base])
    computed: dict[str, pl.Series] = {}
    known = sample[base].is_not_null()
    for name in names:
        column = sample[name]
        if (column.is_not_null() != known).any():
            continue
        for part in _possible(naive.dtype, column.dtype):
            if part not in computed:
                computed[part] = _computed(naive, part)
            if _is_same(computed[part], column) and not _is_itself(naive, column):
                yield CalendarPart(column=name, base=base, part=part)


def _possible(base: pl.DataType, dtype: pl.DataType) -> Iterator[str]:
    """Yield the parts of a date, or of a timestamp, that a column of some dtype may hold."""
    is_day = base == pl.Date
    if dtype.is_temporal():
        yield from (part for part in _STARTS if not (is_day and part.startswith("beginning")))
        yield from _DAYS
        return
    yield from _NUMBERS
    yield from () if is_day else _OF_TIME
    if not dtype.is_numeric():
        yield from (part for part in _FORMATS if not (is_day and "%H" in part))
        yield "Q%q"


def _holds(part: CalendarPart, columns: dict[str, pl.Series]) -> bool:
    """Tell whether a column is the part in every row, nulls included."""
    base, column = columns[part.base], columns[part.column]
    pieces = range(0, len(column), _PIECE)
    return all(
        _is_same(_computed(local(base[at : at + _PIECE]), part.part), column[at : at + _PIECE])
        for at in pieces
    )


def _is_same(computed: pl.Series, column: pl.Series) -> bool:
    """Tell whether a column holds what was computed, in every row."""
    if column.dtype.is_temporal() != computed.dtype.is_temporal():
        return False
    return bool(_as(computed, column.dtype).eq_missing(column).all())


def _is_itself(naive: pl.Series, column: pl.Series) -> bool:
    """Tell whether a column holds just the same moments."""
    moment = pl.Datetime("us")
    return column.dtype.is_temporal() and bool(
        local(column).cast(moment).eq_missing(naive.cast(moment)).all()
    )


def _as(computed: pl.Series, dtype: pl.DataType) -> pl.Series:
    """Give what was computed the dtype of its column."""
    if isinstance(dtype, pl.Datetime):
        return zoned(computed, dtype)
    if isinstance(dtype, (pl.Enum, pl.Categorical)):
        computed = computed.cast(pl.String)  # numbers would be taken for codes
    return computed.cast(dtype, strict=False)


def _computed(naive: pl.Series, part: str) -> pl.Series:
    """Compute a part of wall-clock times: a number, a text, or a date or time."""
    if part in _STARTS:
        return naive.dt.truncate(_STARTS[part])
    if part == "Q%q":
        return pl.select(pl.format("Q{}", naive.dt.quarter())).to_series()
    if part in _FORMATS:
        return naive.dt.to_string(part)
    return (_NUMBERS | _OF_TIME | _DAYS)[part](naive)


def around(
    lookups: Iterable[Lookup], calendar: Iterable[CalendarPart]
) -> tuple[list[Lookup], list[Lookup]]:
    """Split lookups into those before the parts of dates, and those that follow from parts."""
    late = {part.column for part in calendar}
    before: list[Lookup] = []
    after: list[Lookup] = []
    for lookup in lookups:
        (after if lookup.base in late else before).append(lookup)
        if lookup.base in late:
            late.add(lookup.column)
    return before, after


def without_circles(
    lookups: Iterable[Lookup], calendar: Iterable[CalendarPart], needed: Collection[str]
) -> tuple[Lookup, ...]:
    """Leave out the lookups of parts of dates, and those that would be too late.

    Args:
        lookups: Each after the lookups of its base.
        calendar: Parts of dates.
        needed: Columns that must be known before the parts are computed.
    """
    parts = {part.column for part in calendar}
    rest = [lookup for lookup in lookups if lookup.column not in parts]
    late = {lookup.column for lookup in around(rest, calendar)[1]} & set(needed)
    return tuple(lookup for lookup in rest if lookup.column not in late)
