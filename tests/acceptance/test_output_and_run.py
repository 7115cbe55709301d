"""Limits, types and nulls of the output; seeds; events; saved models; the run from dbt."""

from __future__ import annotations

import json
import os
import pickle
import random
import shutil
import subprocess
import sys
from pathlib import Path

import duckdb
import numpy as np
import polars as pl
import pytest
from polars.testing import assert_frame_equal

import synthohive as sh
from synthohive.errors import ConstraintError
from synthohive.events import EpochFinished, StepsTaken, TrainingFinished, TrainingStarted

ROOT = Path(__file__).resolve().parents[2]
SHOP = ROOT / "examples" / "shop"
WIDE = sh.CTGANSettings(max_steps=60, width=32, depth=1, members=1)


def baskets(**limits) -> sh.Metadata:
    return sh.Metadata().add_table("baskets", pk="id", constraints={"value": limits})


def basket_rows(values: pl.Series | list) -> dict[str, pl.DataFrame]:
    return {"baskets": pl.DataFrame({"id": range(1, len(values) + 1), "value": values})}


def test_29_a_minimum_holds_for_every_value(shop_copy):
    # most real values lie below the minimum, so that hardly any is right by itself
    values = np.random.default_rng(1).gamma(1, 0.8, 500)
    assert (values < 1).mean() > 0.5
    metadata = baskets(dtype="float", min=1.0)
    copy = sh.Synthesizer(metadata, ctgan=WIDE).fit(basket_rows(values)).sample(scale=4)
    assert copy["baskets"]["value"].min() >= 1.0
    assert copy["baskets"]["value"].dtype == pl.Float64
    assert shop_copy["orders"]["basket_value"].min() >= 1.0


def test_29_an_int_stays_an_int_with_nulls(quick):
    values = [None if i % 4 == 0 else float(i % 7) for i in range(400)]
    copy = (
        sh.Synthesizer(baskets(dtype="int", min=0), ctgan=quick).fit(basket_rows(values)).sample()
    )
    value = copy["baskets"]["value"]
    assert value.dtype.is_integer()
    assert value.null_count() > 0
    assert value.drop_nulls().is_between(0, 6).all()


def test_29_an_enforced_limit_names_column_value_and_bound(quick):
    values = [50.0] * 200 + [100.0 + i for i in range(200)]
    metadata = baskets(dtype="float", max=99.5, mode="enforce")
    hive = sh.Synthesizer(metadata, ctgan=quick).fit(basket_rows(values))
    told = r"'baskets.value' break the maximum 99\.5: \d{3}"
    with pytest.raises(ConstraintError, match=told) as caught:
        hive.sample()
    assert caught.value.column == "value"


@pytest.fixture(scope="module")
def typed() -> pl.DataFrame:
    """A column of every type, most with nulls."""
    rows, draw = 2_000, np.random.default_rng(2)
    hidden = {
        name: pl.Series(draw.random(rows) < 0.2) for name in ("flag", "day", "amount", "count")
    }
    moment = np.datetime64("2023-01-01T00:00:17", "us") + draw.integers(0, 10**13, rows)
    frame = pl.DataFrame(
        {
            "id": np.arange(rows, dtype=np.int32) + 1,
            "flag": draw.random(rows) < 0.3,
            "day": (np.datetime64("2022-01-01") + draw.integers(0, 500, rows)),
            "at": moment,
            "seen": moment + 1,
            "amount": (draw.gamma(2, 30, rows)).round(2),
            "count": draw.integers(0, 9, rows).astype(np.int16),
            "ratio": draw.normal(size=rows).astype(np.float32),
            "colour": draw.choice(["red", "blue"], rows),
            "full_name": [f"Real Person {i}" for i in range(rows)],
            "email": [f"real.person{i}@corp.example" for i in range(rows)],
        }
    )
    return frame.with_columns(
        pl.col("day").cast(pl.Date),
        pl.col("amount").cast(pl.Decimal(12, 2)),
        pl.col("seen").dt.replace_time_zone("UTC"),
        pl.col("colour").cast(pl.Categorical),
    ).with_columns(pl.when(~mask).then(pl.col(name)).alias(name) for name, mask in hidden.items())


@pytest.fixture(scope="module")
def typed_copy(typed) -> pl.DataFrame:
    pii = {"full_name": "name", "email": "email"}
    metadata = sh.Metadata().add_table("events", pk="id", pii=pii)
    settings = sh.CTGANSettings(max_steps=200, members=1)
    return sh.Synthesizer(metadata, ctgan=settings).fit({"events": typed}).sample()["events"]


def test_30_the_copy_has_the_real_columns_order_and_types(typed, typed_copy, shop, shop_copy):
    assert list(typed_copy.schema.items()) == list(typed.schema.items())
    for name, table in shop.items():
        assert list(shop_copy[name].schema.items()) == list(table.schema.items())


