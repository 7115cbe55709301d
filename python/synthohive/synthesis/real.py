"""The real tables, read once into codes and row positions; what every model is fitted on."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import numpy as np
import polars as pl

from synthohive import kernels

if TYPE_CHECKING:
    from synthohive.encoding.layout import Layout
    from synthohive.encoding.table import TableEncoder
    from synthohive.planning.plan import Plan, Step
    from synthohive.schema.metadata import Metadata
    from synthohive.schema.model import ForeignKey
    from synthohive.synthesis.fitted import ContextCode
    from synthohive.synthesis.roles import KeyRoles


@dataclass(slots=True, kw_only=True)
class RealTables:
    """Working state of fitting; filled stage by stage, never changed afterwards.

    Attributes:
        metadata: The declared schema.
        plan: The generation plan.
        frames: The real tables.
        steps: Plan steps by table.
        parents: Parent row of every row, per table and foreign key; null if absent.
        roles: Key roles by table.
        encoders: Attribute encoders by table.
        codes: Own codes by table.
        layouts: Layouts of `codes` by table.
    """

    metadata: Metadata
    plan: Plan
    frames: dict[str, pl.DataFrame]
    steps: dict[str, Step]
    parents: dict[tuple[str, ForeignKey], pl.Series]
    roles: dict[str, KeyRoles] = field(default_factory=dict)
    encoders: dict[str, TableEncoder] = field(default_factory=dict)
    codes: dict[str, pl.DataFrame] = field(default_factory=dict)
    layouts: dict[str, Layout] = field(default_factory=dict)

    def rows(self, table: str) -> int:
        """Return the number of real rows of a table."""
        return self.frames[table].height

    def attribute_codes(self, table: str) -> pl.DataFrame:
        """Return a table's codes of its attributes alone."""
        names = self.encoders[table].layout.names
        return self.codes[table][list(names)] if names else pl.DataFrame(height=self.rows(table))

    def child_counts(self, child: str, fk: ForeignKey) -> pl.Series:
        """Count children per parent row; ``UInt32``."""
        return kernels.children_per_parent(self.parents[child, fk], self.rows(fk.parent))

    def driver_rows(self, table: str, steps: int) -> tuple[str, pl.Series] | None:
        """Follow drivers upwards.

        Returns:
            The ancestor `steps` drivers up and its row for every row of `table` (null if
            absent), or `None` if there is no such ancestor.
        """
        name, rows = table, pl.Series(np.arange(self.rows(table), dtype=np.uint32))
        for _ in range(steps):
            driver = self.steps[name].driver
            if driver is None:
                return None
            upper = self.parents[name, driver].to_frame("row")
            rows = kernels.gather(upper, rows)["row"]
            name = driver.parent
        return name, rows

    def context_codes(self, table: str, context: tuple[ContextCode, ...]) -> pl.DataFrame:
        """Return the ancestors' codes for every row of a table."""
        ancestors = {steps: self.driver_rows(table, steps) for steps in {c.steps for c in context}}
        columns: list[pl.Series] = []
        for code in context:
            found = ancestors[code.steps]
            if found is None:
                msg = f"{table} has no ancestor {code.steps} drivers up"
                raise AssertionError(msg)
            values = kernels.gather(self.codes[found[0]][[code.column.name]], found[1])
            # unnamed, as a name may look like a pattern; a byte may not hold the absent code
            wide = values.to_series().alias("").cast(pl.UInt32)
            columns.append(wide.fill_null(code.column.size - 1).alias(code.name))
        return pl.DataFrame(columns) if columns else pl.DataFrame()


def read_real(metadata: Metadata, plan: Plan, frames: dict[str, pl.DataFrame]) -> RealTables:
    """Locate the parent row of every foreign key of every table."""
    parents: dict[tuple[str, ForeignKey], pl.Series] = {}
    for name, table in metadata.tables.items():
        for fk in table.foreign_keys:
            child = frames[name][list(fk.columns)]
            parent = frames[fk.parent][list(fk.parent_columns)]
            parents[name, fk] = kernels.row_ids(child, parent)[0]
    steps = {step.table: step for step in plan.steps}
    return RealTables(metadata=metadata, plan=plan, frames=frames, steps=steps, parents=parents)
