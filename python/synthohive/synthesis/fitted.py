"""What was learned of a database: plain, frozen products of `fit`."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from synthohive.encoding.layout import CodeColumn, Layout

if TYPE_CHECKING:
    from collections.abc import Iterable

    import polars as pl

    from synthohive.encoding.keys import KeyFormat
    from synthohive.encoding.table import TableEncoder
    from synthohive.linkage.copies import Copy
    from synthohive.linkage.counts import CountModel
    from synthohive.linkage.hierarchy import Hierarchy
    from synthohive.linkage.matching import Matching
    from synthohive.models.generator import Generator
    from synthohive.planning.plan import Plan
    from synthohive.schema.metadata import Metadata
    from synthohive.schema.model import ForeignKey
    from synthohive.synthesis.roles import KeyRoles
    from synthohive.synthesis.siblings import SiblingCodes

LEVEL = "#level"
"""Code column of a row's depth in the table's self reference."""

IDENTITY = "#row"
"""Code column that tells the rows of a small kept table apart."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ContextCode:
    """A code column of an ancestor that a table is generated from.

    Attributes:
        steps: How many drivers up the ancestor is: 1 for the driver, 2 for its driver.
        table: The ancestor.
        column: The ancestor's code column, widened by one code if it can be absent.
    """

    steps: int
    table: str
    column: CodeColumn

    @property
    def name(self) -> str:
        """Name among the child's context columns."""
        return f"{self.steps}:{self.table}.{self.column.name}"


def base_name(steps: int, column: str) -> str:
    """Name an ancestor's column that dates of a table are counted from.

    Examples:
        >>> base_place(base_name(2, "signed:up"))
        (2, 'signed:up')
    """
    return f"#above {steps}:{column}"


def base_place(name: str) -> tuple[int, str]:
    """Return how many drivers up a `base_name` is, and the column there."""
    steps, _, column = name.removeprefix("#above ").partition(":")
    return int(steps), column


def context_layout(context: Iterable[ContextCode]) -> Layout:
    """Return the layout of ancestors' codes."""
    return Layout(
        tuple(
            CodeColumn(
                name=code.name,
                size=code.column.size,
                source=code.name,
                is_ordered=code.column.is_ordered,
            )
            for code in context
        )
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class FittedDriver:
    """How a table's rows come from its driver.

    Attributes:
        fk: The driver's foreign key.
        counts: Children per driver row, given the driver row's features.
        context: Ancestors' code columns the rows are generated from.
        siblings: Position and count codes.
        absent_share: Rows without a driver, as a share of all rows.
    """

    fk: ForeignKey
    counts: CountModel
    context: tuple[ContextCode, ...]
    siblings: SiblingCodes
    absent_share: float

    @property
    def layout(self) -> Layout:
        """All context columns: ancestors' codes, then the place among siblings."""
        return context_layout(self.context) + self.siblings.layout


@dataclass(frozen=True, slots=True, kw_only=True)
class FittedLink:
    """How rows find their secondary parent.

    Attributes:
        fk: The foreign key.
        matching: Groups of parents; the child row generates the group it wants.
        quotas: Children each parent should get, given its features.
        name: The code column of the wanted group.
    """

    fk: ForeignKey
    matching: Matching
    quotas: CountModel
    name: str


@dataclass(frozen=True, slots=True, kw_only=True)
class FittedHierarchy:
    """How rows find their parent in the same table."""

    fk: ForeignKey
    hierarchy: Hierarchy


@dataclass(frozen=True, slots=True, kw_only=True)
class FittedCopy:
    """An attribute that repeats a column of a parent."""

    fk: ForeignKey
    copy: Copy


@dataclass(frozen=True, slots=True, kw_only=True)
class FittedTable:
    """What was learned of one table.

    Attributes:
        name: The table.
        schema: Real column names and types, in order.
        rows: Rows of the real table.
        roles: The part each key column plays.
        formats: How the numbered key columns are written.
        null_shares: Share of nulls in numbered key columns that are not a primary key.
        encoder: Attributes to codes and back.
        layout: The table's own code columns: attributes, wanted groups, level.
        generator: Draws own codes given context; `None` if there is nothing to draw.
        driver: How rows come from the driver; `None` for a root.
        links: Secondary parents, the driver and self references excepted.
        hierarchy: The self reference, if there is one.
        copies: Attributes taken from a parent, at most one per attribute.
        kept: The real rows, if they are kept.
        held_out_loss: Loss on rows not trained on, nats per row.
        fit_seconds: Time it took to learn the table.
    """

    name: str
    schema: dict[str, pl.DataType]
    rows: int
    roles: KeyRoles
    formats: dict[str, KeyFormat]
    null_shares: dict[str, float]
    encoder: TableEncoder
    layout: Layout
    generator: Generator | None
    driver: FittedDriver | None
    links: tuple[FittedLink, ...]
    hierarchy: FittedHierarchy | None
    copies: tuple[FittedCopy, ...]
    kept: pl.DataFrame | None
    held_out_loss: float | None
    fit_seconds: float

    @property
    def attributes(self) -> list[str]:
        """Columns that are learned and decoded."""
        return [name for name in self.schema if name not in self.roles.columns]


@dataclass(frozen=True, slots=True, kw_only=True)
class Fitted:
    """What was learned of a database.

    Attributes:
        metadata: The schema it was learned with.
        plan: Generation order and the part of every foreign key.
        tables: Fitted tables by name, in generation order.
        seed: The seed of learning.
    """

    metadata: Metadata
    plan: Plan
    tables: dict[str, FittedTable]
    seed: int
