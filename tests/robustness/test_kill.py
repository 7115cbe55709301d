"""Whatever ends a run, before it commits the earlier synthetic database is as it was."""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path

import duckdb
import pytest

from synthohive.cli import DONE, INTERRUPTED, main

TABLES = """
CREATE TABLE regions AS SELECT i AS id, 'r' || i AS name FROM range(12) r(i);
CREATE TABLE customers AS
    SELECT i AS id, i % 12 AS region_id, 18 + i % 50 AS age, hash(i) % 7 AS mood
    FROM range(2000) r(i);
CREATE TABLE readings AS
    SELECT i AS id, hash(i) / 1e3 AS x, hash(i + 7) AS y FROM range(600_000) r(i);
"""
INTERRUPT_LINE = "synthohive: interrupted; no synthetic table was changed"
TRIES = 5
TRAINING = ["--epochs", "40"]
LANDING = ["--model", "model", "--reuse"]
DBT = Path(sys.executable).with_name("dbt")
COMMANDS = {
    "cli": [sys.executable, "-m", "synthohive", "synthesize", "--seed", "2"],
    "dbt": [str(DBT), "run-operation", "synthesize", "--profiles-dir", ".", "--args"],
}
DBT_LANDING = ["{seed: 2, model: model, reuse: true}"]


@pytest.fixture(scope="module")
def landed(tmp_path_factory, projects):
    """A project with a synthetic database; `readings` is kept, so that landing takes a while."""
    tables = {
        "regions": projects.keyed("id"),
        "customers": projects.keyed("id", region_id="regions"),
        "readings": projects.Declared(settings={"primary_key": ["id"], "keep": True}),
    }
    folder = projects.make_project(tmp_path_factory.mktemp("landed") / "shop", TABLES, tables)
    projects.add_dbt(folder, tables)
    words = ["--seed", "1", "--max-steps", "3", "--model", str(folder / "model")]
    assert main(["synthesize", "--project-dir", str(folder), *words]) == DONE
    return folder


@pytest.fixture
def look(projects, states):
    return lambda folder: states.state_of(
        folder, database=projects.DATABASE, sources=projects.SOURCES
    )


def stopped(landed, tmp_path, words, number, moment):
    """Run a command on copies of the project until a signal hits it at the moment wanted.

    A run that is over before the signal says nothing, so it is repeated, a few times at most.
    """
    for attempt in range(TRIES):
        folder = tmp_path / f"shop {attempt}"
        shutil.copytree(landed, folder, symlinks=True)
        scratch = folder.with_name(f"scratch {attempt}")
        scratch.mkdir()
        process = _started(words, folder, scratch)
        assert process.stdout is not None
        lines = moment(process, folder)
        process.send_signal(number)
        text = "".join([*lines, process.communicate(timeout=60)[0]])
        if process.returncode != 0:
            return folder, process.returncode, text
    raise AssertionError(f"{TRIES} runs were over before the signal: {text}")


def _started(words, folder, scratch):
    """Start a command that heeds interrupts, even if this is a job in a shell's background."""
    before = signal.signal(signal.SIGINT, signal.SIG_DFL)  # what is ignored here is so there, too
    try:
        return subprocess.Popen(
            words,
            cwd=folder,
            env=os.environ | {"TMPDIR": str(scratch)},
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            start_new_session=True,
        )
    finally:
        signal.signal(signal.SIGINT, before)


def while_training(process, folder):
    """Wait until a small table is learned, while a larger one still is being."""
    lines = _until(process, "learned ")
    time.sleep(0.05)
    return lines


def while_landing(process, folder):
    """Wait until the open transaction has written rows into the database file."""
    file = folder / "shop.duckdb"
    before = file.stat().st_size
    lines = _until(process, "land: ")
    deadline = time.monotonic() + 30
    while file.stat().st_size == before and process.poll() is None:
        assert time.monotonic() < deadline, "no rows are being landed"
        time.sleep(0.002)
    return lines


def _until(process, wanted):
    lines = []
    for line in process.stdout:
        lines.append(line)
        if wanted in line:
            return lines
    raise AssertionError(f"no line with {wanted!r}: {''.join(lines)}")


def assert_untouched(folder, landed, look):
    """The state is the earlier one, and a following run lands another."""
    before = look(landed)
    assert look(folder) == before
    words = ["--seed", "3", "--model", str(folder / "model"), "--reuse"]
    assert main(["synthesize", "--project-dir", str(folder), *words]) == DONE
    after = look(folder)
    assert after["files"] == before["files"]
    assert after["sources file"] == before["sources file"]
    assert after["raw.readings"] == before["raw.readings"]
    assert after["synthetic.customers"] != before["synthetic.customers"]
    with duckdb.connect(str(folder / "shop.duckdb"), read_only=True) as con:
        sql = "SELECT seed FROM synthetic._synthohive_runs ORDER BY run_id"
        assert con.execute(sql).fetchall() == [(1,), (3,)]


MOMENTS = [
    pytest.param("cli", TRAINING, while_training, id="training"),
    pytest.param("cli", LANDING, while_landing, id="landing"),
    pytest.param("dbt", DBT_LANDING, while_landing, id="dbt landing", marks=pytest.mark.dbt),
]


@pytest.mark.parametrize(("command", "options", "moment"), MOMENTS)
def test_a_killed_run_changes_nothing(landed, tmp_path, look, command, options, moment):
    words = [*COMMANDS[command], *options]
    folder, code, _ = stopped(landed, tmp_path, words, signal.SIGKILL, moment)
    assert code == -signal.SIGKILL
    assert_untouched(folder, landed, look)


@pytest.mark.parametrize(("command", "options", "moment"), MOMENTS)
def test_an_interrupted_run_changes_nothing_and_says_so(
    landed, tmp_path, look, command, options, moment
):
    words = [*COMMANDS[command], *options]
    folder, code, text = stopped(landed, tmp_path, words, signal.SIGINT, moment)
    assert code == (INTERRUPTED if command == "cli" else 1)
    assert text.count(INTERRUPT_LINE) == 1
    assert "Traceback" not in text
    assert "internal error" not in text
    assert not list(tmp_path.glob("scratch */*")), "temporary files are removed"
    assert_untouched(folder, landed, look)
