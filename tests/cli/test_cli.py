from __future__ import annotations

import importlib.util
import json
import shutil
import subprocess
import sys
from pathlib import Path

import duckdb
import polars as pl
import pytest

from synthohive.cli import DONE, FAILED, INTERRUPTED, WRONG_USE, main
from synthohive.cli.initialise import PACKAGE

COMMANDS = ["init", "inspect", "synthesize", "dbt-path"]
REPOSITORY = Path(__file__).resolve().parents[2]


def load(path: Path):
    spec = importlib.util.spec_from_file_location(path.stem, path)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


@pytest.fixture(scope="module")
def project(tmp_path_factory):
    """A dbt project and the manifest that dbt wrote for it; `tests/dbt` checks that one."""
    beside = REPOSITORY / "tests" / "dbt"
    folder = load(beside / "project.py").make_project(tmp_path_factory.mktemp("shop"))
    (folder / "target").mkdir()
    shutil.copy(beside / "manifest.json", folder / "target")
    return folder


@pytest.fixture
def here(project, monkeypatch):
    monkeypatch.chdir(project)
    monkeypatch.delenv("DBT_PROFILES_DIR", raising=False)
    return project


def test_help_loads_nothing_heavy():
    script = (
        "import sys; from synthohive.cli import main; main(['--help']);"
        "print(sorted({'torch', 'duckdb', 'polars', 'dbt'} & set(sys.modules)))"
    )
    done = subprocess.run(
        [sys.executable, "-c", script], check=True, capture_output=True, text=True
    )
    assert "Exit codes: 0 done, 1 refused or failed, 2 wrong use, 130 interrupted." in done.stdout
    commands = [line.split()[1] for line in done.stdout.splitlines() if line.startswith("│")]
    assert [word for word in commands if word in COMMANDS] == COMMANDS
    assert done.stdout.splitlines()[-1] == "[]"


def test_inspect_as_text(here, capsys):
    assert main(["inspect"]) == DONE
    out, err = capsys.readouterr()
    assert "3 tables, in the order they are generated" in out
    assert "lines.place, day → days.place, day" in out
    assert "never_loaded is declared but not in the database" in out
    assert 'build "shop"."raw"."never_loaded" first' in " ".join(out.split())
    assert err == ""


def test_inspect_as_json_and_with_data(here, capsys):
    assert main(["inspect", "--format", "json", "--data"]) == DONE
    out, err = capsys.readouterr()
    assert [table["table"] for table in json.loads(out)["tables"]] == ["customers", "days", "lines"]
    assert err == "check: 3 tables\n"


def test_inspect_data_finds_orphans(here, tmp_path, capsys):
    path = tmp_path / "shop.duckdb"
    path.write_bytes((here / "shop.duckdb").read_bytes())
    with duckdb.connect(str(path)) as con:
        con.execute('UPDATE raw."order lines" SET customer_id = 999 WHERE "select" < 3')
    assert main(["inspect", "--database", str(path), "--data"]) == FAILED
    out, err = capsys.readouterr()
    assert out == ""
    assert "1 problem found" in err
    assert "lines.customer_id" in err
    assert "999" in err


def test_a_dry_run_changes_nothing(here, capsys):
    before = (here / "shop.duckdb").read_bytes()
    assert main(["synthesize", "--dry-run", "--select", "customers"]) == DONE
    assert "1 table, in the order" in capsys.readouterr().out
    assert (here / "shop.duckdb").read_bytes() == before


@pytest.mark.parametrize(
    ("words", "code", "told"),
    [
        (["synthesize", "--scale", "0"], WRONG_USE, "option 'scale'"),
        (["synthesize", "--rows", "customers"], WRONG_USE, "write table=number"),
        (["synthesize", "--reuse"], WRONG_USE, "needs a saved model"),
        (["inspect", "--select", "custmers"], WRONG_USE, "did you mean 'customers'?"),
        (["inspect", "--schema", "raw"], FAILED, "holds the real table"),
        (["inspect", "--database", "gone.duckdb"], WRONG_USE, "no database file"),
        (["inspect", "--target", "dve"], WRONG_USE, "did you mean 'dev'?"),
        (["inspect", "--target-path", "gone"], WRONG_USE, "run dbt parse"),
        (["inspect", "--project-dir", "gone"], WRONG_USE, "no dbt project in"),
        (["inspect", "--databse", "x"], WRONG_USE, "--database"),
        (["inspekt"], WRONG_USE, "inspect"),
    ],
)
def test_what_is_wrong_is_told_in_lines(here, capsys, words, code, told):
    assert main(words) == code
    out, err = capsys.readouterr()
    assert told in err
    assert "Traceback" not in err
    assert out == ""


