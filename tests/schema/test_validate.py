from __future__ import annotations

from datetime import date

import polars as pl
import pytest

from synthohive.errors import ConfigError, SchemaError, SchemaValidationError
from synthohive.schema import Metadata

Rows = dict[str, pl.DataFrame]


def problems_of(
    metadata: Metadata, rows: Rows | None = None, row_counts: dict[str, int] | None = None
) -> list[str]:
    with pytest.raises(SchemaValidationError) as caught:
        metadata.validate_schema(rows, row_counts)
    return caught.value.problems


def test_a_sound_schema_passes(shop: Metadata, shop_rows: Rows) -> None:
    shop.validate_schema()
    shop.validate_schema(shop_rows, {"users": 10})
    Metadata().validate_schema({})


def test_acceptance_01_unlike_key_types_name_both_columns_types_and_a_cast(
    shop: Metadata, shop_rows: Rows
) -> None:
    shop_rows["orders"] = shop_rows["orders"].cast({"user_id": pl.String})
    (problem,) = problems_of(shop, shop_rows)
    assert "orders.user_id is String but users.id is Int64" in problem
    assert "pl.col('user_id').cast(pl.Int64)" in problem


def test_acceptance_01_in_the_words_of_the_database() -> None:
    metadata = (
        Metadata()
        .add_table("users", pk="id")
        .add_table("orders", fk={"user_id": "users.id"})
        .with_column_types({"users": {"id": "BIGINT"}, "orders": {"user_id": "VARCHAR"}})
    )
    (problem,) = problems_of(metadata)
    assert "orders.user_id is VARCHAR but users.id is BIGINT" in problem
    assert 'cast("user_id" as BIGINT)' in problem


def test_acceptance_02_all_broken_references_are_in_one_error(shop_rows: Rows) -> None:
    metadata = (
        Metadata()
        .add_table("users", pk="id")
        .add_table(
            "orders",
            fk={
                "user": "users.id",
                "user_id": "users.idd",
                "product_id": "product.id",
                "id": "usersid",
            },
        )
    )
    found = problems_of(metadata, {name: shop_rows[name] for name in ("users", "orders")})
    assert len(found) == 4
    text = "\n".join(found)
    assert "orders.user: orders has no column 'user'; did you mean 'user_id'?" in text
    assert "orders.user_id: users has no column 'idd'; did you mean 'id'?" in text
    assert "orders.product_id: the parent table 'product' is missing" in text
    assert "orders.id: 'usersid' is no reference to a parent column" in text


@pytest.mark.parametrize(
    ("parent", "child"),
    [
        (pl.Series([1, 2], dtype=pl.Int32), pl.Series([2, 1], dtype=pl.Int64)),
        (pl.Series([1, 2], dtype=pl.UInt8), pl.Series([2.0, None], dtype=pl.Float64)),
        (pl.Series(["a", "b"]), pl.Series(["b", None], dtype=pl.Categorical)),
        (pl.Series([date(2024, 1, 1)]), pl.Series([date(2024, 1, 1)])),
        (pl.Series([1]), pl.Series([None], dtype=pl.Null)),
    ],
)
def test_acceptance_03_keys_of_like_types_are_accepted(parent: pl.Series, child: pl.Series) -> None:
    metadata = Metadata().add_table("p", pk="id").add_table("c", fk={"p": "p.id"})
    metadata.validate_schema({"p": pl.DataFrame({"id": parent}), "c": pl.DataFrame({"p": child})})


def test_acceptance_04_orphans_are_counted_and_shown(shop: Metadata, shop_rows: Rows) -> None:
    shop_rows["orders"] = shop_rows["orders"].with_columns(user_id=pl.Series([1, 98, 99]))
    (problem,) = problems_of(shop, shop_rows)
    assert "orders.user_id: 2 of 3 rows have no parent in users.id, such as 98, 99" in problem
    assert "on_orphans" in problem


def test_acceptance_04_repeated_and_missing_keys_are_counted_and_shown(
    shop: Metadata, shop_rows: Rows
) -> None:
    shop_rows["users"] = shop_rows["users"].with_columns(id=pl.Series([1, 1, None]))
    shop_rows["orders"] = shop_rows["orders"].with_columns(user_id=pl.Series([1, 1, 1]))
    nulls, repeats = problems_of(shop, shop_rows)
    assert "users.id is in the primary key, but 1 of 3 rows are null" in nulls
    assert "users.id is the primary key, but 1 rows repeat a value, such as 1;" in repeats


