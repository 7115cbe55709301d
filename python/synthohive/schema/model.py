"""Tables, columns and keys as SynthoHive sees them, whoever declared them.

Nothing here knows where a schema came from: dbt metadata, a DuckDB catalogue and
`Metadata.add_table` calls all end in the same few frozen objects.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Literal

Bound = int | float | str
"""A limit of a column: a number, or an ISO date or timestamp as text."""

Scalar = str | int | float | bool
"""An accepted value; dates and timestamps as ISO text."""

OrphanPolicy = Literal["error", "drop", "null"]

DTYPES = ("int", "float", "str", "bool", "date", "datetime")
"""Type families a constraint can ask for."""

PII_KINDS = (
    "email",
    "name",
    "first_name",
    "last_name",
    "phone",
    "address",
    "street",
    "city",
    "postcode",
    "company",
    "url",
    "ip",
    "username",
    "iban",
    "text",
)
"""Kinds of personal values a column can be declared to hold."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Relation:
    """Where a real table lives in the database.

    Attributes:
        database: The catalogue, if it is known.
        schema: The schema, if it is known.
        identifier: The table's name in the database, unquoted.
    """

    database: str | None = None
    schema: str | None = None
    identifier: str


@dataclass(frozen=True, slots=True, kw_only=True)
class ForeignKey:
    """One reference of a child table to a parent table.

    Attributes:
        columns: The child's key columns, in the order of `parent_columns`.
        parent: The parent table; the child's own name for a self reference.
        parent_columns: The parent columns referred to.
        is_partial: Some rows are exempt by declaration (a test with a `where`).
        evidence: Where the key was declared, strongest first; no part of equality.
    """

    columns: tuple[str, ...]
    parent: str
    parent_columns: tuple[str, ...]
    is_partial: bool = False
    evidence: tuple[str, ...] = field(default=(), compare=False)

    def __str__(self) -> str:
        """Show as ``user_id → users.id``."""
        return f"{', '.join(self.columns)} → {self.parent}.{', '.join(self.parent_columns)}"


@dataclass(frozen=True, slots=True, kw_only=True)
class Constraint:
    """What the values of a column must satisfy.

    Attributes:
        dtype: ``int``, ``float``, ``str``, ``bool``, ``date`` or ``datetime``: the type
            family of the generated column; the real column's type when not given.
        minimum: Smallest value allowed.
        maximum: Largest value allowed.
        is_minimum_open: The minimum itself is not allowed. Gone, in favour of the next
            larger minimum, as soon as the column's type is known.
        is_maximum_open: The maximum itself is not allowed; likewise.
        accepted_values: The only non-null values allowed.
        mode: ``clip`` repairs a value outside its bounds, ``enforce`` raises.
        evidence: Where the constraint was declared; no part of equality.
    """

    dtype: str | None = None
    minimum: Bound | None = None
    maximum: Bound | None = None
    is_minimum_open: bool = False
    is_maximum_open: bool = False
    accepted_values: tuple[Scalar, ...] | None = None
    mode: Literal["clip", "enforce"] = "clip"
    evidence: tuple[str, ...] = field(default=(), compare=False)


@dataclass(frozen=True, slots=True, kw_only=True)
class Column:
    """What is declared of one column.

    Attributes:
        name: The column's name, exactly as in the table.
        dtype: The SQL type as declared or as the database tells it.
        is_not_null: Declared never to be null.
        pii: The kind of personal value (``email``, ``name``, … or ``text``); `None` if
            the column holds none. Personal values are never learned or replayed.
        constraint: Limits of the values.
    """

    name: str
    dtype: str | None = None
    is_not_null: bool = False
    pii: str | None = None
    constraint: Constraint | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Table:
    """What is declared of one table.

    Two tables are equal if the same is declared of them; where it was declared (evidence,
    origin) and where the real table lives make no difference.

    Attributes:
        name: The table's name within its `Metadata`.
        columns: Declared columns by name; the data may have more.
        column_order: All columns of the real table in order; empty while not known.
        primary_key: Columns of the primary key; empty if there is none.
        unique_keys: Further sets of columns declared unique.
        foreign_keys: All references, self references included, sorted by columns.
        driver: Columns of the foreign key chosen as driver; the first key when empty.
        context: Parent columns to condition on (``column`` or ``parent.column``);
            chosen automatically when `None`.
        order_by: The column that orders siblings.
        rows: Rows to generate at scale 1; as many as the real table when `None`.
        keep: Keep the real rows as they are (a public dimension).
        on_orphans: What to do about real rows whose parent is missing.
        relation: Where the real table lives; `None` for data given as frames.
        key_evidence: Where the primary key was declared, strongest first.
        origin: The dbt unique id, or ``python``.
    """

    name: str
    columns: dict[str, Column] = field(default_factory=dict[str, Column])
    column_order: tuple[str, ...] = ()
    primary_key: tuple[str, ...] = ()
    unique_keys: tuple[tuple[str, ...], ...] = ()
    foreign_keys: tuple[ForeignKey, ...] = ()
    driver: tuple[str, ...] = ()
    context: tuple[str, ...] | None = None
    order_by: str | None = None
    rows: int | None = None
    keep: bool = False
    on_orphans: OrphanPolicy = "error"
    relation: Relation | None = field(default=None, compare=False)
    key_evidence: tuple[str, ...] = field(default=(), compare=False)
    origin: str = field(default="python", compare=False)

    def column(self, name: str) -> Column:
        """Return what is declared of a column, or an empty declaration."""
        return self.columns.get(name) or Column(name=name)

    @property
    def key_columns(self) -> frozenset[str]:
        """Columns of the primary key, of unique keys and of foreign keys."""
        groups = (self.primary_key, *self.unique_keys, *(fk.columns for fk in self.foreign_keys))
        return frozenset(name for group in groups for name in group)
