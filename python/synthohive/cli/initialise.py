"""``synthohive init`` and ``synthohive dbt-path``: setting up a dbt project."""

from __future__ import annotations

import sys
from pathlib import Path

from synthohive.cli.project import Switch  # noqa: TC001  # cyclopts reads annotations
from synthohive.errors import ConfigError

PACKAGE = Path(__file__).resolve().parent.parent / "dbt_package"

PROFILE = """\
      plugins:
        - module: synthohive.dbt.plugin
          alias: synthohive
"""

PACKAGES = """\
packages:
  - local: "{{ env_var('SYNTHOHIVE_DBT_PACKAGE') }}" # export it: $(synthohive dbt-path)
"""

OVERRIDE = """\
{# dbt build --vars '{use_synthetic: true}' makes every source() the synthetic copy. #}
{% macro source(source_name, table_name) %}
  {{ return(synthohive.relation_for(builtins.source(source_name, table_name), table_name)) }}
{% endmacro %}
"""


def dbt_path() -> None:
    """Print the folder of the dbt package that belongs to this installation.

    Example: export SYNTHOHIVE_DBT_PACKAGE=$(synthohive dbt-path)
    """
    sys.stdout.write(f"{PACKAGE}\n")


def init(*, project_dir: Path = Path(), write: Switch = False) -> None:
    """Print what a dbt project needs, or write the files of it that are missing.

    Example: synthohive init --write

    Args:
        project_dir: Folder of the dbt project.
        write: Write missing files. Existing ones, and profiles.yml, are never changed.
    """
    if not (project_dir / "dbt_project.yml").is_file():
        raise ConfigError(
            f"no dbt project in {str(project_dir.resolve())!r}: there is no dbt_project.yml",
            hint="name the project's folder: --project-dir <folder>",
        )
    _show("profiles.yml: add to the target that runs on DuckDB", PROFILE)
    has_packages = any(
        (project_dir / name).exists() for name in ("packages.yml", "dependencies.yml")
    )
    _offer(project_dir / "packages.yml", PACKAGES, write=write and not has_packages)
    _offer(project_dir / "macros" / "synthohive_source.sql", OVERRIDE, write=write)
    _show(
        "then",
        f"export SYNTHOHIVE_DBT_PACKAGE={PACKAGE}\n"
        "dbt deps && dbt build\n"
        "dbt run-operation synthesize --args '{seed: 7}'\n",
    )


def _offer(path: Path, text: str, *, write: bool) -> None:
    if not write:
        _show(f"{path}: add", text)
    elif path.exists():
        _show(f"{path}: exists and was left as it is; add", text)
    else:
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, encoding="utf-8")
        _show(f"{path}: written", text)


def _show(title: str, text: str) -> None:
    sys.stdout.write(f"# {title}\n{text}\n")
