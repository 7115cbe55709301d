"""The example shop: its generator as a module, and a built copy of its dbt project."""

from __future__ import annotations

import importlib.util
import os
import shutil
import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING

import duckdb
import pytest

if TYPE_CHECKING:
    from collections.abc import Callable
    from types import ModuleType

    import polars as pl

ROOT = Path(__file__).parents[2]
SHOP = ROOT / "examples" / "shop"


def load(name: str) -> ModuleType:
    """A script of the shop as a module; the shop is no package."""
    spec = importlib.util.spec_from_file_location(f"shop_{name}", SHOP / f"{name}.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    sys.modules[spec.name] = module
    spec.loader.exec_module(module)
    return module


def run_dbt(project: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    environment = os.environ | {
        "DBT_PROFILES_DIR": str(project),
        "SYNTHOHIVE_DBT_PACKAGE": str(ROOT / "dbt_project"),
        "PYTHONPATH": str(ROOT / "python"),
        "NO_COLOR": "1",
    }
    command = [str(Path(sys.executable).with_name("dbt")), *arguments]
    done = subprocess.run(
        command, cwd=project, env=environment, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stdout + done.stderr
    return done


@pytest.fixture(scope="session")
def load_script() -> Callable[[str], ModuleType]:
    return load


@pytest.fixture(scope="session")
def generate() -> ModuleType:
    return load("generate")


@pytest.fixture(scope="session")
def tables(generate: ModuleType) -> dict[str, pl.DataFrame]:
    return generate.shop_tables()


@pytest.fixture(scope="session")
def project(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A copy of the shop as it is checked in, with a small set of seeds."""
    copy = tmp_path_factory.mktemp("shop") / "shop"
    untracked = ["target", "dbt_packages", "logs", "*.duckdb*", "*.csv", "package-lock.yml"]
    ignore = shutil.ignore_patterns(*untracked, "_synthohive__sources.yml", "__pycache__")
    shutil.copytree(SHOP, copy, ignore=ignore)
    command = [sys.executable, "generate.py", "--customers", "300"]
    subprocess.run(command, cwd=copy, check=True, capture_output=True)
    return copy


@pytest.fixture(scope="session")
def built(project: Path) -> Path:
    """The project after `dbt build` over the real tables."""
    packages = project / "dbt_packages"
    packages.mkdir()
    (packages / "synthohive").symlink_to(ROOT / "dbt_project")  # as dbt deps does, but at once
    run_dbt(project, "build", "--show-all-deprecations", "--warn-error")
    return project


@pytest.fixture(scope="session")
def swapped(built: Path) -> Path:
    """The project after a second build, over other tables in the schema `synthetic`.

    The other tables are another draw of the generator, so nothing is learned here: these
    tests are about the project's switch between two worlds.
    """
    command = [sys.executable, "generate.py", "--customers", "200", "--seed", "5"]
    subprocess.run([*command, "--into", "other"], cwd=built, check=True, capture_output=True)
    with duckdb.connect(str(built / "shop.duckdb")) as connection:
        connection.execute("create schema synthetic")
        for path in sorted((built / "other").glob("*.csv")):
            name = f'"{path.stem}"'
            connection.execute(f"create table synthetic.{name} as from raw.{name} limit 0")
            connection.execute(f"copy synthetic.{name} from '{path}' (header)")
    switch = ["--vars", "{use_synthetic: true}", "--warn-error"]
    run_dbt(built, "build", "--exclude-resource-type", "seed", *switch)
    return built
