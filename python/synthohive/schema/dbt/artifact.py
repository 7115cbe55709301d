"""The manifest, or the Jinja ``graph``, cut down to what is read of it.

Both are only ever accessed as mappings: dbt 1.12 hands out lazy ones in its graph.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, cast

from synthohive.errors import ConfigError

Entry = Mapping[str, Any]

_TABLE_TYPES = ("model", "seed", "snapshot", "source")
_OLDEST, _NEWEST = 9, 12  # versions of the manifest format that are known to be readable


@dataclass(frozen=True, slots=True, kw_only=True)
class Artifact:
    """What dbt says of a project.

    Attributes:
        tables: Models, seeds, snapshots and sources by unique id.
        tests: Enabled generic tests.
        semantic_models: Semantic models.
        notices: Doubts about the artifact itself.
    """

    tables: Mapping[str, Entry]
    tests: tuple[Entry, ...]
    semantic_models: tuple[Entry, ...]
    notices: tuple[str, ...] = ()


def read_artifact(source: str | Path | Entry) -> Artifact:
    """Read a manifest file, the folder it is in, a parsed manifest, or a Jinja graph.

    Raises:
        ConfigError: There is no manifest there, or it is none.
    """
    document: Entry = source if isinstance(source, Mapping) else _load(Path(source))
    if not isinstance(document.get("nodes"), Mapping):
        raise ConfigError("this is no dbt manifest: it has no 'nodes'", hint="run `dbt parse`")
    entries = {**_named(document, "nodes"), **_named(document, "sources")}
    return Artifact(
        tables={
            unique_id: entry
            for unique_id, entry in entries.items()
            if entry.get("resource_type") in _TABLE_TYPES and _is_enabled(entry)
        },
        tests=tuple(
            entry for entry in entries.values() if entry.get("test_metadata") and _is_enabled(entry)
        ),
        semantic_models=tuple(_named(document, "semantic_models").values()),
        notices=tuple(_version_doubts(document)),
    )


def _named(document: Entry, part: str) -> dict[str, Entry]:
    """Return the entries of a part of the manifest, each of which has a name."""
    entries: object = document.get(part) or {}
    if not isinstance(entries, Mapping):
        raise ConfigError(f"this is no dbt manifest: {part!r} is a list", hint="run `dbt parse`")
    found = dict(cast("Mapping[str, Entry]", entries))
    for unique_id, entry in found.items():
        if not isinstance(look(entry, "name"), str):
            raise ConfigError(
                f"this is no dbt manifest: {unique_id!r} in {part!r} has no name",
                hint="run `dbt parse`",
            )
    return found


def _load(path: Path) -> Entry:
    candidates = [path, path / "manifest.json", path / "target" / "manifest.json"]
    file = next((candidate for candidate in candidates if candidate.is_file()), None)
    if file is None:
        raise ConfigError(
            f"there is no manifest.json at {path}",
            hint="run `dbt parse` in the project, or give the path of its target folder",
        )
    try:
        document: object = json.loads(file.read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        raise ConfigError(f"{file} can't be read: {error}", hint="run `dbt parse`") from error
    if not isinstance(document, Mapping):
        raise ConfigError(f"{file} is no dbt manifest", hint="run `dbt parse`")
    return cast("Entry", document)


def _version_doubts(document: Entry) -> Iterable[str]:
    text = look(document, "metadata", "dbt_schema_version")
    found = re.search(r"/v(\d+)\.json$", str(text or ""))
    if found and not _OLDEST <= int(found[1]) <= _NEWEST:
        yield (
            f"the manifest has format version {found[1]}; versions {_OLDEST} to {_NEWEST} are"
            " known to be read correctly"
        )


def _is_enabled(entry: Entry) -> bool:
    return look(entry, "config", "enabled") is not False


def look(entry: Entry, *path: str) -> Any:
    """Return what is at a path of keys, or `None` where the path ends early."""
    value: Any = entry
    for key in path:
        if not isinstance(value, Mapping):
            return None
        value = cast("Entry", value).get(key)
    return value


def entries_of(entry: Entry, *path: str) -> list[Entry]:
    """Return the mappings in the list at a path; none where there is no such list."""
    value = look(entry, *path)
    if isinstance(value, str | Mapping) or not isinstance(value, Iterable):
        return []
    items = cast("Iterable[object]", value)
    return [cast("Entry", item) for item in items if isinstance(item, Mapping)]


def columns_of(entry: Entry) -> Mapping[str, Entry]:
    """Return what is written of the columns, by name."""
    columns = look(entry, "columns")
    return cast("Mapping[str, Entry]", columns) if isinstance(columns, Mapping) else {}


def texts_of(value: object) -> tuple[str, ...]:
    """Return one text or a list of texts as column names, unquoted."""
    if isinstance(value, str):
        return (unquoted(value),)
    if isinstance(value, Mapping) or not isinstance(value, Iterable):
        return ()
    items = cast("Iterable[object]", value)
    return tuple(unquoted(item) for item in items if isinstance(item, str))


def unquoted(name: str) -> str:
    """Take the quotes off an identifier; dbt hands on the names of quoted columns with them.

    Examples:
        >>> unquoted('"Product code"'), unquoted("id")
        ('Product code', 'id')
    """
    name = name.strip()
    is_quoted = len(name) > 2 and name[0] == name[-1] == '"'  # noqa: PLR2004
    return name[1:-1].replace('""', '"') if is_quoted else name


def plain(value: object) -> Any:
    """Copy mappings and lists of any kind into dictionaries and lists."""
    if isinstance(value, Mapping):
        return {key: plain(item) for key, item in cast("Entry", value).items()}
    if isinstance(value, list | tuple):
        return [plain(item) for item in cast("Iterable[object]", value)]
    return value
