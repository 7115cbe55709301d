"""Single statements of a project, put into a graph by hand."""

from __future__ import annotations

from typing import Any

import pytest

from synthohive.errors import ConfigError, SchemaValidationError
from synthohive.schema import Metadata
from synthohive.schema.dbt.checks import read_check

Entry = dict[str, Any]


def seed(name: str, columns: Entry | None = None, **meta: Any) -> Entry:
    return {
        "resource_type": "seed",
        "package_name": "p",
        "unique_id": f"seed.p.{name}",
        "name": name,
        "alias": name,
        "schema": "raw",
        "database": "db",
        "relation_name": f'"db"."raw"."{name}"',
        "config": {"materialized": "seed", "meta": {"synthohive": meta} if meta else {}},
        "columns": {key: {"name": key, **value} for key, value in (columns or {}).items()},
    }


def model(name: str, columns: Entry | None = None, **extra: Any) -> Entry:
    entry = seed(name, columns) | {"resource_type": "model", "unique_id": f"model.p.{name}"}
    return entry | {"config": {"materialized": "table", "meta": {}}} | extra


def check(name: str, table: str, namespace: str | None = None, **kwargs: Any) -> Entry:
    config = {key: kwargs.pop(key) for key in ("where", "enabled") if key in kwargs}
    return {
        "resource_type": "test",
        "package_name": "p",
        "unique_id": f"test.p.{name}_{table}_{len(kwargs)}_{kwargs.get('column_name')}",
        "name": f"{name}_{table}",
        "attached_node": f"seed.p.{table}",
        "test_metadata": {"name": name, "namespace": namespace, "kwargs": kwargs},
        "config": config,
        "depends_on": {"nodes": []},
    }


def read(*entries: Entry, **options: Any) -> Metadata:
    nodes = {f"{number}": entry for number, entry in enumerate(entries)}
    nodes = {entry["unique_id"]: entry for entry in nodes.values()}
    return Metadata.from_dbt({"nodes": nodes}, **options)


def constraint(kind: str, **rest: Any) -> Entry:
    return {"constraints": [{"type": kind, **rest}]}


def fk(to: str, *columns: str) -> Entry:
    return constraint("foreign_key", to=to, to_columns=list(columns))


@pytest.mark.parametrize(
    "target",
    ["ref('users')", 'ref("p", "users")', '"db"."raw"."users"', "db.raw.users", "raw.users"],
)
def test_a_constraint_may_name_its_parent_in_many_ways(target: str) -> None:
    read_ = read(seed("users"), seed("orders", {"user_id": fk(target, "id")}))
    assert str(read_.table("orders").foreign_keys[0]) == "user_id → users.id"


@pytest.mark.parametrize("expression", ["ref('users') (id)", "references raw.users (id)"])
def test_the_old_spelling_of_a_constraint(expression: str) -> None:
    old = constraint("foreign_key", expression=expression)
    read_ = read(seed("users"), seed("orders", {"user_id": old}))
    assert str(read_.table("orders").foreign_keys[0]) == "user_id → users.id"


def test_a_constraint_without_parent_columns_means_the_primary_key() -> None:
    users = seed("users", {"key": constraint("primary_key")})
    read_ = read(users, seed("orders", {"user_id": fk("ref('users')")}))
    assert str(read_.table("orders").foreign_keys[0]) == "user_id → users.key"
    without = read(seed("users"), seed("orders", {"user_id": fk("ref('users')")}))
    with pytest.raises(SchemaValidationError, match=r"its primary key is .not declared"):
        without.validate_schema()


def test_a_constraint_without_a_parent_is_a_problem_of_the_schema() -> None:
    read_ = read(seed("orders", {"user_id": fk("ref('user')", "id")}))
    with pytest.raises(
        SchemaValidationError, match=r"orders\.user_id: \"ref\('user'\)\" is no ref"
    ):
        read_.validate_schema()


def test_two_primary_key_columns_are_one_key() -> None:
    lines = seed("lines", {"o": constraint("primary_key"), "n": constraint("primary_key")})
    assert read(lines).table("lines").primary_key == ("o", "n")