def test_at_most_five_samples_are_shown_and_no_personal_value() -> None:
    metadata = Metadata().add_table("t", pk="n", unique=["mail"], pii={"mail": "email"})
    rows = pl.DataFrame({"n": [*range(20), *range(20)], "mail": ["secret@x"] * 40})
    key, mail = problems_of(metadata, {"t": rows})
    assert "20 rows repeat a value, such as 0, 1, 2, 3, 4;" in key
    assert "secret" not in mail
    assert "personal values, not shown" in mail


def test_a_reference_to_repeated_values_is_no_reference() -> None:
    metadata = Metadata().add_table("p").add_table("c", fk={"code": "p.code"})
    rows = {"p": pl.DataFrame({"code": ["a", "a", "b"]}), "c": pl.DataFrame({"code": ["a"]})}
    (problem,) = problems_of(metadata, rows)
    assert "p.code is what c.code refers to, but 1 rows repeat a value, such as 'a'" in problem
    metadata.validate_schema({**rows, "p": rows["p"].unique()})


def test_composite_keys_are_checked_as_a_whole() -> None:
    metadata = (
        Metadata()
        .add_table("w", pk=["o", "h"])
        .add_table("f", fk={("o", "h"): ("w", ("o", "h")), "o": "a.faa"})
        .add_table("a", pk="faa")
    )
    weather = pl.DataFrame({"o": ["x", "x", "y"], "h": [1, 2, 1]})
    airports = pl.DataFrame({"faa": ["x", "y"]})
    rows = {"w": weather, "a": airports, "f": pl.DataFrame({"o": ["y", "x", None], "h": [1, 2, 7]})}
    metadata.validate_schema(rows)
    rows["f"] = pl.DataFrame({"o": ["y"], "h": [2]})
    (problem,) = problems_of(metadata, rows)
    assert "f.(o, h): 1 of 1 rows have no parent in w.(o, h), such as ('y', 2)" in problem


def test_a_key_with_fractions_is_no_key(shop: Metadata, shop_rows: Rows) -> None:
    shop_rows["orders"] = shop_rows["orders"].with_columns(user_id=pl.Series([1.0, 2.5, None]))
    found = problems_of(shop, shop_rows)
    assert "orders.user_id is a key, but 1 of its values are no whole numbers" in found[0]


@pytest.mark.parametrize("context", ["nope", "users.nope", "shops.region"])
def test_acceptance_05_unknown_context_lists_the_parents_columns(
    context: str, shop_rows: Rows
) -> None:
    metadata = (
        Metadata()
        .add_table("users", pk="id")
        .add_table("orders", fk={"user_id": "users.id"}, parent_context_cols=[context])
    )
    (problem,) = problems_of(metadata, {name: shop_rows[name] for name in ("users", "orders")})
    assert context in problem
    assert "columns of users: id, mail, region" in problem
    with pytest.raises(SchemaError):
        metadata.validate_schema({name: shop_rows[name] for name in ("users", "orders")})


@pytest.mark.parametrize("context", ["region", "users.region"])
def test_acceptance_05_both_spellings_of_context_are_accepted(
    context: str, shop_rows: Rows
) -> None:
    Metadata().add_table("users", pk="id").add_table(
        "orders", fk={"user_id": "users.id"}, parent_context_cols=[context]
    ).validate_schema({name: shop_rows[name] for name in ("users", "orders")})


@pytest.mark.parametrize(
    ("context", "reason"), [("mail", "declared personal"), ("users.id", "is a key")]
)
def test_acceptance_05_personal_and_key_context_is_refused(context: str, reason: str) -> None:
    metadata = (
        Metadata()
        .add_table("users", pk="id", pii={"mail": "email"})
        .add_table("orders", fk={"user_id": "users.id"}, parent_context_cols=[context])
    )
    (problem,) = problems_of(metadata)
    assert reason in problem


def test_context_without_a_driver_is_refused() -> None:
    (problem,) = problems_of(Metadata().add_table("t", parent_context_cols=["x"]))
    assert "no parent drives this table" in problem


def test_acceptance_07_a_cycle_is_one_of_the_problems() -> None:
    metadata = (
        Metadata()
        .add_table("a", pk="id", fk={"b": "b.id"}, not_null=["b"])
        .add_table("b", pk="id", fk={"a": "a.id"}, not_null=["a"], order_by="x", rows=-1)
    )
    found = problems_of(metadata)
    assert any("a → b → a" in problem for problem in found)
    assert any("rows is -1" in problem for problem in found)


def test_acceptance_09_row_counts_of_unknown_tables(shop: Metadata) -> None:
    found = problems_of(shop, row_counts={"user": 10, "orders": -1})
    assert found[0] == "rows are given for table 'user'; did you mean 'users'?"
    assert "rows of orders is -1" in found[1]


