"""Timestamps within a range, or out of a set."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import polars as pl

from synthohive.encoding.draws import fraction, row_bits
from synthohive.encoding.grid import UNITS_PER_DAY
from synthohive.encoding.moment import local, zoned
from synthohive.encoding.portions import Portions, find_portions
from synthohive.encoding.wanted import Allowed, Wanted
from synthohive.encoding.wanted_numbers import (
    NumberDrawing,
    allow_numbers,
    day_portions,
    learned_range,
    number_weights,
)

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    from synthohive.encoding.cells import Cells
    from synthohive.encoding.moment import MomentCodec
    from synthohive.randomness import Stream

    Ints = NDArray[np.int64]
    Floats = NDArray[np.float64]


@dataclass(frozen=True, slots=True, kw_only=True)
class WholeDrawing:
    """Draws timestamps that are learned as a whole."""

    codec: MomentCodec
    inner: NumberDrawing

    def draw(self, codes: Sequence[Ints], stream: Stream, n: int, *, start: int = 0) -> pl.Series:
        """Draw a timestamp for each of `n` rows' codes."""
        return zoned(self.inner.draw(codes, stream, n, start=start), self.codec.dtype)


@dataclass(frozen=True, slots=True, kw_only=True)
class ClockDrawing:
    """Draws timestamps that are learned as a day and a time of day.

    Attributes:
        codec: The column's codec.
        days: Draws the days.
        edges: Days on which only some times may be, and these times.
    """

    codec: MomentCodec
    days: NumberDrawing
    edges: tuple[tuple[int, Portions], ...]

    def draw(self, codes: Sequence[Ints], stream: Stream, n: int, *, start: int = 0) -> pl.Series:
        """Draw a timestamp for each of `n` rows' codes."""
        codec, clock = self.codec, self.codec.clock
        assert clock is not None  # noqa: S101
        days = self.days.draw(codes[:-1], stream.child("day"), n, start=start)
        bits = row_bits(stream.child("time"), n, start=start)
        size = clock.coarse_size
        cell = np.where(codes[-1] < size, codes[-1], (fraction(bits, 1) * size).astype(np.int64))
        uniform = fraction(bits, 0)
        steps = clock.draw(cell, uniform).astype(np.int64)
        number = days.cast(pl.Int32).to_numpy()
        for day, times in self.edges:
            at = np.flatnonzero(number == day)
            steps[at] = _on_edge(clock, times, cell[at], steps[at], uniform[at])
        whole = days.cast(pl.Int32).cast(pl.Int64) * UNITS_PER_DAY[codec.dtype.time_unit]
        units = whole + pl.Series(steps * codec.step)
        return zoned(units.cast(pl.Datetime(codec.dtype.time_unit)), codec.dtype)


@dataclass(frozen=True, slots=True, kw_only=True)
class ListedDrawing:
    """Draws timestamps out of a set, by their days."""

    days: NumberDrawing
    values: pl.Series
    of_day: Ints

    def draw(self, codes: Sequence[Ints], stream: Stream, n: int, *, start: int = 0) -> pl.Series:
        """Draw a timestamp for each of `n` rows' codes."""
        days = self.days.draw(codes[:-1], stream.child("day"), n, start=start)
        number = days.cast(pl.Int32).to_numpy()
        begin = np.searchsorted(self.of_day, number, side="left")
        count = np.searchsorted(self.of_day, number, side="right") - begin
        uniform = fraction(row_bits(stream.child("time"), n, start=start), 0)
        place = begin + (uniform * np.maximum(count, 1)).astype(np.int64)
        return self.values.gather(np.minimum(place, len(self.values) - 1))


def allow_moments(codec: MomentCodec, wanted: Wanted) -> Allowed:
    """Return which codes of a column of timestamps may be."""
    naive = Wanted(
        low=None if wanted.low is None else local(wanted.low),
        high=None if wanted.high is None else local(wanted.high),
        values=None if wanted.values is None else local(wanted.values),
    )
    if codec.clock is None:
        found = allow_numbers(codec.day, naive)
        inner = found.drawing
        if not isinstance(inner, NumberDrawing):
            return found
        return _with_drawing(found, found.weights, WholeDrawing(codec=codec, inner=inner))
    if naive.values is not None:
        return _allow_listed(codec, codec.clock, naive.values, wanted.values)
    return _allow_range(codec, codec.clock, naive)


def _with_drawing(
    found: Allowed,
    weights: tuple[Floats, ...],
    drawing: WholeDrawing | ListedDrawing | None,
) -> Allowed:
    return Allowed(
        weights=weights,
        drawing=drawing,
        is_possible=found.is_possible,
        learned=found.learned,
        missing=found.missing,
    )


