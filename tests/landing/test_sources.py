from __future__ import annotations

import os
import tempfile
import time
from pathlib import Path

import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st

from synthohive.errors import LandingError
from synthohive.landing.sources import MARKER, sources_yaml
from synthohive.landing.sources_file import check_sources_file, draft_sources, put_in_place
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


def write(path):
    text = sources_yaml(shop().tables, TYPES, schema="synthetic")
    put_in_place(draft_sources(path, text), path)
    return text


def names_in(folder):
    return sorted(file.name for file in folder.iterdir())


def test_only_files_of_our_own_are_replaced(tmp_path):
    path = tmp_path / "models" / "sources.yml"
    write(path)
    text = write(path)
    assert path.read_text(encoding="utf-8") == text
    assert names_in(path.parent) == ["sources.yml"]
    for foreign in (b"version: 2\n", b"", b"\xff\xfe"):
        path.write_bytes(foreign)
        for refusing in (check_sources_file, lambda place: draft_sources(place, text)):
            with pytest.raises(LandingError, match="was not written by SynthoHive"):
                refusing(path)
        assert path.read_bytes() == foreign
    assert names_in(path.parent) == ["sources.yml"]


def test_a_place_that_cannot_be_written_is_named(tmp_path):
    (tmp_path / "models").write_text("a file")
    for path, reason in (
        (tmp_path / "models" / "sources.yml", "models' is no folder"),
        (tmp_path / "models" / "deeper" / "sources.yml", "models' is no folder"),
        (tmp_path, "it is a folder"),
    ):
        with pytest.raises(LandingError, match=f"cannot be written: .*{reason}"):
            check_sources_file(path)


@pytest.mark.skipif(os.geteuid() == 0, reason="root may write everywhere")
def test_a_folder_without_the_right_to_write_is_named(tmp_path):
    tmp_path.chmod(0o500)
    with pytest.raises(LandingError, match="may not be written"):
        check_sources_file(tmp_path / "models" / "sources.yml")


def test_drafts_lie_where_dbt_does_not_look(tmp_path):
    (tmp_path / "dbt_project.yml").write_text("name: x\n")
    path = tmp_path / "models" / "deep" / "sources.yml"
    assert draft_sources(path, MARKER).parent == path.parent  # there is no target folder
    (tmp_path / "target").mkdir()
    draft = draft_sources(path, MARKER)
    assert draft.parent == tmp_path / "target"
    put_in_place(draft, path)
    assert path.read_text() == MARKER
    assert names_in(tmp_path / "target") == []


def test_drafts_of_dead_runs_are_removed(tmp_path):
    (tmp_path / "dbt_project.yml").write_text("name: x\n")
    places = [tmp_path / "target", tmp_path / "models"]
    for folder in places:
        folder.mkdir()
        for name, age in ((".s[1].yml.1.draft", 7200), (".s[1].yml.2.draft", 5), ("s", 7200)):
            (folder / name).write_text(MARKER)
            os.utime(folder / name, (time.time() - age,) * 2)
    path = tmp_path / "models" / "s[1].yml"
    put_in_place(draft_sources(path, MARKER), path)
    assert names_in(places[0]) == [".s[1].yml.2.draft", "s"]
    assert names_in(places[1]) == [".s[1].yml.2.draft", "s", "s[1].yml"]


def test_a_target_folder_on_another_file_system_serves_as_well(tmp_path):
    memory = Path("/dev/shm")  # a file system of its own, on Linux
    if not memory.is_dir() or memory.stat().st_dev == tmp_path.stat().st_dev:
        pytest.skip("there is only one file system")
    with tempfile.TemporaryDirectory(dir=memory) as folder:
        (tmp_path / "dbt_project.yml").write_text("name: x\n")
        (tmp_path / "target").symlink_to(folder)
        path = tmp_path / "models" / "sources.yml"
        draft = draft_sources(path, MARKER)
        put_in_place(draft, path)
        assert path.read_text() == MARKER
        assert names_in(path.parent) == ["sources.yml"]
        assert not draft.exists()