def test_of_several_unique_columns_the_referred_one_is_the_primary_key() -> None:
    tests = [
        check(kind, "users", column_name=name)
        for kind in ("unique", "not_null")
        for name in ("mail", "code")
    ]
    users = read(seed("users", {"mail": {}, "code": {}}), *tests).table("users")
    assert (users.primary_key, users.unique_keys) == (("mail",), (("code",),))
    link = check("relationships", "orders", column_name="user", to="ref('users')", field="code")
    users = read(seed("users", {"mail": {}, "code": {}}), seed("orders"), link, *tests)
    assert users.table("users").primary_key == ("code",)


def test_a_key_named_like_one_is_preferred() -> None:
    tests = [
        check(kind, "users", column_name=name)
        for kind in ("unique", "not_null")
        for name in ("mail", "user_id")
    ]
    users = read(seed("users", {"mail": {}, "user_id": {}}), *tests).table("users")
    assert users.primary_key == ("user_id",)


def test_unique_alone_is_no_primary_key_unless_dbt_infers_it() -> None:
    assert read(seed("t"), check("unique", "t", column_name="id")).table("t").primary_key == ()
    unique = check("unique", "t", column_name="id") | {"attached_node": "model.p.t"}
    inferred = read(model("t", primary_key=["id"]), unique).table("t")
    assert inferred.primary_key == ("id",)
    assert inferred.key_evidence == ("test unique_t and dbt's inference",)
    lumped = read(model("t", primary_key=["id", "other"]), unique).table("t")
    assert (lumped.primary_key, lumped.unique_keys) == ((), (("id",),))


def test_settings_count_more_than_constraints_and_tests() -> None:
    users = seed("users", {"id": constraint("primary_key"), "code": {}}, primary_key="code")
    read_ = read(users)
    assert read_.table("users").primary_key == ("code",)
    assert "column constraint makes (id) the primary key, but" in read_.notices[0]


def test_a_setting_can_deny_a_reference() -> None:
    denied = {"config": {"meta": {"synthohive": {"references": False}}}}
    link = check("relationships", "orders", column_name="u", to="ref('users')", field="id")
    assert read(seed("users"), seed("orders"), link).table("orders").foreign_keys
    assert not read(seed("users"), seed("orders", {"u": denied}), link).table("orders").foreign_keys


def test_two_tests_of_one_column_may_name_two_parents() -> None:
    links = [
        check("relationships", "c", column_name="id", to=f"ref('{parent}')", field="id")
        | {"unique_id": f"test.p.{parent}"}
        for parent in ("a", "b")
    ]
    keys = read(seed("a"), seed("b"), seed("c"), *links).table("c").foreign_keys
    assert [str(key) for key in keys] == ["id → a.id", "id → b.id"]


def test_a_reference_to_a_part_of_a_key_gives_way_to_the_whole() -> None:
    both = {
        "type": "foreign_key",
        "columns": ["o", "h"],
        "to": "ref('w')",
        "to_columns": ["o", "h"],
    }
    flights = seed("f") | {"constraints": [both]}
    part = check("relationships", "f", column_name="o", to="ref('w')", field="o")
    keys = read(seed("w"), flights, part).table("f").foreign_keys
    assert [str(key) for key in keys] == ["o, h → w.o, h"]


@pytest.mark.parametrize(
    ("where", "is_partial"),
    [(None, False), ("u is not null", False), ("u > 0", True), ('"U" IS  NOT NULL', False)],
)
def test_a_condition_makes_a_reference_partial(where: str | None, is_partial: bool) -> None:
    link = check("relationships", "o", column_name="u", to="ref('p')", field="id", where=where)
    assert read(seed("p"), seed("o"), link).table("o").foreign_keys[0].is_partial is is_partial


