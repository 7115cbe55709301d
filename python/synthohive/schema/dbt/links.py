"""Weighs what is said of a table's references to others."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from synthohive.schema.dbt.facts import Rank, ReferenceFact
from synthohive.schema.dbt.meta import label_of
from synthohive.schema.dbt.selection import is_table
from synthohive.schema.declare import malformed_reference
from synthohive.schema.model import ForeignKey
from synthohive.schema.references import format_reference

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable, Mapping, Sequence

    from synthohive.schema.dbt.artifact import Entry

Pairs = frozenset[tuple[str, str]]


@dataclass(frozen=True, slots=True, kw_only=True)
class Parents:
    """What is known of the tables that can be referred to, by unique id.

    Attributes:
        names: Names of the tables that are read.
        primary_keys: Their primary keys, where they have one.
        keys: All their keys.
        entries: All entries of the project.
    """

    names: Mapping[str, str]
    primary_keys: Mapping[str, tuple[str, ...]]
    keys: Mapping[str, Collection[frozenset[str]]]
    entries: Mapping[str, Entry]


@dataclass(slots=True)
class Links:
    """The foreign keys of a table, with what is to be said about them."""

    foreign_keys: tuple[ForeignKey, ...]
    notices: list[str]
    problems: list[str]


def link(child: str, facts: Iterable[ReferenceFact], parents: Parents) -> Links:
    """Turn statements about references into foreign keys.

    Args:
        child: Name of the table.
        facts: What is said, the columns already spelled as the tables do.
        parents: The tables that can be referred to.
    """
    links = Links((), [], [])
    unread: dict[frozenset[str], str] = {}
    usable = [
        fact
        for given in sorted(facts, key=lambda fact: (fact.rank, fact.evidence))
        if (fact := _usable(child, given, parents, links, unread))
    ]
    strongest = _strongest(child, usable, parents, links)
    links.foreign_keys = tuple(
        _foreign_key(group, parents) for group in _groups(_without_parts(strongest, parents))
    )
    linked = {frozenset(fact.columns) for fact in strongest}
    links.notices += [text for columns, text in unread.items() if columns not in linked]
    return links


def _usable(
    child: str,
    fact: ReferenceFact,
    parents: Parents,
    links: Links,
    unread: dict[frozenset[str], str],
) -> ReferenceFact | None:
    where = format_reference(child, fact.columns) if fact.columns else child
    if fact.parent is None:
        if fact.rank <= Rank.CONSTRAINT:
            links.problems.append(malformed_reference(child, fact.columns, fact.target))
        else:
            links.notices.append(f"{where}: {fact.evidence} refers to {fact.target}, not found")
        return None
    if fact.parent not in parents.names:
        unread.setdefault(frozenset(fact.columns), _unread(where, fact, parents))
        return None
    if fact.parent_columns:
        return fact
    primary = parents.primary_keys.get(fact.parent, ())
    if len(primary) != len(fact.columns):
        links.problems.append(
            f"{where}: {fact.evidence} refers to {parents.names[fact.parent]} without naming its"
            f" columns, and its primary key is ({', '.join(primary) or 'not declared'})"
        )
        return None
    return replace(fact, parent_columns=primary)


def _unread(where: str, fact: ReferenceFact, parents: Parents) -> str:
    entry = parents.entries[fact.parent or ""]
    reason = "is not among the tables read" if is_table(entry) else "is no table"
    return (
        f"{where} refers to {label_of(entry)} ({fact.evidence}), which {reason}: it becomes a"
        " plain attribute; if its values are keys of a table that is read, say so with"
        " 'references' in config.meta.synthohive of the column"
    )


def _strongest(
    child: str, facts: Sequence[ReferenceFact], parents: Parents, links: Links
) -> list[ReferenceFact]:
    """Leave out statements that stronger ones about the same columns contradict."""
    best: dict[frozenset[str], ReferenceFact] = {}
    result: list[ReferenceFact] = []
    for fact in facts:
        first = best.setdefault(frozenset(fact.columns), fact)
        if fact.rank == first.rank or _target(fact) == _target(first):
            result.append(fact)
        else:
            links.notices.append(
                f"{format_reference(child, fact.columns)}: {fact.evidence} refers to"
                f" {_shown(fact, parents)}, but {first.evidence} to {_shown(first, parents)}"
                " and counts more"
            )
    return result


def _shown(fact: ReferenceFact, parents: Parents) -> str:
    return format_reference(parents.names[fact.parent or ""], fact.parent_columns)


def _target(fact: ReferenceFact) -> tuple[str | None, Pairs]:
    return fact.parent, frozenset(zip(fact.columns, fact.parent_columns, strict=False))


def _without_parts(facts: Sequence[ReferenceFact], parents: Parents) -> list[ReferenceFact]:
    """Leave out references to a part of a key where another one is to the whole of it."""
    targets = [_target(fact) for fact in facts]

    def is_part(fact: ReferenceFact) -> bool:
        parent, pairs = _target(fact)
        is_key = frozenset(fact.parent_columns) in parents.keys.get(fact.parent or "", ())
        return not is_key and any(parent == other and pairs < whole for other, whole in targets)

    return [fact for fact in facts if not is_part(fact)]


def _groups(facts: Sequence[ReferenceFact]) -> list[list[ReferenceFact]]:
    groups: dict[tuple[str | None, Pairs], list[ReferenceFact]] = {}
    for fact in facts:
        groups.setdefault(_target(fact), []).append(fact)
    return list(groups.values())


def _foreign_key(facts: Sequence[ReferenceFact], parents: Parents) -> ForeignKey:
    first = facts[0]
    return ForeignKey(
        columns=first.columns,
        parent=parents.names[first.parent or ""],
        parent_columns=first.parent_columns,
        is_partial=all(fact.is_partial for fact in facts),
        evidence=tuple(dict.fromkeys(fact.evidence for fact in facts)),
    )
