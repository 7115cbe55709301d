"""One table: how close generated rows come to rows held out, and what it costs.

    python benches/ctgan.py --table tight counts panel months wide numeric vocabulary tiny
    python benches/ctgan.py --table TABLE.csv [--rows 26000] [--seeds 3] [--only default fast]
    python benches/ctgan.py --encode 10000000

Prints a Markdown table for every table; `benches/tables.py` says what they are. Every
generator is fitted and sampled in a process of its own, after torch was imported.
"independent" shuffles every column of the training rows: the floor. "real rows" are the
training rows judged like generated ones: the ceiling; its copies and distances are those of
the rows held out. Needs scikit-learn and xgboost.

- shape, trend: how alike columns, and pairs of columns, are to the rows held out; 1 is best.
- C2ST AUC: how well trees tell generated rows from those held out; 0.5 is best.
- copies: generated rows that equal a training row.
- near, nearest: distance from generated rows to the closest training row, over the same for
  rows held out: the median, and the nearest twentieth. 1 is what fresh rows show.
- rule: generated rows for which holds what holds in every real row.
- rows/s: wall time, all cores, four times the training rows but at least 50,000.
- MiB: peak of fitting and sampling above what the process held before (Linux).

With `--encode`, ten columns of as many kinds are encoded on one core, and decoded in blocks
as generation does it; MiB is the peak above the frame itself.
"""

from __future__ import annotations

import argparse
import json
import subprocess
import sys
import time
from itertools import combinations, pairwise
from typing import TYPE_CHECKING

import numpy as np
import polars as pl

from peers import COSTS, Meter, asked_rows
from synthohive.ctgan import CTGAN
from synthohive.encoding.table import TableEncoder, fit_encoder
from synthohive.models.settings import CTGANSettings
from synthohive.randomness import Stream
from tables import TABLES, load, mixed

if TYPE_CHECKING:
    from tables import Table

KINDS = {
    "independent": None,
    "default": CTGANSettings(),
    "rounds-4": CTGANSettings(rounds=4),
    "rounds-3": CTGANSettings(rounds=3),
    "rounds-2": CTGANSettings(rounds=2),
    "rounds-1": CTGANSettings(rounds=1),
    "fast": CTGANSettings.fast(),
    "classic": CTGANSettings.classic(max_steps=3_000),
    "real rows": None,
}
CHOSEN = ["independent", "default", "fast", "real rows"]
BINS = 10
JUDGED = 6_000
REPEATS = 10
SUSPECTS = 2_000
DECODED = 65_536
DIGITS = {"shape": 3, "trend": 3, "C2ST AUC": 3, "copies %": 2, "near": 2, "nearest": 2}
DIGITS |= {"rule %": 1}


def is_number(series: pl.Series) -> bool:
    return series.dtype.is_numeric()


def numbers(real: pl.Series, made: pl.Series) -> list[np.ndarray]:
    """Return two columns as numbers; equal texts get equal numbers, nulls a NaN or a text."""
    if is_number(real):
        return [s.cast(pl.Float64).fill_null(float("nan")).to_numpy() for s in (real, made)]
    both = pl.concat([real.cast(pl.String), made.cast(pl.String)]).fill_null("")
    ranks = both.rank("dense").to_numpy().astype(np.float64)
    return [ranks[: len(real)], ranks[len(real) :]]


def overlap(real: np.ndarray, made: np.ndarray) -> float:
    """Return 1 - total variation distance of two columns of codes."""
    codes = np.unique(np.concatenate([real, made]), return_inverse=True)[1]
    size = int(codes.max(initial=0)) + 1
    parts = codes[: len(real)], codes[len(real) :]
    p, q = (np.bincount(part, minlength=size) / max(1, len(part)) for part in parts)
    return 1 - float(np.abs(p - q).sum() / 2)


def similarity(real: pl.Series, made: pl.Series) -> float:
    """Return 1 - Kolmogorov-Smirnov distance, or 1 - total variation distance."""
    a, b = numbers(real, made)
    if not is_number(real):
        return overlap(a, b)
    a, b = np.sort(a[~np.isnan(a)]), np.sort(b[~np.isnan(b)])
    at = np.concatenate([a, b])
    cumulated = [np.searchsorted(x, at, side="right") / max(1, len(x)) for x in (a, b)]
    return 1 - float(np.abs(cumulated[0] - cumulated[1]).max(initial=0))


def binned(real: pl.Series, made: pl.Series) -> list[np.ndarray]:
    a, b = numbers(real, made)
    if not is_number(real):
        return [a, b]
    known = a[~np.isnan(a)]
    edges = np.unique(np.quantile(known, np.linspace(0, 1, BINS + 1)[1:-1])) if len(known) else []
    return [np.where(np.isnan(x), BINS, np.digitize(x, edges)) for x in (a, b)]


