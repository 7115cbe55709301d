"""Time the kernels against the best other way to do the same, and print a Markdown table.

    python benches/kernels.py [--rows 10000000] [--repeats 5]

Every number is the median of one run's repeats, in milliseconds, on children drawn from a
quarter as many parents. "Floor" is the time to copy as many bytes as the result has.
"""

from __future__ import annotations

import argparse
import os
import time
from collections.abc import Callable
from dataclasses import dataclass
from statistics import median

import duckdb
import numpy as np
import polars as pl

from synthohive import kernels

Job = Callable[[], object]


@dataclass(frozen=True, slots=True, kw_only=True)
class Case:
    """One job, ours and the others' way of doing it."""

    name: str
    ours: Job
    others: dict[str, Job]
    result_bytes: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Data:
    """What all cases work on."""

    counts: pl.Series
    rows: pl.Series
    codes: pl.DataFrame
    wide: pl.DataFrame
    weights: pl.Series
    groups: pl.Series
    parent_groups: pl.Series


def main() -> None:
    """Run all cases and print the table."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rows", type=int, default=10_000_000)
    parser.add_argument("--repeats", type=int, default=5)
    parser.add_argument("--only", default="", help="run the cases whose name contains this")
    arguments = parser.parse_args()
    data = make(arguments.rows)
    cases = [*expansion(data), *drawing(data), *whole_job(data), *integrity(data)]
    print(
        f"{len(data.rows):,} children of {len(data.counts):,} parents, {os.cpu_count()} cores, "
        f"median of {arguments.repeats}, ms\n"
    )
    print("| job | synthohive | best other | times faster | others | floor |")
    print("|---|---:|---:|---:|---|---:|")
    for case in cases:
        if arguments.only in case.name:
            print(line(case, arguments.repeats), flush=True)


def make(rows: int) -> Data:
    """Draw counts, codes, columns and groups from a fixed seed."""
    rng = np.random.default_rng(1)
    parents = max(rows // 4, 1)
    counts = pl.Series(rng.poisson(4, parents).astype(np.uint32))
    codes = pl.DataFrame(
        {
            "a": rng.integers(0, 200, parents).astype(np.uint8),
            "b": rng.integers(0, 40_000, parents).astype(np.uint16),
            "c": rng.integers(0, parents, parents).astype(np.uint32),
        }
    )
    wide = pl.DataFrame(
        {
            "i": rng.integers(0, 1 << 40, parents),
            "f": rng.random(parents),
            "s": pl.Series(rng.integers(0, parents, parents)).cast(pl.String) + "-name-of-parent",
        }
    )
    return Data(
        counts=counts,
        rows=kernels.parent_rows(counts),
        codes=codes,
        wide=wide,
        weights=pl.Series(rng.gamma(0.5, 1.0, parents)),
        groups=pl.Series(rng.integers(0, 1000, int(counts.sum())).astype(np.uint32)),
        parent_groups=pl.Series(rng.integers(0, 1000, parents).astype(np.uint32)),
    )


def expansion(data: Data) -> list[Case]:
    """Counts to positions, and parent columns repeated."""
    counts, rows = data.counts, data.rows
    positions = np.arange(len(counts), dtype=np.uint32)
    lists = pl.DataFrame({"row": pl.Series(positions), "n": counts})
    numpy_counts = counts.to_numpy()
    columns = {name: data.codes[name].to_numpy() for name in data.codes.columns}
    return [
        Case(
            name="expand counts",
            ours=lambda: kernels.parent_rows(counts),
            others={
                "numpy.repeat": lambda: np.repeat(positions, numpy_counts),
                "polars repeat_by": lambda: lists.select(
                    pl.col("row").repeat_by("n").explode(empty_as_null=False)
                ),
            },
            result_bytes=4 * len(rows),
        ),
        Case(
            name="repeat 3 code columns",
            ours=lambda: kernels.repeat(data.codes, counts),
            others={
                "numpy.repeat": lambda: [np.repeat(c, numpy_counts) for c in columns.values()],
                "polars gather": lambda: data.codes.select(pl.all().gather(rows)),
            },
            result_bytes=7 * len(rows),
        ),
        Case(
            name="repeat 3 wide columns",
            ours=lambda: kernels.repeat(data.wide, counts),
            others={"polars gather": lambda: data.wide.select(pl.all().gather(rows))},
            result_bytes=32 * len(rows),
        ),
    ]


def drawing(data: Data) -> list[Case]:
    """Parents for rows that have none yet."""
    n, parents = len(data.rows), len(data.counts)
    address = {"seed": 7, "stream": 1}
    weights = data.weights.to_numpy()
    shares = weights / weights.sum()
    all_parents = pl.Series(np.arange(parents, dtype=np.uint32))
    quotas = data.counts
    return [
        Case(
            name="uniform numbers",
            ours=lambda: kernels.uniform(n, **address),
            others={"numpy Generator": lambda: np.random.default_rng(7).random(n)},
            result_bytes=8 * n,
        ),
        Case(
            name="keys, uniform",
            ours=lambda: kernels.draw_uniform(n, parents, **address),
            others={
                "polars sample": lambda: all_parents.sample(n, with_replacement=True, seed=7),
                "numpy Generator": lambda: np.random.default_rng(7).integers(
                    0, parents, n, dtype=np.uint32
                ),
            },
            result_bytes=4 * n,
        ),
        Case(
            name="keys, weighted",
            ours=lambda: kernels.draw_weighted(n, data.weights, **address),
            others={"numpy choice": lambda: np.random.default_rng(7).choice(parents, n, p=shares)},
            result_bytes=4 * n,
        ),
        Case(
            name="keys, weighted in 1000 groups",
            ours=lambda: kernels.draw_grouped(
                data.groups, data.parent_groups, data.weights, **address
            ),
            others={},
            result_bytes=4 * n,
        ),
        Case(
            name="keys, by quota in 1000 groups",
            ours=lambda: kernels.draw_quota(data.groups, data.parent_groups, quotas, **address),
            others={},
            result_bytes=4 * n,
        ),
        Case(
            name="shuffle",
            ours=lambda: kernels.permutation(n, **address),
            others={
                "numpy permutation": lambda: np.random.default_rng(7).permutation(
                    np.arange(n, dtype=np.uint32)
                ),
                "polars shuffle": lambda: pl.int_range(n, eager=True, dtype=pl.UInt32).shuffle(7),
            },
            result_bytes=4 * n,
        ),
        Case(
            name="distinct pairs",
            ours=lambda: kernels.distinct_pairs(
                data.rows, kernels.draw_uniform(n, 50, **address), 50, **address
            ),
            others={},
            result_bytes=4 * n,
        ),
    ]


def whole_job(data: Data) -> list[Case]:
    """Expand, repeat the codes and draw a second parent, as generation does."""
    counts, n, parents = data.counts, len(data.rows), len(data.counts)
    frame = data.codes.with_columns(pl.int_range(parents, dtype=pl.UInt32).alias("row"), n=counts)
    second = pl.int_range(parents, dtype=pl.UInt32, eager=True)

    def ours() -> pl.DataFrame:
        drawn = kernels.draw_uniform(n, parents, seed=7, stream=1)
        repeated = kernels.repeat(data.codes, counts)
        return repeated.with_columns(row=kernels.parent_rows(counts), second=drawn)

    def by_gather() -> pl.DataFrame:
        rows = frame.select(pl.col("row").repeat_by("n").explode(empty_as_null=False)).to_series()
        drawn = second.sample(n, with_replacement=True, seed=7)
        return data.codes.select(pl.all().gather(rows)).with_columns(row=rows, second=drawn)

    def by_explode() -> pl.DataFrame:
        columns = [*data.codes.columns, "row"]
        repeated = frame.select(
            pl.col(columns).repeat_by("n").explode(empty_as_null=False),
        )
        return repeated.with_columns(second=second.sample(n, with_replacement=True, seed=7))

    return [
        Case(
            name="expand, repeat and keys together",
            ours=ours,
            others={"polars gather": by_gather, "polars repeat_by": by_explode},
            result_bytes=15 * n,
        )
    ]


def integrity(data: Data) -> list[Case]:
    """Orphans and duplicates."""
    parents = len(data.counts)
    n = len(data.rows)
    dense = pl.DataFrame({"k": pl.int_range(parents, dtype=pl.Int64, eager=True)})
    factor = 7_919_000_003  # spreads the keys far beyond what can be looked up by address
    child = pl.DataFrame({"k": kernels.draw_uniform(n, parents, seed=7, stream=1).cast(pl.Int64)})
    sparse, sparse_child = dense.select(pl.col("k") * factor), child.select(pl.col("k") * factor)
    text, text_child = (f.select("key-" + pl.col("k").cast(pl.String)) for f in (dense, child))
    unique = pl.DataFrame({"k": kernels.permutation(n, seed=7, stream=1).cast(pl.Int64)})
    uniques = {
        "dense ints": unique,
        "sparse ints": unique.select(pl.col("k") * factor),
        "strings": unique.select("key-" + pl.col("k").cast(pl.String)),
    }
    cases = [
        ("dense ints", child, dense),
        ("sparse ints", sparse_child, sparse),
        ("strings", text_child, text),
    ]
    return [
        Case(
            name=f"orphans, {name}",
            ours=lambda a=a, b=b: kernels.check_foreign_key(a, b),
            others={
                "duckdb anti join": anti_join(a, b),
                "polars anti join": lambda a=a, b=b: a.join(b, on=a.columns[0], how="anti").height,
            },
            result_bytes=a.estimated_size(),
        )
        for name, a, b in cases
    ] + [
        Case(
            name=f"duplicates, {name}",
            ours=lambda a=a: kernels.check_unique(a),
            others={
                "polars is_first_distinct": lambda a=a: (
                    (~a.to_series().is_first_distinct()).arg_true().head(5)
                )
            },
            result_bytes=a.estimated_size(),
        )
        for name, a in uniques.items()
    ]


def anti_join(child: pl.DataFrame, parent: pl.DataFrame) -> Job:
    """Count orphans in DuckDB, on tables it holds itself."""
    connection = duckdb.connect()
    for name, frame in (("child", child), ("parent", parent)):
        fill(connection, name, frame.to_series())
    query = "select count(*) from child anti join parent using (k)"
    return lambda: connection.execute(query).fetchone()


def fill(connection: duckdb.DuckDBPyConnection, name: str, column: pl.Series) -> None:
    """Copy a column into a table, by way of what DuckDB reads without further packages."""
    values = column.to_numpy() if column.dtype == pl.Int64 else column.to_numpy().astype(object)
    connection.execute(f"create table {name} as select unnest($1) as k", [values])


def line(case: Case, repeats: int) -> str:
    """One line of the table."""
    source = np.ones(case.result_bytes, np.uint8)
    ours, floor, *rest = timed([case.ours, source.copy, *case.others.values()], repeats)
    others = dict(zip(case.others, rest, strict=True))
    best = min(others.values(), default=None)
    listed = ", ".join(f"{name} {ms:.0f}" for name, ms in others.items())
    faster = f"{best:.0f} | {best / ours:.1f}" if best else " | "
    return f"| {case.name} | {ours:.0f} | {faster} | {listed} | {floor:.0f} |"


def timed(jobs: list[Job], repeats: int) -> list[float]:
    """Median milliseconds of each job, after one run to warm up.

    The jobs take turns, so that whatever else the machine does meets all of them.
    """
    times: list[list[float]] = [[] for _ in jobs]
    for turn in range(repeats + 1):
        for job, measured in zip(jobs, times, strict=True):
            begin = time.perf_counter()
            result = job()
            if turn:
                measured.append(time.perf_counter() - begin)
            del result
    return [median(measured) * 1000 for measured in times]


if __name__ == "__main__":
    main()
