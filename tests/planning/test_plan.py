from __future__ import annotations

import itertools

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from synthohive.errors import (
    CyclicSchemaError,
    SchemaError,
    SchemaValidationError,
    UnknownTableError,
)
from synthohive.planning import ContextColumn, SchemaGraph, plan
from synthohive.schema import Metadata
from synthohive.schema.drivers import deferred_keys

HOSTILE = ['quo"ted', "dot.ted", "sp aced", "select", "表 ü", "(x, y)"]


def diamond() -> Metadata:
    return (
        Metadata()
        .add_table("items", pk="id", fk={"order_id": "orders.id", "product_id": "products.id"})
        .add_table("orders", pk="id", fk={"user_id": "users.id", "product_id": "products.id"})
        .add_table("users", pk="id")
        .add_table("products", pk="id")
        .add_table("alone")
    )


def test_acceptance_06_a_self_reference_is_no_cycle() -> None:
    staff = Metadata().add_table("employees", pk="id", fk={"manager_id": "employees.id"})
    assert SchemaGraph(staff).get_generation_order() == ["employees"]
    step = plan(staff).step("employees")
    assert str(step.self_reference) == "manager_id → employees.id"
    assert step.driver is None
    assert (step.secondary, step.deferred) == ((), ())


def cycle(**not_null: list[str]) -> Metadata:
    return (
        Metadata()
        .add_table("a", pk="id", fk={"b_id": "b.id"}, not_null=not_null.get("a"))
        .add_table("b", pk="id", fk={"c_id": "c.id"}, not_null=not_null.get("b"))
        .add_table("c", pk="id", fk={"a_id": "a.id"}, not_null=not_null.get("c"))
    )


def test_acceptance_07_a_cycle_names_its_whole_path_and_a_way_out() -> None:
    with pytest.raises(CyclicSchemaError, match="a → b → c → a") as caught:
        plan(cycle(a=["b_id"], b=["c_id"], c=["a_id"]))
    assert caught.value.path == ["a", "b", "c", "a"]
    assert "let one of a.b_id; b.c_id; c.a_id be null" in str(caught.value)


def test_acceptance_07_a_cycle_through_a_nullable_key_is_broken_there() -> None:
    made = plan(cycle(a=["b_id"], c=["a_id"]))
    assert [step.table for step in made.steps] == ["b", "a", "c"]
    assert [str(fk) for fk in made.step("b").deferred] == ["c_id → c.id"]
    assert made.step("b").driver is None
    assert made.notices == (
        "b: c_id → c.id closes a cycle of tables and is filled in after all tables are generated",
    )


def test_a_declared_driver_is_not_deferred() -> None:
    metadata = (
        Metadata()
        .add_table("a", pk="id", fk={"b_id": "b.id"}, driver="b_id")
        .add_table("b", pk="id", fk={"a_id": "a.id"})
    )
    made = plan(metadata)
    assert str(made.step("a").driver) == "b_id → b.id"
    assert made.step("b").deferred
    metadata = Metadata().add_table("a", pk="id", fk={"b": "b.id"}, driver="b")
    metadata.add_table("b", pk="id", fk={"a": "a.id"}, driver="a")
    with pytest.raises(CyclicSchemaError, match=r"a\.b \(the declared driver\)"):
        plan(metadata)


def test_rather_a_key_is_deferred_whose_table_has_another_driver() -> None:
    metadata = (
        Metadata()
        .add_table("a", pk="id", fk={"b_id": "b.id"})
        .add_table("b", pk="id", fk={"a_id": "a.id", "z_id": "z.id"})
        .add_table("z", pk="id")
    )
    assert list(deferred_keys(metadata.tables)) == ["b"]
    assert str(plan(metadata).step("b").driver) == "z_id → z.id"


def test_one_key_is_deferred_where_one_is_enough() -> None:
    metadata = Metadata().add_table("hub", pk="id", fk={"spoke": "s0.id"})
    for number in range(6):
        metadata.add_table(f"s{number}", pk="id", fk={"hub": "hub.id", "next": f"s{number + 1}.id"})
    metadata.add_table("s6", pk="id", fk={"hub": "hub.id"})
    deferred = deferred_keys(metadata.tables)
    assert {name: [str(fk) for fk in keys] for name, keys in deferred.items()} == {
        "hub": ["spoke → s0.id"]
    }


def test_two_keys_between_two_tables_both_wait() -> None:
    metadata = (
        Metadata()
        .add_table("a", pk="id", fk={"first": "b.id", "second": "b.id"})
        .add_table("b", pk="id", fk={"a_id": "a.id"}, not_null=["a_id"])
    )
    assert len(plan(metadata).step("a").deferred) == 2