def test_conditional_tests_of_keys_and_values_say_nothing() -> None:
    tests = [
        check("unique", "t", column_name="id", where="x"),
        check("not_null", "t", column_name="id", where="x"),
        check("accepted_values", "t", column_name="v", values=[1], where="x"),
    ]
    assert read(seed("t"), *tests) == Metadata().add_table("t")


def test_disabled_tests_say_nothing() -> None:
    assert read(seed("t"), check("unique", "t", column_name="id", enabled=False)).table("t") == (
        Metadata().add_table("t").table("t")
    )


def test_quoted_columns_and_other_spellings_are_one_column() -> None:
    tests = [
        check("not_null", "t", column_name='"Line No"'),
        check("unique", "t", column_name="line no"),
    ]
    table = read(seed("t", {"Line No": {"quote": True}}), *tests).table("t")
    assert table.primary_key == ("Line No",)


def test_settings_of_source_table_and_column_are_merged() -> None:
    source = seed("t", {"m": {"meta": {"synthohive": {"pii": "email", "min": 1}}}}) | {
        "resource_type": "source",
        "unique_id": "source.p.s.t",
        "source_name": "s",
        "identifier": "T",
        "source_meta": {"synthohive": {"constraints": {"x": {"min": 1, "max": 5}}, "rows": 3}},
        "meta": {"synthohive": {"constraints": {"x": {"max": 9}}}},
    }
    source["columns"]["m"]["config"] = {"meta": {"synthohive": {"pii": False}}}
    table = read(source).table("t")
    limits = table.column("x").constraint
    assert limits is not None
    assert (limits.minimum, limits.maximum, table.rows) == (1, 9, 3)
    assert table.column("m").pii is None
    assert table.column("m").constraint is not None


def source(name: str, relation: str, **meta: Any) -> Entry:
    entry = seed(name, **meta) | {"resource_type": "source", "unique_id": f"source.p.s.{name}"}
    return entry | {"source_name": "s", "identifier": name, "relation_name": relation}


def test_a_source_over_a_models_table_is_read_as_that_model() -> None:
    read_ = read(model("users"), source("users", '"db"."raw"."users"'), seed("other"))
    assert read_.table("users").origin == "model.p.users"


def test_a_generated_source_never_stands_for_a_real_one() -> None:
    relation = '"db"."synthetic"."users"'
    generated = source("users", relation, generated=True) | {"unique_id": "source.p.a.users"}
    assert read(source("users", relation), generated).table("users").origin == "source.p.s.users"
    assert read(source("users", relation, skip=True), seed("other")).tables.keys() == {"other"}


def synthetic(name: str) -> Entry:
    """Declare a table of a source that an earlier run wrote, and whose name sorts first."""
    entry = source(name, f'"db"."synthetic"."{name}"', generated=True)
    return entry | {"unique_id": f"source.p.a.{name}", "source_name": "a"}


def related(table: Entry, name: str, to: str) -> Entry:
    arguments = {"column_name": "user_id", "to": to, "field": "id"}
    test = check("relationships", table["name"], **arguments)
    macro = f"{{{{ get_where_subquery(source('{table['source_name']}', '{table['name']}')) }}}}"
    test["test_metadata"]["kwargs"]["model"] = macro
    return test | {"attached_node": None, "unique_id": f"test.p.{name}"}


def test_the_source_of_an_earlier_run_is_passed_over_in_silence() -> None:
    users, orders = (source(name, f'"db"."raw"."{name}"') for name in ("users", "orders"))
    users |= {"unique_id": "source.p.s.users"}
    orders |= {"unique_id": "source.p.s.orders"}
    before = read(users, orders, related(orders, "real", "source('s', 'users')"))
    fakes = [synthetic("users"), synthetic("orders")]
    tests = [
        related(orders, "real", "source('s', 'users')"),
        related(fakes[1], "fake", "source('a', 'users')"),
    ]
    after = read(users, orders, *fakes, *tests)
    assert [str(key) for key in after.table("orders").foreign_keys] == ["user_id → users.id"]
    assert after == before
    assert after.notices == before.notices == []


