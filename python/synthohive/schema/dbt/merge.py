"""Puts the statements about each table together to a `Table`."""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, TypeVar

from synthohive.schema.dbt.artifact import columns_of, texts_of
from synthohive.schema.dbt.facts import ColumnFact, Fact, KeyFact, NoReferenceFact, ReferenceFact
from synthohive.schema.dbt.keys import choose_primary, inferred_keys, key_conflicts
from synthohive.schema.dbt.links import Links, Parents, link
from synthohive.schema.declare import normalised
from synthohive.schema.model import Column, Constraint, Relation, Table
from synthohive.schema.retype import fitted_limits

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from synthohive.schema.dbt.artifact import Entry
    from synthohive.schema.settings import TableSettings

F = TypeVar("F", bound=Fact)


@dataclass(slots=True)
class Account:
    """All that is said of one table, its columns spelled in one way."""

    unique_id: str
    name: str
    entry: Entry
    order: list[str]
    facts: list[Fact]

    def of(self, kind: type[F]) -> list[F]:
        """Return the statements of one kind, the strongest first."""
        found = [fact for fact in self.facts if isinstance(fact, kind)]
        return sorted(found, key=lambda fact: fact.rank)


def merge(
    entries: Mapping[str, Entry],
    names: Mapping[str, str],
    facts: Iterable[Fact],
    settings: Mapping[str, TableSettings],
) -> tuple[dict[str, Table], list[str], dict[str, list[str]]]:
    """Merge the statements about the named tables.

    Args:
        entries: All entries by unique id.
        names: Unique ids by name, of the tables that are read.
        facts: All statements.
        settings: Settings by unique id.

    Returns:
        The tables, the notices, and the problems by table.
    """
    accounts = _accounts(entries, names, facts)
    notices: list[str] = []
    referred = _referred(accounts)
    primary = {
        account.unique_id: _primary(account, referred[account.unique_id], notices)
        for account in accounts
    }
    parents = Parents(
        names={account.unique_id: account.name for account in accounts},
        primary_keys={uid: key.columns for uid, key in primary.items() if key},
        keys={
            account.unique_id: {frozenset(key.columns) for key in account.of(KeyFact)}
            for account in accounts
        },
        entries=entries,
    )
    tables: dict[str, Table] = {}
    problems: dict[str, list[str]] = {}
    for account in accounts:
        links = link(account.name, _references(account), parents)
        notices += links.notices
        if links.problems:
            problems[account.name] = links.problems
        tables[account.name] = _table(
            account, primary[account.unique_id], links, settings[account.unique_id]
        )
    return tables, notices, problems


def _accounts(
    entries: Mapping[str, Entry], names: Mapping[str, str], facts: Iterable[Fact]
) -> list[Account]:
    by_table: defaultdict[str, list[Fact]] = defaultdict(list)
    for fact in facts:
        by_table[fact.table].append(fact)
    spelling = {uid: _spelling(entries[uid], by_table[uid]) for uid in names.values()}
    return [
        Account(
            unique_id=uid,
            name=name,
            entry=entries[uid],
            order=list(spelling[uid].values()),
            facts=[_spelled(fact, spelling) for fact in by_table[uid]],
        )
        for name, uid in names.items()
    ]


def _spelling(entry: Entry, facts: Iterable[Fact]) -> dict[str, str]:
    """Choose one spelling per column: SQL does not care about case, statements may differ."""
    written = [*columns_of(entry)]
    for fact in facts:
        if isinstance(fact, ColumnFact):
            written.append(fact.column)
        elif isinstance(fact, KeyFact | ReferenceFact | NoReferenceFact):
            written.extend(fact.columns)
    result: dict[str, str] = {}
    for name in written:
        result.setdefault(name.casefold(), name)
    return result


def _spelled(fact: Fact, spelling: Mapping[str, Mapping[str, str]]) -> Fact:
    own = spelling[fact.table]
    if isinstance(fact, ColumnFact):
        return replace(fact, column=own[fact.column.casefold()])
    if isinstance(fact, ReferenceFact):
        parent = spelling.get(fact.parent or "", {})
        return replace(
            fact,
            columns=tuple(own[name.casefold()] for name in fact.columns),
            parent_columns=tuple(parent.get(n.casefold(), n) for n in fact.parent_columns),
        )
    if isinstance(fact, KeyFact | NoReferenceFact):
        return replace(fact, columns=tuple(own[name.casefold()] for name in fact.columns))
    return fact


