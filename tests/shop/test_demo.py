"""The demo script: its steps are those of the README, and a failing step ends it."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest


@pytest.fixture(scope="module")
def demo(load_script):
    return load_script("demo")


def test_readme_lists_the_commands_of_the_demo(demo):
    readme = (demo.HERE / "README.md").read_text(encoding="utf-8")
    listed = [line.split("  ")[0].strip() for line in readme.splitlines()]
    for step in demo.steps(customers=2_000, synthesize_args="{seed: 7}"):
        words = [
            word for word in step.command[1:] if word not in {"--quiet", "--customers", "2000"}
        ]
        quoted = [f"'{word}'" if word.startswith("{") else word for word in words]
        name = Path(step.command[0]).name
        program = "python" if name.startswith("python") else name
        assert " ".join([program, *quoted]) in listed


def test_a_failing_step_gives_its_exit_code(demo, capfd):
    step = demo.Step(title="Fail", command=[sys.executable, "-c", "raise SystemExit(3)"])
    assert demo.run(step) == 3
    out = capfd.readouterr().out
    assert "== Fail" in out
    assert "failed with exit code 3" in out


def test_the_output_of_a_step_passes_through(demo, capfd):
    step = demo.Step(title="Talk", command=[sys.executable, "-c", "print('so it goes')"])
    assert demo.run(step) == 0
    assert "so it goes" in capfd.readouterr().out
