"""A shop with planted dependences, learned once for all acceptance tests."""

from __future__ import annotations

import datetime as dt
from typing import TYPE_CHECKING

import numpy as np
import polars as pl
import pytest

import synthohive as sh

if TYPE_CHECKING:
    from collections.abc import Callable

REGIONS = ["NE", "SO", "MW", "WE"]
CATEGORIES = ["coats", "tents", "books", "games", "tools"]
SEGMENTS = ["basic", "plus", "business"]
ORDERS_PER_USER = {"basic": 1.3, "plus": 4.0, "business": 10.3}
CITIES = 80
PRODUCTS = 60
FAVOURITE = 0.6
"""Share of orders in the category that a user's region likes best."""


def _users(random: np.random.Generator, count: int) -> pl.DataFrame:
    region = random.choice(4, count, p=[0.35, 0.3, 0.2, 0.15])
    city = region * (CITIES // 4) + np.minimum(random.geometric(0.12, count) - 1, 19)
    segment = random.choice(3, count, p=[0.6, 0.3, 0.1])
    start = dt.date(2020, 1, 1)
    return pl.DataFrame(
        {
            "id": np.arange(count, dtype=np.int32) + 1,
            "email": [f"person{i * 37 % 9973}@real.example" for i in range(count)],
            "region": [REGIONS[i] for i in region],
            "city": [f"city {i:02d}" for i in city],
            "segment": [SEGMENTS[i] for i in segment],
            "is_vip": random.random(count) < 0.2,
            "joined_on": [start + dt.timedelta(int(day)) for day in random.integers(0, 900, count)],
        }
    )


def _products(random: np.random.Generator) -> pl.DataFrame:
    prices = random.gamma(2, 20, PRODUCTS) + 1
    return pl.DataFrame(
        {
            "sku": [f"SKU-{i:03d}" for i in range(PRODUCTS)],
            "category": [CATEGORIES[i % 5] for i in range(PRODUCTS)],
            "price": prices.round(2),
        }
    ).with_columns(pl.col("price").cast(pl.Decimal(10, 2)))


def _orders(
    random: np.random.Generator, users: pl.DataFrame, products: pl.DataFrame
) -> pl.DataFrame:
    means = users["segment"].replace_strict(ORDERS_PER_USER).to_numpy()
    user = np.repeat(np.arange(users.height), random.poisson(means))
    count = len(user)
    region = users["region"].to_numpy()[user]
    liked = np.array([REGIONS.index(name) for name in region])
    category = np.where(random.random(count) < FAVOURITE, liked, random.integers(0, 5, count))
    # inside a category the products' shares fall like 1/rank
    shares = 1 / np.arange(1, PRODUCTS // 5 + 1)
    product = category + 5 * random.choice(PRODUCTS // 5, count, p=shares / shares.sum())
    segment = users["segment"].to_numpy()[user]
    score = random.normal(50 + 15 * np.array([SEGMENTS.index(s) for s in segment]), 5)
    start = dt.datetime(2023, 1, 1)  # as in most databases
    minutes = random.integers(0, 525_600, count)
    value = random.gamma(1.5, 20, count) + 1
    return pl.DataFrame(
        {
            "id": np.arange(count) + 1,
            "user_id": users["id"].to_numpy()[user],
            "sku": products["sku"].to_numpy()[product],
            "gift_sku": products["sku"].to_numpy()[random.integers(0, PRODUCTS, count)],
            "category": [CATEGORIES[i] for i in category],
            "score": score,
            "basket_value": value.round(2),
            "quantity": random.integers(1, 6, count).astype(np.int16),
            "placed_at": [start + dt.timedelta(minutes=int(m), seconds=17) for m in minutes],
        }
    ).with_columns(
        pl.when(pl.Series(random.random(count) < 0.7)).then("gift_sku"),
        pl.when(pl.Series(random.random(count) < 0.85)).then("quantity"),
    )


def _order_items(
    random: np.random.Generator, users: pl.DataFrame, orders: pl.DataFrame
) -> pl.DataFrame:
    order = np.repeat(np.arange(orders.height), random.integers(0, 3, orders.height))
    buyer = orders.select("user_id").join(users, left_on="user_id", right_on="id", how="left")
    region = buyer["region"].to_numpy()[order]
    carrier = np.where(random.random(len(order)) < 0.6, region, random.choice(REGIONS, len(order)))
    return pl.DataFrame(
        {
            "id": np.arange(len(order)) + 1,
            "order_id": orders["id"].to_numpy()[order],
            "carrier": [f"{name} post" for name in carrier],
        }
    )


@pytest.fixture(scope="session")
def make_shop() -> Callable[..., dict[str, pl.DataFrame]]:
    """Draw a shop of a number of users."""

    def make(users: int = 2_000, seed: int = 5) -> dict[str, pl.DataFrame]:
        random = np.random.default_rng(seed)
        people, products = _users(random, users), _products(random)
        orders = _orders(random, people, products)
        items = _order_items(random, people, orders)
        return {"users": people, "products": products, "orders": orders, "order_items": items}

    return make


@pytest.fixture(scope="session")
def shop(make_shop) -> dict[str, pl.DataFrame]:
    return make_shop()


@pytest.fixture(scope="session")
def shop_metadata() -> Callable[[], sh.Metadata]:
    """Declare the shop, anew at every call."""

    def declare() -> sh.Metadata:
        return (
            sh.Metadata()
            .add_table("users", pk="id", pii={"email": "email"})
            .add_table("products", pk="sku")
            .add_table(
                "orders",
                pk="id",
                fk={"user_id": "users.id", "sku": "products.sku", "gift_sku": "products.sku"},
                driver="user_id",
                constraints={"basket_value": {"dtype": "float", "min": 1.0}},
            )
            .add_table("order_items", pk="id", fk={"order_id": "orders.id"})
        )

    return declare


@pytest.fixture(scope="session")
def quick() -> sh.CTGANSettings:
    """Settings where the quality of columns does not matter."""
    return sh.CTGANSettings(max_steps=5, width=16, depth=1, members=1)


@pytest.fixture(scope="session")
def shop_hive(shop, shop_metadata) -> sh.Synthesizer:
    """The shop, learned well enough to judge its statistics."""
    settings = sh.CTGANSettings(max_steps=1_000, members=1)
    return sh.Synthesizer(shop_metadata(), seed=7, ctgan=settings, threads=2).fit(shop)


@pytest.fixture(scope="session")
def shop_copy(shop_hive) -> dict[str, pl.DataFrame]:
    return shop_hive.sample(seed=11)


@pytest.fixture(scope="session")
def orphans() -> Callable[..., int]:
    """Count the rows whose non-null key is not in the parent."""

    def count(child: pl.DataFrame, column: str, parent: pl.DataFrame, key: str) -> int:
        return child.filter(
            pl.col(column).is_not_null(), ~pl.col(column).is_in(parent[key].implode())
        ).height

    return count


@pytest.fixture(scope="session")
def tvd() -> Callable[[pl.Series, pl.Series], float]:
    """Total variation distance of two columns' distributions of values."""

    def distance(real: pl.Series, mine: pl.Series) -> float:
        shares = [
            dict(s.value_counts(normalize=True, name="share").iter_rows()) for s in (real, mine)
        ]
        values = shares[0].keys() | shares[1].keys()
        return sum(abs(shares[0].get(v, 0) - shares[1].get(v, 0)) for v in values) / 2

    return distance
