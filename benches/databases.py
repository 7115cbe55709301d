"""Synthesize real databases through dbt, check them by SQL, and measure time and memory.

    python benches/databases.py DATA [NAME …] [--seed 0] [--out OUT] [--evaluator EVAL.py]

DATA holds one folder per database: tables as CSV or Parquet, and `metadata.json` with their
keys. Each database is loaded into DuckDB, its keys are declared in a dbt project the way
users do, and `dbt run-operation synthesize` runs in a process of its own. With --evaluator, a
script called as ``EVAL REAL SYNTHETIC metadata.json --out FILE`` scores the result.
"""

from __future__ import annotations

import argparse
import json
import os
import shutil
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

import duckdb

PROFILE = {
    "bench": {
        "target": "dev",
        "outputs": {
            "dev": {
                "type": "duckdb",
                "path": "bench.duckdb",
                "plugins": [{"module": "synthohive.dbt.plugin", "alias": "synthohive"}],
            }
        },
    }
}


def quote(name: str) -> str:
    return '"' + name.replace('"', '""') + '"'


def load(folder: Path, tables: dict[str, Any], database: Path) -> None:
    """Load the tables into schema ``raw``; text that holds only timestamps becomes one."""
    con = duckdb.connect(str(database))
    con.execute("CREATE SCHEMA raw")
    for name in tables:
        path = next(p for p in folder.glob(f"{name}.*") if p.suffix in {".csv", ".parquet"})
        con.execute(f"CREATE TABLE raw.{quote(name)} AS SELECT * FROM '{path}'")
        for column, kind, *_ in con.execute(f"DESCRIBE raw.{quote(name)}").fetchall():
            c = quote(column)
            check = f"SELECT count({c}) > 0 AND bool_and(try_cast({c} AS TIMESTAMP) IS NOT NULL)"
            if (
                kind == "VARCHAR"
                and con.execute(f"{check} FROM raw.{quote(name)} WHERE {c} IS NOT NULL").fetchone()[
                    0
                ]
            ):
                con.execute(
                    f"ALTER TABLE raw.{quote(name)} ALTER {c} TYPE TIMESTAMP "
                    f"USING cast({c} AS TIMESTAMP)"
                )
    con.close()


def declared(name: str, table: dict[str, Any]) -> dict[str, Any]:
    """Declare a table's keys: tests for simple ones, settings for composite ones."""
    columns: dict[str, list[Any]] = {column: [] for column in table["columns"]}
    settings: dict[str, Any] = {}
    key = table["pk"] or []
    if len(key) == 1:
        columns[key[0]] += ["unique", "not_null"]
    elif key:
        settings["primary_key"] = key
    for fk in table["fks"]:
        if len(fk["columns"]) == 1:
            to = {"to": f"source('raw', '{fk['parent']}')", "field": fk["parent_columns"][0]}
            columns[fk["columns"][0]].append({"relationships": {"arguments": to}})
        else:
            settings.setdefault("foreign_keys", []).append(
                {"columns": fk["columns"], "to": fk["parent"], "to_columns": fk["parent_columns"]}
            )
    return {
        "name": name,
        "config": {"meta": {"synthohive": settings}} if settings else {},
        "columns": [{"name": c, "data_tests": tests} for c, tests in columns.items() if tests],
    }


def make_project(folder: Path, tables: dict[str, Any], package: str) -> None:
    project = {
        "name": "bench",
        "version": "1.0",
        "profile": "bench",
        "model-paths": ["models"],
        "macro-paths": ["macros"],
    }
    sources = {
        "version": 2,
        "sources": [
            {"name": "raw", "schema": "raw", "tables": [declared(n, t) for n, t in tables.items()]}
        ],
    }
    (folder / "models").mkdir()
    shutil.copytree(Path(package) / "macros", folder / "macros")
    for path, content in (
        ("dbt_project.yml", project),
        ("profiles.yml", PROFILE),
        ("models/sources.yml", sources),
    ):
        (folder / path).write_text(json.dumps(content, indent=1))  # JSON is YAML


def run(folder: Path, seed: int) -> tuple[float, float]:
    """Run the macro in its own process; return seconds and peak memory in MB."""
    started = time.perf_counter()
    command = [
        str(Path(sys.executable).parent / "dbt"), "run-operation", "synthesize",
        "--args", json.dumps({"seed": seed}), "--profiles-dir", ".",
    ]  # fmt: skip
    with tempfile.TemporaryFile("w+") as output:
        process = subprocess.Popen(command, cwd=folder, stdout=output, stderr=subprocess.STDOUT)
        _, status, usage = os.wait4(process.pid, 0)  # this child's own peak, not the largest
        process.returncode = os.waitstatus_to_exitcode(status)
        seconds = time.perf_counter() - started
        output.seek(0)
        told = output.read()
    if process.returncode:
        sys.exit(f"dbt failed:\n{told[-4000:]}")
    print(told, file=sys.stderr)
    return seconds, usage.ru_maxrss / 1024


