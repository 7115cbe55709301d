"""Timestamps as a day and a time of day."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, cast

import numpy as np
import polars as pl

from synthohive.encoding.cells import Cells, cut_cells
from synthohive.encoding.draws import fraction, row_bits
from synthohive.encoding.grid import UNITS_PER_DAY
from synthohive.encoding.layout import CodeColumn
from synthohive.encoding.number import NumberCodec, counted, fit_number
from synthohive.encoding.texture import find_texture
from synthohive.encoding.wanted import Allowed, Wanted, not_null

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    from synthohive.encoding.settings import EncodingSettings
    from synthohive.randomness import Stream

_MIN_DAYS = 3
_CLOCK_PERIODS = (60, 300, 900, 1800, 3600)  # in seconds


@dataclass(frozen=True, slots=True, kw_only=True)
class MomentCodec:
    """One column of timestamps, learned in local time.

    Attributes:
        dtype: The real dtype, with its unit and time zone.
        day: The day, or the whole timestamp where all fall in a few days or share one
            time of day.
        clock: Time of day in steps of `step`, if it is learned apart.
        step: Units of the dtype per step of the clock.
    """

    dtype: pl.Datetime
    day: NumberCodec
    clock: Cells | None = None
    step: int = 1

    @property
    def name(self) -> str:
        """Column name."""
        return self.day.name

    @property
    def code_columns(self) -> tuple[CodeColumn, ...]:
        """The codes of the day, then ``name#time``, whose last code stands for null."""
        if not self.clock:
            return self.day.code_columns
        size = self.clock.coarse_size + self.day.has_null
        name = f"{self.name}#time"
        clock = CodeColumn(name=name, size=size, source=self.name, is_ordered=True)
        return (*self.day.code_columns, clock)

    def encode(self, series: pl.Series) -> tuple[NDArray[np.int64], ...]:
        """Return one array of codes per code column."""
        naive = local(series)
        if not self.clock:
            return self.day.encode(naive)
        clock = np.full(len(series), self.clock.coarse_size if self.day.has_null else 0)
        is_value = series.is_not_null().to_numpy()
        if is_value.any():
            steps = _time_of_day(naive.filter(pl.Series(is_value)), self.dtype) // self.step
            clock[is_value] = self.clock.coarse[self.clock.find(steps)]
        return (*self.day.encode(naive.dt.date()), clock)

    def unseen(self, series: pl.Series) -> int:
        """Count the timestamps outside the days seen."""
        naive = local(series)
        return self.day.unseen(naive.dt.date() if self.clock else naive)

    def decode(
        self, codes: Sequence[NDArray[np.int64]], stream: Stream, n: int, *, start: int = 0
    ) -> pl.Series:
        """Draw a timestamp for each of `n` rows' codes."""
        if not self.clock:
            return zoned(self.day.decode(codes, stream, n, start=start), self.dtype)
        days = self.day.decode(codes[:-1], stream.child("day"), n, start=start)
        bits = row_bits(stream.child("time"), n, start=start)
        size = self.clock.coarse_size
        # a null time beside a real day: any time will do, by the clock's own shares
        anywhere = np.minimum((fraction(bits, 1) * size).astype(np.int64), size - 1)
        cell = np.where(codes[-1] < size, codes[-1], anywhere)
        steps = self.clock.draw(cell, fraction(bits, 0))
        whole = days.cast(pl.Int32).cast(pl.Int64) * UNITS_PER_DAY[self.dtype.time_unit]
        naive = (whole + pl.Series(steps * self.step)).cast(pl.Datetime(self.dtype.time_unit))
        return zoned(naive, self.dtype)

    def allow(self, wanted: Wanted) -> Allowed:
        """Tell which codes may be where only some timestamps may."""
        from synthohive.encoding.wanted_moments import allow_moments  # noqa: PLC0415  it imports us

        if wanted.is_any:
            return not_null(
                self.code_columns,
                has_null=self.day.has_null,
                has_values=self.day.cells is not None,
            )
        return allow_moments(self, wanted)

    def to_dict(self) -> dict[str, object]:
        """Return the codec as JSON-able data."""
        return {
            "day": self.day.to_dict(),
            "clock": self.clock.to_dict() if self.clock else None,
            "step": self.step,
        }

    @staticmethod
    def from_dict(state: dict, *, name: str, dtype: pl.Datetime) -> MomentCodec:
        """Rebuild a codec from `to_dict`."""
        day = pl.Date() if state["clock"] else pl.Datetime(dtype.time_unit)
        return MomentCodec(
            dtype=dtype,
            day=NumberCodec.from_dict(state["day"], name=name, dtype=day),
            clock=Cells.from_dict(state["clock"]) if state["clock"] else None,
            step=state["step"],
        )


def fit_moment(series: pl.Series, settings: EncodingSettings) -> MomentCodec:
    """Learn the codes of a column of timestamps.

    Args:
        series: Real timestamps of any unit and time zone, nulls included.
        settings: Numbers of codes.
    """
    dtype = cast("pl.Datetime", series.dtype)
    naive, name = local(series.alias("")), series.name
    known = naive.drop_nulls()
    known = known.gather_every(-(-max(1, len(known)) // settings.fit_rows))
    if not len(known):
        return MomentCodec(dtype=dtype, day=fit_number(naive.alias(name), settings))
    times, rows = counted(pl.Series(_time_of_day(known, dtype)))
    days = known.dt.date().to_physical().to_numpy()
    if len(times) == 1 or days.max() - days.min() < _MIN_DAYS:
        return MomentCodec(dtype=dtype, day=fit_number(naive.alias(name), settings))
    step = int(np.gcd.reduce(times.to_numpy())) or 1
    steps = times.to_numpy() // step
    seconds = UNITS_PER_DAY[dtype.time_unit] // 86_400
    periods = [p * seconds // step for p in _CLOCK_PERIODS if p * seconds % step == 0]
    texture = find_texture(steps, rows, periods, min_rows_exact=settings.min_rows_exact)
    clock = cut_cells(steps, rows, settings, texture=texture, has_fine=False)
    day = fit_number(naive.dt.date().alias(name), settings)
    return MomentCodec(dtype=dtype, day=day, clock=clock, step=step)


def local(series: pl.Series) -> pl.Series:
    """Return timestamps as the clock on the wall shows them; dates stay dates."""
    return series if series.dtype == pl.Date else series.dt.replace_time_zone(None)


def zoned(naive: pl.Series, dtype: pl.Datetime) -> pl.Series:
    """Give wall-clock times their time zone; a skipped hour moves on by one hour."""
    naive = naive.cast(pl.Datetime(dtype.time_unit))
    if dtype.time_zone is None:
        return naive

    def place(times: pl.Series) -> pl.Series:
        return times.dt.replace_time_zone(
            dtype.time_zone, ambiguous="earliest", non_existent="null"
        )

    placed = place(naive)
    if placed.null_count() == naive.null_count():
        return placed
    return placed.fill_null(place(naive.dt.offset_by("1h")))


def _time_of_day(naive: pl.Series, dtype: pl.Datetime) -> NDArray[np.int64]:
    """Return units since midnight."""
    return naive.to_physical().to_numpy() % UNITS_PER_DAY[dtype.time_unit]
