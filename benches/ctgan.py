"""One table: how close generated rows come to rows held out, and how long it takes.

    python benches/ctgan.py TABLE.csv [--seeds 3] [--rows 26000] [--only default rounds-8]

Prints a Markdown table. Every generator is fitted and sampled in a process of its own;
"real rows" are training rows judged like generated ones (their copies are the rows held
out that were also learned from), "independent" shuffles every column of them. Needs
scikit-learn and xgboost.
"""

from __future__ import annotations

import argparse
import json
import resource
import subprocess
import sys
import time
from itertools import combinations
from pathlib import Path

import numpy as np
import polars as pl

from synthohive.ctgan import CTGAN
from synthohive.models.settings import CTGANSettings

KINDS = {
    "real rows": None,
    "independent": None,
    "default": CTGANSettings(),
    "rounds-8": CTGANSettings(rounds=8),
    "rounds-4": CTGANSettings(rounds=4),
    "rounds-4, critic": CTGANSettings(rounds=4, adversarial_steps=1_500, noise=32),
    "fast": CTGANSettings.fast(),
    "classic": CTGANSettings.classic(max_steps=3_000),
}
BINS = 10
JUDGED = 6_000


def split(path: Path, rows: int, seed: int) -> tuple[pl.DataFrame, pl.DataFrame]:
    """Read a CSV file, shuffle it, and split off the rows to learn from."""
    frame = pl.read_csv(path, infer_schema_length=None)
    text = [name for name, dtype in frame.schema.items() if dtype == pl.String]
    frame = frame.with_columns(pl.col(text).str.strip_chars())
    frame = frame.sample(fraction=1.0, shuffle=True, seed=seed)
    return frame[:rows], frame[rows:]


def is_number(series: pl.Series) -> bool:
    return series.dtype.is_numeric()


def numbers(real: pl.Series, made: pl.Series) -> list[np.ndarray]:
    """Return two columns as numbers; equal texts get equal numbers."""
    if is_number(real):
        return [s.cast(pl.Float64).fill_null(float("nan")).to_numpy() for s in (real, made)]
    both = pl.concat([real.cast(pl.String), made.cast(pl.String)]).fill_null("")
    ranks = both.rank("dense").to_numpy().astype(np.float64)
    return [ranks[: len(real)], ranks[len(real) :]]


def shares(codes: list[np.ndarray]) -> list[np.ndarray]:
    size = int(max(c.max(initial=0) for c in codes)) + 1
    return [np.bincount(c.astype(np.int64), minlength=size) / max(1, len(c)) for c in codes]


def similarity(real: pl.Series, made: pl.Series) -> float:
    """Return 1 - Kolmogorov-Smirnov distance, or 1 - total variation distance."""
    a, b = numbers(real, made)
    if is_number(real):
        a, b = np.sort(a[~np.isnan(a)]), np.sort(b[~np.isnan(b)])
        at = np.concatenate([a, b])
        cumulated = [np.searchsorted(x, at, side="right") / max(1, len(x)) for x in (a, b)]
        return 1 - float(np.abs(cumulated[0] - cumulated[1]).max())
    p, q = shares([a, b])
    return 1 - float(np.abs(p - q).sum() / 2)


def binned(real: pl.Series, made: pl.Series) -> list[np.ndarray]:
    a, b = numbers(real, made)
    if not is_number(real):
        return [a, b]
    inner = np.linspace(0, 1, BINS + 1)[1:-1]
    edges = np.unique(np.quantile(a[~np.isnan(a)], inner))
    return [np.where(np.isnan(x), BINS, np.digitize(x, edges)) for x in (a, b)]


def trend(real: pl.DataFrame, made: pl.DataFrame) -> float:
    """Return the mean similarity of all pairs of columns."""
    scores: list[float] = []
    for left, right in combinations(real.columns, 2):
        if is_number(real[left]) and is_number(real[right]):
            rho = [frame.select(pl.corr(left, right)).item() for frame in (real, made)]
            scores.append(1 - abs(np.nan_to_num(rho[0]) - np.nan_to_num(rho[1])) / 2)
            continue
        a, b = binned(real[left], made[left]), binned(real[right], made[right])
        width = max(x.max() for x in b) + 1
        p, q = shares([x * width + y for x, y in zip(a, b, strict=True)])
        scores.append(1 - float(np.abs(p - q).sum() / 2))
    return float(np.mean(scores))


