"""Where the things of a dbt project are: its manifest, its models, its database."""

from __future__ import annotations

import os
from pathlib import Path
from typing import TYPE_CHECKING, Any, cast

import yaml

from synthohive.errors import ConfigError, did_you_mean

if TYPE_CHECKING:
    from collections.abc import Mapping

SOURCES_FILE = "_synthohive__sources.yml"


def read_project(project_dir: str | Path) -> Mapping[str, Any]:
    """Read a project's ``dbt_project.yml``.

    Raises:
        ConfigError: There is none, or it is no YAML mapping.
    """
    path = Path(project_dir) / "dbt_project.yml"
    if not path.is_file():
        raise ConfigError(
            f"no dbt project in {str(Path(project_dir).resolve())!r}: there is no dbt_project.yml",
            hint="name the project's folder: --project-dir <folder>",
        )
    return _mapping(path)


def sources_path(project_dir: str | Path) -> Path:
    """Return where the sources file of the synthetic tables goes: the first model path."""
    paths = read_project(project_dir).get("model-paths") or ["models"]
    return Path(project_dir) / str(paths[0]) / SOURCES_FILE


def manifest_path(project_dir: str | Path, target_path: str | Path | None = None) -> Path:
    """Return a project's manifest.

    Args:
        project_dir: The project's folder.
        target_path: Its target folder, if it is not the one that dbt would use.

    Raises:
        ConfigError: There is no manifest yet.
    """
    named = target_path or os.environ.get("DBT_TARGET_PATH")
    folder = named or read_project(project_dir).get("target-path") or "target"
    path = Path(project_dir) / str(folder) / "manifest.json"
    if not path.is_file():
        raise ConfigError(
            f"no dbt manifest at {str(path)!r}",
            hint="run dbt parse in the project (or dbt build), or name --target-path",
        )
    return path


def database_path(project_dir: str | Path, target: str | None = None) -> Path:
    """Return the DuckDB file of a project's profile.

    Args:
        project_dir: The project's folder.
        target: The profile's target; its default one when not given.

    Raises:
        ConfigError: The profile is not found, is not for DuckDB or is computed by Jinja.
    """
    name = str(read_project(project_dir).get("profile"))
    path, profile = _profile(Path(project_dir), name)
    outputs = cast("Mapping[str, Any]", profile.get("outputs") or {})
    chosen = target or str(profile.get("target") or "default")
    if chosen not in outputs:
        raise ConfigError(
            f"profile {name!r} in {str(path)!r} has no target {chosen!r}; "
            f"{did_you_mean(chosen, outputs)}",
            hint="name the file instead: --database <file>",
        )
    output = cast("Mapping[str, Any]", outputs[chosen])
    file = output.get("path")
    if output.get("type") != "duckdb" or not file or "{{" in str(file) or ":" in str(file):
        raise ConfigError(
            f"profile {name!r} in {str(path)!r}: target {chosen!r} names no DuckDB file that "
            f"can be read here (type {output.get('type')}, path {file})",
            hint="name the file instead: --database <file>",
        )
    # dbt resolves a relative path from where it runs, which is the project's folder
    return Path(project_dir) / str(file)


def _profile(project_dir: Path, name: str) -> tuple[Path, Mapping[str, Any]]:
    named = os.environ.get("DBT_PROFILES_DIR")
    folders = [Path(named)] if named else [project_dir, Path.home() / ".dbt"]
    for folder in folders:
        path = folder / "profiles.yml"
        if path.is_file() and name in (profiles := _mapping(path)):
            return path, cast("Mapping[str, Any]", profiles[name] or {})
    raise ConfigError(
        f"no profile {name!r} in {' or '.join(str(folder) for folder in folders)}",
        hint="name the file instead: --database <file>",
    )


def _mapping(path: Path) -> Mapping[str, Any]:
    try:
        document = yaml.safe_load(path.read_text(encoding="utf-8"))
    except yaml.YAMLError as error:
        problem = " ".join(str(error).split())
        raise ConfigError(f"{str(path)!r} is no YAML: {problem}") from error
    if not isinstance(document, dict):
        raise ConfigError(f"{str(path)!r} holds no settings")
    return cast("Mapping[str, Any]", document)
