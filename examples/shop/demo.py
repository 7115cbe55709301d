"""Run the whole demo: make a shop, build its marts, synthesize it, compare the two.

Each step is a command you could type yourself in this directory; it is printed before it runs.
"""

from __future__ import annotations

import argparse
import json
import os
import shlex
import shutil
import subprocess
import sys
import time
from dataclasses import dataclass
from pathlib import Path

HERE = Path(__file__).resolve().parent
LEFTOVERS = ["shop.duckdb", "shop.duckdb.wal", "models/_synthohive__sources.yml"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Step:
    """One command of the demo.

    Attributes:
        title: What it does, in a few words.
        command: Program and arguments; runs in this directory.
        has_results: Whether it leaves dbt's ``target/run_results.json`` to sum up.
    """

    title: str
    command: list[str]
    has_results: bool = False


def steps(*, customers: int, synthesize_args: str) -> list[Step]:
    """The commands of the demo, in order."""
    python, dbt = sys.executable, dbt_program()
    return [
        Step(
            title="Make the shop's real data",
            command=[python, "generate.py", "--customers", str(customers)],
        ),
        Step(title="Install the dbt package", command=[dbt, "--quiet", "deps"]),
        Step(
            title="Load the real tables, build and test their marts",
            command=[dbt, "--quiet", "build"],
            has_results=True,
        ),
        Step(
            title="Learn the tables and land a synthetic copy",
            command=[dbt, "run-operation", "synthesize", "--args", synthesize_args],
        ),
        Step(
            title="Build and test the same marts over the synthetic tables",
            command=[
                *(dbt, "--quiet", "build", "--exclude-resource-type", "seed"),
                *("--vars", "{use_synthetic: true}"),
            ],
            has_results=True,
        ),
        Step(title="Compare", command=[python, "compare.py"]),
    ]


def dbt_program() -> str:
    """The dbt beside this Python, or else the one on the path.

    Raises:
        SystemExit: There is none.
    """
    beside = Path(sys.executable).with_name("dbt")
    found = str(beside) if beside.exists() else shutil.which("dbt")
    if found is None:
        raise SystemExit("dbt is not installed: pip install 'synthohive[dbt]'")
    return found


def run(step: Step) -> int:
    """Run one step with its output passing through, and say how long it took.

    Returns:
        The command's exit code.
    """
    words = [Path(step.command[0]).name, *step.command[1:]]
    print(f"\n== {step.title}\n   $ {shlex.join(words)}", flush=True)
    started = time.monotonic()
    environment = os.environ | {"DBT_PROFILES_DIR": str(HERE)}
    code = subprocess.run(step.command, cwd=HERE, env=environment, check=False).returncode
    if step.has_results and code == 0:
        print(f"   {results()}")
    seconds = time.monotonic() - started
    print(f"   {'done' if code == 0 else f'failed with exit code {code}'} in {seconds:.1f} s")
    return code


def results() -> str:
    """Sum up dbt's last build."""
    found = json.loads((HERE / "target" / "run_results.json").read_text(encoding="utf-8"))
    kinds = [result["unique_id"].split(".")[0] for result in found["results"]]
    counts = [f"{kinds.count(kind)} {kind}s" for kind in ("seed", "model", "test") if kind in kinds]
    good = sum(result["status"] in {"success", "pass"} for result in found["results"])
    return f"{', '.join(counts)}: {good} of {len(kinds)} succeeded"


def main() -> int:
    """Run the steps until one fails.

    Returns:
        0, or the exit code of the step that failed.
    """
    parser = argparse.ArgumentParser(description="Run the whole demo, from nothing.")
    parser.add_argument("--customers", type=int, default=2_000)
    parser.add_argument("--synthesize-args", default="{seed: 7}", metavar="YAML")
    args = parser.parse_args()
    for leftover in LEFTOVERS:
        (HERE / leftover).unlink(missing_ok=True)
    started = time.monotonic()
    for step in steps(customers=args.customers, synthesize_args=args.synthesize_args):
        if code := run(step):
            return code
    print(f"\nThe whole demo took {time.monotonic() - started:.0f} s.")
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
