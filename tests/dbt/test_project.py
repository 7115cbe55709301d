from __future__ import annotations

from pathlib import Path

import pytest
import yaml

from synthohive.dbt.project import database_path, manifest_path, read_project, sources_path
from synthohive.dbt.request import plain, project_options
from synthohive.errors import ConfigError


@pytest.fixture
def project(tmp_path, monkeypatch):
    for name in ("DBT_PROFILES_DIR", "DBT_TARGET_PATH"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("HOME", str(tmp_path / "home"))
    (tmp_path / "dbt_project.yml").write_text("name: x\nprofile: shop\nmodel-paths: [m, n]\n")
    return tmp_path


def write_profile(folder: Path, **output):
    folder.mkdir(parents=True, exist_ok=True)
    profiles = {"shop": {"target": "dev", "outputs": {"dev": {"type": "duckdb", **output}}}}
    (folder / "profiles.yml").write_text(yaml.safe_dump(profiles))


def test_the_sources_file_goes_to_the_first_model_path(project):
    assert sources_path(project) == project / "m" / "_synthohive__sources.yml"


def test_a_relative_database_lies_in_the_project(project):
    write_profile(project, path="data/shop.duckdb")
    assert database_path(project) == project / "data" / "shop.duckdb"


def test_profiles_at_home_and_where_the_variable_says(project, monkeypatch):
    write_profile(project / "home" / ".dbt", path="/data/a.duckdb")
    assert database_path(project) == Path("/data/a.duckdb")
    write_profile(project / "elsewhere", path="/data/b.duckdb")
    monkeypatch.setenv("DBT_PROFILES_DIR", str(project / "elsewhere"))
    assert database_path(project) == Path("/data/b.duckdb")


@pytest.mark.parametrize("path", [None, "{{ env_var('DB') }}", ":memory:", "md:shop"])
def test_a_database_that_cannot_be_told_asks_for_the_option(project, path):
    write_profile(project, path=path)
    with pytest.raises(ConfigError, match=r"names no DuckDB file.*\n.*--database"):
        database_path(project)


def test_missing_profiles_and_targets_are_named(project):
    with pytest.raises(ConfigError, match="no profile 'shop' in"):
        database_path(project)
    write_profile(project, path="shop.duckdb")
    with pytest.raises(ConfigError, match="has no target 'dve'; did you mean 'dev'"):
        database_path(project, "dve")


def test_manifests_are_found_where_dbt_puts_them(project, monkeypatch):
    for folder in ("target", "out", "named"):
        (project / folder).mkdir()
        (project / folder / "manifest.json").write_text("{}")
    assert manifest_path(project) == project / "target" / "manifest.json"
    with (project / "dbt_project.yml").open("a") as file:
        file.write("target-path: out\n")
    assert manifest_path(project) == project / "out" / "manifest.json"
    monkeypatch.setenv("DBT_TARGET_PATH", "named")
    assert manifest_path(project) == project / "named" / "manifest.json"
    with pytest.raises(ConfigError, match="run dbt parse"):
        manifest_path(project, "gone")


def test_files_that_are_no_settings_are_named(project):
    (project / "dbt_project.yml").write_text("a: [")
    with pytest.raises(ConfigError, match="is no YAML"):
        read_project(project)
    (project / "dbt_project.yml").write_text("just text")
    with pytest.raises(ConfigError, match="holds no settings"):
        read_project(project)


def test_where_the_sources_file_is_asked_for(project):
    assert project_options({}, project).sources_file == str(sources_path(project))
    assert project_options({"sources_file": None}, project).sources_file is None
    chosen = project_options({"sources_file": "a/b.yml"}, project).sources_file
    assert chosen == str(project / "a" / "b.yml")


def test_results_become_plain_values():
    assert plain({"a": (Path("x"), [1])}) == {"a": ["x", [1]]}