def test_acceptance_08_every_parent_comes_before_its_children() -> None:
    graph = SchemaGraph(diamond())
    assert graph.levels() == [["alone", "products", "users"], ["orders"], ["items"]]
    assert graph.get_generation_order() == ["alone", "products", "users", "orders", "items"]
    assert [step.level for step in plan(diamond()).steps] == [0, 0, 0, 1, 2]


def test_acceptance_11_the_first_foreign_key_drives_unless_another_is_declared() -> None:
    made = plan(diamond())
    assert str(made.step("orders").driver) == "product_id → products.id"
    assert [str(fk) for fk in made.step("orders").secondary] == ["user_id → users.id"]
    assert any(
        "orders is driven by product_id → products.id, the first foreign key by name" in notice
        and "user_id → users.id" in notice
        for notice in made.notices
    )
    chosen = Metadata().add_table("users", pk="id").add_table("products", pk="id")
    fk = {"user_id": "users.id", "product_id": "products.id"}
    chosen.add_table("orders", fk=fk, driver="user_id")
    assert str(plan(chosen).step("orders").driver) == "user_id → users.id"
    assert plan(chosen).notices == ()


def test_acceptance_11_a_driver_that_is_no_foreign_key_is_refused() -> None:
    with pytest.raises(SchemaError, match="driver 'x' is no foreign key"):
        plan(Metadata().add_table("t", driver="x"))


def test_acceptance_27_context_reaches_up_the_chain_of_drivers() -> None:
    metadata = (
        Metadata()
        .add_table("users", pk="id")
        .add_table("orders", pk="id", fk={"user_id": "users.id"})
        .add_table(
            "items",
            fk={"order_id": "orders.id"},
            parent_context_cols=["users.region", "status", "region", ("orders", "odd.name")],
        )
        .with_column_types(
            {
                "users": {"id": "INT", "region": "VARCHAR"},
                "orders": {"id": "INT", "user_id": "INT", "status": "INT", "odd.name": "INT"},
            }
        )
    )
    assert plan(metadata).step("items").context == (
        ContextColumn(table="users", column="region"),
        ContextColumn(table="orders", column="status"),
        ContextColumn(table="orders", column="odd.name"),
    )
    assert plan(diamond()).step("items").context is None


def test_a_foreign_key_of_a_kept_table_can_be_context() -> None:
    metadata = (
        Metadata()
        .add_table("regions", pk="id", keep=True)
        .add_table("users", pk="id", fk={"region_id": "regions.id"})
        .add_table("orders", fk={"user_id": "users.id"}, parent_context_cols=["region_id"])
        .with_column_types({"users": {"id": "INT", "region_id": "INT"}})
    )
    assert [str(c) for c in plan(metadata).step("orders").context or ()] == ["users.region_id"]


def test_kept_tables_have_nothing_to_generate() -> None:
    metadata = (
        Metadata()
        .add_table("countries", pk="code", fk={"capital": "cities.id"}, keep=True)
        .add_table("cities", pk="id", fk={"country": "countries.code"}, keep=True)
        .add_table("people", fk={"city": "cities.id"})
    )
    made = plan(metadata)
    assert made.step("cities").is_kept
    assert made.step("countries").deferred == ()
    assert made.notices == ()
    assert str(made.step("people").driver) == "city → cities.id"


def test_overlapping_keys_are_legal() -> None:
    metadata = (
        Metadata()
        .add_table("airports", pk="faa")
        .add_table("weather", pk=["origin", "hour"], fk={"origin": "airports.faa"})
        .add_table(
            "flights",
            fk={"origin": "airports.faa", ("origin", "at"): ("weather", ("origin", "hour"))},
        )
    )
    step = plan(metadata).step("flights")
    assert step.level == 2
    assert str(step.driver) == "origin → airports.faa"


def test_every_set_of_columns_that_must_be_unique_is_listed() -> None:
    metadata = (
        Metadata()
        .add_table("p", pk="id", unique=["code", ["a", "b"]])
        .add_table("c", fk={"x": "p.id", "y": "p.slug", ("u", "v"): ("p", ("b", "a"))})
    )
    assert plan(metadata).step("p").unique == (("id",), ("a", "b"), ("code",), ("slug",))


def test_a_second_self_reference_waits() -> None:
    metadata = Metadata().add_table("e", pk="id", fk={"boss": "e.id", "mentor": "e.id"})
    step = plan(metadata).step("e")
    assert str(step.self_reference) == "boss → e.id"
    assert [str(fk) for fk in step.deferred] == ["mentor → e.id"]


def test_nothing_and_one_table() -> None:
    assert plan(Metadata()).steps == ()
    assert SchemaGraph(Metadata()).get_generation_order() == []
    (step,) = plan(Metadata().add_table("t")).steps
    assert (step.table, step.level, step.driver, step.unique) == ("t", 0, None, ())
    with pytest.raises(UnknownTableError, match="did you mean 'orders'"):
        plan(Metadata().add_table("orders")).step("order")


