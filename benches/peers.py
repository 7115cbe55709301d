"""Other generators of single tables, fitted on the same rows and judged by the same scores.

    python benches/peers.py --peer ctgan --peer-python PEER/bin/python --table tight counts
    python benches/peers.py --peer mostlyai --peer-python PEER/bin/python --table tight
    python benches/peers.py --steps 1000 --peer-python PEER/bin/python --table tight

They are no dependency: whoever measures makes an environment for each of them, with
`ctgan==0.12.1` or `mostlyai-engine` in it, and names its interpreter. "mostlyai" draws
columns in any order, its default; "mostlyai-fixed" in the order of the table. What a peer
cannot take is prepared as its users would: for ctgan, texts and truth values are discrete
columns, and a null number becomes the median and a flag. CPU seconds and MiB leave out
processes that a peer starts, which favours it. Scores are explained in `benches/ctgan.py`.

With `--steps`, the classic training of both is compared at equal steps, batch, packing and
widths: two hidden blocks of 256, 128 numbers of noise. A step is one step of the critic and
one of the generator; the time spent before the first one is not counted.

A peer runs this file with `-I`, so only the standard library is imported at the top.
"""

from __future__ import annotations

import argparse
import json
import resource
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import pandas as pd
    import polars as pl

COSTS = ("fit s", "fit CPU s", "rows/s", "MiB")
STEP = ("ms/step", "CPU ms/step")
PEERS = ("ctgan", "mostlyai", "mostlyai-fixed")
CLASSIC = "synthohive"
BATCH = 500
WARM = 20


class Meter:
    """Wall and CPU time, and the peak of memory, from now on; memory on Linux only."""

    def __init__(self) -> None:
        Path("/proc/self/clear_refs").write_text("5")  # forget the peak so far
        self._before = self._memory("VmRSS")
        self._wall, self._cpu = time.perf_counter(), time.process_time()
        self._fitted = (0.0, 0.0, 0.0)

    @staticmethod
    def _memory(field: str) -> float:
        lines = Path("/proc/self/status").read_text().splitlines()
        return next(int(line.split()[1]) / 1024 for line in lines if line.startswith(field))

    def peak(self) -> float:
        """Return the peak of memory above the beginning: MiB."""
        return self._memory("VmHWM") - self._before

    def fitted(self) -> None:
        """Note that fitting ended and sampling begins."""
        now = time.perf_counter()
        self._fitted = (now - self._wall, time.process_time() - self._cpu, now)

    def sampled(self, rows: int) -> dict[str, float]:
        """Return all costs, now that so many rows were sampled."""
        wall, cpu, since = self._fitted
        speed = rows / (time.perf_counter() - since)
        return dict(zip(COSTS, (wall, cpu, speed, self.peak()), strict=True))


def asked_rows(learned: int) -> int:
    """Return how many rows to sample: enough to time."""
    return max(4 * learned, 50_000)


# What runs in the interpreter of a peer.


def inside(folder: Path) -> None:
    """Fit and sample as ``task.json`` says; leaves ``made.csv`` and ``costs.json``."""
    task = json.loads((folder / "task.json").read_text())
    limit = task["memory_gib"] << 30
    resource.setrlimit(resource.RLIMIT_DATA, (limit, limit))
    run = {"ctgan": run_ctgan, CLASSIC: run_classic}.get(task["peer"], run_mostlyai)
    (folder / "costs.json").write_text(json.dumps(run(folder, task)))


def read(folder: Path) -> pd.DataFrame:
    import pandas as pd

    return pd.read_csv(folder / "train.csv", keep_default_na=False, na_values=[""])


def run_ctgan(folder: Path, task: dict[str, Any]) -> dict[str, float]:
    import torch

    from ctgan import CTGAN

    if task["threads"]:
        torch.set_num_threads(task["threads"])
    frame, flags = flagged(read(folder))
    ticks, meter = watch_steps(), Meter()
    model = CTGAN(batch_size=BATCH, pac=10, **task["options"])
    model.set_random_state(task["seed"])
    discrete = [c for c in frame.columns if not is_measure(frame[c])]
    model.fit(frame, discrete)
    meter.fitted()
    made = model.sample(task["count"])
    costs = meter.sampled(len(made))
    for name, flag in flags.items():
        made.loc[made.pop(flag).astype(str) == "yes", name] = None
    made.to_csv(folder / "made.csv", index=False)
    return costs | per_step(ticks)


