from __future__ import annotations

import os
import subprocess
import sys

SCRIPT = """
import hashlib
import polars as pl
from synthohive import kernels

at = {"seed": 5, "stream": 2}
counts = kernels.draw_uniform(60_000, 7, **at)
rows = kernels.parent_rows(counts)
n = len(rows)
weights = kernels.uniform(60_000, **at)
groups = kernels.draw_uniform(n, 300, seed=6, stream=2)
parent_groups = kernels.draw_uniform(60_000, 280, seed=7, stream=2)
right = kernels.draw_uniform(n, 9, seed=8, stream=2)
texts = pl.DataFrame({"k": "key of a parent " + groups.cast(pl.String), "l": right})
repeated = kernels.repeat(pl.DataFrame({"a": counts, "b": weights}), counts)
answers = [
    *repeated,
    kernels.draw_weighted(n, weights, **at),
    kernels.draw_grouped(groups, parent_groups, weights, **at),
    kernels.draw_quota(groups, parent_groups, counts, **at),
    kernels.distinct_pairs(rows, right, 9, **at),
    kernels.permutation(n, **at),
    *kernels.row_ids(texts, texts.slice(n // 3)),
]
digest = hashlib.sha256(str(kernels.check_unique(texts)).encode())
for answer in answers:
    digest.update(answer.fill_null(0).cast(pl.Float64).to_numpy().tobytes())
print(digest.hexdigest())
"""


def digest(threads: int) -> str:
    environment = {**os.environ, "RAYON_NUM_THREADS": str(threads), "POLARS_MAX_THREADS": "1"}
    run = subprocess.run(
        [sys.executable, "-c", SCRIPT], env=environment, check=True, capture_output=True, text=True
    )
    return run.stdout


def test_one_thread_and_four_give_the_same_bytes_in_other_processes() -> None:
    assert digest(1) == digest(4)