def correlation(left: np.ndarray, right: np.ndarray) -> float:
    known = ~(np.isnan(left) | np.isnan(right))
    a, b = left[known], right[known]
    if known.sum() < 2 or a.std() == 0 or b.std() == 0:
        return 0.0
    return float(np.corrcoef(a, b)[0, 1])


def trend(real: pl.DataFrame, made: pl.DataFrame) -> float:
    """Return the mean similarity of all pairs of columns."""
    valued = {name: numbers(real[name], made[name]) for name in real.columns}
    coded = {name: binned(real[name], made[name]) for name in real.columns}
    scores: list[float] = []
    for left, right in combinations(real.columns, 2):
        if is_number(real[left]) and is_number(real[right]):
            rho = [correlation(a, b) for a, b in zip(valued[left], valued[right], strict=True)]
            scores.append(1 - abs(rho[0] - rho[1]) / 2)
        else:
            width = max(x.max(initial=0) for x in coded[right]) + 1
            pairs = zip(coded[left], coded[right], strict=True)
            scores.append(overlap(*(x * width + y for x, y in pairs)))
    return float(np.mean(scores))


def detection(real: pl.DataFrame, made: pl.DataFrame, size: int) -> float:
    """Return how well trees tell generated from real rows: AUC, 0.5 is best.

    They see `size` rows of each: the more they see, the better they tell. Few rows are
    judged several times, with other folds and other rows.
    """
    from sklearn.metrics import roc_auc_score
    from sklearn.model_selection import StratifiedKFold
    from xgboost import XGBClassifier

    found: list[float] = []
    for turn in range(min(REPEATS, JUDGED // size)):
        frames = [frame.sample(size, shuffle=True, seed=turn) for frame in (real, made)]
        columns = [np.concatenate(numbers(*(f[name] for f in frames))) for name in real.columns]
        x, y = np.stack(columns, 1), np.repeat([1, 0], size)
        for seen, asked in StratifiedKFold(3, shuffle=True, random_state=turn).split(x, y):
            judge = XGBClassifier(n_estimators=100, learning_rate=0.1, tree_method="hist", n_jobs=1)
            said = judge.fit(x[seen], y[seen]).predict_proba(x[asked])[:, 1]
            found.append(float(roc_auc_score(y[asked], said)))
    return float(np.mean(found))


def closest(train: pl.DataFrame, rows: pl.DataFrame) -> np.ndarray:
    """Return each row's distance to the closest training row: (rows,).

    A number's distance is the share of training rows between the two; that of two
    different texts, or of something and null, is 1.
    """
    pairs: list[tuple[np.ndarray, np.ndarray]] = []
    for name in train.columns:
        known, asked = numbers(train[name], rows[name])
        if is_number(train[name]):
            order = np.sort(known[~np.isnan(known)])
            known, asked = (_ranks(order, values) for values in (known, asked))
        pairs.append((known.astype(np.float32), asked.astype(np.float32)))
    found: list[np.ndarray] = []
    for first in range(0, rows.height, 100):
        total = np.zeros((len(pairs[0][1][first : first + 100]), train.height), np.float32)
        for known, asked in pairs:
            total += np.minimum(np.abs(asked[first : first + 100, None] - known), 1)
        found.append(total.min(1))
    return np.concatenate(found)


def _ranks(order: np.ndarray, values: np.ndarray) -> np.ndarray:
    """Return shares of training rows below; 2 for null, which is far from all others."""
    sides = [np.searchsorted(order, values, side) for side in ("left", "right")]
    return np.where(np.isnan(values), 2.0, sum(sides) / (2 * max(1, len(order))))


def nearness(table: Table, rows: pl.DataFrame) -> tuple[float, float]:
    """Return the median and the 5th percentile of distances, over those of rows held out."""
    parts = [closest(table.train, frame[:SUSPECTS]) for frame in (rows, table.held)]
    made, fresh = (np.quantile(part, [0.5, 0.05]) for part in parts)
    ratio = np.divide(made, fresh, out=np.full(2, np.nan), where=fresh > 0)
    return float(ratio[0]), float(ratio[1])


def judge(table: Table, made: pl.DataFrame, suspects: pl.DataFrame) -> dict[str, float]:
    """Score generated rows; copies and distances are those of the suspects."""
    train, held = table.train, table.held
    same = made[: train.height]
    copies = suspects.join(train, on=train.columns, how="semi", nulls_equal=True).height
    near, nearest = nearness(table, suspects)
    kept = None if table.rule is None else made.select(table.rule.mean()).item()
    return {
        "shape": float(np.mean([similarity(held[c], same[c]) for c in held.columns])),
        "trend": trend(held, same),
        "C2ST AUC": detection(held, made, min(JUDGED, held.height, train.height)),
        "copies %": 100 * copies / suspects.height,
        "near": near,
        "nearest": nearest,
        "rule %": float("nan") if kept is None else 100 * kept,
    }


def measure(name: str, kind: str, rows: int | None, seed: int) -> dict[str, float]:
    """Fit one generator, sample, and judge the rows by those held out."""
    table = load(name, rows, seed)
    train, settings = table.train, KINDS[kind]
    if kind == "real rows":
        return judge(table, train, table.held) | dict.fromkeys(COSTS, float("nan"))
    if settings is None:
        shuffled = [train[c].shuffle(seed=seed + i) for i, c in enumerate(train.columns)]
        made = pl.DataFrame(shuffled)
        return judge(table, made, made) | dict.fromkeys(COSTS, float("nan"))
    CTGAN(epochs=1).fit(train[:50]).sample(1)  # imports torch, which takes seconds
    meter = Meter()
    model = CTGAN(settings=settings, seed=seed).fit(train)
    meter.fitted()
    made = model.sample(asked_rows(train.height))
    costs = meter.sampled(made.height)
    return judge(table, made, made) | costs


def line(kind: str, runs: list[dict[str, float]]) -> str:
    cells = [kind]
    for name in runs[0]:
        values = np.array([run[name] for run in runs])
        if np.isnan(values).all():
            cells.append("–")
            continue
        digits = DIGITS.get(name, 1 if name.startswith("fit") else 0)
        spread = f" ± {np.nanstd(values):.{digits}f}" if name in DIGITS and len(runs) > 1 else ""
        cells.append(f"{np.nanmean(values):,.{digits}f}{spread}")
    return f"| {' | '.join(cells)} |"


def compare(name: str, given: argparse.Namespace) -> None:
    """Print one table's scores, a generator a line."""
    table = load(name, given.rows, 0)
    shape = f"{table.train.height:,} rows to learn from, {table.held.height:,} held out"
    print(f"\n{name}: {table.train.width} columns, {shape}\n")
    for number, kind in enumerate(given.only):
        runs: list[dict[str, float]] = []
        for seed in range(given.seeds):
            task = ["--table", name, "--one", kind, "--seeds", str(seed)]
            task += ["--rows", str(given.rows)] if given.rows else []
            command = [sys.executable, __file__, *task]
            found = subprocess.run(command, check=True, stdout=subprocess.PIPE, text=True)
            runs.append(json.loads(found.stdout))
        if number == 0:
            print(header(runs[0]))
        print(line(kind, runs), flush=True)


def header(run: dict[str, float]) -> str:
    return f"| generator | {' | '.join(run)} |\n|---|{'---:|' * len(run)}"


def encode(frame: pl.DataFrame) -> tuple[TableEncoder, list[float]]:
    """Fit an encoder, encode, and decode as generation does: seconds of the three."""
    times = [time.perf_counter()]
    encoder = fit_encoder(frame, {}, stream=Stream(0))
    times.append(time.perf_counter())
    codes = encoder.encode(frame)
    times.append(time.perf_counter())
    for start in range(0, frame.height, DECODED):
        encoder.decode(codes[start : start + DECODED], Stream(1), start=start)
    times.append(time.perf_counter())
    return encoder, [b - a for a, b in pairwise(times)]


def encode_all(rows: int) -> None:
    """Print what encoding costs, all columns together and each alone."""
    frame = mixed(rows)
    encode(frame[:2_000])  # warms up
    meter = Meter()
    _, seconds = encode(frame)
    print(f"{rows:,} rows, {frame.width} columns, {frame.estimated_size('mb'):,.0f} MiB")
    print()
    print("| columns | codec | codes | fit | encode | decode | MiB |")
    print("|---|---|---|---:|---:|---:|---:|")
    print(f"| all, seconds | | | {' | '.join(f'{s:.2f}' for s in seconds)} | {meter.peak():,.0f} |")
    for name in frame.columns:
        meter = Meter()
        encoder, seconds = encode(frame.select(name))
        cells = [f"{1e6 * s / rows:.3f}" for s in seconds]
        codec, sizes = type(encoder.codecs[name]).__name__, encoder.layout.sizes
        cells = [f"{name}, µs/row", codec, " + ".join(map(str, sizes)), *cells]
        print(f"| {' | '.join(cells)} | {meter.peak():,.0f} |", flush=True)


def main() -> None:
    parser = argparse.ArgumentParser(description=(__doc__ or "").split("\n", 1)[0])
    names = ", ".join(TABLES)
    parser.add_argument("--table", nargs="+", default=[], help=f"{names}, or a CSV file")
    parser.add_argument("--seeds", type=int, default=3)
    parser.add_argument("--rows", type=int, help="rows to learn from; of a CSV file, 26,000")
    parser.add_argument("--only", nargs="+", choices=list(KINDS), default=CHOSEN)
    parser.add_argument("--encode", type=int, metavar="ROWS", help="measure encoding instead")
    parser.add_argument("--one", help=argparse.SUPPRESS)
    given = parser.parse_args()
    if given.one:
        print(json.dumps(measure(given.table[0], given.one, given.rows, given.seeds)))
    elif given.encode:
        encode_all(given.encode)
    elif not given.table:
        parser.error("give --table or --encode")
    else:
        for name in given.table:
            compare(name, given)


if __name__ == "__main__":
    main()