def test_an_internal_error_is_a_line_and_a_hint(here, capsys, monkeypatch):
    (here / "broken.json").write_text('{"nodes": 3, "metadata": {}}')
    code = main(["inspect", "--manifest", "broken.json"])
    err = capsys.readouterr().err
    assert code in (FAILED, WRONG_USE)
    assert err.startswith("synthohive: ")
    assert "Traceback" not in err


def panic(*args, **kwargs):
    """Make Rust code panic; that is no `Exception` in Python."""
    pl.Series([1]).extend_constant(1, 2**61)


def test_a_panic_of_rust_code_is_an_internal_error(here, capsys, monkeypatch):
    monkeypatch.setattr("synthohive.inspection.inspect", panic)
    assert main(["inspect"]) == FAILED
    out, err = capsys.readouterr()
    assert out == ""
    assert err.startswith("synthohive: internal error PanicException: ")
    assert err.endswith("Hint: set SYNTHOHIVE_DEBUG=1 to see where\n")
    assert "Traceback" not in err
    monkeypatch.setenv("SYNTHOHIVE_DEBUG", "1")
    assert main(["inspect"]) == FAILED
    assert "in panic\n" in capsys.readouterr().err


@pytest.mark.parametrize("code", [0, 3])
def test_an_exit_keeps_its_code(here, monkeypatch, code):
    def leave(*args, **kwargs):
        raise SystemExit(code)

    monkeypatch.setattr("synthohive.inspection.inspect", leave)
    with pytest.raises(SystemExit) as left:
        main(["inspect"])
    assert left.value.code == code


def test_an_interrupt_has_a_code_of_its_own(here, capsys, monkeypatch):
    def interrupt(*args, **kwargs):
        raise KeyboardInterrupt

    monkeypatch.setattr("synthohive.inspection.inspect", interrupt)
    assert main(["inspect"]) == INTERRUPTED
    expected = "synthohive: interrupted; no synthetic table was changed\n"
    assert capsys.readouterr().err == expected


def test_dbt_path_holds_the_package(capsys):
    assert main(["dbt-path"]) == DONE
    path = Path(capsys.readouterr().out.strip())
    assert path == PACKAGE
    assert (path / "dbt_project.yml").is_file()
    assert (path / "macros" / "synthesize.sql").is_file()
    assert (REPOSITORY / "dbt_project").resolve() == path


def test_init_prints_and_writes_only_what_is_missing(tmp_path, capsys):
    (tmp_path / "dbt_project.yml").write_text("name: x\n")
    (tmp_path / "dependencies.yml").write_text("packages: []\n")
    assert main(["init", "--project-dir", str(tmp_path)]) == DONE
    assert "module: synthohive.dbt.plugin" in capsys.readouterr().out
    assert not (tmp_path / "macros").exists()
    assert main(["init", "--write", "--project-dir", str(tmp_path)]) == DONE
    macro = tmp_path / "macros" / "synthohive_source.sql"
    assert "synthohive.relation_for" in macro.read_text()
    assert not (tmp_path / "packages.yml").exists()
    macro.write_text("mine")
    assert main(["init", "--write", "--project-dir", str(tmp_path)]) == DONE
    assert "exists and was left as it is" in capsys.readouterr().out
    assert macro.read_text() == "mine"


def test_init_needs_a_project(tmp_path, capsys):
    assert main(["init", "--project-dir", str(tmp_path)]) == WRONG_USE
    assert "there is no dbt_project.yml" in capsys.readouterr().err
