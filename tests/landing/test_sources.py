from __future__ import annotations

import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st

from synthohive.errors import LandingError
from synthohive.landing.sources import MARKER, sources_yaml, write_sources
from synthohive.schema.metadata import Metadata

TYPES = {
    "users": {"id": "BIGINT", "region": "VARCHAR", "active": "BOOLEAN"},
    "orders": {"id": "BIGINT", "user_id": "BIGINT", "order": "VARCHAR"},
}


def shop() -> Metadata:
    accepted = {
        "region": {"accepted_values": ["N", "it's"]},
        "active": {"accepted_values": [True]},
    }
    return (
        Metadata()
        .add_table("users", pk="id", constraints=accepted, not_null=["region"])
        .add_table("orders", pk="id", fk={"user_id": "users.id"}, unique=[["user_id", "order"]])
    )


def parsed(metadata: Metadata, types=TYPES, **settings):
    text = sources_yaml(metadata.tables, types, schema="synthetic", **settings)
    assert text.startswith(MARKER)
    [source] = yaml.safe_load(text)["sources"]
    return source


def columns(source, table):
    [found] = [node for node in source["tables"] if node["name"] == table]
    return {column["name"]: column for column in found["columns"]}


def test_keys_become_tests():
    orders = columns(parsed(shop()), "orders")
    assert orders["id"]["data_tests"] == ["unique", "not_null"]
    assert orders["user_id"]["data_tests"] == [
        {"relationships": {"arguments": {"to": "source('synthetic', 'users')", "field": "id"}}}
    ]


def test_accepted_values_are_quoted_where_the_type_is():
    users = columns(parsed(shop()), "users")
    values = {"values": ["N", "it''s"]}  # dbt puts the quotes around, and only those
    assert users["region"]["data_tests"] == [
        "not_null",
        {"accepted_values": {"arguments": values}},
    ]
    assert users["active"]["data_tests"] == [
        {"accepted_values": {"arguments": {"values": [True], "quote": False}}}
    ]


def test_a_composite_key_is_tested_as_a_row():
    [orders] = [node for node in parsed(shop())["tables"] if node["name"] == "orders"]
    assert orders["data_tests"] == [
        {
            "unique": {
                "name": "unique_synthetic_orders_user_id_order",
                "arguments": {
                    "column_name": 'CASE WHEN "user_id" IS NOT NULL AND "order" IS NOT NULL '
                    'THEN row("user_id", "order") END'
                },
            }
        }
    ]


def test_the_file_says_that_its_tables_are_generated():
    source = parsed(shop(), source_name="fake", database="other")
    assert source["name"] == "fake"
    assert source["database"] == "other"
    assert source["config"]["meta"] == {"synthohive": {"generated": True}}


def test_reserved_words_and_odd_names_are_quoted():
    types = {"t": {"order": "INT", "plain": "INT", 'a "b"': "INT"}}
    found = columns(parsed(Metadata().add_table("t", pk='a "b"'), types), "t")
    assert [("quote" in column) for column in found.values()] == [True, False, True]
    assert 'a ""b""' in found


@given(st.lists(st.text(min_size=1, max_size=8), min_size=1, max_size=5, unique=True))
def test_every_table_gets_a_name_of_its_own_that_dbt_accepts(tables):
    source = parsed(Metadata(), {name: {"id": "INT"} for name in tables})
    names = [node["name"] for node in source["tables"]]
    assert len(set(names)) == len(tables)
    assert all(name.isidentifier() or name.replace("_", "a").isalnum() for name in names)


def test_partial_keys_and_keys_to_absent_tables_are_not_tested():
    only = parsed(shop(), {"orders": TYPES["orders"]})
    assert "data_tests" not in columns(only, "orders")["user_id"]


def test_only_files_of_our_own_are_replaced(tmp_path):
    path = tmp_path / "models" / "sources.yml"
    text = sources_yaml(shop().tables, TYPES, schema="synthetic")
    write_sources(path, text)
    write_sources(path, text)
    assert path.read_text(encoding="utf-8") == text
    assert [file.name for file in path.parent.iterdir()] == ["sources.yml"]
    path.write_text("version: 2\n")
    with pytest.raises(LandingError, match="was not written by SynthoHive"):
        write_sources(path, text)
    assert path.read_text() == "version: 2\n"


def test_a_place_that_cannot_be_written_is_named(tmp_path):
    (tmp_path / "models").write_text("a file")
    with pytest.raises(LandingError, match="cannot be written"):
        write_sources(tmp_path / "models" / "sources.yml", MARKER)
