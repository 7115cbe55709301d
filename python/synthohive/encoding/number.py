"""Numbers, dates, times and durations as coarse and fine codes."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import numpy as np
import polars as pl

from synthohive.encoding.cells import Cells, cut_cells
from synthohive.encoding.draws import fraction, row_bits
from synthohive.encoding.grid import Grid, find_grid, natural_grid
from synthohive.encoding.layout import CodeColumn
from synthohive.encoding.texture import SMOOTH, Texture, find_texture
from synthohive.encoding.wanted import Allowed, Wanted, not_null
from synthohive.encoding.wanted_numbers import allow_numbers

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    from synthohive.encoding.grid import Numbers
    from synthohive.encoding.settings import EncodingSettings
    from synthohive.randomness import Stream

_PERIODS = (2, 5, 10, 50, 100, 1000)
_WEEK = 7


@dataclass(frozen=True, slots=True, kw_only=True)
class NumberCodec:
    """One column of ordered values.

    Codes are ordered by value. After the finite values come, where the real column has
    them, the special floats (-inf, inf, NaN) and null, one code each.

    Attributes:
        name: Column name.
        grid: How values map to numbers.
        cells: The finite values; `None` if there are none.
        special: The special floats, each a code of its own.
        has_null: Null has a code, the last one.
        usual: The most frequent coarse code.
    """

    name: str
    grid: Grid
    cells: Cells | None
    special: tuple[float, ...] = ()
    has_null: bool = False
    usual: int = 0

    @property
    def dtype(self) -> pl.DataType:
        """The real dtype."""
        return self.grid.dtype

    @property
    def _finite_size(self) -> int:
        return self.cells.coarse_size if self.cells else 0

    @property
    def code_columns(self) -> tuple[CodeColumn, ...]:
        """The coarse code and, where it matters, the fine code; none if all rows are equal."""
        size = self._finite_size + len(self.special) + self.has_null
        if size <= 1:
            return ()
        coarse = CodeColumn(name=self.name, size=size, source=self.name, is_ordered=True)
        fine_size = self.cells.fine_size if self.cells else 1
        if fine_size == 1:
            return (coarse,)
        fine = CodeColumn(
            name=f"{self.name}#fine",
            size=fine_size,
            source=self.name,
            coarse=self.name,
            is_ordered=True,
        )
        return (coarse, fine)

    def encode(self, series: pl.Series) -> tuple[NDArray[np.int64], ...]:
        """Return one array of codes per code column.

        Values never seen get the code of the nearest one; a null or special float never
        seen gets the most frequent code.
        """
        is_finite = finite(series)
        coarse = np.full(len(series), self.usual)
        fine = np.zeros(len(series), np.int64)
        if self.cells and is_finite.any():
            kept = series if is_finite.all() else series.filter(pl.Series(is_finite))
            cell = self.cells.find(self.grid.numbers(kept))
            coarse[is_finite], fine[is_finite] = self.cells.coarse[cell], self.cells.fine[cell]
        for offset, value in enumerate(self.special):
            coarse[is_special(series, value)] = self._finite_size + offset
        if self.has_null:
            coarse[series.is_null().to_numpy()] = self._finite_size + len(self.special)
        return (coarse, fine)[: len(self.code_columns)]

    def unseen(self, series: pl.Series) -> int:
        """Count the values outside the range and kinds of values seen."""
        is_finite = finite(series)
        known = np.zeros(len(series), bool)
        if self.cells and is_finite.any():
            numbers = self.grid.numbers(series.filter(pl.Series(is_finite)))
            known[is_finite] = (numbers >= self.cells.low[0]) & (numbers <= self.cells.high[-1])
        for value in self.special:
            known |= is_special(series, value)
        if self.has_null:
            known |= series.is_null().to_numpy()
        return int((~known).sum())

    def decode(
        self, codes: Sequence[NDArray[np.int64]], stream: Stream, n: int, *, start: int = 0
    ) -> pl.Series:
        """Draw a value for each of `n` rows' codes."""
        coarse = codes[0] if codes else np.zeros(n, np.int64)
        dtype = self.grid.dtype
        if not self.cells:
            values = pl.Series([None], dtype=dtype).new_from_index(0, n)
        else:
            fine = codes[1] if len(codes) > 1 else np.zeros(n, np.int64)
            cell = self.cells.cell_of(np.minimum(coarse, self._finite_size - 1), fine)
            uniform = fraction(row_bits(stream, n, start=start), 0)
            values = self.grid.values(self.cells.draw(cell, uniform))
        for offset, value in enumerate(self.special):
            at = pl.Series(coarse == self._finite_size + offset)
            values = values.set(at, value)
        if self.has_null:
            values = values.set(pl.Series(coarse == self._finite_size + len(self.special)), None)
        return values

    def allow(self, wanted: Wanted) -> Allowed:
        """Tell which codes may be where only some values may."""
        if wanted.is_any:
            has_values = self.cells is not None or bool(self.special)
            return not_null(self.code_columns, has_null=self.has_null, has_values=has_values)
        return allow_numbers(self, wanted)

    def to_dict(self) -> dict[str, object]:
        """Return the codec as JSON-able data."""
        return {
            "grid": self.grid.to_dict(),
            "cells": self.cells.to_dict() if self.cells else None,
            "special": [repr(value) for value in self.special],
            "has_null": self.has_null,
            "usual": self.usual,
        }

    @staticmethod
    def from_dict(state: dict, *, name: str, dtype: pl.DataType) -> NumberCodec:
        """Rebuild a codec from `to_dict`."""
        return NumberCodec(
            name=name,
            grid=Grid.from_dict(state["grid"], dtype),
            cells=Cells.from_dict(state["cells"]) if state["cells"] else None,
            special=tuple(float(value) for value in state["special"]),
            has_null=state["has_null"],
            usual=state["usual"],
        )


