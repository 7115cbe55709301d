from __future__ import annotations

import numpy as np
import polars as pl

import synthohive as sh


def test_totals_are_of_the_price_that_was_copied_from_the_product() -> None:
    r = np.random.default_rng(0)
    price = r.integers(100, 9_000, 150) / 100
    products = pl.DataFrame({"id": range(150), "price": price})
    orders = pl.DataFrame({"id": range(400), "channel": r.choice(["web", "shop"], 400)})
    product, pieces = r.integers(0, 150, 1_500), r.integers(1, 9, 1_500)
    lines = pl.DataFrame(
        {
            "id": range(1_500),
            "order_id": r.integers(0, 400, 1_500),
            "product_id": product,
            "price": price[product],
            "pieces": pieces,
            "total": (price[product] * pieces).round(2),
        }
    )
    metadata = (
        sh.Metadata()
        .add_table("products", pk="id")
        .add_table("orders", pk="id")
        .add_table("lines", pk="id", fk={"order_id": "orders.id", "product_id": "products.id"})
    )
    hive = sh.Synthesizer(metadata, ctgan=sh.CTGANSettings.fast(max_steps=60))
    made = hive.fit({"products": products, "orders": orders, "lines": lines}).sample()
    joined = made["lines"].join(made["products"], left_on="product_id", right_on="id")
    assert joined.height == made["lines"].height > 0
    assert joined["price"].equals(joined["price_right"].alias("price"))
    exact = (joined["price"] * joined["pieces"] - joined["total"]).abs()
    assert (exact < 0.006).all()
