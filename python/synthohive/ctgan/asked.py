"""What can be asked of a column besides a value: a range, a set, or any value at all."""

from __future__ import annotations

from typing import NamedTuple


class Between(NamedTuple):
    """A range of numbers, dates or timestamps, both ends included.

    A date as the end of a range of timestamps stands for the whole day.

    Attributes:
        low: The least value; `None` for any.
        high: The greatest value; `None` for any.

    Examples:
        >>> Between(30, 40), Between(high=5)
        (Between(low=30, high=40), Between(low=None, high=5))
    """

    low: object = None
    high: object = None


class OneOf:
    """A set of values, any of which will do.

    Args:
        values: The values; null is none of them.

    Examples:
        >>> OneOf("Paris", "Rome")
        OneOf('Paris', 'Rome')
    """

    __slots__ = ("values",)

    def __init__(self, *values: object) -> None:
        self.values = values

    def __repr__(self) -> str:
        """Return it as it is written."""
        return f"OneOf({', '.join(map(repr, self.values))})"


class NotNull:
    """Any value, but not null.

    Examples:
        >>> NotNull()
        NotNull()
    """

    __slots__ = ()

    def __repr__(self) -> str:
        """Return it as it is written."""
        return "NotNull()"


Asked = Between | OneOf | NotNull
