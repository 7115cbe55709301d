"""Declared limits of unique columns: which values there are, and in which order they are taken."""

from __future__ import annotations

import math
from bisect import bisect_left
from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np
import polars as pl

from synthohive.encoding.category import to_text
from synthohive.encoding.constraints import accepted_series, limit_of
from synthohive.encoding.counting import largest_number, steps_left
from synthohive.errors import ConfigError

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from synthohive.encoding.key_forms import Counter
    from synthohive.schema.model import Constraint

_MOST = 2**61
"""No key is further than so many steps from the first one."""


def accepted_texts(dtype: pl.DataType, limits: Constraint, where: str) -> tuple[str, ...]:
    """Return the accepted values that lie within the bounds, as text.

    Examples:
        >>> from synthohive.schema.model import Constraint
        >>> limits = Constraint(accepted_values=(5, 7, 9), maximum=8)
        >>> accepted_texts(pl.Int64(), limits, "size")
        ('5', '7')
    """
    accepted = accepted_series(limits.accepted_values or (), dtype, name=where)
    if limits.minimum is not None:
        low = limit_of(dtype, limits.minimum, where, is_minimum=True)
        accepted = accepted.filter(accepted >= low)
    if limits.maximum is not None:
        high = limit_of(dtype, limits.maximum, where, is_minimum=False)
        accepted = accepted.filter(accepted <= high)
    if isinstance(dtype, pl.Datetime):
        accepted = accepted.dt.replace_time_zone(None)  # `accepted_series` puts it back
    return tuple(to_text(accepted).to_list())


def number_ends(dtype: pl.DataType, limits: Constraint, where: str) -> tuple[int, tuple[int, int]]:
    """Return where to count from, and how far up and down from there keys may go.

    Returns:
        The number before the first key, and how many keys there are below and above the
        first one. Keys count up from 1 if that is within the bounds.

    Examples:
        >>> from synthohive.schema.model import Constraint
        >>> number_ends(pl.Int64(), Constraint(minimum=-2, maximum=9), "size")
        (0, (3, 8))
    """
    low, high = _whole(dtype, limits, where, is_minimum=True), largest_number(dtype)
    most = _whole(dtype, limits, where, is_minimum=False)
    high = high if most is None else min(most, high)
    if low is None and high < 1:
        low = 0 if dtype.is_unsigned_integer() else -largest_number(dtype)
    first = min(1 if low is None else max(1, low), high)
    below = 0 if low is None else first - low
    return first - 1, (min(below, _MOST), min(high - first, _MOST))


def step_ends(
    dtype: pl.DataType, limits: Constraint, where: str, *, origin: int, step: int
) -> tuple[int, tuple[int, int]]:
    """Return the first point in time, and how many there are before and after it."""
    low = _whole(dtype, limits, where, is_minimum=True)
    high = _whole(dtype, limits, where, is_minimum=False)
    first = origin if low is None else max(origin, low)
    first = first if high is None else min(first, high)
    above = steps_left(dtype, first, step) - 1
    above = above if high is None else min(above, (high - first) // step)
    return first, (0 if low is None else (first - low) // step, above)


def counter_within(counter: Counter, limits: Constraint, where: str) -> tuple[Counter, int]:
    """Return the counter that begins at the minimum, and how many keys follow the first one.

    Args:
        counter: A counter of a fixed width, so that its texts are in the order of their numbers.
        limits: The bounds; texts are compared as texts.
        where: What errors call the column.

    Raises:
        ConfigError: No text of this form is within the bounds.

    Examples:
        >>> from synthohive.encoding.key_forms import Counter
        >>> from synthohive.schema.model import Constraint
        >>> counter = Counter(prefix="C-", suffix="", width=3)
        >>> found, more = counter_within(counter, Constraint(minimum="C-005", maximum="C-01"), "id")
        >>> found.first, more
        (5, 4)
    """
    end = 10**counter.width - counter.first + 1
    low = high = None
    if limits.minimum is not None:
        low = _count_below(counter, end, str(limits.minimum), is_equal=False)
    if limits.maximum is not None:
        high = _count_below(counter, end, str(limits.maximum), is_equal=True)
    first, last = low or 0, end - 1 if high is None else high
    if last <= first:
        samples = counter.write(np.array([1, 2])).to_list()
        raise ConfigError(
            f"no key of {where!r} such as {', '.join(samples)} is within min {limits.minimum!r}"
            f" and max {limits.maximum!r}",
            hint="widen the bounds, or leave them out",
        )
    return replace(counter, first=counter.first + first), last - first - 1


def _count_below(counter: Counter, end: int, bound: str, *, is_equal: bool) -> int:
    """Count the texts of a counter that come before a bound, or are equal to it."""

    def is_beyond(number: int) -> bool:
        text = counter.write(np.array([number + 1])).item()
        return text > bound if is_equal else text >= bound

    return bisect_left(range(end - 1), True, key=is_beyond)


def turned(index: NDArray[np.int64], ends: tuple[int, int] | None) -> NDArray[np.int64]:
    """Turn downwards what would go beyond the upper end.

    Examples:
        >>> turned(np.arange(5), (2, 2)).tolist()
        [0, 1, 2, -1, -2]
    """
    if ends is None:
        return index
    below, above = ends
    index = index % max(1, below + above + 1)
    return np.where(index <= above, index, above - index)


def _whole(dtype: pl.DataType, limits: Constraint, where: str, *, is_minimum: bool) -> int | None:
    """Return a bound as a whole number, of units if the dtype is one of time."""
    bound = limits.minimum if is_minimum else limits.maximum
    if bound is None:
        return None
    limit = limit_of(dtype, bound, where, is_minimum=is_minimum)
    value = limit.to_physical().item() if dtype.is_temporal() else limit.item()
    if isinstance(value, float) and not math.isfinite(value):
        return None
    return math.ceil(value) if is_minimum else math.floor(value)
