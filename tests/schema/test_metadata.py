from __future__ import annotations

import json
import subprocess
import sys
from dataclasses import replace

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from synthohive.errors import (
    ConfigError,
    ModelFileError,
    SchemaValidationError,
    UnknownTableError,
)
from synthohive.schema import Column, Constraint, ForeignKey, Metadata, Relation, Table

HOSTILE = ["select", 'quo"ted', "dot.ted", "sp aced", "naïve", "表", "UPPER", "a,b", "(x)", "'"]


def test_the_guides_declaration_is_read() -> None:
    metadata = Metadata().add_table(
        "orders",
        pk="id",
        fk={"user_id": "users.id"},
        parent_context_cols=["region"],
        constraints={"basket_value": {"dtype": "float", "min": 1.0}},
    )
    orders = metadata.table("orders")
    assert orders.primary_key == ("id",)
    assert orders.foreign_keys == (
        ForeignKey(columns=("user_id",), parent="users", parent_columns=("id",)),
    )
    assert orders.context == ("region",)
    assert orders.column("basket_value").constraint == Constraint(dtype="float", minimum=1.0)
    assert orders.column("id").is_not_null


def test_every_form_of_a_composite_key_means_the_same() -> None:
    text = Metadata().add_table("f", fk={("o", "h"): "weather.(origin, hour)"})
    pairs = Metadata().add_table("f", fk={("o", "h"): ("weather", ("origin", "hour"))})
    lists = Metadata().add_table("f", fk={("o", "h"): ("weather", ["origin", "hour"])})
    assert text == pairs == lists


COMPOSITE = [
    "parents.(a, b)",
    "parents(a, b)",
    "parents (a,b)",
    "parents.a, parents.b",
    ["parents.a", "parents.b"],
    ("parents.a", "parents.b"),
    ("parents", ["a", "b"]),
    ("parents", "a", "b"),
]


@pytest.mark.parametrize("target", COMPOSITE)
def test_a_composite_key_may_be_written_as_one_would(target: object) -> None:
    metadata = Metadata().add_table("parents", pk=["a", "b"])
    metadata.add_table("children", pk="id", fk={("x", "y"): target})
    assert [str(fk) for fk in metadata.table("children").foreign_keys] == ["x, y → parents.a, b"]


@pytest.mark.parametrize(
    "target", ["parents", "parents.a, others.b", "ref('parents')", {"parents": "a"}, ("parents",)]
)
def test_what_is_no_reference_is_told_with_the_forms_there_are(target: object) -> None:
    metadata = Metadata().add_table("parents", pk=["a", "b"])
    metadata.add_table("children", pk="id", fk={("x", "y"): target})
    with pytest.raises(SchemaValidationError) as caught:
        metadata.validate_schema()
    (problem,) = caught.value.problems
    assert problem.startswith(f"children.(x, y): {target!r} is no reference to a parent column;")
    for form in (
        "'parent.column'",
        "'parent.(column, column)'",
        "('parent', ['column', 'column'])",
    ):
        assert form in problem
    assert f"! {problem}" in str(metadata)


def test_foreign_keys_are_sorted_by_their_columns() -> None:
    table = Metadata().add_table("t", fk={"b": "p.id", ("a", "c"): "q.(x, y)", "a": "p.id"})
    assert [fk.columns for fk in table.table("t").foreign_keys] == [("a",), ("a", "c"), ("b",)]


def test_an_unknown_setting_is_refused_with_a_suggestion() -> None:
    with pytest.raises(ConfigError, match=r"'orders'.*'drivr'; did you mean 'driver'"):
        Metadata().add_table("orders", drivr="user_id")
    with pytest.raises(ConfigError, match=r"orders\.n: unknown setting 'minn'; did you mean 'min'"):
        Metadata().add_table("orders", constraints={"n": {"minn": 1}})
    with pytest.raises(ConfigError, match=r"dtype is 'flot'; did you mean 'float'"):
        Metadata().add_table("orders", constraints={"n": {"dtype": "flot"}})
    with pytest.raises(ConfigError, match=r"mode is 'enforced'; did you mean 'enforce'"):
        Metadata().add_table("orders", constraints={"n": {"mode": "enforced"}})
    with pytest.raises(ConfigError, match=r"on_orphans: 'dropp'; did you mean 'drop'"):
        Metadata().add_table("orders", on_orphans="dropp")  # type: ignore[arg-type]


@pytest.mark.parametrize(
    "declared",
    [
        {"pk": 7},
        {"pk": ["id", "id"]},
        {"unique": {"a": 1}},
        {"constraints": {"n": {"min": [1]}}},
        {"constraints": {"n": {"max": float("nan")}}},
        {"constraints": {"n": {"accepted_values": "ab"}}},
        {"constraints": {"n": {"accepted_values": [object()]}}},
    ],
)
def test_a_setting_of_the_wrong_type_is_refused(declared: dict[str, object]) -> None:
    with pytest.raises(ConfigError):
        Metadata().add_table("orders", **declared)  # type: ignore[arg-type]


def test_a_table_can_be_declared_once() -> None:
    with pytest.raises(ConfigError, match="already declared"):
        Metadata().add_table("a").add_table("a")


def test_personal_columns_take_their_kind_from_their_name_if_none_is_given() -> None:
    table = Metadata().add_table("t", pii=["email", "notes"]).table("t")
    assert table.column("email").pii == "email"
    assert table.column("notes").pii == "text"
    named = Metadata().add_table("t", pii={"mail": "email", "city": True, "x": False}).table("t")
    assert {name: column.pii for name, column in named.columns.items()} == {
        "mail": "email",
        "city": "city",
    }


