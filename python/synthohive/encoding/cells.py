"""Cutting a sorted column of numbers into cells, and drawing numbers from a cell.

A *cell* is one (coarse, fine) pair of codes: a run of neighbouring values. Inside a cell
the real distribution is kept as *segments*: a value that several rows share is a segment
of no width; the others are drawn between neighbouring values, never copied.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from synthohive.encoding.texture import SMOOTH, Texture

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from synthohive.encoding.grid import Numbers
    from synthohive.encoding.settings import EncodingSettings

_MIN_CELL_ROWS = 8
_MANY_ROWS = 20  # no chance event: a value with so many rows is one of its own
_MAX_EXACT = 16  # exact values in one cell, beyond which only heavy ones stay exact
_MAX_PIECES = 8
_MIN_PIECE_ROWS = 8


@dataclass(frozen=True, slots=True, kw_only=True)
class Cells:
    """The cells of one column of numbers and what is inside them.

    Attributes:
        coarse: Coarse code per cell, ascending.
        fine: Fine code per cell.
        upper: Largest value per cell except the last, ascending.
        edges: Cumulated share of the segments; cell ``i`` covers ``[i, i+1)``.
        low: Smallest value per segment.
        high: Largest value per segment.
        texture: Which remainders the values between prefer.
    """

    coarse: NDArray[np.int64]
    fine: NDArray[np.int64]
    upper: Numbers
    edges: NDArray[np.float64]
    low: Numbers
    high: Numbers
    texture: Texture = SMOOTH

    @property
    def coarse_size(self) -> int:
        """Number of coarse codes."""
        return int(self.coarse[-1]) + 1 if len(self.coarse) else 0

    @property
    def fine_size(self) -> int:
        """Number of fine codes; 1 if the coarse code says it all."""
        return int(self.fine.max()) + 1 if len(self.fine) else 1

    def find(self, values: Numbers) -> NDArray[np.int64]:
        """Return the cell of each value; the nearest one for values never seen."""
        return np.searchsorted(self.upper, values, side="left")

    def cell_of(self, coarse: NDArray[np.int64], fine: NDArray[np.int64]) -> NDArray[np.int64]:
        """Return the cell of each pair of codes; the nearest one if there is no such pair."""
        first = np.searchsorted(self.coarse, np.arange(self.coarse_size + 1))
        return np.minimum(first[coarse] + fine, first[coarse + 1] - 1)

    def draw(self, cells: NDArray[np.int64], uniform: NDArray[np.float64]) -> Numbers:
        """Draw a value from each cell.

        Args:
            cells: Cell per row.
            uniform: A number in ``[0, 1)`` per row.

        Returns:
            Values of the type the cells were cut from.
        """
        # adding the cell number must not round up into the next cell
        target = np.minimum(cells + uniform, np.nextafter(cells + 1.0, 0.0))
        segment = np.searchsorted(self.edges, target, side="right") - 1
        start, stop = self.edges[segment], self.edges[segment + 1]
        inner = np.clip((target - start) / (stop - start), 0.0, np.nextafter(1.0, 0.0))
        low, high = self.low[segment], self.high[segment]
        if low.dtype.kind == "f":
            # a weighted mean, because the difference may be too large for a float
            return np.clip(low * (1.0 - inner) + high * inner, low, high)
        return self.texture.between(low.astype(np.int64), high.astype(np.int64), inner)

    def to_dict(self) -> dict[str, object]:
        """Return the cells as JSON-able data."""
        return {
            "is_float": self.low.dtype.kind == "f",
            "coarse": self.coarse.tolist(),
            "fine": self.fine.tolist(),
            "upper": self.upper.tolist(),
            "edges": self.edges.tolist(),
            "low": self.low.tolist(),
            "high": self.high.tolist(),
            "texture": self.texture.to_dict(),
        }

    @staticmethod
    def from_dict(state: dict) -> Cells:
        """Rebuild cells from `to_dict`."""
        dtype = np.float64 if state["is_float"] else np.int64
        return Cells(
            coarse=np.array(state["coarse"], np.int64),
            fine=np.array(state["fine"], np.int64),
            upper=np.array(state["upper"], dtype),
            edges=np.array(state["edges"], np.float64),
            low=np.array(state["low"], dtype),
            high=np.array(state["high"], dtype),
            texture=Texture.from_dict(state["texture"]),
        )


def cut_cells(
    values: Numbers,
    rows: NDArray[np.int64],
    settings: EncodingSettings,
    *,
    texture: Texture = SMOOTH,
    has_fine: bool = True,
) -> Cells:
    """Cut a column into cells.

    Args:
        values: The distinct values, ascending, ``int64`` or ``float64``.
        rows: Rows per value.
        settings: Numbers of codes.
        texture: Preferred remainders, for integers.
        has_fine: Whether a fine code may be used.
    """
    total = int(rows.sum())
    bins = min(settings.coarse, max(4, total // 8))
    if len(values) <= 1.5 * bins:
        coarse = np.arange(len(values))
        cell = coarse
    else:
        coarse = _coarse_groups(rows, bins)
        cell = _fine_groups(rows, coarse, settings.fine) if has_fine else coarse
    first = np.flatnonzero(_changes(cell))
    coarse_of_cell = coarse[first]
    start_of_coarse = np.searchsorted(coarse_of_cell, coarse_of_cell)
    low, high, edges = _segments(values, rows, cell, settings.min_rows_exact)
    return Cells(
        coarse=coarse_of_cell,
        fine=np.arange(len(first)) - start_of_coarse,
        upper=values[first[1:] - 1],
        edges=edges,
        low=low,
        high=high,
        texture=texture,
    )


def _changes(*labels: NDArray[np.int64 | np.bool_]) -> NDArray[np.bool_]:
    """Tell where a new run of equal labels begins."""
    changes = np.zeros(len(labels[0]), bool)
    for label in labels:
        changes[1:] |= label[1:] != label[:-1]
    changes[:1] = True
    return changes


def _runs(*labels: NDArray[np.int64 | np.bool_]) -> NDArray[np.int64]:
    """Number the runs of equal labels from 0."""
    return np.cumsum(_changes(*labels)) - 1


def _middle_mass(rows: NDArray[np.int64], group: NDArray[np.int64]) -> NDArray[np.float64]:
    """Return, for each value, the share of its group's rows below its middle."""
    before = np.cumsum(rows) - rows
    base = before[np.flatnonzero(_changes(group))]
    mass = np.bincount(group, weights=rows)
    return (before - base[group] + rows / 2) / np.maximum(mass[group], 1)


