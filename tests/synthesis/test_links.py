"""Secondary parents: by blocks as at once, of the group wanted, by quota, pairs distinct."""

from __future__ import annotations

import numpy as np
import polars as pl
import pytest

import synthohive as sh
from synthohive.models.settings import CTGANSettings
from synthohive.synthesis.spool import Spool

QUICK = CTGANSettings(max_steps=5, width=16, depth=1, members=1)
LEARNED = CTGANSettings(max_steps=200, members=1)


def test_a_column_of_the_spool_can_be_written_in_place_and_dropped():
    with Spool() as spool:
        spool.create("users", "rank", np.uint32, 3)
        spool.view("users", "rank", is_writable=True)[[2, 0]] = [7, 9]
        assert spool.read("users", "rank").tolist() == [9, 0, 7]
        spool.drop("users", "rank")
        assert not spool.has("users", "rank")
        spool.store("users", "age", np.array([5], np.uint8))
        spool.store("users", "size", np.array([6], np.uint8))
        assert spool.read("users", "age").tolist() == [5]


def sales(rows: int = 1500):
    """Lines of orders: each repeats its product's price, and favours its order's colour."""
    random = np.random.default_rng(3)
    orders = rows // 3
    colour = random.integers(0, 3, orders)
    order = np.sort(random.integers(0, orders, rows))
    own = np.where(random.random(rows) < 0.9, colour[order], random.integers(0, 3, rows))
    weights = 1 / np.arange(1, 21)
    product = own + 3 * random.choice(20, rows, p=weights / weights.sum())
    price = np.round(np.arange(60) * 1.7 + 3, 2)
    names = np.array(["red", "green", "blue"])
    lines = {"order_id": order, "product_id": product, "unit_price": price[product]}
    return {
        "orders": pl.DataFrame({"id": np.arange(orders), "colour": names[colour]}),
        "products": pl.DataFrame(
            {"id": np.arange(60), "colour": names[np.arange(60) % 3], "price": price}
        ),
        "lines": pl.DataFrame(lines),
    }


def sales_metadata(**more):
    return (
        sh.Metadata()
        .add_table("orders", pk="id")
        .add_table("products", pk="id")
        .add_table("lines", fk={"order_id": "orders.id", "product_id": "products.id"}, **more)
    )


@pytest.fixture(scope="module")
def seller():
    return sh.Synthesizer(sales_metadata(), seed=1, ctgan=QUICK).fit(sales())


def same(first, second):
    return all(first[name].equals(second[name], null_equal=True) for name in first)


def test_blocks_of_children_and_threads_do_not_change_parents(seller, monkeypatch):
    whole = seller.sample(scale=3)
    monkeypatch.setattr("synthohive.synthesis.links.SERVE_ROWS", 100)
    monkeypatch.setattr("synthohive.synthesis.attributes.HOLD_ROWS", 7)
    monkeypatch.setattr("synthohive.linkage.popularity.BLOCK", 11)
    monkeypatch.setattr("synthohive.synthesis.emit.EMIT_ROWS", 64)
    assert same(whole, seller.sample(scale=3))


def test_a_column_that_repeats_a_secondary_parent_s_is_equal_in_every_row(seller):
    copy = seller.sample(scale=2)
    lines = copy["lines"].join(copy["products"], left_on="product_id", right_on="id")
    assert lines.height == copy["lines"].height
    assert lines["unit_price"].equals(lines["price"], check_names=False)


def junction(rows: int = 6000):
    """Readers have books of the genre they like; few books are read by many."""
    random = np.random.default_rng(5)
    likes = random.integers(0, 3, 300)
    reader = random.integers(0, 300, rows)
    weights = 1 / np.arange(3, 43)
    book = likes[reader] + 3 * random.choice(40, rows, p=weights / weights.sum())
    pairs = np.unique(np.stack([reader, book], axis=1), axis=0)
    genres = np.array(["crime", "poems", "cooking"])
    return {
        "books": pl.DataFrame({"id": np.arange(120), "genre": genres[np.arange(120) % 3]}),
        "readers": pl.DataFrame({"id": np.arange(300), "likes": genres[likes]}),
        "reads": pl.DataFrame({"reader_id": pairs[:, 0], "book_id": pairs[:, 1]}),
    }


def agreement(tables):
    rows = tables["reads"].join(tables["readers"], left_on="reader_id", right_on="id")
    rows = rows.join(tables["books"], left_on="book_id", right_on="id")
    return (rows["likes"] == rows["genre"]).mean()


@pytest.mark.parametrize("window", [40, 10**6])
def test_repairing_a_junction_table_keeps_the_groups(window, monkeypatch):
    monkeypatch.setattr("synthohive.synthesis.distinct.WINDOW_ROWS", window)
    real = junction()
    metadata = (
        sh.Metadata()
        .add_table("books", pk="id")
        .add_table("readers", pk="id")
        .add_table(
            "reads",
            pk=["reader_id", "book_id"],
            fk={"reader_id": "readers.id", "book_id": "books.id"},
            driver="reader_id",
        )
    )
    copy = sh.Synthesizer(metadata, seed=1, ctgan=LEARNED).fit(real).sample()
    assert not copy["reads"].is_duplicated().any()
    assert agreement(real) == 1
    # each reader reads a third of what there is to read of the genre
    assert agreement(copy) > 0.9


def test_two_keys_beside_the_driver_make_distinct_triples():
    random = np.random.default_rng(2)
    triples = np.unique(random.integers(0, [30, 4, 3], (150, 3)), axis=0)
    metadata = sh.Metadata()
    real = {}
    for name, rows in (("a", 30), ("b", 4), ("c", 3)):
        real[name] = pl.DataFrame({"id": np.arange(rows)})
        metadata = metadata.add_table(name, pk="id")
    names = ("a_id", "b_id", "c_id")
    real["abc"] = pl.DataFrame(dict(zip(names, triples.T, strict=True)))
    metadata = metadata.add_table(
        "abc", pk=list(names), fk={name: f"{name[0]}.id" for name in names}
    )
    copy = sh.Synthesizer(metadata, ctgan=QUICK).fit(real).sample(scale=2)
    assert not copy["abc"].is_duplicated().any()
    assert copy["abc"].height > 150
    for name in names:
        assert copy["abc"][name].is_in(copy[name[0]]["id"].implode()).all()
