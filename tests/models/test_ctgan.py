"""`CTGAN`: frames in, frames out."""

from __future__ import annotations

import datetime as dt
import subprocess
import sys
import warnings

import numpy as np
import polars as pl
import pytest

import synthohive as sh
from synthohive.ctgan import CTGAN, UnseenContextWarning

SETTINGS = sh.CTGANSettings(width=48, depth=1, members=2, max_steps=300, batch_size=128)

LOADER = """
import sys
import polars as pl
import synthohive as sh
model = sh.CTGAN.load(sys.argv[1])
model.sample(40, context=pl.DataFrame({"region": ["NE"] * 40})).write_parquet(sys.argv[2])
"""


def orders(rows=1_500, seed=0):
    """Orders whose category follows the user's region, and the regions."""
    random = np.random.default_rng(seed)
    region = random.choice(["NE", "SW", "MW"], rows)
    is_cold = region == "NE"
    winter, summer = (random.choice(names, rows) for names in (["coat", "hat"], ["shorts", "hat"]))
    start = dt.date(2024, 1, 1)
    frame = pl.DataFrame(
        {
            "order id": [f"ORD-{n:05}" for n in range(rows)],
            "user_id": random.integers(1, 200, rows),
            "category": np.where(is_cold, winter, summer),
            "price": random.gamma(2.0, 10.0, rows).round(2),
            "day": [start + dt.timedelta(days=int(n)) for n in random.integers(0, 90, rows)],
            "is_gift": pl.Series(random.random(rows) < 0.2),
            "mail": [f"real{n}@mail.org" for n in range(rows)],
        }
    ).with_columns(pl.when(pl.col("price") > 10).then("is_gift").alias("is_gift"))
    return frame, pl.DataFrame({"region": region})


def metadata():
    return (
        sh.Metadata()
        .add_table("users", pk="id")
        .add_table(
            "orders",
            pk="order id",
            fk={"user_id": "users.id"},
            constraints={"price": {"dtype": "float", "min": 5.0}},
            pii={"mail": "email"},
        )
    )


@pytest.fixture(scope="module")
def model():
    frame, context = orders()
    return CTGAN(metadata(), settings=SETTINGS, seed=3).fit(
        frame, context=context, table_name="orders"
    )


def regions(*names, each=400):
    return pl.DataFrame({"region": [name for name in names for _ in range(each)]})


def test_the_result_looks_like_the_frame(model):
    frame, _ = orders()
    rows = model.sample(800, context=regions("NE", "SW"))
    assert rows.schema == frame.schema
    assert rows["order id"][:2].to_list() == ["ORD-00001", "ORD-00002"]
    assert rows["user_id"].null_count() == 800
    assert rows["price"].min() >= 5.0
    assert rows["is_gift"].null_count() / 800 == pytest.approx(
        frame["is_gift"].null_count() / frame.height, abs=0.08
    )
    assert not rows["mail"].is_in(frame["mail"].implode()).any()


def test_acceptance_25_users_in_the_north_east_order_winter_coats(model):
    rows = model.sample(800, context=regions("NE", "SW")).with_columns(regions("NE", "SW"))
    shares = {
        name: dict(group["category"].value_counts(normalize=True).iter_rows())
        for (name,), group in rows.group_by("region")
    }
    assert shares["NE"]["coat"] == pytest.approx(0.5, abs=0.1)
    assert shares["NE"].get("shorts", 0) < 0.08
    assert shares["SW"].get("coat", 0) < 0.08


def test_given_values_are_kept_and_the_others_follow(model):
    context = regions("SW")
    rows = model.sample(400, context=context, given={"category": "shorts", "price": 7.77})
    assert set(rows["category"]) == {"shorts"}
    assert set(rows["price"]) == {7.77}
    assert rows["is_gift"].null_count() > 350  # given a price below 10 it is null
    per_row = pl.DataFrame({"is_gift": [True] * 200 + [None] * 200})
    rows = model.sample(400, context=context, given=per_row)
    assert rows["is_gift"].equals(per_row["is_gift"])
    assert (rows["price"][:200] > 9).mean() > 0.9


def test_the_seed_decides(model):
    context = regions("MW", each=30)
    assert model.sample(30, context).equals(model.sample(30, context))
    assert not model.sample(30, context, seed=9).equals(model.sample(30, context))
    frame, known = orders(200)
    quick = {"settings": sh.CTGANSettings(width=16, max_steps=5), "seed": 4}
    twice = [CTGAN(**quick).fit(frame, known).sample(50, known[:50]) for _ in range(2)]
    assert twice[0].equals(twice[1])