def is_measure(series: pd.Series) -> bool:
    from pandas.api import types

    return types.is_numeric_dtype(series) and not types.is_bool_dtype(series)


def flagged(frame: pd.DataFrame) -> tuple[pd.DataFrame, dict[str, str]]:
    """Fill nulls: with the median, beside a column that says so, or with an empty text."""
    flags: dict[str, str] = {}
    for name in list(frame.columns):
        missing = frame[name].isna()
        if is_measure(frame[name]) and missing.any():
            flags[name] = f"{name} is missing"
            frame[flags[name]] = missing.map({True: "yes", False: "no"})
            frame[name] = frame[name].fillna(frame[name].median())
        elif missing.any():
            frame[name] = frame[name].astype(object).fillna("").astype(str)
    return frame, flags


def run_mostlyai(folder: Path, task: dict[str, Any]) -> dict[str, float]:
    import pandas as pd
    from mostlyai import engine

    place = folder / "workspace"
    frame = read(folder).convert_dtypes()
    engine.set_random_state(task["seed"])
    is_any_order = task["peer"] == "mostlyai"
    meter = Meter()
    engine.split(frame, workspace_dir=place, model_type="TABULAR")
    engine.analyze(workspace_dir=place)
    engine.encode(workspace_dir=place)
    engine.train(workspace_dir=place, enable_flexible_generation=is_any_order, **task["options"])
    meter.fitted()
    engine.generate(workspace_dir=place, sample_size=task["count"])
    made = pd.read_parquet(place / "SyntheticData")
    costs = meter.sampled(len(made))
    made.to_csv(folder / "made.csv", index=False)
    return costs


def run_classic(folder: Path, task: dict[str, Any]) -> dict[str, float]:
    """Train our own classic objective with the sizes of ctgan's defaults."""
    import polars as pl

    from synthohive.ctgan import CTGAN
    from synthohive.models.settings import CTGANSettings

    train = pl.read_parquet(folder / "train.parquet")
    CTGAN(epochs=1).fit(train[:50]).sample(1)
    settings = CTGANSettings.classic(
        batch_size=BATCH, packing=10, width=256, depth=2, noise=128,
        epochs=task["steps"], max_steps=task["steps"],
    )  # fmt: skip
    ticks, meter = watch_steps(), Meter()
    model = CTGAN(settings=settings, seed=task["seed"]).fit(train)
    meter.fitted()
    made = model.sample(task["count"])
    costs = meter.sampled(made.height)
    made.write_csv(folder / "made.csv")
    return costs | per_step(ticks)


def watch_steps() -> list[tuple[float, float]]:
    """Return a list that gets wall and CPU time at every step of any optimiser."""
    from torch.optim.optimizer import register_optimizer_step_post_hook

    ticks: list[tuple[float, float]] = []

    def note(*_: object) -> None:
        ticks.append((time.perf_counter(), time.process_time()))

    register_optimizer_step_post_hook(note)
    return ticks


