from __future__ import annotations

from dataclasses import replace

import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from synthohive import kernels
from synthohive.errors import IntegrityError, SchemaValidationError
from synthohive.schema import Metadata, OrphanPolicy, apply_orphan_policy


def chain(policy: OrphanPolicy, items: OrphanPolicy = "error") -> Metadata:
    return (
        Metadata()
        .add_table("users", pk="id")
        .add_table("orders", pk="id", fk={"user_id": "users.id"}, on_orphans=policy)
        .add_table("items", pk="id", fk={"order_id": "orders.id"}, on_orphans=items)
    )


ROWS = {
    "users": pl.DataFrame({"id": [1, 2]}),
    "orders": pl.DataFrame({"id": [1, 2, 3], "user_id": [1, 9, None]}),
    "items": pl.DataFrame({"id": [1, 2, 3], "order_id": [2, 1, 3]}),
}


def test_dropped_orphans_take_their_children_with_them() -> None:
    metadata = chain("drop")
    metadata.validate_schema(ROWS)
    tables, notices = apply_orphan_policy(metadata, ROWS)
    assert tables["orders"]["id"].to_list() == [1, 3]
    assert tables["items"]["id"].to_list() == [2, 3]
    assert tables["users"] is ROWS["users"]
    assert notices == [
        "orders.user_id: 1 of 3 rows have no parent in users and were dropped",
        "items.order_id: 1 of 3 rows have no parent in orders and were dropped",
    ]


def test_orphans_can_be_left_without_a_parent() -> None:
    metadata = chain("null")
    metadata.validate_schema(ROWS)
    tables, notices = apply_orphan_policy(metadata, ROWS)
    assert tables["orders"]["user_id"].to_list() == [1, None, None]
    assert tables["items"].equals(ROWS["items"])
    assert notices == [
        "orders.user_id: 1 of 3 rows have no parent in users and were left without a parent"
    ]


def test_orphans_are_an_error_by_default() -> None:
    with pytest.raises(IntegrityError, match=r"orders\.user_id: 1 of 3 rows"):
        apply_orphan_policy(chain("error"), ROWS)


def test_a_key_that_can_not_be_null_can_not_be_set_to_null() -> None:
    metadata = (
        Metadata()
        .add_table("users", pk="id")
        .add_table("orders", fk={"user_id": "users.id"}, not_null=["user_id"], on_orphans="null")
    )
    rows = {"users": ROWS["users"], "orders": pl.DataFrame({"user_id": [1, 9]})}
    with pytest.raises(SchemaValidationError, match="the key can't be null"):
        metadata.validate_schema(rows)
    with pytest.raises(IntegrityError):
        apply_orphan_policy(metadata, rows)


def test_only_the_columns_of_no_other_key_are_set_to_null() -> None:
    metadata = (
        Metadata()
        .add_table("a", pk="faa")
        .add_table("w", pk=["o", "h"])
        .add_table("f", fk={"o": "a.faa", ("o", "h"): ("w", ("o", "h"))}, on_orphans="null")
    )
    rows = {
        "a": pl.DataFrame({"faa": ["x", "y"]}),
        "w": pl.DataFrame({"o": ["x"], "h": [1]}),
        "f": pl.DataFrame({"o": ["x", "y"], "h": [1, 1]}),
    }
    tables, _ = apply_orphan_policy(metadata, rows)
    assert tables["f"].rows() == [("x", 1), ("y", None)]


def test_orphans_of_a_partial_key_are_rows_without_a_parent() -> None:
    metadata = chain("error")
    orders = metadata.tables["orders"]
    partial = tuple(replace(fk, is_partial=True) for fk in orders.foreign_keys)
    metadata.tables["orders"] = replace(orders, foreign_keys=partial)
    metadata.validate_schema(ROWS)
    tables, _ = apply_orphan_policy(metadata, ROWS)
    assert tables["orders"]["user_id"].to_list() == [1, None, None]


def test_a_chain_of_self_references_unravels() -> None:
    metadata = Metadata().add_table("e", pk="id", fk={"boss": "e.id"}, on_orphans="drop")
    rows = {"e": pl.DataFrame({"id": [1, 2, 3, 4], "boss": [None, 9, 2, 3]})}
    tables, (notice,) = apply_orphan_policy(metadata, rows)
    assert tables["e"]["id"].to_list() == [1]
    assert "3 of 4 rows" in notice


keys = st.lists(st.one_of(st.none(), st.integers(0, 6)), max_size=12)


@settings(max_examples=40)
@given(keys, keys, st.sampled_from(["drop", "null"]), st.sampled_from(["error", "drop", "null"]))
def test_nothing_is_left_without_its_parent(
    user_ids: list[int | None],
    order_ids: list[int | None],
    policy: OrphanPolicy,
    items: OrphanPolicy,
) -> None:
    order_ids = [key if key is None else key % max(len(user_ids), 1) for key in order_ids]
    if not user_ids:
        order_ids = [None for _ in order_ids]
    rows = {
        "users": pl.DataFrame({"id": [1, 2, 3]}),
        "orders": pl.DataFrame(
            {"id": list(range(len(user_ids))), "user_id": user_ids},
            schema={"id": pl.Int64, "user_id": pl.Int64},
        ),
        "items": pl.DataFrame(
            {"id": list(range(len(order_ids))), "order_id": order_ids},
            schema={"id": pl.Int64, "order_id": pl.Int64},
        ),
    }
    metadata = chain(policy, items)
    tables, _ = apply_orphan_policy(metadata, rows)
    for name, table in metadata.tables.items():
        assert tables[name].height <= rows[name].height
        for fk in table.foreign_keys:
            child = tables[name].select(fk.columns)
            parent = tables[fk.parent].select(fk.parent_columns)
            assert kernels.check_foreign_key(child, parent).orphans == 0
    if policy == "null":
        assert tables["orders"].height == rows["orders"].height
