"""Measure import times, and memory and speed of generation and landing at several scales.

    python benches/startup_and_scale.py [--scales 1 10 100] [--staff-scales 10 100 1000]

Every figure comes from a process of its own. Import times are medians of five; memory is the
peak of anonymous memory, and for landing how far it is above what there was before. The
databases are the shop, and a table of 5,000 employees who refer to their managers.
"""

from __future__ import annotations

import argparse
import importlib.util
import random
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable
    from types import ModuleType

    import polars as pl

SHOP = Path(__file__).resolve().parent.parent / "examples" / "shop"

IMPORTS = {
    "polars": "import polars",
    "polars, synthohive": "import polars, synthohive",
    "dbt's plugin base": "from dbt.adapters.duckdb.plugins import BasePlugin",
    "… and our plugin": "from dbt.adapters.duckdb.plugins import BasePlugin; "
    "import synthohive.dbt.plugin",
}

WATCH = """
import ctypes, json, sys, threading, time
from pathlib import Path
import polars as pl
import synthohive as sh
from synthohive.landing.stage import Stage

def memory():
    with open("/proc/self/status") as status:
        return next(int(line.split()[1]) / 1024 for line in status if line.startswith("RssAnon"))

def watched(work):
    peak, done = memory(), threading.Event()

    def watch():
        nonlocal peak
        while not done.wait(0.01):
            peak = max(peak, memory())

    watcher = threading.Thread(target=watch)
    watcher.start()
    before, started = memory(), time.perf_counter()
    rows = work()
    seconds = time.perf_counter() - started
    done.set()
    watcher.join()
    print(rows, seconds, before, peak)
"""
"""Prints rows, seconds, and the anonymous memory before some work and at its peak, in MB."""

SCALE = (
    WATCH
    + """
hive = sh.Synthesizer.load(sys.argv[1])
with Stage() as stage:  # warm up: torch and the allocators
    for name, frame in hive.stream(scale=1.0):
        stage.write(name, frame)

def generate():
    rows = 0
    for number, (name, frame) in enumerate(hive.stream(scale=float(sys.argv[2]))):
        path = Path(sys.argv[3]) / f"{number:07} {name}.parquet"
        frame.write_parquet(path, compression="lz4", statistics=False)
        rows += frame.height
    return rows

watched(generate)
"""
)

LAND = (
    WATCH
    + """
from synthohive.landing.land import land

model = json.loads((Path(sys.argv[1]) / "model.json").read_text())
metadata = sh.Metadata.from_dict(model["metadata"])
with Stage() as stage:
    for path in sorted(Path(sys.argv[2]).glob("*.parquet")):
        stage.write(path.stem.split(" ", 1)[1], pl.read_parquet(path))
    ctypes.CDLL(None).malloc_trim(0)

    def landing():
        landed = land(stage, Path(sys.argv[2]) / "landed.duckdb", metadata=metadata)
        return sum(table.rows for table in landed.tables)

    watched(landing)
"""
)


def import_seconds(statement: str) -> float:
    code = f"import time; t = time.perf_counter(); {statement}; print(time.perf_counter() - t)"
    runs = [
        float(subprocess.run([sys.executable, "-c", code], capture_output=True, check=True).stdout)
        for _ in range(5)
    ]
    return statistics.median(runs)


def generator() -> ModuleType:
    spec = importlib.util.spec_from_file_location("shop", SHOP / "generate.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    sys.modules["shop"] = module
    spec.loader.exec_module(module)
    return module


def fit_shop(folder: Path) -> None:
    import synthohive as sh

    metadata = (
        sh.Metadata()
        .add_table("regions", pk="id")
        .add_table("employees", pk="id", fk={"manager_id": "employees.id"})
        .add_table(
            "customers", pk="id", fk={"region_id": "regions.id"},
            pii={"email": "email", "name": "name"},
        )
        .add_table("products", pk="id")
        .add_table(
            "orders", pk="id", driver="customer_id",
            fk={"customer_id": "customers.id", "assisted_by": "employees.id"},
        )
        .add_table(
            "order_items", pk="id", fk={"order_id": "orders.id", "product_id": "products.id"}
        )
    )  # fmt: skip
    sh.Synthesizer(metadata, seed=0).fit(generator().shop_tables()).save(folder)


def staff(rows: int) -> pl.DataFrame:
    """Make a table of employees; each reports to one of the own department, one level up."""
    import polars as pl

    generator = random.Random(0)
    members: dict[tuple[int, int], list[int]] = {}
    lines: list[tuple[int, int | None, str, str, float]] = []
    for number in range(1, rows + 1):
        department = generator.randrange(6)
        level = 0 if number <= rows // 250 else generator.choice([1, 1, 1, 1, 2, 2, 3, 4])
        while level and (level - 1, department) not in members:
            level -= 1
        above = members.get((level - 1, department), [])
        # the first of a level have many reports, the last ones hardly any
        manager = above[int(len(above) * generator.random() ** 3)] if level else None
        members.setdefault((level, department), []).append(number)
        pay = round(generator.lognormvariate(8 - level / 5, 0.3), 2)
        lines.append((number, manager, f"department {department}", f"grade {level}", pay))
    names = ["id", "manager_id", "department", "grade", "salary"]
    return pl.DataFrame(lines, schema=names, orient="row")


def fit_staff(folder: Path) -> None:
    import synthohive as sh

    metadata = sh.Metadata().add_table("employees", pk="id", fk={"manager_id": "employees.id"})
    sh.Synthesizer(metadata, seed=0).fit({"employees": staff(5_000)}).save(folder)


def run(script: str, *arguments: str | Path) -> tuple[float, ...]:
    """Run a script in a process of its own; the numbers it prints last."""
    command = [sys.executable, "-c", script, *map(str, arguments)]
    output = subprocess.run(command, capture_output=True, check=True, text=True).stdout
    return tuple(float(word) for word in output.split()[-4:])


def print_scales(title: str, fit: Callable[[Path], None], scales: list[str]) -> None:
    """Fit a model, then generate and land with it at several scales."""
    print(f"\n{title}\n")
    print("| scale | rows | seconds | rows/s | MB before | peak MB | landing: seconds | MB more |")
    print("|---|---|---|---|---|---|---|---|")
    with tempfile.TemporaryDirectory() as folder:
        model = Path(folder) / "model"
        started = time.perf_counter()
        fit(model)
        print(f"fitted in {time.perf_counter() - started:.0f} s", file=sys.stderr)
        for scale in scales:
            with tempfile.TemporaryDirectory() as parts:
                rows, seconds, before, peak = run(SCALE, model, scale, parts)
                _, landing, lean, most = run(LAND, model, parts)
            print(
                f"| {scale} | {rows:,.0f} | {seconds:.1f} | {rows / seconds:,.0f} "
                f"| {before:,.0f} | {peak:,.0f} | {landing:.1f} | {most - lean:,.0f} |",
                flush=True,
            )


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--scales", nargs="*", default=["1", "10", "100"])
    parser.add_argument("--staff-scales", nargs="*", default=["10", "100", "1000"])
    arguments = parser.parse_args()
    print("| import | seconds |\n|---|---|")
    for name, statement in IMPORTS.items():
        print(f"| {name} | {import_seconds(statement):.3f} |", flush=True)
    print_scales("The shop:", fit_shop, arguments.scales)
    print_scales("Employees and their managers:", fit_staff, arguments.staff_scales)


if __name__ == "__main__":
    main()
