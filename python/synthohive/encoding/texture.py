"""The remainders that whole numbers prefer: prices in .99, round amounts, working days.

Between two neighbouring real values nothing is known but their texture: how often each
remainder modulo a small number occurs. Drawing in-between values by these weights keeps
the habit without keeping any value.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Iterable

    from numpy.typing import NDArray

_MIN_GAIN = 0.02  # nats per row that a texture must explain beyond chance
_MIN_ROWS = 50
_ENOUGH_ROWS = 500
_MAX_PERIOD = 4_000


@dataclass(frozen=True, slots=True)
class Texture:
    """Weights of the remainders modulo ``len(weights)``; they sum to 1."""

    weights: tuple[float, ...] = (1.0,)

    def between(
        self, low: NDArray[np.int64], high: NDArray[np.int64], inner: NDArray[np.float64]
    ) -> NDArray[np.int64]:
        """Draw a whole number from each range, both ends included.

        Args:
            low: Smallest value per row.
            high: Largest value per row.
            inner: A number in ``[0, 1)`` per row.

        Examples:
            >>> evens = Texture((1.0, 0.0))
            >>> low, high = np.array([3, 3, 3]), np.array([8, 8, 8])
            >>> evens.between(low, high, np.array([0.0, 0.5, 0.99])).tolist()
            [4, 6, 8]
        """
        period = len(self.weights)
        if period == 1:
            width = (high - low + 1).astype(np.float64)
            return np.minimum(low + np.floor(inner * width).astype(np.int64), high)
        before = np.concatenate([[0.0], np.cumsum(self.weights)])
        base = low - low % period  # keeps the sums small, whatever the size of the values
        start = before[low % period]
        stop = (high + 1 - base) // period + before[(high + 1) % period]
        target = start + inner * (stop - start)
        whole = np.floor(target)
        rest = np.searchsorted(before, target - whole, side="right") - 1
        drawn = base + whole.astype(np.int64) * period + np.minimum(rest, period - 1)
        return np.where(stop > start, np.clip(drawn, low, high), low)

    def to_dict(self) -> list[float]:
        """Return the weights."""
        return list(self.weights)

    @staticmethod
    def from_dict(state: list[float]) -> Texture:
        """Rebuild a texture from `to_dict`."""
        return Texture(tuple(state))


SMOOTH = Texture()


def find_texture(
    values: NDArray[np.int64],
    rows: NDArray[np.int64],
    periods: Iterable[int],
    *,
    min_rows_exact: int,
) -> Texture:
    """Find the period whose remainders explain most beyond chance.

    Args:
        values: Distinct whole numbers, ascending, at least one.
        rows: Rows per value.
        periods: Periods to try.
        min_rows_exact: Values of so many rows are kept exactly; where enough other rows are
            left, the texture is theirs alone.

    Returns:
        The best texture, or `SMOOTH` if no remainder is clearly preferred.

    Source: the entropy is corrected for chance after Miller (1955), "Note on the bias of
    information estimates".
    """
    is_light = rows < min_rows_exact
    if rows[is_light].sum() >= _ENOUGH_ROWS:
        values, rows = values[is_light], rows[is_light]
    total = int(rows.sum())
    best, best_gain = SMOOTH, _MIN_GAIN
    for period in periods:
        is_short = values[-1] - values[0] < 3 * period
        if total < _MIN_ROWS or period > _MAX_PERIOD or is_short:
            continue
        share = np.bincount(values % period, weights=rows, minlength=period) / total
        present = share[share > 0]
        gain = (
            np.log(period) + float((present * np.log(present)).sum()) - (period - 1) / (2 * total)
        )
        if gain > best_gain * 1.05:
            best, best_gain = Texture(tuple(share.tolist())), gain
    return best