def check(database: Path, tables: dict[str, Any]) -> dict[str, int]:
    """Count orphans, duplicate keys and differing types by SQL."""
    con = duckdb.connect(str(database), read_only=True)
    found = {"orphans": 0, "duplicate_keys": 0, "other_types": 0}
    for name, table in tables.items():
        synthetic = f"synthetic.{quote(name)}"
        for fk in table["fks"]:
            on = " AND ".join(
                f"c.{quote(a)} = p.{quote(b)}"
                for a, b in zip(fk["columns"], fk["parent_columns"], strict=True)
            )
            known = " AND ".join(f"c.{quote(a)} IS NOT NULL" for a in fk["columns"])
            found["orphans"] += con.execute(
                f"SELECT count(*) FROM {synthetic} c ANTI JOIN synthetic.{quote(fk['parent'])} p "
                f"ON {on} WHERE {known}"
            ).fetchone()[0]
        if table["pk"]:
            keys = ", ".join(quote(c) for c in table["pk"])
            found["duplicate_keys"] += con.execute(
                f"SELECT count(*) - count(DISTINCT ({keys})) FROM {synthetic}"
            ).fetchone()[0]
        real, mine = (
            [row[:2] for row in con.execute(f"DESCRIBE {s}.{quote(name)}").fetchall()]
            for s in ("raw", "synthetic")
        )
        found["other_types"] += sum(a != b for a, b in zip(real, mine, strict=True))
    return found


def export(database: Path, tables: dict[str, Any], out: Path) -> None:
    out.mkdir(parents=True, exist_ok=True)
    con = duckdb.connect(str(database), read_only=True)
    for name in tables:
        path = out / f"{name}.parquet"
        con.execute(f"COPY synthetic.{quote(name)} TO '{path}'")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("data", type=Path)
    parser.add_argument("names", nargs="*", default=["chinook", "berka", "nycflights13"])
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--out", type=Path, help="keep the synthetic tables here, as Parquet")
    parser.add_argument("--evaluator", type=Path, help="score with this script")
    options = parser.parse_args()
    package = subprocess.run(
        [str(Path(sys.executable).parent / "synthohive"), "dbt-path"],
        check=True, capture_output=True, text=True,
    ).stdout.strip()  # fmt: skip
    print("| database | tables | rows | seconds | peak MB | orphans | duplicate keys | types |")
    print("|---|---|---|---|---|---|---|---|")
    for name in options.names:
        measure(options, name, package)


def measure(options: argparse.Namespace, name: str, package: str) -> None:
    source = options.data / name
    tables = json.loads((source / "metadata.json").read_text())["tables"]
    with tempfile.TemporaryDirectory() as temporary:
        folder = Path(temporary)
        load(source, tables, folder / "bench.duckdb")
        make_project(folder, tables, package)
        seconds, memory = run(folder, options.seed)
        found = check(folder / "bench.duckdb", tables)
        con = duckdb.connect(str(folder / "bench.duckdb"), read_only=True)
        rows = sum(
            con.execute(f"SELECT count(*) FROM synthetic.{quote(t)}").fetchone()[0] for t in tables
        )
        con.close()
        print(
            f"| {name} | {len(tables)} | {rows:,} | {seconds:.0f} | {memory:,.0f} "
            f"| {found['orphans']} | {found['duplicate_keys']} "
            f"| {'equal' if not found['other_types'] else found['other_types']} |",
            flush=True,
        )
        out = (options.out or folder / "out") / name
        export(folder / "bench.duckdb", tables, out)
        if options.evaluator:
            score(options.evaluator, source, out)


def score(evaluator: Path, real: Path, synthetic: Path) -> None:
    path = synthetic / "scores.json"
    subprocess.run(
        [sys.executable, str(evaluator), str(real), str(synthetic), str(real / "metadata.json"),
         "--out", str(path)],
        check=True, stdout=subprocess.DEVNULL,
        env={**os.environ, "EVAL_JOBS": "2"},
    )  # fmt: skip
    print(f"\n{real.name}: {json.dumps(json.loads(path.read_text())['summary'])}\n", flush=True)


if __name__ == "__main__":
    main()