def fit_number(
    series: pl.Series, settings: EncodingSettings, *, is_public: bool = False
) -> NumberCodec:
    """Learn the codes of a column of ordered values.

    Args:
        series: Real values of any numeric or temporal dtype, nulls included.
        settings: Numbers of codes.
        is_public: The values are known to everybody, so that all may be kept.
    """
    name, series = series.name, series.alias("")  # a name may look like a pattern to Polars
    special = tuple(v for v in (-np.inf, np.inf, np.nan) if is_special(series, v).any())
    has_null = series.has_nulls()
    series = series.gather_every(-(-max(1, len(series)) // settings.fit_rows))
    distinct, rows = counted(series.filter(pl.Series(finite(series))))
    grid, cells = Grid(dtype=series.dtype), None
    if len(distinct):
        if is_public:
            settings = replace(settings, min_rows_exact=1)
        grid, numbers, rows = _on_grid(distinct, rows, settings)
        texture = _texture(numbers, rows, grid, settings)
        cells = cut_cells(numbers, rows, settings, texture=texture)
    codec = NumberCodec(name=name, grid=grid, cells=cells, special=special, has_null=has_null)
    codes = codec.encode(series)
    if not codes or not len(series):
        return codec
    return replace(codec, usual=int(np.bincount(codes[0]).argmax()))


def _on_grid(
    distinct: pl.Series, rows: NDArray[np.int64], settings: EncodingSettings
) -> tuple[Grid, Numbers, NDArray[np.int64]]:
    """Find the grid of distinct values, their coordinates and the rows of each.

    Floats that differ by a rounding error become one. If enough rows share it, it is kept
    as it is, error included.
    """
    grid = find_grid(distinct)
    if (rows < settings.min_rows_exact).any():
        grid = natural_grid(grid, len(distinct))
    numbers = grid.numbers(distinct)
    if not (distinct.dtype.is_float() and grid.step):
        return grid, numbers, rows
    # the most frequent of equals first, which is the one that np.unique points to
    order = np.lexsort((-rows, numbers))
    merged, first = np.unique(numbers[order], return_index=True)
    values = distinct.gather(order[first])
    total = np.add.reduceat(rows[order], first)
    is_odd = (values != grid.values(merged)).to_numpy() & (total >= settings.min_rows_exact)
    odd = dict(zip(merged[is_odd].tolist(), values.filter(is_odd).to_list(), strict=True))
    return replace(grid, odd=tuple(odd), odd_values=tuple(odd.values())), merged, total


def _texture(
    numbers: Numbers, rows: NDArray[np.int64], grid: Grid, settings: EncodingSettings
) -> Texture:
    """Find what whole numbers prefer."""
    if numbers.dtype.kind != "i":
        return SMOOTH
    periods = (_WEEK,) if grid.is_days else _PERIODS
    return find_texture(
        numbers.astype(np.int64), rows, periods, min_rows_exact=settings.min_rows_exact
    )


def counted(series: pl.Series) -> tuple[pl.Series, NDArray[np.int64]]:
    """Return the distinct values, ascending, and the rows of each."""
    counts = series.alias("value").value_counts(name="rows").sort("value")
    return counts["value"], counts["rows"].to_numpy().astype(np.int64)


def finite(series: pl.Series) -> NDArray[np.bool_]:
    """Tell which values are neither null nor a special float."""
    if series.dtype.is_float():
        return series.is_finite().fill_null(value=False).to_numpy()
    return series.is_not_null().to_numpy()


def is_special(series: pl.Series, value: float) -> NDArray[np.bool_]:
    """Tell where a float is the special value, NaN included."""
    if not series.dtype.is_float():
        return np.zeros(len(series), bool)
    return series.eq_missing(pl.Series([value], dtype=series.dtype)).to_numpy()
