"""Every driver row gets its children, and every row its keys."""

from __future__ import annotations

import subprocess
import sys

import duckdb
import numpy as np
import polars as pl
import pytest

import synthohive as sh


def children_of(counts: np.ndarray) -> pl.DataFrame:
    """A child table with so many rows for each of the parents 0, 1, ..."""
    return pl.DataFrame({"parent_id": np.repeat(np.arange(len(counts)), counts)})


def parents(count: int, **columns) -> pl.DataFrame:
    return pl.DataFrame({"id": np.arange(count), **columns})


def sampled(method: str, counts: np.ndarray, rows: int, seed: int = 4) -> np.ndarray:
    linkage = sh.LinkageModel(method=method).fit(
        parents(len(counts)), children_of(counts), fk_col="parent_id", pk_col="id"
    )
    return linkage.sample_counts(parents(rows), seed=seed).to_numpy().astype(np.int64)


@pytest.mark.parametrize("method", ["empirical", "conditional"])
def test_12_counts_have_the_real_distribution(method):
    real = np.random.default_rng(1).integers(0, 6, 2_000)
    mine = sampled(method, real, 2_000)
    shares = [np.bincount(x, minlength=6) / len(x) for x in (real, mine)]
    assert len(shares[1]) == 6, "more children than any real parent has"
    assert np.abs(shares[0] - shares[1]).sum() / 2 < 0.05
    assert shares[1][0] == pytest.approx(shares[0][0], abs=0.03)


def test_13_counts_follow_the_segment(make_shop):
    real = make_shop(users=2_000, seed=8)
    linkage = sh.LinkageModel(seed=1).fit(
        real["users"], real["orders"], fk_col="user_id", pk_col="id"
    )
    counts = real["users"].with_columns(orders=linkage.sample_counts(real["users"], seed=2))
    theirs = _orders_by_segment(real["users"], real["orders"])
    mine = dict(counts.group_by("segment").agg(pl.col("orders").mean()).iter_rows())
    assert theirs == pytest.approx({"basic": 1.3, "plus": 4.0, "business": 10.3}, rel=0.1)
    assert mine == pytest.approx(theirs, rel=0.15)
    assert _eta_squared(counts, "segment", "orders") >= 0.6


def test_13_counts_follow_the_segment_in_a_synthetic_database(shop, shop_copy):
    theirs = _orders_by_segment(shop["users"], shop["orders"])
    mine = _orders_by_segment(shop_copy["users"], shop_copy["orders"])
    assert mine == pytest.approx(theirs, rel=0.15)
    counts = _with_counts(shop_copy["users"], shop_copy["orders"])
    assert _eta_squared(counts, "segment", "orders") >= 0.6


def _with_counts(users: pl.DataFrame, orders: pl.DataFrame) -> pl.DataFrame:
    made = orders.group_by("user_id").agg(orders=pl.len())
    joined = users.join(made, left_on="id", right_on="user_id", how="left")
    return joined.with_columns(pl.col("orders").fill_null(0))


def _orders_by_segment(users: pl.DataFrame, orders: pl.DataFrame) -> dict[str, float]:
    counts = _with_counts(users, orders)
    return dict(counts.group_by("segment").agg(pl.col("orders").mean()).iter_rows())


def _eta_squared(frame: pl.DataFrame, group: str, value: str) -> float:
    """Share of the variance that lies between groups."""
    values = frame.select(pl.col(value).cast(pl.Float64), mean=pl.col(value).mean().over(group))
    return float(values["mean"].var(ddof=0) / values[value].var(ddof=0))


def test_14_negbinom_keeps_mean_and_variance():
    real = np.random.default_rng(2).negative_binomial(2, 0.25, 4_000)
    assert real.var() > 2 * real.mean()
    mine = sampled("negbinom", real, 8_000)
    assert mine.mean() == pytest.approx(real.mean(), rel=0.15)
    assert mine.var() == pytest.approx(real.var(), rel=0.15)


def test_14_negbinom_is_poisson_or_constant_where_there_is_no_overdispersion():
    even = np.random.default_rng(3).binomial(6, 0.5, 4_000)
    assert even.var() < even.mean()
    mine = sampled("negbinom", even, 8_000)
    assert mine.mean() == pytest.approx(even.mean(), rel=0.05)
    assert mine.var() == pytest.approx(even.mean(), rel=0.1)
    assert set(sampled("negbinom", np.full(50, 3), 200)) == {3}
    assert set(sampled("negbinom", np.zeros(50, np.int64), 200)) == {0}


