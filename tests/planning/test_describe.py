from __future__ import annotations

import json

from synthohive.planning import describe, plan
from synthohive.schema import Metadata

TYPES = {
    "users": {"id": "BIGINT", "mail": "VARCHAR", "code": "VARCHAR", "tags": "VARCHAR[]"},
    "orders": {"id": "BIGINT", "user_id": "BIGINT", "user_code": "VARCHAR", "value": "DOUBLE"},
}


def shop() -> Metadata:
    return (
        Metadata()
        .add_table("regions", pk="id", keep=True)
        .add_table("users", pk="id", pii={"mail": "email"}, rows=50)
        .add_table(
            "orders",
            fk={"user_id": "users.id", "user_code": "users.code"},
            driver="user_id",
            parent_context_cols=["mode"],
            constraints={
                "value": {"min": 0, "max": 9.5, "dtype": "float", "mode": "enforce"},
                "kind": {"accepted_values": ["a", "b"]},
            },
            rows=20,
            order_by="id",
        )
    )


def test_every_table_is_told_in_plain_values() -> None:
    metadata = shop()
    metadata = metadata.with_column_types(
        {
            **TYPES,
            "users": {**TYPES["users"], "mode": "VARCHAR"},
            "orders": {**TYPES["orders"], "kind": "VARCHAR"},
        }
    )
    rows = describe(metadata, plan(metadata), {"users": 5})
    assert json.loads(json.dumps(rows)) == rows
    by_name = {row["table"]: row for row in rows}
    assert [row["table"] for row in rows] == ["regions", "users", "orders"]
    users, orders, regions = by_name["users"], by_name["orders"], by_name["regions"]
    assert (users["rows"], users["rows_asked"]) == (5, 50)
    assert (orders["rows"], orders["rows_asked"]) == (None, None)  # the driver decides
    assert users["personal"] == {"mail": "email"}
    assert users["notes"] == [
        "users.code is made unique, as another table refers to it",
        "users.tags is VARCHAR[], which is not learned: it will be null",
    ]
    assert users["key_evidence"] == ["declared in Python"]
    assert users["driver_reason"] == "generated on its own"
    assert users["context"] is None
    assert orders["driver"] == "user_id → users.id"
    assert orders["driver_reason"] == "declared"
    assert [key["role"] for key in orders["foreign_keys"]] == ["secondary", "driver"]
    assert orders["context"] == ["users.mode"]
    assert orders["limits"] == {
        "value": "≥ 0, ≤ 9.5, as float, enforced",
        "kind": "one of 2 values",
    }
    assert orders["notes"] == ["no primary key is declared"]
    assert regions["driver_reason"] == "kept as it is"


def test_the_role_of_every_foreign_key_is_told() -> None:
    metadata = (
        Metadata()
        .add_table("a", pk="id", fk={"b": "b.id", "boss": "a.id", "c": "c.id"})
        .add_table("b", pk="id", fk={"a": "a.id"}, not_null=["a"])
        .add_table("c", pk="id")
    )
    row = next(row for row in describe(metadata, plan(metadata)) if row["table"] == "a")
    roles = {key["columns"][0]: key["role"] for key in row["foreign_keys"]}
    assert roles == {"b": "deferred", "boss": "self reference", "c": "driver"}
    assert row["driver_reason"] == "only candidate"
    assert row["relation"] is None