def test_acceptance_11_a_driver_that_is_no_foreign_key(shop: Metadata) -> None:
    metadata = shop.add_table("items", fk={"order_id": "orders.id"}, driver="order")
    (problem,) = problems_of(metadata)
    assert "items: driver 'order' is no foreign key; did you mean 'order_id'?" in problem
    (problem,) = problems_of(Metadata().add_table("t", pk="id", fk={"up": "t.id"}, driver="up"))
    assert "can't drive itself" in problem


def test_settings_that_can_not_be() -> None:
    metadata = Metadata().add_table(
        "t",
        pii={"mail": "e-mail"},
        constraints={
            "n": {"min": 3, "max": 1},
            "d": {"min": 1, "max": "2024-01-01"},
            "v": {"accepted_values": []},
        },
    )
    found = problems_of(metadata)
    assert found == [
        "t.n: min 3 is larger than max 1",
        "t.d: min 1 and max '2024-01-01' can't be compared",
        "t.v: accepted_values is empty, so that no value could be generated",
        "t.mail: unknown kind of personal value 'e-mail'; did you mean 'email'?",
    ]


def test_declared_columns_and_tables_must_be_in_the_data(shop: Metadata, shop_rows: Rows) -> None:
    metadata = shop.add_table("stock", pk="sku", order_by="since", unique=["code"], pii=["city"])
    found = problems_of(metadata, shop_rows)
    assert [problem.split(";")[0] for problem in found] == [
        "table 'stock' is declared, but no data was given for it"
    ]
    found = problems_of(metadata, {**shop_rows, "stock": pl.DataFrame({"skus": [1]})})
    assert [problem.split(";")[0] for problem in found] == [
        "stock has no column 'sku'",
        "stock has no column 'code'",
        "stock has no column 'city'",
        "order_by: stock has no column 'since'",
    ]


def test_keys_that_can_not_be_learned_are_refused() -> None:
    rows = {"t": pl.DataFrame({"id": [[1]]}), "c": pl.DataFrame({"t": [[1]]})}
    found = problems_of(Metadata().add_table("t", pk="id").add_table("c", fk={"t": "t.id"}), rows)
    assert any("t.id is List(Int64), which can't be a key" in problem for problem in found)
    assert any("c.t is List(Int64), which can't be a foreign key" in problem for problem in found)


def test_a_kept_table_has_no_personal_values_and_refers_to_kept_tables() -> None:
    metadata = (
        Metadata()
        .add_table("countries", pk="code")
        .add_table("regions", pk="id", fk={"country": "countries.code"}, keep=True, pii=["name"])
    )
    found = problems_of(metadata, row_counts={"regions": 3})
    assert "regions is kept as it is but refers to countries" in found[0]
    assert "regions.name is declared personal" in found[1]
    assert "rows are given for regions, which is kept" in found[2]


def test_an_unequal_number_of_columns_is_a_problem() -> None:
    metadata = Metadata().add_table("p", pk=["a", "b"]).add_table("c", fk={"a": "p.(a, b)"})
    (problem,) = problems_of(metadata)
    assert "c.a has 1 column(s) but refers to p.(a, b)" in problem


@pytest.mark.parametrize("name", ["*", "^a.*$", 'q"', "a.b", "naïve ü", "select", " "])
def test_any_column_name_can_be_a_key(name: str) -> None:
    metadata = Metadata().add_table("p", pk=name).add_table("c", pk=name, fk={name: ("p", name)})
    rows = {"p": pl.DataFrame({"a": [1, 1], name: [1, 2]}), "c": pl.DataFrame({name: [2, 9]})}
    (problem,) = problems_of(metadata, rows)
    assert "1 of 2 rows have no parent" in problem
    rows["c"] = pl.DataFrame({name: [2, 2], "a": [1, 2]})
    (problem,) = problems_of(metadata, rows)
    assert "1 rows repeat a value, such as 2" in problem


def test_hostile_names_are_quoted_in_messages() -> None:
    parent, child = 'p"ar.ent', "the child"
    metadata = Metadata().add_table(parent, pk="i.d").add_table(child, fk={'p"k': (parent, "i.d")})
    rows = {parent: pl.DataFrame({"i.d": [1]}), child: pl.DataFrame({'p"k': [2]})}
    (problem,) = problems_of(metadata, rows)
    assert 'the child."p""k": 1 of 1 rows have no parent in "p""ar.ent"."i.d"' in problem
    metadata.validate_schema({**rows, child: pl.DataFrame({'p"k': [1]})})


def test_the_error_is_a_value_error_and_counts_its_problems(shop: Metadata) -> None:
    with pytest.raises(ValueError, match="1 problem found") as caught:
        shop.validate_schema(row_counts={"x": 1})
    assert not isinstance(caught.value, ConfigError)