def three_levels() -> sh.Metadata:
    return (
        sh.Metadata()
        .add_table("users", pk="id")
        .add_table("orders", pk="id", fk={"user_id": "users.id"})
        .add_table("order_items", pk="id", fk={"order_id": "orders.id"})
    )


@pytest.fixture
def childless() -> dict[str, pl.DataFrame]:
    """Users without a single order."""
    orders = {
        "id": pl.Int64,
        "user_id": pl.Int32,
        "total": pl.Decimal(10, 2),
        "at": pl.Datetime("us", "UTC"),
        "paid": pl.Boolean,
        "status": pl.Categorical,
    }
    items = {"id": pl.String, "order_id": pl.Int64, "day": pl.Date, "price": pl.Float32}
    users = pl.DataFrame(
        {"id": pl.Series(range(1, 31), dtype=pl.Int32), "plan": ["free", "paid"] * 15}
    )
    return {
        "users": users,
        "orders": pl.DataFrame(schema=orders),
        "order_items": pl.DataFrame(schema=items),
    }


def test_15_no_children_are_an_empty_table_with_all_its_columns(childless, quick):
    told = []
    hive = sh.Synthesizer(three_levels(), ctgan=quick, on_event=told.append).fit(childless)
    copy = hive.sample(scale=2)
    assert copy["users"].height == 60
    for name in ("orders", "order_items"):
        assert copy[name].height == 0
        assert copy[name].schema == childless[name].schema
    rows = {e.table: (e.rows, e.total) for e in told if isinstance(e, sh.events.RowsGenerated)}
    assert rows == {"users": (60, 60), "orders": (0, 0), "order_items": (0, 0)}
    with duckdb.connect() as con:
        landing = sh.land(copy, con, metadata=three_levels())
        assert [(table.name, table.rows) for table in landing.tables] == [
            ("users", 60),
            ("orders", 0),
            ("order_items", 0),
        ]
        columns = con.execute("DESCRIBE synthetic.orders").fetchall()
        assert {row[0]: row[1] for row in columns} == {
            "id": "BIGINT",
            "user_id": "INTEGER",
            "total": "DECIMAL(10,2)",
            "at": "TIMESTAMP WITH TIME ZONE",
            "paid": "BOOLEAN",
            "status": "VARCHAR",
        }
        [(empty,)] = con.execute("SELECT count(*) FROM synthetic.order_items").fetchall()
        assert empty == 0