def test_an_unknown_table_is_named_with_a_suggestion(shop: Metadata) -> None:
    with pytest.raises(UnknownTableError, match="did you mean 'orders'"):
        shop.table("order")
    with pytest.raises(KeyError):
        shop.select(["users", "orderss"])


def test_select_drops_references_to_tables_left_out() -> None:
    metadata = (
        Metadata()
        .add_table("users", pk="id")
        .add_table("products", pk="id")
        .add_table(
            "orders",
            pk="id",
            fk={"user_id": "users.id", "product_id": "products.id"},
            driver="user_id",
            parent_context_cols=["users.region", "products.price"],
        )
    )
    part = metadata.select(["orders", "products"])
    orders = part.table("orders")
    assert list(part.tables) == ["products", "orders"]
    assert [str(fk) for fk in orders.foreign_keys] == ["product_id → products.id"]
    assert orders.driver == ()
    assert orders.context == ("products.price",)
    assert len(part.notices) == 2
    assert "orders.user_id refers to users, which is left out" in part.notices[0]
    assert len(metadata.table("orders").foreign_keys) == 2, "the original is left alone"
    part.validate_schema()


def test_selecting_everything_changes_nothing(shop: Metadata) -> None:
    assert shop.select(shop.tables) == shop
    assert shop.select(shop.tables).notices == []
    assert list(shop.select("users").tables) == ["users"]


def test_equality_ignores_where_something_was_declared() -> None:
    one = Metadata().add_table("a", pk="id")
    two = Metadata().add_table("a", pk="id")
    two.tables["a"] = replace(two.tables["a"], origin="seed.x.a", key_evidence=("test t",))
    assert one == two
    assert one != Metadata().add_table("a", pk="key")
    assert one != "something else"


def test_repr_stays_short(shop: Metadata) -> None:
    assert repr(shop) == "Metadata(users, products, orders)"
    assert str(shop).splitlines()[2] == (
        "orders (id): product_id → products.id; user_id → users.id"
    )
    many = Metadata()
    for number in range(50):
        many.add_table(f"t{number}")
    assert repr(many).endswith("… 43 more)")
    assert str(Metadata()) == "no tables"


names = st.sampled_from(HOSTILE)
constraints = st.builds(
    Constraint,
    dtype=st.sampled_from(["int", "str", None]),
    minimum=st.one_of(st.none(), st.integers(), st.floats(allow_nan=False), names),
    accepted_values=st.one_of(
        st.none(),
        st.lists(st.one_of(names, st.integers(), st.booleans()), max_size=3).map(tuple),
    ),
    evidence=st.lists(names, max_size=2).map(tuple),
)


@st.composite
def tables(draw: st.DrawFn) -> Table:
    columns = draw(st.lists(names, unique=True, max_size=4))
    tuples = st.lists(names, max_size=3).map(tuple)
    return Table(
        name=draw(names),
        columns={
            name: Column(
                name=name,
                dtype=draw(st.sampled_from(["BIGINT", None])),
                is_not_null=draw(st.booleans()),
                pii=draw(st.sampled_from(["email", None])),
                constraint=draw(st.one_of(st.none(), constraints)),
            )
            for name in columns
        },
        column_order=tuple(columns),
        primary_key=draw(tuples),
        unique_keys=draw(st.lists(tuples, max_size=2).map(tuple)),
        foreign_keys=draw(
            st.lists(
                st.builds(
                    ForeignKey,
                    columns=tuples,
                    parent=names,
                    parent_columns=tuples,
                    is_partial=st.booleans(),
                    evidence=tuples,
                ),
                max_size=2,
            ).map(tuple)
        ),
        driver=draw(tuples),
        context=draw(st.one_of(st.none(), tuples)),
        rows=draw(st.one_of(st.none(), st.integers(0, 9))),
        keep=draw(st.booleans()),
        relation=draw(st.one_of(st.none(), st.builds(Relation, identifier=names))),
        key_evidence=draw(tuples),
    )


@settings(max_examples=40)
@given(st.lists(tables(), max_size=2))
def test_a_schema_survives_json_exactly(drawn: list[Table]) -> None:
    metadata = Metadata()
    metadata.tables = {table.name: table for table in drawn}
    metadata.notices, metadata.problems = ["a"], {"t": ["b"]}
    again = Metadata.from_dict(json.loads(json.dumps(metadata.to_dict())))
    assert again.to_dict() == metadata.to_dict()
    assert again == metadata


def test_a_damaged_schema_is_refused(shop: Metadata) -> None:
    with pytest.raises(ModelFileError, match="format 99"):
        Metadata.from_dict({**shop.to_dict(), "format": 99})
    with pytest.raises(ModelFileError, match="damaged"):
        Metadata.from_dict({"format": 1, "tables": [{"name": "x"}]})


def test_importing_the_schema_loads_no_other_package() -> None:
    code = (
        "import sys; import synthohive.schema;"
        "print([name for name in ('polars', 'pydantic', 'torch', 'duckdb', 'numpy')"
        " if name in sys.modules])"
    )
    shown = subprocess.run([sys.executable, "-c", code], check=True, capture_output=True, text=True)
    assert shown.stdout.strip() == "[]"