def test_a_broken_schema_is_not_planned() -> None:
    with pytest.raises(SchemaValidationError, match="the parent table 'users' is missing"):
        plan(Metadata().add_table("orders", fk={"user_id": "users.id"}))


def test_hostile_names_are_just_names() -> None:
    metadata = Metadata().add_table(HOSTILE[0], pk=HOSTILE[1])
    for parent, name in itertools.pairwise(HOSTILE):
        metadata.add_table(
            name,
            pk=HOSTILE[1],
            fk={parent: (parent, HOSTILE[1])},
            parent_context_cols=[(parent, "a.b")],
        )
    made = plan(metadata)
    assert [step.table for step in made.steps] == HOSTILE
    assert made.step(HOSTILE[2]).context == (ContextColumn(table=HOSTILE[1], column="a.b"),)


@st.composite
def schemas(draw: st.DrawFn) -> Metadata:
    names = [f"t{number}" for number in range(draw(st.integers(1, 7)))]
    metadata = Metadata()
    for name in names:
        parents = draw(st.lists(st.sampled_from(names), max_size=4))
        columns = {f"k{i}_{parent}": f"{parent}.id" for i, parent in enumerate(parents)}
        required = [column for column in columns if draw(st.integers(0, 3)) == 0]
        metadata.add_table(name, pk="id", fk=columns, not_null=required)
    return metadata


@settings(max_examples=150)
@given(schemas())
def test_every_key_has_one_role_and_its_parent_in_time(metadata: Metadata) -> None:
    try:
        made = plan(metadata)
    except CyclicSchemaError as error:
        for child, parent in itertools.pairwise(error.path):
            keys = [fk for fk in metadata.table(child).foreign_keys if fk.parent == parent]
            assert any(metadata.table(child).column(c).is_not_null for k in keys for c in k.columns)
        return
    level = {step.table: step.level for step in made.steps}
    assert sorted(level) == sorted(metadata.tables)
    for step in made.steps:
        table = metadata.table(step.table)
        early = [fk for fk in (step.driver, *step.secondary) if fk]
        own = [step.self_reference] if step.self_reference else []
        roles = [*early, *own, *step.deferred]
        assert sorted(map(str, roles)) == sorted(map(str, table.foreign_keys))
        assert all(level[fk.parent] < step.level for fk in early)
        assert all(
            not any(table.column(name).is_not_null for name in fk.columns)
            for fk in step.deferred
            if fk.parent != step.table
        )
    assert plan(metadata) == made


@settings(max_examples=60)
@given(schemas())
def test_no_smaller_set_of_keys_would_do(metadata: Metadata) -> None:
    try:
        deferred = deferred_keys(metadata.tables)
    except CyclicSchemaError:
        return
    chosen = [(name, fk) for name, keys in deferred.items() for fk in keys]
    edges = [
        (table.name, fk)
        for table in metadata.tables.values()
        for fk in table.foreign_keys
        if fk.parent != table.name
    ]
    if len(chosen) > 2:
        return
    for smaller in itertools.combinations(edges, max(len(chosen) - 1, 0)):
        if chosen and all(
            not metadata.table(n).column(c).is_not_null for n, fk in smaller for c in fk.columns
        ):
            rest = [(n, fk.parent) for n, fk in edges if (n, fk) not in smaller]
            assert has_cycle(rest)


def has_cycle(edges: list[tuple[str, str]]) -> bool:
    while edges:
        inner = [e for e in edges if e[1] in {child for child, _ in edges}]
        if len(inner) == len(edges):
            return True
        edges = inner
    return False


def test_rows_that_something_else_decides_are_told() -> None:
    metadata = (
        Metadata()
        .add_table("regions", pk="id", keep=True, rows=4)
        .add_table("users", pk="id", rows=50)
        .add_table("orders", pk="id", fk={"user_id": "users.id"}, rows=2000)
        .add_table("lines", fk={"order_id": "orders.id"}, rows=0)
        .add_table("towns", pk="id", fk={"region_id": "regions.id"}, rows=7)
        .add_table("staff", pk="id", fk={"boss_id": "staff.id"}, rows=9)
    )
    kept, *driven = plan(metadata).notices
    assert kept == "regions: its setting rows (4) has no effect, as its real rows are kept"
    assert [notice.split(" has no effect, as the rows of its driver ") for notice in driven] == [
        [f"{table}: its setting rows ({rows})", f"{parent} decide how many there are {rest}"]
        for table, rows, parent, rest in (
            ("orders", "2,000", "users", "(user_id → users.id); set rows of users, or use scale"),
            ("towns", "7", "regions", "(region_id → regions.id); use scale"),
            ("lines", "0", "orders", "(order_id → orders.id); set rows of users, or use scale"),
        )
    ]
    assert plan(metadata.select(["orders", "staff"])).notices == (), "without a driver, rows count"
