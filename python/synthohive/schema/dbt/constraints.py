"""Column and table constraints, enforced by a contract or not, and declared types."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

from synthohive.schema.dbt.artifact import columns_of, entries_of, look, texts_of
from synthohive.schema.dbt.checks import read_check
from synthohive.schema.dbt.facts import ColumnFact, Fact, KeyFact, Rank, ReferenceFact

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from synthohive.schema.dbt.artifact import Entry
    from synthohive.schema.dbt.directory import Directory

_OLD_TARGET = re.compile(r"(?:references\s+)?(.+?)\s*\(([^()]*)\)\s*", re.IGNORECASE | re.DOTALL)


def constraint_facts(unique_id: str, entry: Entry, directory: Directory) -> Iterator[Fact]:
    """State what a table's constraints and declared types say."""
    yield from _types(unique_id, entry)
    primary = [
        name
        for name, column in columns_of(entry).items()
        if any(item.get("type") == "primary_key" for item in entries_of(column, "constraints"))
    ]
    if primary:  # on more than one column they mean one key together
        yield KeyFact(
            table=unique_id,
            rank=Rank.CONSTRAINT,
            evidence="column constraint",
            columns=tuple(primary),
            is_primary=True,
        )
    for name, column in columns_of(entry).items():
        for item in entries_of(column, "constraints"):
            yield from _facts(unique_id, entry, (name,), item, directory)
    for item in entries_of(entry, "constraints"):
        yield from _facts(unique_id, entry, None, item, directory)


def _types(unique_id: str, entry: Entry) -> Iterator[Fact]:
    declared = {name: column.get("data_type") for name, column in columns_of(entry).items()}
    for name, dtype in {
        **(look(entry, "config", "column_types") or {}),
        **_given(declared),
    }.items():
        yield ColumnFact(
            table=unique_id,
            rank=Rank.CONSTRAINT,
            evidence="declared type",
            column=name,
            dtype=str(dtype),
        )


def _given(declared: Mapping[str, Any]) -> dict[str, Any]:
    return {name: dtype for name, dtype in declared.items() if dtype}


def _facts(
    unique_id: str,
    entry: Entry,
    column: tuple[str, ...] | None,
    item: Entry,
    directory: Directory,
) -> Iterator[Fact]:
    """State what one constraint says; `column` is `None` for a constraint of the table."""
    columns = column if column is not None else texts_of(item.get("columns"))
    evidence = "table constraint" if column is None else "column constraint"
    about: dict[str, Any] = {
        "table": unique_id,
        "rank": Rank.CONSTRAINT,
        "evidence": evidence,
    }
    kind = str(item.get("type"))
    if kind == "primary_key" and column is None and columns:
        yield KeyFact(columns=columns, is_primary=True, **about)
    elif kind == "unique" and columns:
        yield KeyFact(columns=columns, **about)
    elif kind == "not_null":
        for name in columns:
            yield ColumnFact(column=name, is_not_null=True, **about)
    elif kind == "foreign_key":
        yield _reference(entry, columns, item, directory, about)
    elif kind == "check":
        for name, limits in read_check(str(item.get("expression") or ""), evidence):
            yield ColumnFact(column=name, limits=limits, **about)


def _reference(
    entry: Entry,
    columns: tuple[str, ...],
    item: Entry,
    directory: Directory,
    about: Mapping[str, Any],
) -> ReferenceFact:
    target, parent_columns = str(item.get("to") or ""), texts_of(item.get("to_columns"))
    if not target:  # before dbt 1.9 all of it stood in the expression
        written = str(item.get("expression") or "")
        old = _OLD_TARGET.fullmatch(written.strip())
        target = old[1] if old else written
        parent_columns = texts_of(old[2].split(",")) if old else ()
    package = str(entry.get("package_name"))
    depends_on = look(entry, "depends_on", "nodes") or ()
    return ReferenceFact(
        columns=columns,
        target=target,
        parent=directory.resolve(target, package, depends_on) if target else None,
        parent_columns=parent_columns,
        **about,
    )
