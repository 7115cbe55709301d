"""What the tables, columns and keys of a database are, and what is wrong with them."""

from synthohive.schema.metadata import Metadata
from synthohive.schema.model import (
    PII_KINDS,
    Column,
    Constraint,
    ForeignKey,
    OrphanPolicy,
    Relation,
    Table,
)
from synthohive.schema.orphans import apply_orphan_policy

__all__ = [
    "PII_KINDS",
    "Column",
    "Constraint",
    "ForeignKey",
    "Metadata",
    "OrphanPolicy",
    "Relation",
    "Table",
    "apply_orphan_policy",
]
