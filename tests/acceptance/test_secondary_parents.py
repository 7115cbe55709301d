"""Whoever is not the driver: there, as popular as the real ones, and missed where missing."""

from __future__ import annotations

import numpy as np
import polars as pl
import pytest

import synthohive as sh
from synthohive.errors import ConfigError

KEYS = {
    "whole numbers": lambda row: int(row) + 1,
    "texts": lambda row: f"W-{row:03d}",
}


def transfers(key, warehouses: int = 30, rows: int = 400) -> dict[str, pl.DataFrame]:
    """Parcels of a customer go from one warehouse to another, or, in part, to none."""
    random = np.random.default_rng(4)
    names = [key(row) for row in range(warehouses)]
    parcels = pl.DataFrame(
        {
            "customer_id": random.integers(0, 100, rows),
            "origin": [names[row] for row in random.integers(0, warehouses, rows)],
            "target": [names[row] for row in random.integers(0, warehouses, rows)],
            "weight": random.integers(1, 9, rows),
        }
    ).with_columns(pl.when(pl.Series(random.random(rows) < 0.7)).then("target"))
    return {
        "customers": pl.DataFrame({"id": range(100), "plan": ["free", "paid"] * 50}),
        "warehouses": pl.DataFrame({"id": names, "size": [row % 3 for row in range(warehouses)]}),
        "parcels": parcels,
    }


def metadata(**parcels) -> sh.Metadata:
    """Two keys to one secondary parent."""
    return (
        sh.Metadata()
        .add_table("customers", pk="id")
        .add_table("warehouses", pk="id")
        .add_table(
            "parcels",
            fk={
                "customer_id": "customers.id",
                "origin": "warehouses.id",
                "target": "warehouses.id",
            },
            driver="customer_id",
            **parcels,
        )
    )


@pytest.fixture(scope="module", params=KEYS)
def shipper(request, quick):
    real = transfers(KEYS[request.param])
    return real, sh.Synthesizer(metadata(), seed=3, ctgan=quick).fit(real)


@pytest.mark.parametrize("warehouses", [None, 1])
def test_21_every_secondary_parent_exists(shipper, warehouses, orphans):
    real, hive = shipper
    rows = {} if warehouses is None else {"warehouses": warehouses}
    copy = hive.sample(scale=2, rows=rows)
    parcels = copy["parcels"]
    assert copy["warehouses"].height == (warehouses or 60)
    assert parcels.height > 500
    for column in ("origin", "target"):
        assert parcels[column].dtype == real["parcels"][column].dtype
        assert orphans(parcels, column, copy["warehouses"], "id") == 0
    assert parcels["origin"].null_count() == 0
    assert parcels["target"].is_null().mean() == pytest.approx(0.3, abs=0.1)
    assert parcels["origin"].n_unique() > (warehouses or 60) * 0.6


def test_21_a_real_parent_table_of_one_row(quick):
    real = transfers(KEYS["texts"], warehouses=1)
    copy = sh.Synthesizer(metadata(), ctgan=quick).fit(real).sample(rows={"warehouses": 5})
    assert set(copy["parcels"]["target"]) == {*copy["warehouses"]["id"], None}


def test_21_no_secondary_parents_make_nullable_keys_null(shipper):
    real, hive = shipper
    copy = hive.sample(rows={"warehouses": 0})
    assert copy["warehouses"].height == 0
    assert copy["parcels"].height > 300
    for column in ("origin", "target"):
        assert copy["parcels"][column].null_count() == copy["parcels"].height
    assert copy["parcels"].schema == real["parcels"].schema


def test_21_no_secondary_parents_for_a_key_that_must_not_be_null_are_told(quick):
    strict = metadata(not_null=["origin"])
    hive = sh.Synthesizer(strict, ctgan=quick).fit(transfers(KEYS["texts"]))
    with pytest.raises(ConfigError, match=r"parcels\.origin .*warehouses has no rows") as told:
        hive.sample(rows={"warehouses": 0})
    assert (told.value.table, told.value.column) == ("parcels", "origin")
    assert told.value.hint
    # nobody orders, so nobody is missed
    assert hive.sample(rows={"warehouses": 0, "customers": 0})["parcels"].height == 0


def top_share(orders: pl.DataFrame, products: pl.DataFrame) -> float:
    """Share of the orders that the most popular tenth of the products has."""
    counts = orders["sku"].value_counts(sort=True)["count"]
    return counts[: products.height // 10].sum() / counts.sum()


@pytest.mark.parametrize("scale", [1.0, 3.0])
def test_23_popular_products_are_as_popular_as_the_real_ones(shop, shop_hive, scale):
    copy = shop_hive.sample(scale=scale, seed=11)
    real = top_share(shop["orders"], shop["products"])
    assert real > 0.25, "planted: a tenth of the products has well over a tenth of the orders"
    assert top_share(copy["orders"], copy["products"]) == pytest.approx(real, abs=0.05)