def test_30_null_shares_stay(typed, typed_copy, shop, shop_copy):
    pairs = [(typed, typed_copy), *((shop[name], shop_copy[name]) for name in shop)]
    for real, mine in pairs:
        for name in real.columns:
            theirs = real[name].null_count() / real.height
            assert mine[name].null_count() / mine.height == pytest.approx(theirs, abs=0.03), name


def test_30_no_moment_and_no_personal_value_is_repeated(typed, typed_copy, shop, shop_copy):
    for name in ("full_name", "email"):
        assert typed_copy[name].null_count() == 0
        assert not set(typed[name]) & set(typed_copy[name])
    assert not set(shop["users"]["email"]) & set(shop_copy["users"]["email"])
    # microseconds over four months: none is met by chance
    for name in ("at", "seen"):
        assert not set(typed[name]) & set(typed_copy[name])


def test_31_one_seed_one_database_and_other_seeds_others(make_shop, shop_metadata, quick):
    real = make_shop(users=150)

    def made(seed: int, threads: int) -> dict[str, pl.DataFrame]:
        hive = sh.Synthesizer(shop_metadata(), seed=seed, ctgan=quick, threads=threads)
        return hive.fit(real).sample()

    first, again, other = made(3, 1), made(3, 2), made(4, 1)
    for name in real:
        assert_frame_equal(first[name], again[name])
    assert not first["orders"].equals(other["orders"])
    assert not first["users"].equals(other["users"])


def test_31_global_random_states_stay_untouched(make_shop, shop_metadata, quick):
    import torch

    real = make_shop(users=80)
    states = (
        lambda: pickle.dumps(random.getstate()),
        lambda: pickle.dumps(np.random.get_state()),  # noqa: NPY002  # the global state is meant
        lambda: torch.get_rng_state().numpy().tobytes(),
    )
    before = [state() for state in states]
    sh.Synthesizer(shop_metadata(), ctgan=quick).fit(real).sample()
    assert [state() for state in states] == before


def test_34_every_table_tells_its_start_its_epochs_and_its_end(make_shop, shop_metadata):
    told = []
    settings = sh.CTGANSettings(epochs=3, width=16, depth=1, members=1)
    hive = sh.Synthesizer(shop_metadata(), ctgan=settings, on_event=told.append, threads=1)
    hive.fit(make_shop(users=300))
    for table in ("users", "products", "orders", "order_items"):
        own = [event for event in told if getattr(event, "table", None) == table]
        assert isinstance(own[0], TrainingStarted)
        assert isinstance(own[-1], TrainingFinished)
        assert all(isinstance(event, StepsTaken) for event in own[1:-1])
        epochs = [event for event in own if isinstance(event, EpochFinished)]
        assert [event.epoch for event in epochs] == [1, 2, 3]
        for event in epochs:
            assert np.isfinite(event.loss)
            assert event.eta_seconds >= 0
            assert event.step <= event.steps == own[0].steps
        assert epochs[-1].eta_seconds <= epochs[0].eta_seconds + 1
        assert own[-1].steps == epochs[-1].step


RELOAD = """
import sys
import synthohive as sh
hive = sh.Synthesizer.load(sys.argv[1], threads=1)
for name, frame in hive.sample(seed=21).items():
    frame.write_ipc(f"{sys.argv[2]}/{name}.arrow")
"""