def test_acceptance_28_context_is_checked(model):
    frame, context = orders(100)
    with pytest.raises(sh.errors.ContextError, match="context has 99 rows, the table"):
        CTGAN().fit(frame, context[:99])
    with pytest.raises(sh.errors.ContextError, match="asked for without context"):
        model.sample(3)
    with pytest.raises(sh.errors.ContextError, match="context has 2 rows, but 3"):
        model.sample(3, context=regions("NE", each=2))
    with pytest.raises(sh.errors.ContextError, match="lacks the column 'region'"):
        model.sample(1, context=pl.DataFrame({"regoin": ["NE"]}))
    with pytest.warns(UnseenContextWarning, match="'region' in 1 rows of 2"):
        rows = model.sample(2, context=pl.DataFrame({"region": ["NE", "Atlantis"]}))
    assert rows.height == 2
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        model.sample(2, context=regions("NE", each=2))


def test_wrong_questions_are_refused(model):
    context = regions("NE", each=2)
    with pytest.raises(sh.errors.NotFittedError, match="call fit first"):
        CTGAN().sample(1)
    with pytest.raises(sh.errors.ConfigError, match="did you mean 'category'"):
        model.sample(2, context, given={"categori": "hat"})
    with pytest.raises(sh.errors.ConfigError, match="given has 1 rows"):
        model.sample(2, context, given=pl.DataFrame({"category": ["hat"]}))
    with pytest.raises(sh.errors.ConfigError, match="is not of the type"):
        model.sample(2, context, given={"price": "dear"})
    with pytest.raises(sh.errors.ConfigError, match="-1 rows"):
        model.sample(-1, context)
    frame, _ = orders(50)
    with pytest.raises(sh.errors.ConfigError, match=r"the metadata has 2 tables"):
        CTGAN(metadata()).fit(frame)
    with pytest.raises(sh.errors.UnknownTableError, match="did you mean 'orders'"):
        CTGAN(metadata()).fit(frame, table_name="order")


def test_acceptance_32_the_guides_snippet_for_one_table():
    frame, context = orders(300)
    schema = sh.Metadata().add_table("orders", pk="order id")
    model = sh.CTGAN(schema, batch_size=100, epochs=2).fit(
        frame, context=context, table_name="orders"
    )
    assert model.settings.batch_size == 100
    assert model.sample(10, context=context[:10]).columns == frame.columns
    assert model.history["step"].to_list()
    assert model.history.columns == ["step", "loss", "held_out_loss", "seconds"]


def test_acceptance_35_a_fresh_process_needs_no_data(model, tmp_path):
    model.save(tmp_path / "model")
    command = [sys.executable, "-c", LOADER, tmp_path / "model", tmp_path / "rows.parquet"]
    subprocess.run(command, check=True)
    here = model.sample(40, context=regions("NE", each=40))
    assert pl.read_parquet(tmp_path / "rows.parquet").equals(here)
    assert not [path for path in (tmp_path / "model").rglob("*") if "pkl" in path.suffix]
    with pytest.raises(sh.errors.ModelFileError, match="no CTGAN that can be read"):
        CTGAN.load(tmp_path)


def test_no_rows_and_no_columns():
    frame, _ = orders(100)
    quick = sh.CTGANSettings(width=16, max_steps=5)
    assert CTGAN(settings=quick).fit(frame).sample(0).schema == frame.schema
    assert CTGAN(settings=quick).fit(frame[:0]).sample(3).height == 3
    only_keys = sh.Metadata().add_table("t", pk="order id", fk={"user_id": "users.id"})
    rows = CTGAN(only_keys, settings=quick).fit(frame.select("order id", "user_id")).sample(2)
    assert rows["order id"].to_list() == ["ORD-00001", "ORD-00002"]


def test_rows_do_not_depend_on_how_many_blocks_are_drawn_at_once(model, monkeypatch):
    context = regions("NE", "SW", "MW", each=6_000)  # three blocks
    at_once = model.sample(18_000, context)
    monkeypatch.setattr("os.cpu_count", lambda: 1)
    assert model.sample(18_000, context).equals(at_once)
    assert model.sample(8_192, context[:8_192])["price"].equals(at_once["price"][:8_192])
    assert at_once["order id"].n_unique() == 18_000