def _allow_listed(
    codec: MomentCodec, clock: Cells, naive: pl.Series, values: pl.Series | None
) -> Allowed:
    order = naive.arg_sort()
    days = naive.gather(order).dt.date()
    found = allow_numbers(codec.day, Wanted(values=days.unique().sort()))
    inner, kept = found.drawing, (naive if values is None else values).gather(order)
    if not isinstance(inner, NumberDrawing):
        return _with_drawing(found, (*found.weights, _any_time(codec, clock)), None)
    drawing = ListedDrawing(
        days=inner, values=kept, of_day=days.cast(pl.Int32).to_numpy().astype(np.int64)
    )
    units = _units(naive, codec) // codec.step
    times = np.bincount(clock.coarse[clock.find(units)], minlength=clock.coarse_size) > 0
    weight = _any_time(codec, clock)
    weight[0, : clock.coarse_size] = times
    return _with_drawing(found, (*found.weights, weight), drawing)


def _allow_range(codec: MomentCodec, clock: Cells, naive: Wanted) -> Allowed:
    """Restrict the days, and the times of the first and the last one."""
    low = None if naive.low is None else naive.low.dt.date()
    high = None if naive.high is None else naive.high.dt.date()
    least = None if naive.low is None else int(_units(naive.low, codec)[0])
    most = None if naive.high is None else int(_units(naive.high, codec)[0])
    weight = _any_time(codec, clock)
    if low is not None and high is not None and low[0] == high[0]:
        times = _times(codec, clock, least, most)
        ranges: list[tuple[pl.Series | None, pl.Series | None, float]] = [
            (low, high, float(times.weight.sum() > 0))
        ]
        weight[0, : clock.coarse_size] = times.share(clock.coarse_size)
        edges = [(low, times)]
    else:
        edges = [
            (day, _times(codec, clock, first, last))
            for day, first, last in ((low, least, None), (high, None, most))
            if day is not None
        ]
        # the columns of the clock's cells have about as many rows each
        ranges = [(day, day, float(times.weight.sum()) / clock.coarse_size) for day, times in edges]
        day = pl.duration(days=1)
        inside = pl.DataFrame({"low": low, "high": high}) if edges else pl.DataFrame()
        after = None if low is None else inside.select(pl.col("low") + day).to_series()
        before = None if high is None else inside.select(pl.col("high") - day).to_series()
        ranges.append((after, before, 1.0))
    portions = day_portions(codec.day, ranges)
    drawing = ClockDrawing(
        codec=codec,
        days=NumberDrawing(codec=codec.day, portions=portions),
        edges=tuple((int(day.cast(pl.Int32)[0]), times) for day, times in edges),
    )
    return Allowed(
        weights=(*number_weights(codec.day, portions), weight),
        drawing=drawing,
        is_possible=len(portions.cell) > 0,
        learned=learned_range(codec.day),
    )


def _any_time(codec: MomentCodec, clock: Cells) -> Floats:
    weight = np.ones((1, clock.coarse_size + codec.day.has_null))
    weight[0, clock.coarse_size :] = 0.0
    return weight


def _times(codec: MomentCodec, clock: Cells, least: int | None, most: int | None) -> Portions:
    """Return the times of day that may be, by cell of the clock."""

    def units(places: Ints, uniform: Floats) -> Ints:
        return clock.draw(places, uniform).astype(np.int64) * codec.step

    return find_portions(
        np.arange(len(clock.coarse)),
        lambda at, u: np.full(len(at), True) if most is None else units(at, u) <= most,
        lambda at, u: np.full(len(at), True) if least is None else units(at, u) >= least,
    )


def _on_edge(clock: Cells, times: Portions, cell: Ints, steps: Ints, uniform: Floats) -> Ints:
    """Draw times of day that may be, of each row's own cell where it has some."""
    if not len(times.cell):
        return steps
    share = np.searchsorted(times.cell, cell, side="right") > np.searchsorted(times.cell, cell)
    anywhere = times.cell[(uniform * len(times.cell)).astype(np.int64)]
    picked, numbers = times.pick(np.where(share, cell, anywhere), uniform)
    return clock.draw(times.cell[picked], numbers).astype(np.int64)


def _units(naive: pl.Series, codec: MomentCodec) -> Ints:
    """Return units since midnight."""
    physical = naive.cast(pl.Datetime(codec.dtype.time_unit)).to_physical().to_numpy()
    return physical % UNITS_PER_DAY[codec.dtype.time_unit]
