"""A child row follows from its parents' columns; secondary parents fit their children."""

from __future__ import annotations

import numpy as np
import polars as pl
import pytest

import synthohive as sh
from synthohive.errors import ConfigError, ContextError, UnseenContextWarning

COUNT = 1_500


def share(flags: pl.Series) -> float:
    return float(flags.mean() or 0)


@pytest.mark.parametrize("column", ["user_id", "sku", "gift_sku"])
def test_21_every_key_finds_its_parent(shop_copy, orphans, column):
    parent, key = ("users", "id") if column == "user_id" else ("products", "sku")
    assert orphans(shop_copy["orders"], column, shop_copy[parent], key) == 0


def one_parent(products: int, *, is_nullable: bool) -> tuple[sh.Metadata, dict[str, pl.DataFrame]]:
    real = {
        "users": pl.DataFrame({"id": range(30), "plan": ["free", "paid", "team"] * 10}),
        "products": pl.DataFrame(
            {"id": range(5, 5 + products), "size": range(products)},
            schema={"id": pl.Int64, "size": pl.Int64},
        ),
        "orders": pl.DataFrame(
            {
                "id": range(90),
                "user_id": [i // 3 for i in range(90)],
                "product_id": [5 if products else None] * 90,
            },
            schema_overrides={"product_id": pl.Int64},
        ),
    }
    metadata = (
        sh.Metadata()
        .add_table("users", pk="id")
        .add_table("products", pk="id")
        .add_table(
            "orders",
            pk="id",
            fk={"user_id": "users.id", "product_id": "products.id"},
            driver="user_id",
            not_null=[] if is_nullable else ["product_id"],
        )
    )
    return metadata, real


def test_21_a_single_secondary_parent_is_everyones(quick):
    metadata, real = one_parent(1, is_nullable=False)
    copy = sh.Synthesizer(metadata, ctgan=quick).fit(real).sample(rows={"products": 1})
    [product] = copy["products"]["id"]
    assert copy["orders"]["product_id"].to_list() == [product] * copy["orders"].height
    assert copy["orders"].height


def test_21_an_empty_secondary_parent_leaves_nulls(quick):
    metadata, real = one_parent(0, is_nullable=True)
    copy = sh.Synthesizer(metadata, ctgan=quick).fit(real).sample()
    assert copy["products"].height == 0
    assert copy["orders"].height
    assert copy["orders"]["product_id"].null_count() == copy["orders"].height


def test_22_a_nullable_secondary_key_is_null_as_often(shop, shop_copy):
    theirs, mine = (share(tables["orders"]["gift_sku"].is_null()) for tables in (shop, shop_copy))
    assert theirs == pytest.approx(0.3, abs=0.03)
    assert mine == pytest.approx(theirs, abs=0.03)


def test_22_a_nullable_driver_is_null_as_often(quick):
    random = np.random.default_rng(1)
    keys = pl.Series(random.integers(0, 200, COUNT)).set(
        pl.Series(random.random(COUNT) < 0.2), None
    )
    real = {
        "users": pl.DataFrame({"id": range(200)}),
        "visits": pl.DataFrame({"user_id": keys, "pages": random.integers(1, 9, COUNT)}),
    }
    metadata = (
        sh.Metadata().add_table("users", pk="id").add_table("visits", fk={"user_id": "users.id"})
    )
    visits = sh.Synthesizer(metadata, ctgan=quick).fit(real).sample()["visits"]
    theirs = share(real["visits"]["user_id"].is_null())
    assert share(visits["user_id"].is_null()) == pytest.approx(theirs, abs=0.03)
    assert visits.height == pytest.approx(COUNT, rel=0.1)


def categories(tables: dict[str, pl.DataFrame]) -> pl.DataFrame:
    """Every order with its user's columns and its product's category."""
    products = tables["products"].select("sku", of_product="category")
    users = tables["users"].rename({"id": "user_id"})
    return tables["orders"].join(users, on="user_id").join(products, on="sku")


def test_23_a_column_that_repeats_the_products_does_so(shop, shop_copy):
    for tables in (shop, shop_copy):
        found = categories(tables)
        assert found.height == tables["orders"].height
        assert share(found["category"] == found["of_product"]) >= 0.9


def test_24_a_regions_categories_and_their_association_are_kept(shop, shop_copy, tvd):
    real, mine = categories(shop), categories(shop_copy)
    shares = real["region"].value_counts(normalize=True)
    distances = {
        region: tvd(real.filter(region=region)["category"], mine.filter(region=region)["category"])
        for region in shares["region"]
    }
    mean = sum(share * distances[region] for region, share in shares.iter_rows())
    assert mean <= 0.08
    theirs = cramers_v(real, "region", "category")
    assert theirs > 0.5
    assert cramers_v(mine, "region", "category") == pytest.approx(theirs, abs=0.08)


def test_25_a_fixed_region_gives_the_regions_categories(shop, shop_hive, tvd):
    region = pl.DataFrame({"region": ["NE"] * COUNT})
    orders = categories(shop_hive.sample(given={"users": region}, seed=1))
    assert set(orders["region"]) == {"NE"}
    real = categories(shop).filter(region="NE")
    assert tvd(real["category"], orders["category"]) <= 0.08


def test_25_permuted_contexts_permute_the_outcome(shop, shop_hive, tvd):
    regions = shop["users"]["region"].unique().sort().to_list()
    turned = [*regions[1:], regions[0]]
    found = []
    for order in (regions, turned):
        given = pl.DataFrame({"region": order * (COUNT // 4)})
        copy = shop_hive.sample(given={"users": given}, seed=1)
        found.append(categories(copy).with_columns(place=(pl.col("user_id") - 1) % 4))
    for place in range(4):
        straight = found[0].filter(place=place)["category"]
        same = found[1].filter(place=(place - 1) % 4)["category"]
        other = found[1].filter(place=place)["category"]
        assert tvd(straight, same) <= 0.12
        assert tvd(straight, other) >= 0.3


def cramers_v(frame: pl.DataFrame, one: str, other: str) -> float:
    table = (
        frame.group_by(one, other)
        .len()
        .pivot(other, index=one, values="len")
        .fill_null(0)
        .drop(one)
    ).to_numpy()
    expected = table.sum(1, keepdims=True) * table.sum(0) / table.sum()
    statistic = ((table - expected) ** 2 / expected).sum() / table.sum()
    return float(np.sqrt(statistic / (min(table.shape) - 1)))


def test_27_a_grandparent_is_seen_through_its_child(shop, shop_copy):
    def items(tables: dict[str, pl.DataFrame]) -> pl.DataFrame:
        orders = tables["orders"].select("user_id", order_id="id")
        users = tables["users"].select("region", user_id="id")
        return tables["order_items"].join(orders, on="order_id").join(users, on="user_id")

    strength = cramers_v(items(shop), "region", "carrier")
    assert strength > 0.5
    assert cramers_v(items(shop_copy), "region", "carrier") == pytest.approx(strength, abs=0.08)


@pytest.fixture(scope="module")
def winter_orders(shop) -> sh.CTGAN:
    """One table's generator, learned from its rows' regions and segments."""
    context = (
        shop["orders"]
        .select("user_id")
        .join(shop["users"], left_on="user_id", right_on="id", how="left", maintain_order="left")
    )
    model = sh.CTGAN(epochs=40, settings=sh.CTGANSettings(members=1), seed=2)
    return model.fit(
        shop["orders"].select("category", "quantity"), context=context.select("region", "segment")
    )


def regions_of(*names: str) -> pl.DataFrame:
    return pl.DataFrame({"region": names, "segment": ["plus"] * len(names)})


def test_25_users_in_the_north_east_order_winter_coats(shop, winter_orders, tvd):
    made = winter_orders.sample(COUNT, context=regions_of(*["NE"] * COUNT), seed=1)
    real = categories(shop).filter(region="NE")
    assert tvd(real["category"], made["category"]) <= 0.08
    assert made["category"].mode().to_list() == ["coats"]


def test_28_a_context_that_does_not_fit_is_a_typed_error(shop, winter_orders):
    orders = shop["orders"].select("category")
    with pytest.raises(ContextError, match="2 rows"):
        sh.CTGAN(epochs=1).fit(orders, context=regions_of("NE", "SO"))
    with pytest.raises(ContextError, match="context has 2 rows, but 3 rows"):
        winter_orders.sample(3, context=regions_of("NE", "SO"))
    with pytest.raises(ContextError, match=r"without context[\s\S]*'region', 'segment'"):
        winter_orders.sample(3)
    with pytest.raises(ContextError, match="lacks the column 'segment'"):
        winter_orders.sample(1, context=regions_of("NE").drop("segment"))


def test_28_an_unseen_context_value_is_told_and_generated_all_the_same(winter_orders):
    with pytest.warns(UserWarning, match=r"'region' in 1 rows"):
        made = winter_orders.sample(2, context=regions_of("Atlantis", "NE"))
    assert made.height == 2
    assert made["category"].null_count() == 0


def test_28_an_unseen_given_value_is_told_and_stays(shop_hive):
    given = pl.DataFrame({"region": ["XX", "NE"]})
    with pytest.warns(UnseenContextWarning, match=r"given users\.region: 1 of 2 rows"):
        users = shop_hive.sample(given={"users": given}, seed=1)["users"]
    assert users["region"].to_list() == ["XX", "NE"]


def test_28_a_given_column_that_was_not_learned_is_answered_with_a_suggestion(shop_hive):
    with pytest.raises(ConfigError, match=r"users\.regio is no[\s\S]*did you mean 'region'\?"):
        shop_hive.sample(given={"users": pl.DataFrame({"regio": ["NE"]})})
