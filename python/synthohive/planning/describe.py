"""A schema and its plan as plain rows, for people and programs to read."""

from __future__ import annotations

from typing import TYPE_CHECKING, TypedDict

from synthohive.planning.plan import unique_sets
from synthohive.schema.drivers import driver_candidates
from synthohive.schema.families import sql_family
from synthohive.schema.references import format_reference

if TYPE_CHECKING:
    from collections.abc import Mapping

    from synthohive.planning.plan import Plan, Step
    from synthohive.schema.metadata import Metadata
    from synthohive.schema.model import Column, ForeignKey, Table


class KeyRow(TypedDict):
    """A foreign key: its columns, what they refer to, its role in the plan, its evidence."""

    columns: list[str]
    parent: str
    parent_columns: list[str]
    role: str
    is_partial: bool
    evidence: list[str]


class TableRow(TypedDict):
    """All that `inspect` shows of a table; JSON-able.

    ``rows`` is the number of real rows, ``rows_asked`` the declared number to generate at
    scale 1, where nothing else decides it. ``context`` is `None` where it will be chosen from
    the data.
    """

    table: str
    relation: str | None
    origin: str
    level: int
    is_kept: bool
    rows: int | None
    rows_asked: int | None
    primary_key: list[str]
    key_evidence: list[str]
    unique: list[list[str]]
    foreign_keys: list[KeyRow]
    driver: str | None
    driver_reason: str
    context: list[str] | None
    order_by: str | None
    on_orphans: str
    personal: dict[str, str]
    limits: dict[str, str]
    notes: list[str]


def describe(
    metadata: Metadata, plan: Plan, row_counts: Mapping[str, int] | None = None
) -> list[TableRow]:
    """Describe every table of a plan, in the order of generation.

    Args:
        metadata: The schema the plan was made of.
        plan: The plan.
        row_counts: Real rows by table, where known.
    """
    counts = row_counts or {}
    return [
        _table_row(metadata.table(step.table), step, metadata, counts.get(step.table))
        for step in plan.steps
    ]


def _table_row(table: Table, step: Step, metadata: Metadata, rows: int | None) -> TableRow:
    return {
        "table": table.name,
        "relation": _relation(table),
        "origin": table.origin,
        "level": step.level,
        "is_kept": step.is_kept,
        "rows": rows,
        "rows_asked": None if step.is_kept or step.driver else table.rows,
        "primary_key": list(table.primary_key),
        "key_evidence": list(table.key_evidence),
        "unique": [list(key) for key in step.unique],
        "foreign_keys": [_key_row(fk, _role(fk, step)) for fk in table.foreign_keys],
        "driver": str(step.driver) if step.driver else None,
        "driver_reason": _driver_reason(table, step),
        "context": None if step.context is None else [str(column) for column in step.context],
        "order_by": table.order_by,
        "on_orphans": table.on_orphans,
        "personal": {name: column.pii for name, column in table.columns.items() if column.pii},
        "limits": {
            name: text for name, column in table.columns.items() if (text := _limits(column))
        },
        "notes": _notes(table, metadata),
    }


def _relation(table: Table) -> str | None:
    if table.relation is None:
        return None
    parts = (table.relation.database, table.relation.schema, table.relation.identifier)
    return ".".join(part for part in parts if part)


def _key_row(fk: ForeignKey, role: str) -> KeyRow:
    return {
        "columns": list(fk.columns),
        "parent": fk.parent,
        "parent_columns": list(fk.parent_columns),
        "role": role,
        "is_partial": fk.is_partial,
        "evidence": list(fk.evidence),
    }


def _role(fk: ForeignKey, step: Step) -> str:
    if step.is_kept:
        return "kept"
    if fk == step.driver:
        return "driver"
    if fk == step.self_reference:
        return "self reference"
    return "deferred" if fk in step.deferred else "secondary"


def _driver_reason(table: Table, step: Step) -> str:
    if step.is_kept:
        return "kept as it is"
    if step.driver is None:
        return "generated on its own"
    if table.driver:
        return "declared"
    candidates = driver_candidates(table, step.deferred)
    return "only candidate" if len(candidates) == 1 else f"first by name of {len(candidates)}"


def _limits(column: Column) -> str:
    limits = column.constraint
    if limits is None:
        return ""
    parts = [
        f"{'>' if limits.is_minimum_open else '≥'} {limits.minimum}"
        if limits.minimum is not None
        else "",
        f"{'<' if limits.is_maximum_open else '≤'} {limits.maximum}"
        if limits.maximum is not None
        else "",
        f"one of {len(limits.accepted_values)} values" if limits.accepted_values else "",
        f"as {limits.dtype}" if limits.dtype else "",
        "enforced" if limits.mode == "enforce" else "",
    ]
    return ", ".join(part for part in parts if part)


def _notes(table: Table, metadata: Metadata) -> list[str]:
    notes: list[str] = []
    if not table.primary_key:
        notes.append("no primary key is declared")
    declared = {frozenset(key) for key in (table.primary_key, *table.unique_keys)}
    notes += [
        f"{format_reference(table.name, key)} is made unique, as another table refers to it"
        for key in unique_sets(table, metadata.tables)
        if frozenset(key) not in declared
    ]
    notes += [
        f"{fk} holds for some of the rows; the others count as rows without a parent"
        for fk in table.foreign_keys
        if fk.is_partial
    ]
    notes += [
        f"{format_reference(table.name, [column.name])} is {column.dtype}, which is not learned:"
        " it will be null"
        for column in table.columns.values()
        if column.dtype and sql_family(column.dtype) in ("nested", "binary")
    ]
    return notes
