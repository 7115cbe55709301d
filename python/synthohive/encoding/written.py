"""Numbers, dates and timestamps that a column holds as text."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import polars as pl

from synthohive.encoding.moment import MomentCodec, fit_moment
from synthohive.encoding.number import NumberCodec, fit_number
from synthohive.encoding.wanted import Allowed, Drawing, Wanted

if TYPE_CHECKING:
    from collections.abc import Sequence

    import numpy as np
    from numpy.typing import NDArray

    from synthohive.encoding.layout import CodeColumn
    from synthohive.encoding.settings import EncodingSettings
    from synthohive.randomness import Stream

_INTEGER = r"^-?(?:0|[1-9]\d{0,17})$"
_DECIMAL = r"^-?(?:0|[1-9]\d{0,11})\.\d{1,6}$"
_DATES = ("%Y-%m-%d", "%d.%m.%Y", "%d/%m/%Y", "%m/%d/%Y", "%Y/%m/%d", "%Y%m%d")
_TIMES = ("%Y-%m-%d %H:%M:%S", "%Y-%m-%dT%H:%M:%S", "%Y-%m-%dT%H:%M:%SZ", "%Y-%m-%d %H:%M")
_LOOK = 100


@dataclass(frozen=True, slots=True)
class Writing:
    """How values are written as text.

    Attributes:
        kind: ``int``, ``decimal``, ``date`` or ``datetime``.
        pattern: The format of dates and timestamps.
        decimals: Digits behind the point.

    Examples:
        >>> writing = find_writing(pl.Series(["05.01.2024", "17.11.2023"]))
        >>> writing
        Writing(kind='date', pattern='%d.%m.%Y', decimals=0)
        >>> writing.write(writing.read(pl.Series(["05.01.2024"]))).to_list()
        ['05.01.2024']
    """

    kind: str
    pattern: str = ""
    decimals: int = 0

    def read(self, texts: pl.Series) -> pl.Series:
        """Return the values; null for what is written otherwise."""
        if self.kind == "int":
            return texts.cast(pl.Int64, strict=False)
        if self.kind == "decimal":
            return texts.cast(pl.Decimal(18, self.decimals), strict=False)
        if self.kind == "date":
            return texts.str.to_date(self.pattern, strict=False)
        return texts.str.to_datetime(self.pattern, time_unit="us", strict=False)

    def write(self, values: pl.Series) -> pl.Series:
        """Return the texts."""
        return values.dt.strftime(self.pattern) if self.pattern else values.cast(pl.String)


@dataclass(frozen=True, slots=True, kw_only=True)
class WrittenCodec:
    """One column of text that is read, learned and written as numbers or dates.

    Attributes:
        writing: How the values are written.
        inner: Codec of the values.
    """

    writing: Writing
    inner: NumberCodec | MomentCodec

    @property
    def dtype(self) -> pl.DataType:
        """Text."""
        return pl.String()

    @property
    def code_columns(self) -> tuple[CodeColumn, ...]:
        """The codes of the values."""
        return self.inner.code_columns

    def encode(self, series: pl.Series) -> tuple[NDArray[np.int64], ...]:
        """Return one array of codes per code column."""
        return self.inner.encode(self.writing.read(series))

    def unseen(self, series: pl.Series) -> int:
        """Count the values outside those seen."""
        return self.inner.unseen(self.writing.read(series))

    def decode(
        self, codes: Sequence[NDArray[np.int64]], stream: Stream, n: int, *, start: int = 0
    ) -> pl.Series:
        """Draw and write a value for each of `n` rows' codes."""
        return self.writing.write(self.inner.decode(codes, stream, n, start=start))

    def allow(self, wanted: Wanted) -> Allowed:
        """Tell which codes may be where only some values may, all of them as written."""
        read = Wanted(
            low=None if wanted.low is None else self.writing.read(wanted.low),
            high=None if wanted.high is None else self.writing.read(wanted.high),
            values=None if wanted.values is None else self.writing.read(wanted.values).drop_nulls(),
        )
        found = self.inner.allow(read)
        if found.drawing is None:
            return found
        return replace(found, drawing=_WrittenDrawing(self.writing, found.drawing))

    def to_dict(self) -> dict[str, object]:
        """Return the codec as JSON-able data."""
        return {
            "writing": [self.writing.kind, self.writing.pattern, self.writing.decimals],
            "inner": self.inner.to_dict(),
        }

    @staticmethod
    def from_dict(state: dict, *, name: str, dtype: pl.DataType) -> WrittenCodec:
        """Rebuild a codec from `to_dict`; `dtype` is that of text."""
        writing = Writing(*state["writing"])
        value = writing.read(pl.Series([], dtype=dtype)).dtype
        if isinstance(value, pl.Datetime):
            return WrittenCodec(
                writing=writing, inner=MomentCodec.from_dict(state["inner"], name=name, dtype=value)
            )
        return WrittenCodec(
            writing=writing, inner=NumberCodec.from_dict(state["inner"], name=name, dtype=value)
        )


@dataclass(frozen=True, slots=True)
class _WrittenDrawing:
    """Draws values and writes them."""

    writing: Writing
    inner: Drawing

    def draw(
        self, codes: Sequence[NDArray[np.int64]], stream: Stream, n: int, *, start: int = 0
    ) -> pl.Series:
        """Draw and write a value for each of `n` rows' codes."""
        return self.writing.write(self.inner.draw(codes, stream, n, start=start))


def fit_written(series: pl.Series, writing: Writing, settings: EncodingSettings) -> WrittenCodec:
    """Learn the codes of a column of text that writes numbers or dates.

    As many rows must share a value that is kept as it is as must share any other text.
    """
    least = max(settings.min_rows_exact, settings.rows_to_keep_text(len(series)))
    settings = replace(settings, min_rows_exact=least)
    values = writing.read(series.alias("")).alias(series.name)
    fit = fit_moment if writing.kind == "datetime" else fit_number
    return WrittenCodec(writing=writing, inner=fit(values, settings))


def find_writing(texts: pl.Series) -> Writing | None:
    """Recognise how all texts write a number, a date or a timestamp, if they do.

    Args:
        texts: Different texts without nulls.
    """
    first = texts.head(_LOOK)
    for writing in _writings(first):
        if all(_is_written_so(some, writing) for some in (first, texts)):
            return writing
    return None


def _writings(texts: pl.Series) -> list[Writing]:
    """Return the ways of writing to try."""
    if not len(texts):
        return []
    if texts.str.contains(_INTEGER).all():
        eight = Writing("date", "%Y%m%d")
        return [eight, Writing("int")]
    if texts.str.contains(_DECIMAL).all():
        decimals = texts.str.extract(r"\.(\d+)$").str.len_bytes()
        return [Writing("decimal", decimals=int(decimals[0]))]
    dates = [Writing("date", pattern) for pattern in _DATES]
    return dates + [Writing("datetime", pattern) for pattern in _TIMES]


def _is_written_so(texts: pl.Series, writing: Writing) -> bool:
    """Tell whether reading and writing gives the same texts again."""
    return writing.write(writing.read(texts)).eq_missing(texts).all()
