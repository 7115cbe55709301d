"""Which tables of a project are the real ones, and what each is called.

Sources and seeds are raw data and always belong to them. Models are derived from raw data;
they and snapshots belong to them where someone asked for it.
"""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass
from typing import TYPE_CHECKING

from synthohive.errors import ConfigError, did_you_mean
from synthohive.schema.dbt.artifact import columns_of, look
from synthohive.schema.dbt.directory import plain_name, relation_parts
from synthohive.schema.dbt.meta import column_settings, has_settings, label_of

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from synthohive.schema.dbt.artifact import Entry
    from synthohive.schema.settings import TableSettings

_TABLES = ("table", "incremental", "seed", "snapshot", "external")
_PREFERENCE = ("seed", "snapshot", "model", "source")


@dataclass(frozen=True, slots=True, kw_only=True)
class Selection:
    """The tables to read.

    Attributes:
        names: Unique ids by the names of the tables.
        twins: For a source whose relation a node makes, that node.
        notices: What was left out although it has settings.
    """

    names: Mapping[str, str]
    twins: Mapping[str, str]
    notices: tuple[str, ...]


def select_tables(
    tables: Mapping[str, Entry],
    settings: Mapping[str, TableSettings],
    wanted: Iterable[str] | None = None,
) -> Selection:
    """Choose the tables to read and name them.

    Args:
        tables: Models, seeds, snapshots and sources by unique id.
        settings: Their settings.
        wanted: Exactly the tables to read, by any of their names.

    Raises:
        ConfigError: A wanted table is unknown, no table, or its name is that of several.
    """
    real = {uid: entry for uid, entry in tables.items() if not settings[uid].generated}
    twins = _twins(real)
    usable = {uid: entry for uid, entry in real.items() if uid not in twins and is_table(entry)}
    skipped = {twins.get(uid, uid) for uid, chosen in settings.items() if chosen.skip}
    default = [uid for uid in _default(usable, real, twins) if uid not in skipped]
    if wanted is None:
        chosen = default
    else:
        chosen = [_find(text, usable, tables) for text in dict.fromkeys(wanted)]
    names = _names({uid: usable[uid] for uid in dict.fromkeys([*default, *chosen])})
    read = {name: uid for name, uid in sorted(names.items()) if uid in chosen}
    notices = () if wanted is not None else tuple(_left_out(tables, chosen, skipped, twins))
    return Selection(names=read, twins=twins, notices=notices)


def is_table(entry: Entry) -> bool:
    """Tell whether a table of its own is in the database; views and ephemerals have none."""
    kind = entry.get("resource_type")
    return kind == "source" or look(entry, "config", "materialized") in _TABLES


def _twins(tables: Mapping[str, Entry]) -> dict[str, str]:
    """Find sources that are the table of a node, such as a source over a seed."""
    groups: defaultdict[tuple[str, ...], list[str]] = defaultdict(list)
    for uid, entry in tables.items():
        if entry.get("relation_name") and is_table(entry):
            groups[relation_parts(entry["relation_name"])].append(uid)
    twins: dict[str, str] = {}
    for group in groups.values():
        first, *others = sorted(
            group, key=lambda uid: (_PREFERENCE.index(tables[uid]["resource_type"]), uid)
        )
        twins.update(dict.fromkeys(others, first))
    return twins


def _default(
    usable: Mapping[str, Entry], tables: Mapping[str, Entry], twins: Mapping[str, str]
) -> list[str]:
    over = {twins[uid] for uid in twins if tables[uid]["resource_type"] == "source"}
    raw = [
        uid
        for uid, entry in usable.items()
        if entry["resource_type"] in ("seed", "source") or uid in over
    ]
    asked = [uid for uid, entry in usable.items() if uid not in raw and has_settings(entry)]
    if raw or asked:
        return [*raw, *asked]
    return [uid for uid, entry in usable.items() if entry["resource_type"] == "model"]


def _names(chosen: Mapping[str, Entry]) -> dict[str, str]:
    """Name tables; where several have one name, put the source or the package before it."""
    groups: defaultdict[str, list[str]] = defaultdict(list)
    for uid, entry in chosen.items():
        groups[plain_name(entry).lower()].append(uid)
    names: dict[str, str] = {}
    for group in groups.values():
        nodes = [uid for uid in group if chosen[uid]["resource_type"] != "source"]
        for uid in group:
            is_alone = len(group) == 1 or nodes == [uid]
            entry = chosen[uid]
            name = plain_name(entry) if is_alone else f"{_prefix(entry)}__{plain_name(entry)}"
            names[uid if name in names else name] = uid
    return names


def _prefix(entry: Entry) -> str:
    return str(entry.get("source_name") or entry.get("package_name"))


def _find(text: str, usable: Mapping[str, Entry], tables: Mapping[str, Entry]) -> str:
    found = [uid for uid, entry in usable.items() if text in _aliases(uid, entry)]
    if len(found) == 1:
        return found[0]
    if found:
        choices = ", ".join(sorted(_aliases(uid, usable[uid])[1] for uid in found))
        raise ConfigError(f"select: {text!r} is the name of several tables: {choices}", table=text)
    others = [entry for uid, entry in tables.items() if text in _aliases(uid, entry)]
    if others:
        kind = look(others[0], "config", "materialized")
        reason = f"materialized as {kind}" if kind else "no table to be read"
        raise ConfigError(f"select: {label_of(others[0])} is {reason}", table=text)
    known = [plain_name(entry) for entry in usable.values()]
    raise ConfigError(f"select: unknown table {text!r}; {did_you_mean(text, known)}", table=text)


def _aliases(uid: str, entry: Entry) -> tuple[str, ...]:
    name, prefix = plain_name(entry), _prefix(entry)
    return (name, f"{prefix}__{name}", f"{prefix}.{name}", uid)


def _left_out(
    tables: Mapping[str, Entry],
    chosen: Iterable[str],
    skipped: Iterable[str],
    twins: Mapping[str, str],
) -> Iterable[str]:
    read = set(chosen)
    for uid, entry in tables.items():
        if twins.get(uid, uid) in read or uid in skipped:
            continue
        if has_settings(entry) and not is_table(entry):
            kind = look(entry, "config", "materialized")
            yield f"{label_of(entry)} has settings, but is materialized as {kind}: not read"
        elif columns_of(entry) and entry["resource_type"] != "source" and column_settings(entry):
            yield (
                f"{label_of(entry)} has settings of columns only: not read; give the"
                f" {entry['resource_type']} itself config.meta.synthohive to read it"
            )