def _referred(accounts: Iterable[Account]) -> defaultdict[str, set[tuple[str, ...]]]:
    """Collect by table which of its columns others refer to."""
    referred: defaultdict[str, set[tuple[str, ...]]] = defaultdict(set)
    for account in accounts:
        for fact in account.of(ReferenceFact):
            referred[fact.parent or ""].add(fact.parent_columns)
    return referred


def _primary(
    account: Account, referred: set[tuple[str, ...]], notices: list[str]
) -> KeyFact | None:
    keys = account.of(KeyFact)
    not_null = {fact.column for fact in account.of(ColumnFact) if fact.is_not_null}
    keys = [*keys, *inferred_keys(account.unique_id, account.entry, keys, not_null)]
    chosen = choose_primary(keys, account.name, account.order, referred)
    if chosen:
        notices += key_conflicts(account.name, chosen, keys)
    return chosen


def _references(account: Account) -> list[ReferenceFact]:
    """Return the statements about references that no setting denies."""
    denied = {frozenset(fact.columns): fact.rank for fact in account.of(NoReferenceFact)}
    return [
        fact
        for fact in account.of(ReferenceFact)
        if fact.rank <= denied.get(frozenset(fact.columns), fact.rank)
    ]


def _table(
    account: Account, primary: KeyFact | None, links: Links, settings: TableSettings
) -> Table:
    keys = account.of(KeyFact)
    return normalised(
        Table(
            name=account.name,
            columns=_columns(account),
            primary_key=primary.columns if primary else (),
            unique_keys=tuple(key.columns for key in keys),
            foreign_keys=links.foreign_keys,
            driver=_spelled_names(account, texts_of(settings.driver)),
            context=None if settings.context is None else tuple(settings.context),
            order_by=settings.order_by,
            rows=settings.rows,
            keep=settings.keep or False,
            on_orphans=settings.on_orphans or "error",
            relation=_relation(account.entry),
            key_evidence=_key_evidence(primary, keys),
            origin=account.unique_id,
        )
    )


def _key_evidence(primary: KeyFact | None, keys: Iterable[KeyFact]) -> tuple[str, ...]:
    if primary is None:
        return ()
    others = [
        key.evidence
        for key in keys
        if set(key.columns) == set(primary.columns) and key.evidence not in primary.evidence
    ]
    return tuple(dict.fromkeys([primary.evidence, *others]))


def _spelled_names(account: Account, names: Iterable[str]) -> tuple[str, ...]:
    known = {name.casefold(): name for name in account.order}
    return tuple(known.get(name.casefold(), name) for name in names)


def _columns(account: Account) -> dict[str, Column]:
    columns: dict[str, Column] = {}
    for fact in account.of(ColumnFact):
        old = columns.get(fact.column) or Column(name=fact.column)
        columns[fact.column] = replace(
            old,
            dtype=old.dtype or fact.dtype,
            is_not_null=old.is_not_null or fact.is_not_null,
            pii=old.pii or fact.pii,
            constraint=_joined(old.constraint, fact.limits),
        )
    return {
        name: replace(column, constraint=fitted_limits(column.constraint, column.dtype))
        if column.constraint and column.dtype
        else column
        for name, column in columns.items()
    }


def _joined(strong: Constraint | None, weak: Constraint | None) -> Constraint | None:
    """Fill the gaps of stronger limits with weaker ones."""
    if strong is None or weak is None:
        return strong or weak
    has_low, has_high = strong.minimum is not None, strong.maximum is not None
    return replace(
        strong,
        dtype=strong.dtype or weak.dtype,
        minimum=strong.minimum if has_low else weak.minimum,
        is_minimum_open=strong.is_minimum_open if has_low else weak.is_minimum_open,
        maximum=strong.maximum if has_high else weak.maximum,
        is_maximum_open=strong.is_maximum_open if has_high else weak.is_maximum_open,
        accepted_values=strong.accepted_values
        if strong.accepted_values is not None
        else weak.accepted_values,
        mode=strong.mode if strong.mode != "clip" else weak.mode,
        evidence=tuple(dict.fromkeys([*strong.evidence, *weak.evidence])),
    )


def _relation(entry: Entry) -> Relation:
    identifier = entry.get("identifier") or entry.get("alias") or entry["name"]
    return Relation(
        database=entry.get("database"), schema=entry.get("schema"), identifier=str(identifier)
    )
