"""A child row's place among the children of its driver row, as two context codes.

A generator that knows "third of five" can learn sequences: rising dates, a first order
that differs from later ones, one owner per account.
"""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, Self

import numpy as np
import polars as pl

from synthohive.encoding.layout import CodeColumn, Layout

if TYPE_CHECKING:
    from collections.abc import Mapping

    from numpy.typing import NDArray

    from synthohive.schema.model import Table

EXACT_LIMIT = 64
"""Up to this many siblings, position and count are codes as they are."""

RELATIVE_BINS = 32
"""Beyond it, the position is a share of the way from first to last sibling."""

POSITION = "#position"
COUNT = "#siblings"


@dataclass(frozen=True, slots=True, kw_only=True)
class SiblingCodes:
    """How position and number of siblings become codes.

    Attributes:
        most: Largest number of siblings in the real data.
        has_absent: Rows without a driver exist and take the last code of each column.
    """

    most: int
    has_absent: bool

    @property
    def layout(self) -> Layout:
        """Two code columns, or none if no driver row has more than one child."""
        if self.most <= 1:
            return Layout()
        positions = self.most if self.most <= EXACT_LIMIT else RELATIVE_BINS
        counts = int(self._count_codes(np.array([self.most]))[0]) + 1
        return Layout(
            tuple(
                CodeColumn(name=name, size=size + self.has_absent, source=name, is_ordered=True)
                for name, size in ((POSITION, positions), (COUNT, counts))
            )
        )

    def encode(self, position: NDArray, count: NDArray) -> NDArray:
        """Return the codes of rows that have a driver.

        Args:
            position: 0-based position among siblings, ``(N,)``.
            count: Number of siblings, the row itself included, ``(N,)``.

        Returns:
            Codes, ``(N, 2)``, or ``(N, 0)`` if siblings never occur.
        """
        if self.most <= 1:
            return np.zeros((len(position), 0), np.int64)
        place = position.astype(np.int64)
        number = np.maximum(count.astype(np.int64), 1)
        if self.most > EXACT_LIMIT:
            place = (RELATIVE_BINS * (2 * place + 1)) // (2 * number)
        limits = np.array(self.layout.sizes) - 1 - self.has_absent
        return np.minimum(np.stack([place, self._count_codes(number)], axis=1), limits)

    def absent(self, rows: int) -> NDArray:
        """Return the codes of rows that have no driver, ``(rows, 2)`` or ``(rows, 0)``."""
        return np.tile(np.array(self.layout.sizes, np.int64) - 1, (rows, 1))

    def _count_codes(self, count: NDArray) -> NDArray:
        if self.most <= EXACT_LIMIT:
            return np.clip(count, 1, self.most) - 1
        return np.floor(4 * np.log2(np.maximum(count, 1))).astype(np.int64)

    def to_dict(self) -> dict[str, object]:
        """Return JSON-able state."""
        return asdict(self)

    @classmethod
    def from_dict(cls, state: Mapping[str, object]) -> Self:
        """Rebuild from `to_dict`."""
        return cls(most=int(str(state["most"])), has_absent=bool(state["has_absent"]))


def sibling_order(table: Table, frame: pl.DataFrame) -> str | None:
    """Name the column that orders siblings.

    Returns:
        The column asked for with `order_by`, else the first date or timestamp that is no
        key, else `None`: siblings stay in stored order.
    """
    if table.order_by is not None:
        return table.order_by
    for name, dtype in frame.schema.items():
        if dtype.is_temporal() and name not in table.key_columns:
            return name
    return None


def sibling_places(rows: pl.Series, order: pl.Series | None) -> tuple[NDArray, NDArray]:
    """Locate every row among the rows of the same driver row.

    Args:
        rows: Driver row of every row, null if it has none, ``(N,)``.
        order: Values that order siblings; stored order decides ties, and all if `None`.

    Returns:
        0-based positions and numbers of siblings (the row included), each ``(N,)``.

    Examples:
        >>> position, count = sibling_places(pl.Series([0, 1, 0]), pl.Series([9, 5, 3]))
        >>> position.tolist(), count.tolist()
        ([1, 0, 0], [2, 1, 2])
    """
    frame = pl.DataFrame({"driver": rows, "order": rows if order is None else order})
    places = frame.with_row_index("row").select(
        pl.struct("order", "row").rank("ordinal").over("driver").alias("place") - 1,
        pl.len().over("driver").alias("count"),
    )
    return places["place"].to_numpy(), places["count"].to_numpy()