def _coarse_groups(rows: NDArray[np.int64], bins: int) -> NDArray[np.int64]:
    """Group neighbours of about equal mass; a value heavier than a bin stands alone."""
    is_heavy = rows > rows.sum() / bins
    light = np.where(is_heavy, 0, rows)
    count = max(4, bins - int(is_heavy.sum()))
    share = _middle_mass(light, np.zeros(len(rows), np.int64))
    return _runs(
        np.minimum((share * count).astype(np.int64), count - 1), np.cumsum(is_heavy), is_heavy
    )


def _fine_groups(
    rows: NDArray[np.int64], coarse: NDArray[np.int64], fine: int
) -> NDArray[np.int64]:
    """Split each coarse group into cells of about equal mass and enough rows."""
    mass = np.bincount(coarse, weights=rows).astype(np.int64)
    count = np.clip(mass // _MIN_CELL_ROWS, 1, fine)[coarse]
    part = np.minimum((_middle_mass(rows, coarse) * count).astype(np.int64), count - 1)
    return _runs(coarse, part)


def _segments(
    values: Numbers, rows: NDArray[np.int64], cell: NDArray[np.int64], min_rows_exact: int
) -> tuple[Numbers, Numbers, NDArray[np.float64]]:
    """Describe the values inside each cell by segments: low, high, cumulated share."""
    cell_rows = np.bincount(cell, weights=rows).astype(np.float64)
    cell_values = np.bincount(cell)
    is_exact = (rows >= min_rows_exact) & (
        (cell_values[cell] <= _MAX_EXACT) | (rows * _MAX_EXACT >= cell_rows[cell])
    )
    is_exact &= _stands_out(values, rows, cell)
    exact_number = np.where(is_exact, np.cumsum(is_exact), 0)
    segment = _runs(cell, _pieces(rows, cell, cell_rows), exact_number)
    first = np.flatnonzero(_changes(segment))
    last = np.append(first[1:], len(values)) - 1
    low, high = values[first].copy(), values[last].copy()
    alone = (first == last) & ~is_exact[first]
    low[alone], high[alone] = _widened(values, first[alone])
    several = first < last
    low[several], high[several] = _stretched(values, first[several], last[several], is_exact)
    share = np.bincount(segment, weights=rows) / cell_rows[cell[first]]
    starts_cell = _changes(cell[first])
    before = np.cumsum(share) - share
    edges = cell[first] + before - before[np.flatnonzero(starts_cell)][cell[first]]
    edges[starts_cell] = cell[first][starts_cell]
    return low, high, np.append(edges, float(len(cell_rows)))


def _stands_out(
    values: Numbers, rows: NDArray[np.int64], cell: NDArray[np.int64]
) -> NDArray[np.bool_]:
    """Tell which values are more than chance makes of evenly spread rows.

    Of 5,000 birthdays some fall on the same day; those days are nothing special.
    """
    if values.dtype.kind == "f":
        return np.ones(len(rows), np.bool_)
    first = np.flatnonzero(_changes(cell))
    last = np.append(first[1:], len(values)) - 1
    points = (values[last] - values[first]).astype(np.float64) + 1
    expected = (np.bincount(cell, weights=rows) / points)[cell]
    is_many = (rows >= _MANY_ROWS) | (rows > expected + 3 * np.sqrt(expected) + 1)
    return is_many | (first == last)[cell]


def _stretched(
    values: Numbers,
    first: NDArray[np.intp],
    last: NDArray[np.intp],
    is_exact: NDArray[np.bool_],
) -> tuple[Numbers, Numbers]:
    """Return the ranges of segments up to halfway to their neighbours.

    Ranges that end at real values would draw these too often. No range reaches further
    than its values are apart, nor towards a value that stands for itself.
    """
    apart = (values[last] - values[first]) / (last - first)
    ends: list[NDArray[Any]] = []
    for at, step in ((first, -1), (last, 1)):
        beside = np.clip(at + step, 0, len(values) - 1)
        gap = np.abs(values[beside] - values[at]) / 2
        reach = np.where(is_exact[beside], 0.0, np.minimum(gap, apart))
        if values.dtype.kind != "f":
            reach = np.floor(reach - (step < 0) * 0.25).clip(0)  # the middle belongs to one side
        ends.append(values[at] + (step * reach).astype(values.dtype))
    return ends[0], ends[1]


def _pieces(
    rows: NDArray[np.int64], cell: NDArray[np.int64], cell_rows: NDArray[np.float64]
) -> NDArray[np.int64]:
    """Number the pieces inside each cell: of equal mass, but halving towards the tails."""
    share = _middle_mass(rows, cell)
    count = np.clip(cell_rows // _MIN_PIECE_ROWS, 1, _MAX_PIECES)[cell]
    piece = np.minimum((share * count).astype(np.int64), count - 1)
    if cell[-1] == cell[0]:
        return piece
    for tail, beyond in ((cell == cell[0], share), (cell == cell[-1], 1.0 - share)):
        halvings = -np.log2(beyond[tail])
        most = np.log2(max(2.0, float(rows[tail].sum()) / 2))
        side = -1 if tail[0] else 1
        piece[tail] = side * np.minimum(halvings, most).astype(np.int64)
    return piece


def _widened(values: Numbers, at: NDArray[np.int64]) -> tuple[Numbers, Numbers]:
    """Return the ranges halfway to the neighbours of lone values, so that none is copied."""
    left = values[np.maximum(at - 1, 0)]
    right = values[np.minimum(at + 1, len(values) - 1)]
    here = values[at]
    if values.dtype.kind == "f":
        return here / 2 + left / 2, here / 2 + right / 2
    return here - (here - left) // 2, here + (right - here) // 2
