from __future__ import annotations

import importlib.util
import json
import subprocess
import sys
from pathlib import Path

import pytest

from synthohive.planning.describe import describe
from synthohive.planning.plan import plan
from synthohive.schema.metadata import Metadata

HERE = Path(__file__).resolve().parent
pytestmark = pytest.mark.dbt

SYNTHESIZE = ["run-operation", "synthesize", "--args"]
LANDED = (
    "SELECT (SELECT list(c) FROM synthetic.customers c), (SELECT list(d) FROM synthetic.days d),"
    " (SELECT list(l) FROM synthetic.lines l), (SELECT list(r) FROM synthetic._synthohive_runs r)"
)
STEPS = {
    "typo": [*SYNTHESIZE, "{sede: 3}"],
    "no plugin": [*SYNTHESIZE, "{seed: 3}", "--target", "bare"],
    "dry": [*SYNTHESIZE, "{dry_run: true}"],
    "untouched": ["sql", "SELECT count(*) FROM duckdb_schemas() WHERE schema_name = 'synthetic'"],
    "first": [*SYNTHESIZE, "{seed: 3, max_steps: 2}"],
    "quiet": [*SYNTHESIZE, "{seed: 3, max_steps: 2, rows: {customers: 7}}", "--quiet"],
    "before": ["sql", LANDED],
    "interrupted": ["interrupt", *SYNTHESIZE, "{seed: 4}"],
    "after": ["sql", LANDED],
    "real": ["build", "--warn-error"],
    "synthetic": ["build", "--warn-error", "--vars", "{use_synthetic: true}"],
    "real totals": ["sql", "SELECT * FROM marts.totals"],
    "synthetic totals": ["sql", "SELECT * FROM fake_marts.totals"],
    "audit": ["sql", "SELECT tables, seed FROM synthetic._synthohive_runs"],
    "customers": ["sql", "SELECT count(*) FROM synthetic.customers"],
    "orphan": ["sql", "UPDATE synthetic.lines SET place = 'nowhere', \"day\" = 1"],
    "repeat": ["sql", "INSERT INTO synthetic.days FROM synthetic.days LIMIT 1"],
    "damaged": ["test", "--select", "source:synthetic"],
}


@pytest.fixture(scope="module")
def project(tmp_path_factory):
    spec = importlib.util.spec_from_file_location("project", HERE / "project.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module.make_project(tmp_path_factory.mktemp("shop"))


@pytest.fixture(scope="module")
def results(project):
    """All commands run one after another on one project, in one process."""
    script = [sys.executable, str(HERE / "commands.py"), json.dumps(list(STEPS.values()))]
    subprocess.run(script, cwd=project, check=True)
    told = json.loads((project / "results.json").read_text())
    return dict(zip(STEPS, told, strict=True))


def test_an_unknown_option_is_answered_with_a_suggestion(results):
    assert not results["typo"]["success"]
    assert "synthohive: unknown option 'sede': did you mean 'seed'?" in results["typo"]["text"]


def test_a_missing_plugin_is_told_with_what_to_write(results):
    assert not results["no plugin"]["success"]
    text = results["no plugin"]["text"]
    assert "add the plugin to this target in profiles.yml" in text
    assert "module: synthohive.dbt.plugin" in text


def test_a_dry_run_shows_the_plan_and_changes_nothing(results):
    assert results["dry"]["success"]
    assert "3 tables, in the order they are generated" in results["dry"]["text"]
    assert results["untouched"]["rows"] == [[0]]


def test_a_run_tells_what_it_does(results):
    assert results["first"]["success"]
    for part in (
        "note: never_loaded is declared but not in the database: left out",
        "learned lines: 150 rows",
        "3 synthetic tables",
        "dbt test --select source:synthetic",
    ):
        assert part in results["first"]["text"]


def test_a_quiet_run_says_nothing(results):
    assert results["quiet"]["success"]
    assert results["quiet"]["text"] == ""
    assert results["customers"]["rows"] == [[7]]


def test_an_interrupt_ends_soon_and_changes_nothing(results):
    assert not results["interrupted"]["success"]
    assert (
        "synthohive: interrupted; no synthetic table was changed" in results["interrupted"]["text"]
    )
    assert results["interrupted"]["seconds_after_interrupt"] < 15
    assert results["after"] == results["before"]


def test_the_source_of_an_earlier_run_is_no_matter_for_the_next(results):
    first, later = (
        [line.split("note: ")[1] for line in results[step]["text"].splitlines() if "note: " in line]
        for step in ("first", "interrupted")
    )
    assert later == first


def test_every_run_is_in_the_audit_table(results):
    assert results["audit"]["rows"] == [[3, 3], [3, 3]]


def test_the_landed_source_passes_its_tests_and_models_swap(results):
    assert results["real"]["success"]
    assert results["synthetic"]["success"]
    assert "PASS relationships_synthetic_lines_place_day" in results["synthetic"]["text"]
    assert "PASS unique_synthetic_days_place_day" in results["synthetic"]["text"]
    real, synthetic = results["real totals"]["rows"], results["synthetic totals"]["rows"]
    assert real == [[150, 8]]
    assert synthetic != real


def test_the_generated_tests_notice_damage(results):
    assert not results["damaged"]["success"]
    failed = [line for line in results["damaged"]["text"].splitlines() if " FAIL " in line]
    assert len(failed) == 2
    assert "relationships_synthetic_lines_place_day" in failed[0]
    assert "unique_synthetic_days_place_day" in failed[1]


def test_the_recorded_manifest_is_what_dbt_writes_now(results, project):
    assert results["real"]["success"]
    now, recorded = (
        Metadata.from_dbt(path / "manifest.json") for path in (project / "target", HERE)
    )
    assert now == recorded
    assert describe(now, plan(now)) == describe(recorded, plan(recorded))


def test_the_plugin_imports_nothing_heavy():
    script = (
        "import sys, dbt.adapters.duckdb.plugins, dbt_common.events.functions;"
        "before = set(sys.modules); import synthohive.dbt.plugin;"
        "print(sorted(n for n in set(sys.modules) - before if not n.startswith('dbt')))"
    )
    done = subprocess.run(
        [sys.executable, "-c", script], check=True, capture_output=True, text=True
    )
    new = {name.split(".")[0] for name in json.loads(done.stdout.replace("'", '"'))}
    assert not new & {"torch", "polars", "numpy", "pydantic", "rich"}
