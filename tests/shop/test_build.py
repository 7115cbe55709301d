"""The shop's dbt project: it builds on the real tables, and on any others by a variable."""

from __future__ import annotations

import json
import subprocess
import sys
from typing import TYPE_CHECKING

import duckdb
import pytest

if TYPE_CHECKING:
    from pathlib import Path

pytestmark = pytest.mark.dbt

TYPES = {
    ("customers", "newsletter"): "BOOLEAN",
    ("customers", "signed_up_on"): "DATE",
    ("orders", "ordered_at"): "TIMESTAMP",
    ("orders", "shipped_on"): "DATE",
    ("order_items", "quantity"): "SMALLINT",
    ("order_items", "unit_price"): "DECIMAL(10,2)",
    ("products", "price"): "DECIMAL(10,2)",
}


def rows(project: Path, query: str) -> list[tuple]:
    with duckdb.connect(str(project / "shop.duckdb"), read_only=True) as connection:
        return connection.execute(query).fetchall()


def test_real_tables_land_typed_in_raw_and_marts_in_marts(built):
    found = rows(built, "select schema_name, table_name from duckdb_tables()")
    raw = {table for schema, table in found if schema == "raw"}
    assert raw == {"regions", "employees", "products", "customers", "orders", "order_items"}
    marts = {table for schema, table in found if schema == "marts"}
    assert marts == {"revenue_by_region_month", "customer_value", "products_bought_together"}
    columns = rows(
        built,
        "select table_name, column_name, data_type from duckdb_columns() where schema_name = 'raw'",
    )
    types = {(table, column): kind for table, column, kind in columns}
    assert {key: types[key] for key in TYPES} == TYPES


def test_all_dbt_metadata_the_shop_declares_is_in_the_manifest(built):
    manifest = json.loads((built / "target" / "manifest.json").read_text())
    orders = manifest["nodes"]["seed.shop.orders"]
    assert orders["config"]["meta"]["synthohive"] == {"driver": "customer_id"}
    constraints = orders["columns"]["customer_id"]["constraints"]
    assert [one["to"] for one in constraints if one["type"] == "foreign_key"] == [
        "ref('customers')"
    ]
    email = manifest["nodes"]["seed.shop.customers"]["columns"]["email"]
    assert email["config"]["meta"]["synthohive"] == {"pii": "email"}


def test_marts_agree_with_the_tables_below_them(built):
    [(sold, orders)] = rows(
        built,
        "select sum(quantity * unit_price), count(distinct order_id) from raw.order_items"
        " join raw.orders on orders.id = order_id where status <> 'cancelled'",
    )
    regional = "select sum(revenue), sum(orders) from marts.revenue_by_region_month"
    assert rows(built, regional) == [(sold, orders)]
    per_customer = "select sum(revenue), sum(orders), count(*) from marts.customer_value"
    assert rows(built, per_customer) == [(sold, orders, 300)]


def test_support_and_lift_follow_their_definition(built):
    baskets = rows(
        built,
        "select list(distinct category) from marts.sold_lines group by order_id"
        " having count(distinct category) > 1",
    )
    sets = [set(basket) for (basket,) in baskets]
    both = sum({"coats", "boots"} <= basket for basket in sets)
    coats, boots = (sum(name in basket for basket in sets) for name in ("coats", "boots"))
    [found] = rows(
        built,
        "select orders, support, lift from marts.products_bought_together"
        " where kind = 'category' and item_a = 'boots' and item_b = 'coats'",
    )
    expected = (both, both / len(sets), both * len(sets) / (coats * boots))
    assert found == pytest.approx(expected)
    assert found[2] > 1.5


def test_comparing_before_there_is_a_copy_says_what_to_do(project):
    done = subprocess.run(
        [sys.executable, "compare.py"], cwd=project, capture_output=True, text=True, check=False
    )
    assert done.returncode == 1
    assert "demo.py" in done.stdout


def test_one_variable_swaps_every_mart_and_keeps_the_real_ones(swapped):
    count = "select count(*), sum(orders) from {}.customer_value"
    real, synthetic = (rows(swapped, count.format(s)) for s in ("marts", "synthetic_marts"))
    assert (real[0][0], synthetic[0][0]) == (300, 200)
    [(orders,)] = rows(swapped, "select count(*) from synthetic.orders where status <> 'cancelled'")
    assert synthetic[0][1] == orders
    assert rows(swapped, "select count(*) from raw.customers") == [(300,)]


def test_tests_declared_on_the_seeds_judge_the_swapped_tables(swapped):
    results = json.loads((swapped / "target" / "run_results.json").read_text())["results"]
    found = next(r for r in results if "relationships_order_items_order_id" in r["unique_id"])
    assert '"synthetic"."order_items"' in found["compiled_code"]
    assert '"synthetic"."orders"' in found["compiled_code"]
    assert {result["status"] for result in results} == {"pass", "success"}


def test_comparison_shows_both_worlds_within_a_hundred_columns(swapped):
    done = subprocess.run(
        [sys.executable, "compare.py"], cwd=swapped, capture_output=True, text=True, check=True
    )
    lines = done.stdout.splitlines()
    assert max(map(len, lines)) <= 100
    business = next(line.split() for line in lines if line.strip().startswith("business"))
    expected = [
        rows(swapped, f"select count(*) from {s}.customers where segment = 'business'")[0][0]
        for s in ("raw", "synthetic")
    ]
    assert [int(number) for number in business[1:3]] == expected
    assert "…" not in done.stdout
