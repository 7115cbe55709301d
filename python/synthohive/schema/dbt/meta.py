"""Our own settings in ``config.meta.synthohive``, of tables and of columns."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, cast

from synthohive.errors import ConfigError
from synthohive.schema.dbt.artifact import columns_of, look, plain, texts_of
from synthohive.schema.dbt.facts import (
    ColumnFact,
    Fact,
    KeyFact,
    NoReferenceFact,
    Rank,
    ReferenceFact,
)
from synthohive.schema.declare import pii_kind, read_constraint
from synthohive.schema.references import format_reference, parse_reference
from synthohive.schema.settings import ColumnSettings, Limits, TableSettings, parse_settings

if TYPE_CHECKING:
    from collections.abc import Iterator

    from synthohive.schema.dbt.artifact import Entry
    from synthohive.schema.dbt.directory import Directory
    from synthohive.schema.model import Constraint

EVIDENCE = "config.meta.synthohive"


def label_of(entry: Entry) -> str:
    """Name a table the way its project does: ``seed orders``, ``source ext.payments``."""
    source = entry.get("source_name")
    name = f"{source}.{entry['name']}" if source else entry["name"]
    return f"{entry.get('resource_type')} {name}"


def table_settings(entry: Entry) -> TableSettings:
    """Return a table's settings: its own over those of its source, dictionaries merged.

    Raises:
        ConfigError: A setting is unknown or of the wrong type.
    """
    where = label_of(entry)
    return parse_settings(TableSettings, _declared(entry, where), where)


def has_settings(entry: Entry) -> bool:
    """Tell whether a table has settings of its own, be they empty."""
    places = (("config", "meta", "synthohive"), ("meta", "synthohive"))
    return any(look(entry, *place) is not None for place in places)


def column_settings(entry: Entry) -> dict[str, ColumnSettings]:
    """Return the settings of those columns that have some.

    Raises:
        ConfigError: A setting is unknown or of the wrong type.
    """
    result: dict[str, ColumnSettings] = {}
    for name, column in columns_of(entry).items():
        where = f"{label_of(entry)}, column {name}"
        declared = _declared(column, where)
        if declared:
            result[name] = parse_settings(ColumnSettings, declared, where)
    return result


def _declared(entry: Entry, where: str) -> dict[str, Any]:
    """Merge the places where settings can stand; dbt itself only merges at the top level."""
    merged: dict[str, Any] = {}
    for place in (("source_meta",), ("meta",), ("config", "meta")):
        found = look(entry, *place, "synthohive")
        if found is None:
            continue
        if not isinstance(found, Mapping):
            raise ConfigError(
                f"settings of {where}: {EVIDENCE} is {plain(found)!r}; write settings by name,"
                " such as {rows: 500} or {pii: email}"
            )
        merged = _merged(merged, plain(cast("Entry", found)))
    return merged


def _merged(below: Mapping[str, Any], above: Mapping[str, Any]) -> dict[str, Any]:
    result = dict(below)
    for key, value in above.items():
        old = result.get(key)
        both = isinstance(old, dict) and isinstance(value, dict)
        result[key] = _merged(cast("Entry", old), cast("Entry", value)) if both else value
    return result


def meta_facts(
    unique_id: str, entry: Entry, settings: TableSettings, directory: Directory
) -> Iterator[Fact]:
    """State what a table's settings say of keys and columns.

    Raises:
        ConfigError: A limit makes no sense.
    """
    about: dict[str, Any] = {"table": unique_id, "rank": Rank.META, "evidence": EVIDENCE}
    package = str(entry.get("package_name"))
    if settings.primary_key:
        yield KeyFact(columns=texts_of(settings.primary_key), is_primary=True, **about)
    for key in settings.unique or ():
        yield KeyFact(columns=texts_of(key), **about)
    for fk in settings.foreign_keys or ():
        yield ReferenceFact(
            columns=texts_of(fk.columns),
            target=fk.to,
            parent=directory.resolve(fk.to, package),
            parent_columns=texts_of(fk.to_columns),
            **about,
        )
    for name, limits in (settings.constraints or {}).items():
        constraint = _constraint(limits, entry, name)
        yield ColumnFact(column=name, limits=constraint, **about)
    for name, column in column_settings(entry).items():
        yield from _column_facts(name, column, entry, directory, about)


def _column_facts(
    name: str,
    settings: ColumnSettings,
    entry: Entry,
    directory: Directory,
    about: Mapping[str, Any],
) -> Iterator[Fact]:
    limits = _constraint(settings, entry, name)
    pii = pii_kind(name, settings.pii)
    if pii or limits:
        yield ColumnFact(column=name, pii=pii, limits=limits, **about)
    if settings.references is False:
        yield NoReferenceFact(columns=(name,), **about)
    elif settings.references is not None:
        parsed = parse_reference(settings.references)
        parent, parent_columns = parsed or (None, ())
        package = str(entry.get("package_name"))
        yield ReferenceFact(
            columns=(name,),
            target=settings.references,
            parent=directory.resolve(parent, package) if parent else None,
            parent_columns=parent_columns,
            **about,
        )


def _constraint(limits: Limits, entry: Entry, column: str) -> Constraint | None:
    declared = limits.model_dump(include=set(Limits.model_fields), exclude_none=True)
    where = format_reference(label_of(entry), [column])
    return read_constraint(declared, where, EVIDENCE) if declared else None
