"""A saved database: how its training went, for people to open."""

from __future__ import annotations

import numpy as np
import polars as pl

import synthohive as sh
from synthohive.models.settings import CTGANSettings
from synthohive.synthesis.store import load

QUICK = CTGANSettings(max_steps=20, width=16, depth=1, members=1)


def test_the_losses_of_all_tables_are_one_table_in_the_folder(tmp_path):
    random = np.random.default_rng(0)
    shops = pl.DataFrame({"id": range(40), "size": random.integers(0, 5, 40)})
    sales = pl.DataFrame({"shop": random.integers(0, 40, 200), "price": random.normal(5, 1, 200)})
    metadata = (
        sh.Metadata()
        .add_table('a "shop", or two', pk="id")
        .add_table("sales", fk={"shop": ('a "shop", or two', "id")})
        .add_table("empty", pk="id")
    )
    data = {'a "shop", or two': shops, "sales": sales, "empty": shops.clear().select("id")}
    sh.Synthesizer(metadata, ctgan=QUICK).fit(data).save(tmp_path)
    losses = pl.read_csv(tmp_path / "losses.csv")
    assert losses.columns == ["table", "step", "loss", "held_out_loss", "seconds"]
    learned = {n: t.generator for n, t in load(tmp_path).tables.items() if t.generator is not None}
    assert 'a "shop", or two' in learned
    assert losses.height == sum(len(generator.history) for generator in learned.values())
    for name, generator in learned.items():
        own = losses.filter(pl.col("table") == name).drop("table")
        assert np.array_equal(own.cast(pl.Float64).to_numpy(), generator.history, equal_nan=True)
