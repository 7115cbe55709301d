"""Small dbt projects over tables that are already in their database, whatever those are called."""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

import duckdb
import yaml

if TYPE_CHECKING:
    from collections.abc import Mapping

DATABASE = "shop.duckdb"
SOURCES = Path("models", "_synthohive__sources.yml")
PACKAGE = Path(__file__).resolve().parents[2] / "dbt_project"


@dataclass(frozen=True, slots=True, kw_only=True)
class Declared:
    """What a project says of one source table.

    Attributes:
        settings: Its ``config.meta.synthohive``.
        columns: ``config.meta.synthohive`` of its columns.
        required: Columns with a ``not_null`` constraint.
        identifier: Its name in the database; its own name when not given.
    """

    settings: Mapping[str, Any] = field(default_factory=dict)
    columns: Mapping[str, Mapping[str, Any]] = field(default_factory=dict)
    required: tuple[str, ...] = ()
    identifier: str | None = None


def keyed(primary: str, **foreign: str) -> Declared:
    """Declare a table by its primary key and its foreign keys, each to the parent's key."""
    keys = [{"columns": [column], "to": parent} for column, parent in foreign.items()]
    return Declared(settings={"primary_key": [primary], "foreign_keys": keys})


def make_project(folder: Path, sql: str, tables: Mapping[str, Declared]) -> Path:
    """Write a project, the manifest that dbt would write for it, and its database."""
    folder.mkdir(parents=True, exist_ok=True)
    flags = {"send_anonymous_usage_stats": False, "use_colors": False}
    write_yaml(folder / "dbt_project.yml", {"name": "shop", "profile": "shop", "flags": flags})
    output = {
        "type": "duckdb",
        "path": DATABASE,  # relative, so that a copy of the folder is a project of its own
        "plugins": [{"module": "synthohive.dbt.plugin", "alias": "synthohive"}],
    }
    write_yaml(folder / "profiles.yml", {"shop": {"target": "dev", "outputs": {"dev": output}}})
    (folder / "models").mkdir()
    (folder / "target").mkdir()
    sources = [_source(name, declared) for name, declared in tables.items()]
    document = {
        "metadata": {"dbt_schema_version": "https://schemas.getdbt.com/dbt/manifest/v12.json"},
        "nodes": {},
        "sources": {source["unique_id"]: source for source in sources},
    }
    (folder / "target" / "manifest.json").write_text(json.dumps(document), encoding="utf-8")
    with duckdb.connect(str(folder / DATABASE)) as con:
        con.execute("CREATE SCHEMA raw; USE raw;")
        con.execute(sql)
    return folder


def add_dbt(folder: Path, tables: Mapping[str, Declared]) -> None:
    """Write what dbt itself needs: the sources as YAML, and the package with the macros."""
    declared = [
        {"name": name, "config": {"meta": {"synthohive": dict(table.settings)}}}
        for name, table in tables.items()
    ]
    sources = [{"name": "raw", "tables": declared}]
    write_yaml(folder / "models" / "raw.yml", {"version": 2, "sources": sources})
    (folder / "dbt_packages").mkdir()
    (folder / "dbt_packages" / "synthohive").symlink_to(PACKAGE)


def write_yaml(path: Path, document: object) -> None:
    """Write a document as YAML."""
    path.write_text(yaml.safe_dump(document, sort_keys=False), encoding="utf-8")


def _source(name: str, declared: Declared) -> dict[str, Any]:
    identifier = declared.identifier or name
    quoted = identifier.replace('"', '""')
    named = dict.fromkeys([*declared.columns, *declared.required])
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
        "columns": {column: _column(column, declared) for column in named},
    }


def _column(name: str, declared: Declared) -> dict[str, Any]:
    settings = dict(declared.columns.get(name, {}))
    constraints = [{"type": "not_null"}] if name in declared.required else []
    return {"name": name, "config": {"meta": {"synthohive": settings}}, "constraints": constraints}
