from __future__ import annotations

import polars as pl
import pytest

from synthohive.schema import Metadata


@pytest.fixture
def shop() -> Metadata:
    return (
        Metadata()
        .add_table("users", pk="id", pii={"mail": "email"})
        .add_table("products", pk="id")
        .add_table("orders", pk="id", fk={"user_id": "users.id", "product_id": "products.id"})
    )


@pytest.fixture
def shop_rows() -> dict[str, pl.DataFrame]:
    return {
        "users": pl.DataFrame(
            {"id": [1, 2, 3], "mail": ["a@x", "b@x", "c@x"], "region": ["NE", "SW", "NE"]}
        ),
        "products": pl.DataFrame({"id": [7, 8]}),
        "orders": pl.DataFrame({"id": [1, 2, 3], "user_id": [1, 1, 3], "product_id": [8, 8, 7]}),
    }