def test_a_name_means_the_table_that_is_read_not_its_synthetic_twin() -> None:
    reference = {"columns": ["user_id"], "to": "USERS", "to_columns": ["id"]}
    users = source("users", '"db"."raw"."users"') | {"unique_id": "source.p.s.users"}
    orders = source("orders", '"db"."raw"."orders"', foreign_keys=[reference])
    read_ = read(users, orders, synthetic("users"))
    assert [str(key) for key in read_.table("orders").foreign_keys] == ["user_id → users.id"]


def test_keys_of_skipped_tables_are_passed_over_in_silence() -> None:
    users = source("users", '"db"."raw"."users"') | {"unique_id": "source.p.s.users"}
    scratch = source("scratch", '"db"."raw"."scratch"', skip=True)
    test = related(scratch, "skipped", "source('s', 'users')")
    assert read(users, scratch, test).notices == []


def test_without_seeds_and_sources_table_models_are_read() -> None:
    view = model("v", config={"materialized": "view"})
    assert sorted(read(model("a"), model("b"), view).tables) == ["a", "b"]
    assert sorted(read(model("a"), seed("b")).tables) == ["b"]
    assert read(view).tables == {}


def test_wrong_settings_of_all_tables_are_reported_together() -> None:
    with pytest.raises(ConfigError) as caught:
        read(seed("a", drivr="x"), seed("b", rows=-1, keep="yes"))
    message = str(caught.value)
    assert "settings of seed a: unknown setting 'drivr'; did you mean 'driver'?" in message
    assert "settings of seed b: rows is -1" in message
    assert "keep is 'yes'" in message


@pytest.mark.parametrize(
    ("meta", "message"),
    [
        ({"foreign_keys": [{"columns": "a", "too": "b"}]}, "'too'; did you mean 'to'"),
        ({"constraints": {"a": {"mx": 1}}}, "'mx'; did you mean 'max'"),
        ({"on_orphans": "dropp"}, "on_orphans is 'dropp'"),
    ],
)
def test_wrong_settings_deep_down(meta: Entry, message: str) -> None:
    with pytest.raises(ConfigError, match=message):
        read(seed("a", **meta))


def test_wrong_settings_of_a_column() -> None:
    column = {"config": {"meta": {"synthohive": {"pi": True}}}}
    with pytest.raises(ConfigError, match="seed a, column mail: unknown setting 'pi'"):
        read(seed("a", {"mail": column}))


def test_a_reference_in_the_settings_is_found_by_name() -> None:
    column = {"config": {"meta": {"synthohive": {"references": "users.id"}}}}
    assert read(seed("users"), seed("o", {"u": column})).table("o").foreign_keys
    broken = read(seed("o", {"u": {"config": {"meta": {"synthohive": {"references": "users"}}}}}))
    with pytest.raises(SchemaValidationError, match=r"o\.u: 'users' is no reference"):
        broken.validate_schema()


@pytest.mark.parametrize(
    ("expression", "expected"),
    [
        ("amount >= 0", [("amount", 0, None)]),
        ('("Amount" < 1.5)', [("Amount", None, 1.5)]),
        ("0 < n and n <= 9", [("n", 0, None), ("n", None, 9)]),
        ("d between date '2020-01-01' and '2021-01-01'", [("d", "2020-01-01", "2021-01-01")]),
        ("a > b", []),
        ("a > 0 or a < -5", []),
        ("length(a) > 3", []),
        ("a > 0 and length(b) > 3", []),
        ("", []),
    ],
)
def test_check_constraints(expression: str, expected: list[tuple[str, Any, Any]]) -> None:
    found = [(name, limits.minimum, limits.maximum) for name, limits in read_check(expression, "")]
    assert found == expected


def test_check_constraints_with_open_bounds_and_lists() -> None:
    ((_, limits),) = read_check("n > 0", "here")
    assert limits.is_minimum_open
    assert limits.evidence == ("here",)
    ((name, limits),) = read_check("kind IN ('a', 'b', 3)", "")
    assert (name, limits.accepted_values) == ("kind", ("a", "b", 3))
