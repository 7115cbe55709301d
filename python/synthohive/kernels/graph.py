"""Order of the tables, parents before children."""

from __future__ import annotations

from typing import TYPE_CHECKING

from synthohive import _core

if TYPE_CHECKING:
    from collections.abc import Sequence


def generation_levels(tables: Sequence[str], edges: Sequence[tuple[str, str]]) -> list[list[str]]:
    """Sort tables into levels such that every parent stands in an earlier level.

    Args:
        tables: Names of all tables.
        edges: One ``(child, parent)`` per foreign key; repeated ones and those from a table
            to itself say nothing about the order and are ignored.

    Returns:
        The levels, parents first; within a level the names are sorted.

    Raises:
        CyclicSchemaError: There is no order. Its ``path`` is the shortest cycle, from child
            to parent, beginning and ending at its smallest name.
        UnknownTableError: An edge names a table that is not in ``tables``.

    Examples:
        >>> generation_levels(["items", "users", "orders"], [("orders", "users")])
        [['items', 'users'], ['orders']]
    """
    return _core.generation_levels(list(tables), list(edges))
