"""The shop's generator: one seed, one shop; valid keys; the planted dependences."""

from __future__ import annotations

import random

import numpy as np
import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from polars.testing import assert_frame_equal

FOREIGN_KEYS = [
    ("employees", "manager_id", "employees"),
    ("customers", "region_id", "regions"),
    ("orders", "customer_id", "customers"),
    ("orders", "assisted_by", "employees"),
    ("order_items", "order_id", "orders"),
    ("order_items", "product_id", "products"),
]


def test_one_seed_gives_one_shop(generate):
    first, second = (generate.shop_tables(seed=3, customers=80) for _ in range(2))
    for name, table in first.items():
        assert_frame_equal(table, second[name])
    other = generate.shop_tables(seed=4, customers=80)
    assert not first["customers"].equals(other["customers"])


def test_global_random_state_is_left_alone(generate):
    np.random.seed(1)  # noqa: NPY002
    before = np.random.get_state()[1].copy(), random.getstate()  # noqa: NPY002
    generate.shop_tables(customers=20)
    assert (np.random.get_state()[1] == before[0]).all()  # noqa: NPY002
    assert random.getstate() == before[1]


@settings(max_examples=15, deadline=None)
@given(seed=st.integers(0, 2**32), customers=st.integers(0, 60))
def test_keys_are_valid_whatever_the_seed_and_size(generate, seed, customers):
    tables = generate.shop_tables(seed=seed, customers=customers)
    assert tables["customers"].height == customers
    for table in tables.values():
        assert table["id"].to_list() == list(range(1, table.height + 1))
    for child, column, parent in FOREIGN_KEYS:
        assert tables[child][column].drop_nulls().is_in(tables[parent]["id"].implode()).all()
    assert not tables["order_items"].select("order_id", "product_id").is_duplicated().any()
    assert set(tables["orders"]["id"]) == set(tables["order_items"]["order_id"])


@settings(max_examples=10, deadline=None)
@given(seed=st.integers(0, 2**32))
def test_rows_obey_the_rules_of_the_shop(generate, seed):
    tables = generate.shop_tables(seed=seed, customers=40)
    orders, items, customers = tables["orders"], tables["order_items"], tables["customers"]
    waits = orders["status"].is_in(["placed", "cancelled"])
    assert (orders["shipped_on"].is_null() == waits).all()
    assert (orders["shipped_on"] >= orders["ordered_at"].dt.date()).drop_nulls().all()
    assert ((orders["channel"] == "web") == orders["assisted_by"].is_null()).all()
    assert orders["ordered_at"].is_sorted()
    assert customers["email"].n_unique() == customers.height
    priced = items.join(tables["products"], left_on="product_id", right_on="id")
    assert (priced["unit_price"] <= priced["price"]).all()
    assert items["quantity"].is_between(1, 10).all()


def test_sizes_are_those_of_a_small_shop(tables):
    heights = {name: table.height for name, table in tables.items()}
    assert heights["customers"] == 2_000
    assert 6_000 <= heights["orders"] <= 8_000
    assert 16_000 <= heights["order_items"] <= 20_000
    assert (heights["regions"], heights["employees"], heights["products"]) == (7, 40, 60)


def test_managers_form_a_tree_of_four_levels(tables):
    manager = dict(tables["employees"].select("id", "manager_id").iter_rows())

    def level(employee: int) -> int:
        return 1 if manager[employee] is None else 1 + level(manager[employee])

    levels = [level(employee) for employee in manager]
    assert [levels.count(number) for number in range(1, 6)] == [1, 3, 8, 28, 0]


@pytest.fixture(scope="module")
def lines(tables) -> pl.DataFrame:
    """Every order line with what belongs to it."""
    names = tables["regions"].rename({"name": "region"})
    return (
        tables["order_items"]
        .join(tables["orders"], left_on="order_id", right_on="id", suffix="_order")
        .join(tables["customers"], left_on="customer_id", right_on="id")
        .join(names, left_on="region_id", right_on="id")
        .join(tables["products"], left_on="product_id", right_on="id")
    )


def test_each_region_has_its_favourite_category(generate, lines):
    shares = lines.group_by("region", "category").len()
    shares = shares.with_columns(share=pl.col("len") / pl.col("len").sum().over("region"))
    for name, favourite, _ in generate.REGIONS:
        best = shares.filter(pl.col("region") == name).sort("share").row(-1, named=True)
        assert best["category"] == generate.CATEGORIES[favourite]
        assert 0.35 < best["share"] < 0.48


def test_each_city_lies_in_one_region(tables):
    regions = tables["customers"].group_by("city").agg(pl.col("region_id").n_unique())
    assert regions.height == 28
    assert (regions["region_id"] == 1).all()


def test_segments_differ_in_orders_and_order_value(tables, lines):
    counts = tables["orders"].group_by("customer_id").len("orders")
    means = (
        tables["customers"]
        .join(counts, left_on="id", right_on="customer_id", how="left")
        .group_by("segment")
        .agg(pl.col("orders").fill_null(0).mean())
    )
    expected = {"occasional": 1.3, "regular": 4.0, "business": 10.0}
    assert dict(means.iter_rows()) == pytest.approx(expected, rel=0.08)
    value = pl.col("quantity") * pl.col("unit_price").cast(pl.Float64)
    orders = lines.group_by("order_id", "segment").agg(value.sum().alias("value"))
    values = dict(orders.group_by("segment").agg(pl.col("value").mean()).iter_rows())
    assert values["occasional"] < values["regular"] < values["business"] / 2


def test_categories_have_their_seasons(lines):
    months = lines.select("category", month=pl.col("ordered_at").dt.month())
    winter = months.group_by("category").agg(pl.col("month").is_in([11, 12, 1]).mean())
    shares = dict(winter.iter_rows())
    assert min(shares["coats"], shares["boots"]) > 0.45
    assert max(shares["tents"], shares["bikes"]) < 0.15


def test_planted_products_are_bought_together(generate, lines):
    baskets = lines.group_by("order_id").agg(pl.col("product_id"))["product_id"]
    for one, other in generate.PRODUCT_PAIRS:
        with_one = baskets.filter(baskets.list.contains(one + 1))
        assert with_one.list.contains(other + 1).mean() > 0.45
        assert baskets.list.contains(other + 1).mean() < 0.12


def test_a_third_of_the_orders_has_no_assistant_and_titles_fit_channels(tables):
    orders = tables["orders"].join(
        tables["employees"], left_on="assisted_by", right_on="id", how="left"
    )
    assert 0.32 < orders["assisted_by"].is_null().mean() < 0.38
    pairs = set(orders.select("channel", "title").iter_rows())
    assert pairs == {("web", None), ("store", "shop assistant"), ("phone", "phone agent")}
