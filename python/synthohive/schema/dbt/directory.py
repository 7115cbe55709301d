"""Which table a ``ref()``, a ``source()``, a relation or a plain name stands for."""

from __future__ import annotations

import re
from collections import defaultdict
from dataclasses import dataclass
from typing import TYPE_CHECKING

from synthohive.schema.dbt.artifact import look, unquoted

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable, Mapping

    from synthohive.schema.dbt.artifact import Entry

_TEXT = r"['\"]([^'\"]+)['\"]"
_VERSION = r"(?:\s*,\s*(?:v|version)\s*=\s*['\"]?([\w.]+)['\"]?)?"
_REF = re.compile(rf"\bref\(\s*{_TEXT}\s*(?:,\s*{_TEXT})?{_VERSION}\s*\)")
_SOURCE = re.compile(rf"\bsource\(\s*{_TEXT}\s*,\s*{_TEXT}\s*\)")
_PART = re.compile(r'"(?:[^"]|"")*"|[^."]+')


@dataclass(frozen=True, slots=True, kw_only=True)
class Directory:
    """All tables of a project, to be found by whatever names them.

    Attributes:
        tables: Entries by unique id.
        names: Unique ids by the names chosen for the tables that are read.
        twins: Unique id of the node that stands for a source of the same relation.
        index: Unique ids by everything a table can be called, in lower case.
    """

    tables: Mapping[str, Entry]
    names: Mapping[str, str]
    twins: Mapping[str, str]
    index: Mapping[str, Collection[str]]

    @classmethod
    def of(
        cls, tables: Mapping[str, Entry], names: Mapping[str, str], twins: Mapping[str, str]
    ) -> Directory:
        """Make a directory of all tables."""
        index: defaultdict[str, set[str]] = defaultdict(set)
        for uid, entry in tables.items():
            called = (entry["name"], plain_name(entry), entry.get("alias"), entry.get("identifier"))
            for name in called:
                if name:
                    index[str(name).lower()].add(uid)
        return cls(tables=tables, names=names, twins=twins, index=index)

    def resolve(self, text: str, package: str, among: Collection[str] = ()) -> str | None:
        """Return the unique id of the table a text stands for.

        Args:
            text: ``ref('…')``, ``source('…', '…')``, a relation, or a table's name.
            package: The package the text is written in.
            among: What dbt itself found the text to depend on, if it tells.
        """
        if found := _SOURCE.search(text):
            candidates = self._sources(found[1], found[2])
        elif found := _REF.search(text):
            first, second, version = found.groups()
            candidates = self._nodes(second or first, first if second else None, version)
        elif text in self.names:
            return self.names[text]
        else:
            candidates = self._by_relation(text) or self._by_name(unquoted(text))
        return self._best(candidates, package, among)

    def canonical(self, unique_id: str | None) -> str | None:
        """Return the node that stands for a source of the same relation, if there is one."""
        return unique_id if unique_id is None else self.twins.get(unique_id, unique_id)

    def _best(self, candidates: Iterable[str], package: str, among: Collection[str]) -> str | None:
        ranked = sorted(
            candidates,
            key=lambda uid: (
                uid not in among,
                self.tables[uid].get("package_name") != package,
                self.canonical(uid) not in self.names.values(),
                uid,
            ),
        )
        return ranked[0] if ranked else None

    def _called(self, name: str) -> list[tuple[str, Entry]]:
        return [(uid, self.tables[uid]) for uid in self.index.get(name.lower(), ())]

    def _sources(self, source: str, name: str) -> list[str]:
        return [
            uid
            for uid, entry in self._called(name)
            if entry.get("source_name") == source and entry.get("name") == name
        ]

    def _nodes(self, name: str, package: str | None, version: str | None) -> list[str]:
        """Find models, seeds and snapshots; of a versioned model the latest, if none is named."""
        return [
            uid
            for uid, entry in self._called(name)
            if entry.get("name") == name
            and entry.get("resource_type") != "source"
            and package in (None, entry.get("package_name"))
            and str(entry.get("version")) == str(version or entry.get("latest_version"))
        ]

    def _by_relation(self, text: str) -> list[str]:
        wanted = relation_parts(text)
        if len(wanted) < 2:  # noqa: PLR2004  # a plain name may be anyone's
            return []
        return [
            uid
            for uid, entry in self._called(wanted[-1])
            if entry.get("relation_name")
            and relation_parts(entry["relation_name"])[-len(wanted) :] == wanted
        ]

    def _by_name(self, text: str) -> list[str]:
        return [uid for uid, _ in self._called(text)]


def plain_name(entry: Entry) -> str:
    """Return the name a table has when no other table wants it."""
    version = look(entry, "version")
    return f"{entry['name']}_v{version}" if version is not None else str(entry["name"])


def relation_parts(text: str) -> tuple[str, ...]:
    """Split a relation into its parts, without quotes and in lower case.

    Examples:
        >>> relation_parts('"shop"."Raw"."my.table"')
        ('shop', 'raw', 'my.table')
    """
    return tuple(unquoted(part).lower() for part in _PART.findall(text))
