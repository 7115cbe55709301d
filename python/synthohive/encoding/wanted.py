"""What the values of a column may be, and which of its codes may stand for them."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Protocol

import numpy as np
import polars as pl

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    from synthohive.encoding.layout import CodeColumn
    from synthohive.randomness import Stream

    Floats = NDArray[np.float64]


@dataclass(frozen=True, slots=True, kw_only=True)
class Wanted:
    """What the values of one column may be; never null.

    Attributes:
        low: The least value, one in a series; `None` for any.
        high: The greatest value, the same.
        values: All values there may be, different ones; `None` for any.

    Examples:
        >>> Wanted(low=pl.Series([3])).holds(pl.Series([2, 3, None])).tolist()
        [False, True, False]
    """

    low: pl.Series | None = None
    high: pl.Series | None = None
    values: pl.Series | None = None

    @property
    def is_any(self) -> bool:
        """Any value will do."""
        return self.low is None and self.high is None and self.values is None

    def holds(self, series: pl.Series) -> NDArray[np.bool_]:
        """Tell which values may be."""
        result = series.is_not_null()
        if series.dtype == pl.String and self.values is None and not self.is_any:
            return np.zeros(len(series), np.bool_)  # what is written has another order
        if self.low is not None or self.high is not None:
            if series.dtype.is_float():
                result &= series.is_not_nan()
            if self.low is not None:
                result &= series >= self.low
            if self.high is not None:
                result &= series <= self.high
        if self.values is not None:
            result &= series.is_in(self.values.implode())
        return result.fill_null(value=False).to_numpy()


@dataclass(frozen=True, slots=True, kw_only=True)
class Allowed:
    """Which codes of a column may be.

    Attributes:
        weights: For each code column what share of every code's values may be: (1, size), or
            (size of the coarse column, size) for a fine one. Those of a coarse column leave
            out what its fine column says.
        drawing: Draws the values; `None` where those that the codes stand for will do.
        is_possible: There is such a value.
        learned: What there is, in words.
        missing: How many of the values wanted there are not.
    """

    weights: tuple[Floats, ...]
    drawing: Drawing | None = None
    is_possible: bool = True
    learned: str = ""
    missing: int = 0


class Drawing(Protocol):
    """Draws values that may be."""

    def draw(
        self, codes: Sequence[NDArray[np.int64]], stream: Stream, n: int, *, start: int = 0
    ) -> pl.Series:
        """Draw a value for each of `n` rows' codes; a code that may not be gets any value."""
        ...


def not_null(columns: Sequence[CodeColumn], *, has_null: bool, has_values: bool = True) -> Allowed:
    """Return all codes but that of null, the last one of each column that is not fine.

    Args:
        columns: The code columns.
        has_null: Null has a code.
        has_values: There is something else.
    """
    sizes = {column.name: column.size for column in columns}
    weights: list[Floats] = []
    for column in columns:
        if column.coarse is not None:
            weights.append(np.ones((sizes[column.coarse], column.size)))
            continue
        own = np.ones((1, column.size))
        own[0, column.size - has_null :] = 0.0
        weights.append(own)
    learned = "" if has_values else "no values"
    return Allowed(weights=tuple(weights), is_possible=has_values, learned=learned)
