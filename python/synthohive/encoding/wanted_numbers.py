"""Numbers, dates and timestamps within a range, or out of a set."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import numpy as np
import polars as pl

from synthohive.encoding.draws import fraction, row_bits
from synthohive.encoding.portions import LEAST, Portions, find_portions, joined
from synthohive.encoding.wanted import Allowed, Wanted

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    from synthohive.encoding.cells import Cells
    from synthohive.encoding.number import NumberCodec
    from synthohive.randomness import Stream

    Ints = NDArray[np.int64]
    Floats = NDArray[np.float64]


@dataclass(frozen=True, slots=True, kw_only=True)
class NumberDrawing:
    """Draws numbers that may be.

    Attributes:
        codec: The column's codec.
        portions: What may be of each cell.
        values: The value of each portion, where single ones may be.
    """

    codec: NumberCodec
    portions: Portions
    values: pl.Series | None = None

    def draw(self, codes: Sequence[Ints], stream: Stream, n: int, *, start: int = 0) -> pl.Series:
        """Draw a number for each of `n` rows' codes."""
        codec, cells = self.codec, self.codec.cells
        if cells is None or not len(self.portions.cell):
            return codec.decode(codes, stream, n, start=start)
        coarse = codes[0] if codes else np.zeros(n, np.int64)
        fine = codes[1] if len(codes) > 1 else np.zeros(n, np.int64)
        cell = cells.cell_of(np.minimum(coarse, cells.coarse_size - 1), fine)
        uniform = fraction(row_bits(stream, n, start=start), 0)
        picked, numbers = self.portions.pick(cell, uniform)
        if self.values is not None:
            drawn = self.values.gather(picked)
        else:
            drawn = codec.grid.values(cells.draw(self.portions.cell[picked], numbers))
        for offset, value in enumerate(codec.special):
            drawn = drawn.set(pl.Series(coarse == cells.coarse_size + offset), value)
        return drawn


def allow_numbers(codec: NumberCodec, wanted: Wanted) -> Allowed:
    """Return which codes of a column of ordered values may be."""
    cells = codec.cells
    if cells is None:
        drawing, missing = None, 0
        shares = np.zeros(0)
    elif wanted.values is None:
        portions = _in_range(codec, cells, wanted)
        drawing, missing = NumberDrawing(codec=codec, portions=portions), 0
        shares = portions.share(len(cells.coarse))
    else:
        portions, values = _in_set(codec, cells, wanted.values)
        drawing = NumberDrawing(codec=codec, portions=portions, values=values)
        missing = len(wanted.values) - len(values)
        shares = portions.share(len(cells.coarse))
    special = pl.Series(codec.special, dtype=codec.dtype)
    is_special = wanted.holds(special).astype(np.float64)
    if wanted.values is not None:
        missing -= int(is_special.sum())
    return Allowed(
        weights=_weights(codec, shares, is_special),
        drawing=drawing,
        is_possible=bool(shares.any() or is_special.any()),
        learned=learned_range(codec),
        missing=missing,
    )


def learned_range(codec: NumberCodec) -> str:
    """Say which values a codec knows."""
    if codec.cells is None:
        return "no value"
    ends = [codec.grid.values(ends)[0] for ends in (codec.cells.low[:1], codec.cells.high[-1:])]
    return f"values from {ends[0]} to {ends[1]}"


def day_portions(
    codec: NumberCodec, ranges: Sequence[tuple[pl.Series | None, pl.Series | None, float]]
) -> Portions:
    """Return what may be of each cell for several ranges, each with a weight of its own."""
    cells = codec.cells
    assert cells is not None  # noqa: S101  a clock is learned beside days only
    parts = [
        _in_range(codec, cells, Wanted(low=low, high=high), factor)
        for low, high, factor in ranges
        if factor > 0
    ]
    none = np.zeros(0)
    empty = Portions(cell=none.astype(np.int64), first=none, last=none, weight=none)
    return joined([*parts, empty])


def number_weights(codec: NumberCodec, portions: Portions) -> tuple[Floats, ...]:
    """Return the weights of a codec's codes where some portions may be."""
    shares = portions.share(len(codec.cells.coarse)) if codec.cells else np.zeros(0)
    return _weights(codec, shares, np.zeros(len(codec.special)))


def _in_range(codec: NumberCodec, cells: Cells, wanted: Wanted, factor: float = 1.0) -> Portions:
    below, above = replace(wanted, low=None), replace(wanted, high=None)

    def value(places: Ints, uniform: Floats) -> pl.Series:
        return codec.grid.values(cells.draw(places, uniform))

    return find_portions(
        np.arange(len(cells.coarse)),
        lambda places, uniform: below.holds(value(places, uniform)),
        lambda places, uniform: above.holds(value(places, uniform)),
        factor,
    )


def _in_set(codec: NumberCodec, cells: Cells, values: pl.Series) -> tuple[Portions, pl.Series]:
    """Return a portion for each known value, and these values."""
    from synthohive.encoding.number import finite  # noqa: PLC0415  it imports this module

    values = values.filter(pl.Series(finite(values)))
    numbers = codec.grid.numbers(values)
    is_known = (numbers >= cells.low[0]) & (numbers <= cells.high[-1])
    values, numbers = values.filter(pl.Series(is_known)), numbers[is_known]
    cell = cells.find(numbers)
    order = np.argsort(cell, kind="stable")
    values, numbers, cell = values.gather(order), numbers[order], cell[order]
    places = np.arange(len(cell))
    found = find_portions(
        places,
        lambda at, uniform: cells.draw(cell[at], uniform) <= numbers[at],
        lambda at, uniform: cells.draw(cell[at], uniform) >= numbers[at],
    )
    # a value between those that can be drawn has hardly a share, but has one
    weight = np.full(len(cell), LEAST)
    weight[found.cell] = np.maximum(found.weight, LEAST)
    first = np.zeros(len(cell))
    return Portions(cell=cell, first=first, last=first, weight=weight), values


def _weights(codec: NumberCodec, shares: Floats, special: Floats) -> tuple[Floats, ...]:
    """Return the weights of codes: (1, size), and (coarse size, size) of the fine ones."""
    columns, cells = codec.code_columns, codec.cells
    if not columns:
        return ()
    coarse = np.zeros((1, columns[0].size))
    count = cells.coarse_size if cells else 0
    if cells is not None:
        coarse[0, :count] = np.bincount(cells.coarse, weights=shares, minlength=count)
    coarse[0, count : count + len(special)] = special
    if len(columns) == 1 or cells is None:
        return (coarse,)
    coarse[0, :count] = coarse[0, :count] > 0
    fine = np.ones((columns[0].size, columns[1].size))
    fine[:count] = 0.0
    fine[cells.coarse, cells.fine] = shares
    return (coarse, fine)
