"""The order of tables: parents before children, deferred keys aside."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Mapping

    from synthohive.schema.drivers import Deferred
    from synthohive.schema.model import Table


def ordered_levels(tables: Mapping[str, Table], deferred: Deferred) -> list[list[str]]:
    """Sort the tables into levels such that every parent stands in an earlier level.

    Foreign keys to tables that do not exist are passed over; `deferred` must leave no cycle
    (see `deferred_keys`).
    """
    from synthohive import kernels  # noqa: PLC0415  # the extension is loaded when needed

    edges = [
        (table.name, fk.parent)
        for table in tables.values()
        for fk in table.foreign_keys
        if fk.parent in tables and fk not in deferred.get(table.name, ())
    ]
    return kernels.generation_levels(list(tables), edges)
