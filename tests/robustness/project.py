"""Small dbt projects over tables that are already in their database, hostile names included."""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import duckdb
import yaml

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

DATABASE = "shop.duckdb"
SOURCES = "models/_synthohive__sources.yml"


@dataclass(frozen=True, slots=True, kw_only=True)
class Declared:
    """What a project says of one source table.

    Attributes:
        settings: Its ``config.meta.synthohive``.
        columns: Its columns' ``config.meta.synthohive``.
        identifier: Its name in the database; its own name when not given.
    """

    settings: Mapping[str, Any] = field(default_factory=dict)
    columns: Mapping[str, Mapping[str, Any]] = field(default_factory=dict)
    identifier: str | None = None


def make_project(folder: Path, sql: str, tables: Mapping[str, Declared]) -> Path:
    """Write a project, the manifest that dbt would write for it, and its database."""
    folder.mkdir(parents=True, exist_ok=True)
    _yaml(folder / "dbt_project.yml", {"name": "shop", "profile": "shop"})
    output = {
        "type": "duckdb",
        "path": str(folder / DATABASE),
        "plugins": [{"module": "synthohive.dbt.plugin", "alias": "synthohive"}],
    }
    _yaml(folder / "profiles.yml", {"shop": {"target": "dev", "outputs": {"dev": output}}})
    (folder / "models").mkdir()
    (folder / "target").mkdir()
    write_manifest(folder, tables)
    with duckdb.connect(str(folder / DATABASE)) as con:
        con.execute("CREATE SCHEMA raw; USE raw;")
        con.execute(sql)
    return folder


def write_manifest(folder: Path, tables: Mapping[str, Declared]) -> None:
    """Write the manifest of a project with these source tables."""
    version = "https://schemas.getdbt.com/dbt/manifest/v12.json"
    document = {
        "metadata": {"dbt_schema_version": version},
        "nodes": {},
        "sources": {f"source.shop.raw.{name}": _source(name, tables[name]) for name in tables},
    }
    (folder / "target" / "manifest.json").write_text(json.dumps(document), encoding="utf-8")


def _source(name: str, declared: Declared) -> dict[str, Any]:
    identifier = declared.identifier or name
    quoted = identifier.replace('"', '""')
    return {
        "unique_id": f"source.shop.raw.{name}",
        "resource_type": "source",
        "package_name": "shop",
        "source_name": "raw",
        "name": name,
        "identifier": identifier,
        "database": "shop",
        "schema": "raw",
        "relation_name": f'"shop"."raw"."{quoted}"',
        "config": {"enabled": True, "meta": {"synthohive": dict(declared.settings)}},
        "columns": {
            column: {"name": column, "config": {"meta": {"synthohive": dict(settings)}}}
            for column, settings in declared.columns.items()
        },
    }


def _yaml(path: Path, document: object) -> None:
    path.write_text(yaml.safe_dump(document, sort_keys=False), encoding="utf-8")