def test_35_a_saved_model_gives_the_same_sample_in_a_fresh_process(shop_hive, tmp_path):
    model, out = tmp_path / "model", tmp_path / "out"
    shop_hive.save(model)
    out.mkdir()
    guard = "import pickle, marshal\ndef refuse(*_, **__): raise SystemExit('unpickled')\n"
    guard += "pickle.load = pickle.loads = pickle.Unpickler = marshal.load = refuse\n"
    script = "import polars, torch, numpy\n" + guard + RELOAD
    words = [sys.executable, "-c", script, str(model), str(out)]
    done = subprocess.run(words, cwd=tmp_path, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    for name, frame in shop_hive.sample(seed=21).items():
        assert_frame_equal(pl.read_ipc(out / f"{name}.arrow"), frame)


def test_35_model_files_are_data(shop_hive, shop, tmp_path):
    shop_hive.save(tmp_path / "model")
    files = [path for path in (tmp_path / "model").rglob("*") if path.is_file()]
    assert {path.suffix for path in files} <= {".csv", ".json", ".parquet", ".safetensors"}
    text = b"".join(path.read_bytes() for path in files)
    for email in shop["users"]["email"][:200]:
        assert email.encode() not in text


def test_35_a_single_tables_model_is_saved_and_loaded(shop, tmp_path):
    model = sh.CTGAN(settings=WIDE, seed=4).fit(shop["orders"].select("category", "score"))
    model.save(tmp_path / "model")
    loaded = sh.CTGAN.load(tmp_path / "model")
    assert_frame_equal(loaded.sample(500, seed=9), model.sample(500, seed=9))
    assert not loaded.sample(500, seed=10).equals(loaded.sample(500, seed=9))


def test_32_the_snippets_of_a_guide_step_by_step(shop, orphans):
    """A root, its child counts, its children: each step by hand, the synthesizer's way at once."""
    users = shop["users"].drop("email", "city")
    orders = shop["orders"].select("id", "user_id", "category", "basket_value")
    metadata = (
        sh.Metadata()
        .add_table("users", pk="id")
        .add_table(
            "orders",
            pk="id",
            fk={"user_id": "users.id"},
            parent_context_cols=["region", "segment"],
            constraints={"basket_value": {"dtype": "float", "min": 1.0}},
        )
    )
    metadata.validate_schema({"users": users, "orders": orders})
    assert sh.SchemaGraph(metadata).get_generation_order() == ["users", "orders"]

    context_columns = ["region", "segment"]
    context = orders.select("user_id").join(
        users, left_on="user_id", right_on="id", how="left", maintain_order="left"
    )
    user_model = sh.CTGAN(metadata, batch_size=256, epochs=3).fit(users, table_name="users")
    order_model = sh.CTGAN(metadata, batch_size=256, epochs=3).fit(
        orders, context=context.select(context_columns), table_name="orders"
    )
    linkage = sh.LinkageModel().fit(users, orders, fk_col="user_id", pk_col="id")

    new_users = user_model.sample(400)
    counts = linkage.sample_counts(new_users)
    parents = new_users.select(pl.all().repeat_by(counts).explode())
    new_orders = order_model.sample(parents.height, context=parents.select(context_columns))
    new_orders = new_orders.with_columns(user_id=parents["id"])

    assert new_users["id"].to_list() == list(range(1, 401))
    assert new_orders.height == counts.sum() > 0
    assert new_orders["id"].to_list() == list(range(1, new_orders.height + 1))
    assert new_orders.columns == orders.columns
    assert orphans(new_orders, "user_id", new_users, "id") == 0
    made = new_orders["user_id"].value_counts().sort("user_id")
    assert made["count"].to_list() == counts.filter(counts > 0).to_list()
    assert new_orders["basket_value"].min() >= 1.0

    at_once = sh.Synthesizer(metadata, ctgan=WIDE).fit({"users": users, "orders": orders})
    whole = at_once.sample(rows={"users": 400})
    assert whole["users"].height == 400
    assert whole["orders"].schema == orders.schema
    assert orphans(whole["orders"], "user_id", whole["users"], "id") == 0


def dbt(project: Path, *words: str) -> str:
    environment = os.environ | {
        "DBT_PROFILES_DIR": str(project),
        "SYNTHOHIVE_DBT_PACKAGE": str(ROOT / "dbt_project"),
        "NO_COLOR": "1",
    }
    command = [str(Path(sys.executable).with_name("dbt")), *words]
    done = subprocess.run(
        command, cwd=project, env=environment, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


@pytest.mark.dbt
def test_33_the_demo_project_lands_its_sources_and_passes_its_tests_on_them(tmp_path):
    project = tmp_path / "shop"
    left_out = ["target", "dbt_packages", "logs", "*.duckdb*", "*.csv", "package-lock.yml"]
    ignored = shutil.ignore_patterns(*left_out, "_synthohive__sources.yml", "__pycache__")
    shutil.copytree(SHOP, project, ignore=ignored)
    (project / "dbt_packages").mkdir()
    (project / "dbt_packages" / "synthohive").symlink_to(ROOT / "dbt_project")
    words = [sys.executable, "generate.py", "--customers", "150"]
    subprocess.run(words, cwd=project, check=True, capture_output=True)

    dbt(project, "--quiet", "build")
    told = dbt(project, "run-operation", "synthesize", "--args", "{seed: 7, max_steps: 20}")
    assert "synthetic tables" in told
    assert (project / "models" / "_synthohive__sources.yml").exists()
    # the tests of the seeds judge the synthetic tables, and so do those of the new source
    swap = ["--vars", "{use_synthetic: true}"]
    dbt(project, "build", "--exclude-resource-type", "seed", *swap)
    results = json.loads((project / "target" / "run_results.json").read_text())["results"]
    assert {result["status"] for result in results} <= {"pass", "success"}
    ids = [result["unique_id"] for result in results]
    for kind in ("relationships_", "unique_", "not_null_", "source_relationships_synthetic"):
        assert any(f".{kind}" in name for name in ids), kind
    with duckdb.connect(str(project / "shop.duckdb"), read_only=True) as con:
        query = "SELECT count(*) FROM {}.customers"
        real, copy = (con.execute(query.format(s)).fetchall() for s in ("raw", "synthetic"))
    assert real == [(150,)]
    # regions drive the customers, so that their number is drawn
    assert copy[0][0] == pytest.approx(150, rel=0.25)
