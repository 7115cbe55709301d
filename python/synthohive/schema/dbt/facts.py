"""What the different places of a dbt project say, one statement at a time."""

from __future__ import annotations

from dataclasses import dataclass
from enum import IntEnum
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from synthohive.schema.model import Constraint


class Rank(IntEnum):
    """How much a statement counts; the smaller, the more."""

    META = 0
    CONSTRAINT = 1
    TEST = 2
    SEMANTIC = 3
    INFERENCE = 4


@dataclass(frozen=True, slots=True, kw_only=True)
class Fact:
    """A statement about a table.

    Attributes:
        table: Unique id of the table.
        rank: How much it counts.
        evidence: Where it is written.
    """

    table: str
    rank: Rank
    evidence: str


@dataclass(frozen=True, slots=True, kw_only=True)
class KeyFact(Fact):
    """Some columns together are unique, or even the primary key.

    Attributes:
        columns: The columns.
        is_primary: They are the primary key.
        is_inferred: That they are so is a conclusion, not written anywhere.
    """

    columns: tuple[str, ...]
    is_primary: bool = False
    is_inferred: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class ReferenceFact(Fact):
    """Some columns refer to a parent.

    Attributes:
        columns: The child's columns.
        target: The parent as it is written.
        parent: Unique id of the parent; `None` if it was not found.
        parent_columns: The parent's columns; its primary key when empty.
        is_partial: The reference holds for some of the rows only.
    """

    columns: tuple[str, ...]
    target: str
    parent: str | None
    parent_columns: tuple[str, ...]
    is_partial: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class NoReferenceFact(Fact):
    """The columns refer to nothing, whatever else is said."""

    columns: tuple[str, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class ColumnFact(Fact):
    """Something about the values of one column.

    Attributes:
        column: The column.
        is_not_null: It is never null.
        pii: The kind of personal value it holds.
        dtype: Its SQL type.
        limits: Limits of its values.
    """

    column: str
    is_not_null: bool = False
    pii: str | None = None
    dtype: str | None = None
    limits: Constraint | None = None
