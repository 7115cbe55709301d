"""Entities of semantic models, the weakest evidence of keys."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from synthohive.schema.dbt.artifact import entries_of, look, unquoted
from synthohive.schema.dbt.facts import Fact, KeyFact, Rank, ReferenceFact

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from synthohive.schema.dbt.artifact import Entry
    from synthohive.schema.dbt.directory import Directory

_IDENTIFIER = re.compile(r'"[^"]+"|[A-Za-z_]\w*')


def semantic_facts(models: Sequence[Entry], directory: Directory) -> Iterator[Fact]:
    """State primary and unique entities as keys, foreign ones as references by name."""
    homes: dict[str, tuple[str, str]] = {}
    entities: list[tuple[str, str, str, str]] = []
    for model in models:
        table = _table(model, directory)
        for entity in entries_of(model, "entities"):
            column = str(entity.get("expr") or entity.get("name"))
            if table and _IDENTIFIER.fullmatch(column):
                name, kind = str(entity.get("name")), str(entity.get("type")).lower()
                entities.append((table, name, kind, unquoted(column)))
                if kind == "primary":
                    homes.setdefault(name, (table, unquoted(column)))
    for table, name, kind, column in entities:
        yield from _facts(table, name, kind, column, homes.get(name))


def _table(model: Entry, directory: Directory) -> str | None:
    nodes = look(model, "depends_on", "nodes") or ()
    known = [node for node in nodes if node in directory.tables]
    package = str(model.get("package_name"))
    return known[0] if known else directory.resolve(str(model.get("model") or ""), package)


def _facts(
    table: str, name: str, kind: str, column: str, home: tuple[str, str] | None
) -> Iterator[Fact]:
    evidence = f"semantic entity {name}"
    if kind in ("primary", "unique"):
        yield KeyFact(
            table=table,
            rank=Rank.SEMANTIC,
            evidence=evidence,
            columns=(column,),
            is_primary=kind == "primary",
        )
    elif kind == "foreign" and home and home[0] != table:
        yield ReferenceFact(
            table=table,
            rank=Rank.SEMANTIC,
            evidence=evidence,
            columns=(column,),
            target=f"entity {name}",
            parent=home[0],
            parent_columns=(home[1],),
        )
