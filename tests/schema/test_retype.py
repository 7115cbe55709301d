from __future__ import annotations

import pytest

from synthohive.errors import UnknownTableError
from synthohive.schema import Constraint, Metadata
from synthohive.schema.families import are_comparable, decimal_scale, sql_family
from synthohive.schema.retype import fitted_limits


def test_names_are_spelled_as_the_tables_spell_them() -> None:
    metadata = (
        Metadata()
        .add_table("users", pk="ID", pii=["EMAIL"])
        .add_table(
            "orders",
            pk="id",
            fk={"USER_ID": "users.ID"},
            driver="user_ID",
            order_by="WHEN",
            parent_context_cols=["users.REGION", "region"],
        )
        .with_column_types(
            {
                "users": {"Id": "BIGINT", "email": "VARCHAR", "Region": "VARCHAR"},
                "orders": {"id": "BIGINT", "user_id": "BIGINT", "When": "DATE"},
            }
        )
    )
    orders = metadata.table("orders")
    assert str(orders.foreign_keys[0]) == "user_id → users.Id"
    assert (orders.driver, orders.order_by) == (("user_id",), "When")
    assert orders.context == ("users.Region", "region")
    assert metadata.table("users").column("email").pii == "email"
    assert metadata.table("users").column_order == ("Id", "email", "Region")
    assert list(orders.columns) == ["id", "user_id", "When"]


def test_columns_that_differ_only_in_case_are_told_apart_by_exact_spelling() -> None:
    metadata = (
        Metadata().add_table("t", pk="ID").with_column_types({"t": {"id": "INT", "ID": "INT"}})
    )
    assert metadata.table("t").primary_key == ("ID",)


def test_declarations_that_turn_out_to_be_of_one_column_are_merged() -> None:
    metadata = Metadata().add_table(
        "t", pii={"Mail": "email"}, not_null=["MAIL"], fk={"P": "t.id", "p": "t.ID"}
    )
    table = metadata.with_column_types({"t": {"id": "INT", "mail": "VARCHAR", "p": "INT"}}).table(
        "t"
    )
    assert (table.column("mail").pii, table.column("mail").is_not_null) == ("email", True)
    assert [str(fk) for fk in table.foreign_keys] == ["p → t.id"]


def test_tables_without_types_stay_and_unknown_tables_are_refused(shop: Metadata) -> None:
    assert shop.with_column_types({}) == shop
    with pytest.raises(UnknownTableError, match="did you mean 'users'"):
        shop.with_column_types({"user": {"id": "INT"}})


def test_a_missing_column_is_still_found_missing(shop: Metadata) -> None:
    typed = shop.with_column_types({"users": {"key": "BIGINT"}})
    with pytest.raises(ValueError, match="users has no column 'id'"):
        typed.validate_schema()


@pytest.mark.parametrize(
    ("dtype", "low", "high"),
    [
        ("INTEGER", 1, 9),
        ("DECIMAL(10,2)", 0.01, 9.99),
        ("DOUBLE", 5e-324, 9.999999999999998),
        ("DECIMAL(4)", 1, 9),
    ],
)
def test_open_bounds_become_closed(dtype: str, low: float, high: float) -> None:
    limits = Constraint(minimum=0, maximum=10, is_minimum_open=True, is_maximum_open=True)
    fitted = fitted_limits(limits, dtype)
    assert fitted == Constraint(minimum=low, maximum=high)


def test_a_fractional_bound_of_an_integer_column() -> None:
    limits = Constraint(minimum=0.5, maximum=9.5, is_minimum_open=True, is_maximum_open=True)
    fitted = fitted_limits(limits, "BIGINT")
    assert (fitted.minimum, fitted.maximum) == (1, 9)


@pytest.mark.parametrize(
    ("dtype", "values", "expected"),
    [
        ("INTEGER", ("1", "2"), (1, 2)),
        ("DOUBLE", ("1.5",), (1.5,)),
        ("BOOLEAN", ("true", "F"), (True, False)),
        ("VARCHAR", (1, "b"), ("1", "b")),
        ("INTEGER", ("one",), ("one",)),
        ("BLOB", ("x",), ("x",)),
    ],
)
def test_accepted_values_become_what_the_column_holds(
    dtype: str, values: tuple[object, ...], expected: tuple[object, ...]
) -> None:
    limits = Constraint(accepted_values=values)  # type: ignore[arg-type]
    assert fitted_limits(limits, dtype).accepted_values == expected


def test_bounds_written_as_text() -> None:
    assert fitted_limits(Constraint(minimum="3"), "INTEGER").minimum == 3
    assert fitted_limits(Constraint(minimum="2024-01-01"), "DATE").minimum == "2024-01-01"


@pytest.mark.parametrize(
    ("dtype", "family"),
    [
        ("bigint", "int"),
        ("DECIMAL(38, 0)", "decimal"),
        ("double precision", "float"),
        ("VARCHAR(20)", "text"),
        ("ENUM('a', 'b)')", "text"),
        ("TIMESTAMP WITH TIME ZONE", "datetime"),
        ("timestamp(3)", "datetime"),
        ("STRUCT(a INTEGER, b VARCHAR)", "nested"),
        ("DECIMAL(10,2)[]", "nested"),
        ("MAP(VARCHAR, INTEGER)", "nested"),
        ("BLOB", "binary"),
        ("INTERVAL", "duration"),
        ("WHATEVER", "unknown"),
    ],
)
def test_families_of_sql_types(dtype: str, family: str) -> None:
    assert sql_family(dtype) == family


def test_what_compares_with_what() -> None:
    assert are_comparable("int", "decimal")
    assert are_comparable("unknown", "text")
    assert not are_comparable("int", "text")
    assert (decimal_scale("DECIMAL(10,2)"), decimal_scale("NUMERIC")) == (2, 3)
