"""Measure import times, and memory and speed of generation at several scales of the shop.

    python benches/startup_and_scale.py [--scales 1 10 100]

Every figure comes from a process of its own. Import times are medians of five; memory is the
peak of anonymous memory above what the process held after loading the model.
"""

from __future__ import annotations

import argparse
import importlib.util
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from types import ModuleType

SHOP = Path(__file__).resolve().parent.parent / "examples" / "shop"

IMPORTS = {
    "polars": "import polars",
    "polars, synthohive": "import polars, synthohive",
    "dbt's plugin base": "from dbt.adapters.duckdb.plugins import BasePlugin",
    "… and our plugin": "from dbt.adapters.duckdb.plugins import BasePlugin; "
    "import synthohive.dbt.plugin",
}

SCALE = """
import sys, threading, time
import synthohive as sh
from synthohive.landing.stage import Stage

def memory():
    with open("/proc/self/status") as status:
        return next(int(line.split()[1]) / 1024 for line in status if line.startswith("RssAnon"))

hive = sh.Synthesizer.load(sys.argv[1])
with Stage() as stage:  # warm up: torch and the allocators
    for name, frame in hive.stream(scale=1.0):
        stage.write(name, frame)
before, peak, done = memory(), 0.0, False

def watch():
    global peak
    while not done:
        peak = max(peak, memory())
        time.sleep(0.01)

watcher = threading.Thread(target=watch)
watcher.start()
started, rows = time.perf_counter(), 0
with Stage() as stage:
    for name, frame in hive.stream(scale=float(sys.argv[2])):
        stage.write(name, frame)
        rows += frame.height
seconds = time.perf_counter() - started
done = True
watcher.join()
print(rows, seconds, before, peak)
"""


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


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--scales", nargs="*", default=["1", "10", "100"])
    scales = parser.parse_args().scales
    print("| import | seconds |\n|---|---|")
    for name, statement in IMPORTS.items():
        print(f"| {name} | {import_seconds(statement):.3f} |", flush=True)
    print("\n| scale | rows | seconds | rows/s | MB before | peak MB |\n|---|---|---|---|---|---|")
    with tempfile.TemporaryDirectory() as folder:
        started = time.perf_counter()
        fit_shop(Path(folder))
        print(f"fitted in {time.perf_counter() - started:.0f} s", file=sys.stderr)
        for scale in scales:
            command = [sys.executable, "-c", SCALE, folder, scale]
            output = subprocess.run(command, capture_output=True, check=True, text=True).stdout
            rows, seconds, before, peak = (float(word) for word in output.split()[-4:])
            print(
                f"| {scale} | {rows:,.0f} | {seconds:.1f} | {rows / seconds:,.0f} "
                f"| {before:,.0f} | {peak:,.0f} |",
                flush=True,
            )


if __name__ == "__main__":
    main()