def detection(real: pl.DataFrame, made: pl.DataFrame) -> float:
    """Return how well trees tell generated from real rows: AUC, 0.5 is best."""
    from sklearn.metrics import roc_auc_score
    from sklearn.model_selection import StratifiedKFold
    from xgboost import XGBClassifier

    size = min(JUDGED, real.height, made.height)
    columns = [np.concatenate(numbers(real[c][:size], made[c][:size])) for c in real.columns]
    x, y = np.stack(columns, 1), np.repeat([1, 0], size)
    said = np.zeros(len(y))
    for seen, asked in StratifiedKFold(3, shuffle=True, random_state=0).split(x, y):
        judge = XGBClassifier(n_estimators=100, learning_rate=0.1, tree_method="hist", n_jobs=1)
        said[asked] = judge.fit(x[seen], y[seen]).predict_proba(x[asked])[:, 1]
    return float(roc_auc_score(y, said))


def measure(path: Path, kind: str, rows: int, seed: int) -> dict[str, float]:
    """Fit one generator, sample as many rows, and judge them by the rows held out."""
    train, held = split(path, rows, seed)
    seconds = speed = float("nan")
    if kind == "independent":
        made = train.select(pl.col(c).shuffle(seed=seed + i) for i, c in enumerate(train.columns))
    elif kind == "real rows":
        made = train
    else:
        started, used = time.perf_counter(), time.process_time()
        model = CTGAN(settings=KINDS[kind], seed=seed).fit(train)
        seconds = time.process_time() - used
        print(f"{kind}, seed {seed}: {time.perf_counter() - started:.0f} s", file=sys.stderr)
        used = time.process_time()
        made = model.sample(train.height)
        speed = train.height / (time.process_time() - used)
    suspects = held if kind == "real rows" else made
    copies = suspects.join(train, on=train.columns, how="semi", nulls_equal=True).height
    return {
        "shape": float(np.mean([similarity(held[c], made[c]) for c in held.columns])),
        "trend": trend(held, made),
        "C2ST AUC": detection(held, made),
        "copies %": 100 * copies / suspects.height,
        "fit, CPU s": seconds,
        "rows per CPU s": speed,
        "peak MiB": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024,
    }


def line(kind: str, runs: list[dict[str, float]]) -> str:
    digits = {"shape": 3, "trend": 3, "C2ST AUC": 3, "copies %": 2}
    cells = [kind]
    for name in runs[0]:
        values = np.array([run[name] for run in runs])
        if np.isnan(values).all():
            cells.append("–")
            continue
        spread = f" ± {values.std():.{digits[name]}f}" if name in digits and len(runs) > 1 else ""
        cells.append(f"{values.mean():,.{digits.get(name, 0)}f}{spread}")
    return f"| {' | '.join(cells)} |"


def main() -> None:
    parser = argparse.ArgumentParser(description=(__doc__ or "").split("\n", 1)[0])
    parser.add_argument("table", type=Path, help="a CSV file")
    parser.add_argument("--seeds", type=int, default=3)
    parser.add_argument("--rows", type=int, default=26_000, help="rows to learn from")
    parser.add_argument("--only", nargs="+", choices=list(KINDS), default=list(KINDS))
    parser.add_argument("--one", help=argparse.SUPPRESS)
    given = parser.parse_args()
    if given.one:
        print(json.dumps(measure(given.table, given.one, given.rows, given.seeds)))
        return
    is_first = True
    for kind in given.only:
        runs: list[dict[str, float]] = []
        for seed in range(given.seeds):
            task = [str(given.table), "--one", kind, "--rows", str(given.rows)]
            command = [sys.executable, __file__, *task, "--seeds", str(seed)]
            found = subprocess.run(command, check=True, stdout=subprocess.PIPE, text=True)
            runs.append(json.loads(found.stdout))
        if is_first:
            print(f"| generator | {' | '.join(runs[0])} |\n|---|{'---:|' * len(runs[0])}")
            is_first = False
        print(line(kind, runs), flush=True)


if __name__ == "__main__":
    main()
