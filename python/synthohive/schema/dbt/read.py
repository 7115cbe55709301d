"""Reads a dbt project: collects what it says, weighs it, and makes a `Metadata` of it."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from synthohive.errors import ConfigError
from synthohive.schema.dbt.artifact import Artifact, read_artifact
from synthohive.schema.dbt.constraints import constraint_facts
from synthohive.schema.dbt.data_tests import facts_of_test
from synthohive.schema.dbt.directory import Directory
from synthohive.schema.dbt.facts import Fact, ReferenceFact
from synthohive.schema.dbt.merge import merge
from synthohive.schema.dbt.meta import meta_facts, table_settings
from synthohive.schema.dbt.selection import Selection, select_tables
from synthohive.schema.dbt.semantic import semantic_facts
from synthohive.schema.metadata import Metadata

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping, Sequence
    from pathlib import Path

    from synthohive.schema.dbt.artifact import Entry
    from synthohive.schema.settings import TableSettings

_SHOWN = 5


def read_dbt(source: str | Path | Entry, select: Iterable[str] | None = None) -> Metadata:
    """Read the schema of a dbt project; see `Metadata.from_dbt`."""
    artifact = read_artifact(source)
    settings = _all_settings(artifact.tables)
    selection = select_tables(artifact.tables, settings, select)
    directory = Directory.of(artifact.tables, selection.names, selection.twins)
    facts = [_canonical(fact, directory) for fact in _facts(artifact, settings, directory)]
    tables, notices, problems = merge(artifact.tables, selection.names, facts, settings)
    result = Metadata()
    result.tables, result.problems = tables, problems
    result.notices = [
        *artifact.notices,
        *selection.notices,
        *notices,
        *(_unread_references(facts, selection, settings) if select is None else ()),
    ]
    return result


def _all_settings(tables: Mapping[str, Entry]) -> dict[str, TableSettings]:
    """Read all tables' settings, and report everything wrong in them together."""
    settings: dict[str, TableSettings] = {}
    wrong: list[str] = []
    for unique_id, entry in tables.items():
        try:
            settings[unique_id] = table_settings(entry)
        except ConfigError as error:
            wrong.append(str(error))
    if wrong:
        raise ConfigError("\n".join(wrong))
    return settings


def _facts(
    artifact: Artifact, settings: Mapping[str, TableSettings], directory: Directory
) -> Iterator[Fact]:
    read = set(directory.names.values())
    for unique_id, entry in artifact.tables.items():
        if directory.canonical(unique_id) in read:
            yield from meta_facts(unique_id, entry, settings[unique_id], directory)
            yield from constraint_facts(unique_id, entry, directory)
    for test in artifact.tests:
        yield from facts_of_test(test, directory)
    yield from semantic_facts(artifact.semantic_models, directory)


def _canonical(fact: Fact, directory: Directory) -> Fact:
    """Let what is said of a source count for the node that makes its table."""
    fact = replace(fact, table=directory.canonical(fact.table) or fact.table)
    if isinstance(fact, ReferenceFact):
        return replace(fact, parent=directory.canonical(fact.parent))
    return fact


def _unread_references(
    facts: Sequence[Fact], selection: Selection, settings: Mapping[str, TableSettings]
) -> Iterator[str]:
    """Say in one sentence which references were found on models that are not read.

    Tables that are meant not to be read are passed over: synthetic ones, and those to skip.
    """
    unwanted = {uid for uid, chosen in settings.items() if chosen.generated or chosen.skip}
    passed = {*selection.names.values(), *unwanted}
    unread = sorted(
        {
            f"{fact.table.split('.', 2)[-1]}.{', '.join(fact.columns)}"
            for fact in facts
            if isinstance(fact, ReferenceFact) and fact.table not in passed
        }
    )
    if unread:
        more = f" and {len(unread) - _SHOWN} more" if len(unread) > _SHOWN else ""
        yield (
            f"foreign keys of models that are not read are not used:"
            f" {'; '.join(unread[:_SHOWN])}{more}; keys are to be declared on the tables read"
        )
