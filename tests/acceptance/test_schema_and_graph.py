"""What is declared is checked before anything is learned, and orders the tables."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import numpy as np
import polars as pl
import pytest
import yaml

import synthohive as sh
from synthohive.errors import (
    ConfigError,
    CyclicSchemaError,
    IntegrityError,
    SchemaError,
    SchemaValidationError,
)
from synthohive.planning.plan import plan


def two_tables(users: dict, orders: dict) -> dict[str, pl.DataFrame]:
    return {"users": pl.DataFrame(users), "orders": pl.DataFrame(orders)}


def users_and_orders(**settings) -> sh.Metadata:
    orders = {"pk": "id", "fk": {"user_id": "users.id"}, **settings}
    return sh.Metadata().add_table("users", pk="id").add_table("orders", **orders)


@pytest.fixture
def events():
    return []


def test_01_a_type_mismatch_stops_before_training(quick, events):
    tables = two_tables(
        {"id": [1, 2, 3], "region": ["N", "S", "N"]},
        {"id": [1, 2], "user_id": ["1", "2"], "value": [1.0, 2.0]},
    )
    hive = sh.Synthesizer(users_and_orders(), ctgan=quick, on_event=events.append)
    with pytest.raises(SchemaValidationError) as caught:
        hive.fit(tables)
    assert len(caught.value.problems) == 1
    text = str(caught.value)
    for part in ("orders.user_id is String", "users.id is Int64", "cast"):
        assert part in text
    assert not any(isinstance(event, sh.events.TrainingStarted) for event in events)


def test_02_every_broken_reference_is_in_one_error():
    metadata = (
        sh.Metadata()
        .add_table("users", pk="id")
        .add_table(
            "orders",
            pk="id",
            fk={"user": "users.id", "user_id": "users.uid", "shop_id": "shops.id", "id": "users"},
        )
    )
    tables = two_tables({"id": [1]}, {"id": [1], "user_id": [1], "shop_id": [1]})
    with pytest.raises(SchemaValidationError) as caught:
        metadata.validate_schema(tables)
    problems = caught.value.problems
    assert len(problems) == 4
    for place, reason in {
        "orders.user:": "orders has no column 'user'",
        "orders.user_id": "users has no column 'uid'",
        "orders.shop_id": "parent table 'shops' is missing",
        "orders.id": "'users' is no reference",
    }.items():
        assert any(place in problem and reason in problem for problem in problems), place


@pytest.mark.parametrize(
    ("parent", "child"),
    [(pl.Int32, pl.Int64), (pl.Int64, pl.Int32), (pl.Int64, pl.Float64)],
    ids=str,
)
def test_03_integer_keys_of_any_width_are_accepted(quick, parent, child):
    users = pl.DataFrame({"id": pl.Series([1, 2, 3], dtype=parent)})
    keys = [1, 2, 2, None if child == pl.Float64 else 3]
    orders = pl.DataFrame({"id": [1, 2, 3, 4], "user_id": pl.Series(keys, dtype=child)})
    hive = sh.Synthesizer(users_and_orders(), ctgan=quick).fit({"users": users, "orders": orders})
    copy = hive.sample(scale=10)
    assert copy["orders"].schema["user_id"] == child
    filled = copy["orders"]["user_id"].drop_nulls().cast(pl.Int64)
    assert len(filled)
    assert set(filled) <= set(copy["users"]["id"].cast(pl.Int64))


@pytest.fixture
def broken() -> dict[str, pl.DataFrame]:
    """Two of eight orders lack their user."""
    return two_tables(
        {"id": range(1, 7), "region": list("NSNSNS")},
        {"id": range(1, 9), "user_id": [1, 1, 2, 3, 4, 98, 99, 6], "value": [1.5] * 8},
    )


def test_04_orphans_and_repeated_keys_are_counted_and_shown(broken):
    with pytest.raises(SchemaValidationError) as caught:
        users_and_orders().validate_schema(broken)
    [problem] = caught.value.problems
    for part in ("orders.user_id", "2 of 8 rows", "98, 99", "on_orphans"):
        assert part in problem
    broken["users"] = pl.concat([broken["users"], broken["users"][:2]])
    with pytest.raises(SchemaValidationError, match=r"users.id .* 2 rows repeat .* 1, 2"):
        users_and_orders().validate_schema(broken)


@pytest.mark.parametrize("policy", ["drop", "null"])
def test_04_the_orphan_policy_is_honoured(broken, quick, events, policy):
    metadata = users_and_orders(on_orphans=policy)
    hive = sh.Synthesizer(metadata, ctgan=quick, on_event=events.append).fit(broken)
    told = [event.message for event in events if isinstance(event, sh.events.Notice)]
    assert any("2 of 8 rows have no parent" in text for text in told)
    copy = hive.sample(scale=40)
    nulls = copy["orders"]["user_id"].null_count() / copy["orders"].height
    if policy == "drop":
        assert nulls == 0
        assert hive.fitted.tables["orders"].rows == 6
    else:
        assert nulls == pytest.approx(2 / 8, abs=0.03)
    assert set(copy["orders"]["user_id"].drop_nulls()) <= set(copy["users"]["id"])


def test_04_children_of_repeated_keys_are_no_crash_of_the_linkage_model(broken):
    with pytest.raises(IntegrityError, match=r"2 of 8 children .*98, 99"):
        sh.LinkageModel().fit(broken["users"], broken["orders"], fk_col="user_id", pk_col="id")


CONTEXT = two_tables(
    {"id": range(40), "region": ["N", "S"] * 20, "mail": [f"a{i}@x.example" for i in range(40)]},
    {"id": range(80), "user_id": [i // 2 for i in range(80)], "value": [1.5, 2.0] * 40},
)


def test_05_an_unknown_context_column_lists_the_parents():
    with pytest.raises(SchemaError, match=r"nope.*columns of users: id, region, mail"):
        users_and_orders(parent_context_cols=["nope"]).validate_schema(CONTEXT)


@pytest.mark.parametrize("name", ["region", "users.region"])
def test_05_both_spellings_of_a_context_column_work(quick, name):
    metadata = users_and_orders(parent_context_cols=[name])
    fitted = sh.Synthesizer(metadata, ctgan=quick).fit(CONTEXT).fitted
    driver = fitted.tables["orders"].driver
    assert driver is not None
    assert {(code.table, code.column.source) for code in driver.context} == {("users", "region")}


def test_05_a_personal_context_column_is_refused():
    metadata = (
        sh.Metadata()
        .add_table("users", pk="id", pii={"mail": "email"})
        .add_table("orders", fk={"user_id": "users.id"}, parent_context_cols=["mail"])
    )
    with pytest.raises(SchemaError, match=r"users\.mail is declared personal"):
        metadata.validate_schema(CONTEXT)


def depths(frame: pl.DataFrame) -> list[int]:
    """Depth of every row; a cycle would never end, so that it is refused."""
    manager = dict(frame.select("id", "manager_id").iter_rows())
    found = []
    for row in manager:
        path = [row]
        while manager[path[-1]] is not None:
            path.append(manager[path[-1]])
            assert len(path) <= len(manager), f"{row} is in a cycle"
        found.append(len(path) - 1)
    return found


def test_06_a_self_reference_is_no_cycle_and_is_generated_like_the_real_one(quick):
    random = np.random.default_rng(3)
    managers: list[int | None] = []
    levels: list[int] = []
    for row in range(400):
        boss = None if row < 20 else int(random.choice([i for i in range(row) if levels[i] < 3]))
        managers.append(None if boss is None else boss + 1)
        levels.append(0 if boss is None else levels[boss] + 1)
    real = pl.DataFrame({"id": range(1, 401), "manager_id": managers, "level": levels})
    metadata = sh.Metadata().add_table("employees", pk="id", fk={"manager_id": "employees.id"})
    assert sh.SchemaGraph(metadata).get_generation_order() == ["employees"]
    settings = sh.CTGANSettings(max_steps=200, members=1)
    hive = sh.Synthesizer(metadata, seed=1, ctgan=settings).fit({"employees": real})
    copy = hive.sample(scale=3, seed=2)["employees"]
    assert copy.height == 1200
    assert set(copy["manager_id"].drop_nulls()) <= set(copy["id"])
    assert not (copy["manager_id"] == copy["id"]).any()
    mine, theirs = depths(copy), depths(real)
    assert mine.count(0) / 1200 == pytest.approx(theirs.count(0) / 400, abs=0.03)
    distance = sum(abs(mine.count(d) / 1200 - theirs.count(d) / 400) for d in range(6)) / 2
    assert distance <= 0.08
    assert max(mine) == max(theirs)


def ring(**last) -> sh.Metadata:
    return (
        sh.Metadata()
        .add_table("a", pk="id", fk={"b_id": "b.id"}, not_null=["b_id"])
        .add_table("b", pk="id", fk={"c_id": "c.id"}, not_null=["c_id"])
        .add_table("c", pk="id", fk={"a_id": "a.id"}, **last)
    )


def test_07_a_cycle_names_its_whole_path():
    with pytest.raises(CyclicSchemaError, match="a → b → c → a"):
        sh.SchemaGraph(ring(not_null=["a_id"]))
    with pytest.raises(SchemaValidationError, match=r"a → b → c → a; let one of .* be null"):
        ring(not_null=["a_id"]).validate_schema()


def test_07_a_cycle_through_a_nullable_key_is_told_and_generated(quick, orphans):
    metadata = ring()
    assert sh.SchemaGraph(metadata).get_generation_order() == ["c", "b", "a"]
    [notice] = [text for text in plan(metadata).notices if "cycle" in text]
    assert "c: a_id → a.id" in notice
    real = {
        "a": pl.DataFrame({"id": range(40), "b_id": [i % 20 for i in range(40)]}),
        "b": pl.DataFrame({"id": range(20), "c_id": [i % 10 for i in range(20)]}),
        "c": pl.DataFrame({"id": range(10), "a_id": [None if i % 2 else i for i in range(10)]}),
    }
    copy = sh.Synthesizer(metadata, ctgan=quick).fit(real).sample(scale=5)
    assert copy["c"]["a_id"].null_count() / copy["c"].height == pytest.approx(0.5, abs=0.1)
    for child, column, parent in (("a", "b_id", "b"), ("b", "c_id", "c"), ("c", "a_id", "a")):
        assert orphans(copy[child], column, copy[parent], "id") == 0


def test_08_parents_come_first_in_one_order_however_declared():
    calls = {
        "zones": {},
        "users": {},
        "products": {},
        "orders": {"fk": {"user_id": "users.id", "product_id": "products.id"}},
        "items": {"fk": {"order_id": "orders.id", "product_id": "products.id"}},
    }
    orders = set()
    for names in (list(calls), list(reversed(calls)), sorted(calls)):
        metadata = sh.Metadata()
        for name in names:
            metadata.add_table(name, pk="id", **calls[name])
        orders.add(tuple(sh.SchemaGraph(metadata).get_generation_order()))
    [order] = orders
    assert set(order) == set(calls)
    for child, table in metadata.tables.items():
        for fk in table.foreign_keys:
            assert order.index(fk.parent) < order.index(child)


def test_09_a_misspelled_root_or_option_is_answered_with_a_suggestion(broken, quick):
    hive = sh.Synthesizer(users_and_orders(on_orphans="drop"), ctgan=quick).fit(broken)
    with pytest.raises(ConfigError, match=r"'user'[\s\S]*did you mean 'users'\?"):
        hive.sample(rows={"user": 10})
    with pytest.raises(ConfigError, match=r"orders[\s\S]*driver users[\s\S]*rows of users"):
        hive.sample(rows={"orders": 10})
    with pytest.raises(ConfigError, match=r"'drivr'.*did you mean 'driver'\?"):
        users_and_orders(drivr="user_id")
    assert hive.sample(rows={"users": 10})["users"].height == 10


SOURCES = {
    "sources": [
        {
            "name": "raw",
            "tables": [
                {
                    "name": "users",
                    "columns": [
                        {"name": "id", "data_tests": ["unique", "not_null"]},
                        {"name": "mail", "config": {"meta": {"synthohive": {"pii": "email"}}}},
                    ],
                },
                {
                    "name": "orders",
                    "config": {
                        "meta": {"synthohive": {"primary_key": ["id"], "context": ["region"]}}
                    },
                    "columns": [
                        {
                            "name": "user_id",
                            "data_tests": [
                                {
                                    "relationships": {
                                        "arguments": {"to": "source('raw', 'users')", "field": "id"}
                                    }
                                }
                            ],
                        },
                        {
                            "name": "value",
                            "config": {"meta": {"synthohive": {"dtype": "float", "min": 1.0}}},
                        },
                    ],
                },
            ],
        }
    ]
}


@pytest.mark.dbt
def test_10_dbt_and_python_declare_the_same_schema(tmp_path):
    target = {"type": "duckdb", "path": str(tmp_path / "raw.duckdb")}
    documents = {
        "profiles.yml": {"tiny": {"target": "dev", "outputs": {"dev": target}}},
        "dbt_project.yml": {
            "name": "tiny",
            "profile": "tiny",
            "flags": {"send_anonymous_usage_stats": False},
        },
        "models/sources.yml": SOURCES,
    }
    (tmp_path / "models").mkdir()
    for name, document in documents.items():
        (tmp_path / name).write_text(yaml.safe_dump(document))
    dbt = str(Path(sys.executable).with_name("dbt"))
    words = [dbt, "parse", "--profiles-dir", "."]
    done = subprocess.run(words, cwd=tmp_path, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    declared = (
        sh.Metadata()
        .add_table("users", pk="id", pii={"mail": "email"}, not_null=["id"])
        .add_table(
            "orders",
            pk="id",
            fk={"user_id": "users.id"},
            parent_context_cols=["region"],
            constraints={"value": {"dtype": "float", "min": 1.0}},
        )
    )
    from_dbt = sh.Metadata.from_dbt(tmp_path)
    types = {
        "users": {"id": "BIGINT", "mail": "VARCHAR", "region": "VARCHAR"},
        "orders": {"id": "BIGINT", "user_id": "BIGINT", "value": "DOUBLE"},
    }
    assert from_dbt.with_column_types(types) == declared.with_column_types(types)
    assert sorted(str(from_dbt).splitlines()) == sorted(str(declared).splitlines())


def test_11_the_first_foreign_key_drives_unless_another_is_named():
    def metadata(**settings) -> sh.Metadata:
        return (
            sh.Metadata()
            .add_table("users", pk="id")
            .add_table("products", pk="id")
            .add_table(
                "orders",
                fk={"user_id": "users.id", "product_id": "products.id"},
                **settings,
            )
        )

    first = plan(metadata())
    assert first.step("orders").driver.columns == ("product_id",)
    assert [fk.columns for fk in first.step("orders").secondary] == [("user_id",)]
    assert any("orders is driven by product_id → products.id" in text for text in first.notices)
    named = plan(metadata(driver="user_id"))
    assert named.step("orders").driver.columns == ("user_id",)
    assert named.notices == ()
    with pytest.raises(SchemaError, match=r"driver 'region' is no foreign key"):
        plan(metadata(driver="region"))
