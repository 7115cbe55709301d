"""The graph of tables and foreign keys."""

from __future__ import annotations

from typing import TYPE_CHECKING

from synthohive.schema.drivers import deferred_keys
from synthohive.schema.order import ordered_levels

if TYPE_CHECKING:
    from synthohive.schema.metadata import Metadata


class SchemaGraph:
    """Tables as nodes, foreign keys as edges from child to parent.

    A table may refer to itself. A longer cycle is accepted if a nullable foreign key can
    be filled in after all tables are generated; that key is no edge of the order.

    Args:
        metadata: The declared schema.

    Raises:
        CyclicSchemaError: A cycle can't be broken.

    Examples:
        >>> from synthohive.schema import Metadata
        >>> staff = Metadata().add_table(
        ...     "employees", pk="id", fk={"manager_id": "employees.id", "site": "sites.code"}
        ... )
        >>> SchemaGraph(staff.add_table("sites", pk="code")).get_generation_order()
        ['sites', 'employees']
    """

    def __init__(self, metadata: Metadata) -> None:
        self.tables = dict(metadata.tables)
        self.deferred = deferred_keys(self.tables)

    def levels(self) -> list[list[str]]:
        """Return the tables by level: every parent is in an earlier level than its children.

        Within a level the names are sorted. Tables without any key are in the first level.
        """
        return ordered_levels(self.tables, self.deferred)

    def get_generation_order(self) -> list[str]:
        """Return all tables, every parent before its children; always the same order."""
        return [name for level in self.levels() for name in level]