def per_step(ticks: list[tuple[float, float]]) -> dict[str, float]:
    """Return milliseconds per step; a step is two steps of an optimiser."""
    if len(ticks) < 3 * WARM:
        return dict.fromkeys(STEP, float("nan")) | {"steps": len(ticks) // 2}
    steps = (len(ticks) - 1 - WARM) / 2
    spent = [
        1000 * (last - first) / steps for first, last in zip(ticks[WARM], ticks[-1], strict=True)
    ]
    return dict(zip(STEP, spent, strict=True)) | {"steps": len(ticks) // 2}


# What runs here.


def measure(name: str, peer: str, seed: int, given: argparse.Namespace) -> dict[str, float]:
    """Let a peer fit and sample in its own interpreter, and judge its rows.

    Raises:
        RuntimeError: The peer failed or took too long; the message is its last line.
    """
    from ctgan import judge  # the module beside this one
    from tables import load

    table = load(name, given.rows, seed)
    train, is_ours = table.train, peer == CLASSIC
    per_epoch = max(1, train.height // BATCH)
    epochs = -(-given.steps // per_epoch) if given.steps else given.epochs
    key = "epochs" if peer == "ctgan" else "max_epochs"
    task = {
        "peer": peer,
        "seed": seed,
        "count": asked_rows(train.height),
        "options": {key: epochs} if epochs else {},
        "steps": per_epoch * epochs if given.steps else None,
        "threads": given.threads,
        "memory_gib": given.memory_gib,
    }
    with tempfile.TemporaryDirectory() as place:
        folder = Path(place)
        train.write_csv(folder / "train.csv")
        if is_ours:
            train.write_parquet(folder / "train.parquet")
        (folder / "task.json").write_text(json.dumps(task))
        python = sys.executable if is_ours else given.peer_python
        command = [python, "-I", __file__, "--inside", place]
        try:
            subprocess.run(
                command, check=True, capture_output=True, text=True, timeout=given.timeout
            )
        except subprocess.TimeoutExpired as error:
            raise RuntimeError(f"not done after {given.timeout} s") from error
        except subprocess.CalledProcessError as error:
            last = (error.stderr.strip().splitlines() or ["nothing said"])[-1][:200]
            raise RuntimeError(f"exit {error.returncode}: {last}") from error
        made = read_made(folder / "made.csv", train)
        costs = json.loads((folder / "costs.json").read_text())
    if not given.steps:
        costs = {name: costs[name] for name in COSTS}
    return judge(table, made, made) | costs


def read_made(path: Path, train: pl.DataFrame) -> pl.DataFrame:
    """Read a peer's rows with the dtypes of the rows it learned from."""
    import polars as pl

    made = pl.read_csv(path, infer_schema=False).select(train.columns)
    columns: list[pl.Expr] = []
    for name, dtype in train.schema.items():
        column = pl.col(name)
        if dtype.is_integer():
            column = column.cast(pl.Float64).round().cast(dtype)
        elif dtype == pl.Boolean:
            column = column.str.to_lowercase() == "true"
        columns.append(column.cast(dtype).alias(name))
    return made.select(columns)


def compare(name: str, peers: list[str], given: argparse.Namespace) -> None:
    """Print one table's scores, a peer a line."""
    from ctgan import header, line

    print(f"\n{name}\n")
    is_first = True
    for peer in peers:
        try:
            runs = [measure(name, peer, seed, given) for seed in range(given.seeds)]
        except RuntimeError as error:
            print(f"{peer}: {error}", flush=True)
            continue
        if is_first:
            print(header(runs[0]))
            is_first = False
        print(line(peer, runs), flush=True)


def main() -> None:
    parser = argparse.ArgumentParser(description=(__doc__ or "").split("\n", 1)[0])
    parser.add_argument("--peer", nargs="+", choices=PEERS, default=["ctgan"])
    parser.add_argument("--peer-python", help="interpreter of an environment with the peer")
    parser.add_argument("--table", nargs="+", default=["tight"], help="as in ctgan.py")
    parser.add_argument("--rows", type=int, help="rows to learn from")
    parser.add_argument("--seeds", type=int, default=1)
    parser.add_argument("--epochs", type=int, help="the peer's own default when not given")
    parser.add_argument("--steps", type=int, help="compare the classic training")
    parser.add_argument(
        "--threads", type=int, help="threads of ctgan; its own default if not given"
    )
    parser.add_argument("--timeout", type=int, default=1_800, help="seconds for fit and sample")
    parser.add_argument("--memory-gib", type=int, default=12, help="most memory of a peer")
    parser.add_argument("--inside", type=Path, help=argparse.SUPPRESS)
    given = parser.parse_args()
    if given.inside:
        inside(given.inside)
        return
    if not given.peer_python:
        parser.error("give --peer-python")
    peers = [CLASSIC, "ctgan"] if given.steps else given.peer
    for name in given.table:
        compare(name, peers, given)


if __name__ == "__main__":
    main()