def test_15_an_asked_for_empty_root_empties_everything_below(quick):
    real = {
        "users": parents(20, plan=["free", "paid"] * 10),
        "orders": pl.DataFrame({"id": range(40), "user_id": [i // 2 for i in range(40)]}),
        "order_items": pl.DataFrame({"id": range(80), "order_id": [i // 2 for i in range(80)]}),
    }
    hive = sh.Synthesizer(three_levels(), ctgan=quick).fit(real)
    copy = hive.sample(rows={"users": 0})
    for name, frame in copy.items():
        assert frame.height == 0
        assert frame.schema == real[name].schema


def test_16_poor_tables_are_learned_all_the_same(quick):
    real = {
        "users": pl.DataFrame(
            {"id": [7], "region": ["N"], "note": [None], "age": pl.Series([None], dtype=pl.Int64)}
        ),
        "orders": pl.DataFrame(
            {
                "id": range(6),
                "user_id": [7] * 6,
                "country": ["DE"] * 6,
                "refund": pl.Series([None] * 6, dtype=pl.Float64),
                "value": [1.0, 2.5, 2.5, 4.0, 5.0, 9.5],
            }
        ),
        "order_items": pl.DataFrame(schema={"id": pl.Int64, "order_id": pl.Int64}),
    }
    copy = sh.Synthesizer(three_levels(), ctgan=quick).fit(real).sample(rows={"users": 5})
    assert copy["users"].height == 5
    assert copy["orders"].height == 30
    assert set(copy["orders"]["country"]) == {"DE"}
    assert copy["orders"]["refund"].null_count() == 30
    assert copy["users"]["age"].null_count() == 5
    assert copy["order_items"].height == 0
    for name, frame in copy.items():
        assert frame.schema == real[name].schema


def test_17_primary_keys_count_the_rows_there_are(shop_copy, shop_hive):
    for copy in (shop_copy, shop_hive.sample(scale=0.05), shop_hive.sample(rows={"users": 0})):
        for name in ("users", "orders", "order_items"):
            assert copy[name]["id"].to_list() == list(range(1, copy[name].height + 1))
    assert shop_copy["orders"].height != 0


def test_17_text_keys_keep_their_form_and_two_runs_can_share_a_source(shop, shop_hive, shop_copy):
    assert shop_copy["products"]["sku"].str.contains(r"^SKU-\d{3}$").all()
    assert shop_copy["products"]["sku"].dtype == shop["products"]["sku"].dtype
    other = shop_hive.sample(scale=0.2, seed=3, first_key=1_000_000)
    for table, key in (("users", "id"), ("products", "sku"), ("orders", "id")):
        assert not set(other[table][key]) & set(shop_copy[table][key])
    assert other["orders"]["id"].to_list() == list(
        range(1_000_000, 1_000_000 + len(other["orders"]))
    )
    assert set(other["orders"]["user_id"]) <= set(other["users"]["id"])


@pytest.mark.parametrize(
    ("real_keys", "pattern"),
    [
        ([f"SKU-{n}" for n in range(1, 161)], r"^SKU-[1-9]\d{0,2}$"),
        ([f"SKU-{n}" for n in range(100, 260)], r"^SKU-[1-9]\d{2}$"),
        ([f"sku_{7 * n * n}" for n in range(12, 172)], r"^sku_[1-9]\d{3,}$"),
        ([f"N{n}{'UA' if n % 3 else 'DL'}" for n in range(200, 360)], r"^N\d{3}[A-Z]{2}$"),
    ],
    ids=["from 1 on", "of one width", "far apart", "of a form"],
)
def test_17_text_keys_without_zeros_in_front_keep_their_pattern(quick, real_keys, pattern):
    count = len(real_keys)
    real = {
        "products": pl.DataFrame({"sku": real_keys, "colour": ["red", "blue"] * (count // 2)}),
        "orders": pl.DataFrame(
            {"id": range(2 * count), "sku": [real_keys[n % 40] for n in range(2 * count)]}
        ),
    }
    metadata = (
        sh.Metadata()
        .add_table("products", pk="sku")
        .add_table("orders", pk="id", fk={"sku": "products.sku"})
    )
    hive = sh.Synthesizer(metadata, ctgan=quick).fit(real)
    copy = hive.sample(scale=2)
    keys = copy["products"]["sku"]
    assert keys.len() == 2 * count
    assert keys.is_unique().all()
    assert keys.str.contains(pattern).all()
    assert set(copy["orders"]["sku"]) <= set(keys)
    other = hive.sample(scale=2, seed=9, first_key=2 * count + 1)
    assert other["products"]["sku"].is_unique().all()
    assert not set(other["products"]["sku"]) & set(keys)
    assert set(other["orders"]["sku"]) <= set(other["products"]["sku"])


def test_18_a_key_that_is_its_parents_key_stays_one_to_one(quick):
    real = {
        "users": parents(400, plan=["free", "paid"] * 200),
        "badges": pl.DataFrame({"user_id": range(1, 400, 2), "metal": ["gold", "iron"] * 100}),
    }
    metadata = (
        sh.Metadata()
        .add_table("users", pk="id")
        .add_table("badges", pk="user_id", fk={"user_id": "users.id"})
    )
    copy = sh.Synthesizer(metadata, ctgan=quick).fit(real).sample(scale=3)
    badges = copy["badges"]
    assert badges["user_id"].is_unique().all()
    assert badges.height / copy["users"].height == pytest.approx(0.5, abs=0.05)
    owners = badges.join(copy["users"], left_on="user_id", right_on="id", how="left")
    # in the real data only paying users have a badge
    assert (owners["plan"] == "paid").mean() >= 0.95


def test_18_a_one_to_one_row_belongs_to_the_parent_it_was_made_from():
    plans = ["free", "paid", "team"]
    real = {
        "users": parents(600, plan=plans * 200),
        "badges": pl.DataFrame(
            {"user_id": range(0, 600, 2), "of_plan": [plans[i % 3] for i in range(0, 600, 2)]}
        ),
    }
    metadata = (
        sh.Metadata()
        .add_table("users", pk="id")
        .add_table("badges", pk="user_id", fk={"user_id": "users.id"})
    )
    settings = sh.CTGANSettings(max_steps=150, members=1)
    copy = sh.Synthesizer(metadata, ctgan=settings).fit(real).sample(scale=2)
    owners = copy["badges"].join(copy["users"], left_on="user_id", right_on="id", how="left")
    assert copy["badges"]["user_id"].is_unique().all()
    assert (owners["of_plan"] == owners["plan"]).mean() >= 0.95


def test_18_a_junction_table_repeats_no_pair(quick, orphans):
    random = np.random.default_rng(6)
    pairs = np.unique(
        np.stack([random.integers(0, 60, 400), random.integers(0, 9, 400)], 1), axis=0
    )
    real = {
        "students": parents(60, year=[1 + i % 4 for i in range(60)]),
        "courses": parents(9, level=["a", "b", "c"] * 3),
        "enrolled": pl.DataFrame({"student_id": pairs[:, 0], "course_id": pairs[:, 1]}),
    }
    metadata = (
        sh.Metadata()
        .add_table("students", pk="id")
        .add_table("courses", pk="id")
        .add_table(
            "enrolled",
            pk=["student_id", "course_id"],
            fk={"student_id": "students.id", "course_id": "courses.id"},
        )
    )
    hive = sh.Synthesizer(metadata, ctgan=quick).fit(real)
    for seed in range(3):
        copy = hive.sample(scale=2, seed=seed)
        assert not copy["enrolled"].is_duplicated().any()
        assert copy["enrolled"].height == pytest.approx(2 * len(pairs), rel=0.25)
        for column, parent in (("student_id", "students"), ("course_id", "courses")):
            assert orphans(copy["enrolled"], column, copy[parent], "id") == 0


def test_19_a_reference_to_a_unique_column_that_is_no_primary_key(quick, orphans):
    real = {
        "users": parents(50, login=[f"login{i:03d}" for i in range(50)]),
        "visits": pl.DataFrame(
            {"login": [f"login{i * 7 % 50:03d}" for i in range(300)], "pages": [1, 2, 3] * 100}
        ),
    }
    metadata = (
        sh.Metadata().add_table("users", pk="id").add_table("visits", fk={"login": "users.login"})
    )
    copy = sh.Synthesizer(metadata, ctgan=quick).fit(real).sample(scale=4)
    assert copy["users"]["login"].is_unique().all()
    assert copy["users"]["login"].null_count() == 0
    assert copy["visits"].height
    assert orphans(copy["visits"], "login", copy["users"], "login") == 0


GROW = """
import resource, sys
from pathlib import Path
import synthohive as sh
from synthohive.landing.stage import Stage
folder, scale = Path(sys.argv[1]), int(sys.argv[2])
hive = sh.Synthesizer.load(folder / "model", threads=1)
with Stage() as stage:
    for name, frame in hive.stream(scale=scale):
        stage.write(name, frame)
    print(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss)
    sh.land(stage, folder / f"{scale}.duckdb", schema="main", metadata=hive.metadata)
"""


def test_20_long_chains_hold_and_memory_stays_bounded(tmp_path, quick):
    real = {"t0": parents(200, kind=["a", "b"] * 100)}
    metadata = sh.Metadata().add_table("t0", pk="id")
    for level in (1, 2, 3):
        above = 200 * 2 ** (level - 1)
        rows = np.arange(2 * above)
        real[f"t{level}"] = pl.DataFrame({"id": rows, "up": rows * 7 % above, "x": rows % 11})
        metadata.add_table(f"t{level}", pk="id", fk={"up": f"t{level - 1}.id"})
    sh.Synthesizer(metadata, ctgan=quick).fit(real).save(tmp_path / "model")
    peaks = {}
    for scale in (5, 50):
        script = [sys.executable, "-c", GROW, str(tmp_path), str(scale)]
        done = subprocess.run(script, capture_output=True, text=True, check=False)
        assert done.returncode == 0, done.stderr
        peaks[scale] = int(done.stdout)
    with duckdb.connect(str(tmp_path / "50.duckdb"), read_only=True) as con:
        assert con.execute("SELECT count(*) FROM t0").fetchall() == [(10_000,)]
        [(rows,)] = con.execute("SELECT count(*) FROM t3").fetchall()
        assert rows == pytest.approx(80_000, rel=0.05)
        for level in (1, 2, 3):
            anti = f"FROM t{level} ANTI JOIN t{level - 1} ON t{level}.up = t{level - 1}.id"
            assert con.execute(f"SELECT count(*) {anti}").fetchall() == [(0,)]
    # ten times the rows, 135,000 more of them: less than 64 MB more memory
    assert peaks[50] - peaks[5] < 64 * 1024
