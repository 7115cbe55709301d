from __future__ import annotations

from collections import Counter

import duckdb
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from synthohive.errors import LandingError
from synthohive.landing import integrity
from synthohive.landing.integrity import check_integrity, repeats
from synthohive.schema.metadata import Metadata

NAMES = {"parents": "parents", "children": "children"}
SCHEMA = (
    Metadata()
    .add_table("parents", pk=["a", "b"])
    .add_table("children", pk="id", fk={("a", "b"): ("parents", ("a", "b"))})
)
PARTS = [3, 1_000_000]
HOLDS = 80
KEYS = st.lists(
    st.tuples(st.none() | st.integers(0, 4), st.none() | st.sampled_from(["x", "y", "z"])),
    max_size=9,
)


def database(parents, children, kind="BIGINT"):
    con = duckdb.connect()
    con.execute("CREATE TABLE parents (a BIGINT, b VARCHAR)")
    con.execute(f"CREATE TABLE children (id BIGINT, a {kind}, b VARCHAR)")
    if parents:
        con.executemany("INSERT INTO parents VALUES (?, ?)", parents)
    if children:
        rows = [(number, *key) for number, key in enumerate(children)]
        con.executemany("INSERT INTO children VALUES (?, ?, ?)", rows)
    return con


@settings(max_examples=15, deadline=None)
@given(keys=KEYS)
def test_repeats_are_counted_in_parts_of_any_size(keys):
    whole = Counter(key for key in keys if None not in key)
    expected = sum(whole.values()) - len(whole)
    with database(keys, []) as con, pytest.MonkeyPatch.context() as patch:
        for rows in PARTS:
            patch.setattr(integrity, "PART_ROWS", rows)
            assert repeats(con, "parents", ["a", "b"]) == expected


@settings(max_examples=15, deadline=None)
@given(children=KEYS, kind=st.sampled_from(["BIGINT", "INTEGER", "DOUBLE"]))
def test_orphans_are_found_in_parts_of_any_size(children, kind):
    parents = [(0, "x"), (0, "y"), (1, "x"), (2, "z"), (3, "y")]
    orphans = sum(None not in key and key not in parents for key in children)
    with database(parents, children, kind) as con, pytest.MonkeyPatch.context() as patch:
        for rows in PARTS:
            patch.setattr(integrity, "PART_ROWS", rows)
            if not orphans:
                found = check_integrity(con, SCHEMA.tables, NAMES)
                assert found["children"].orphans == 0
                continue
            with pytest.raises(LandingError, match=f"children: {orphans} rows have no parent"):
                check_integrity(con, SCHEMA.tables, NAMES)


@pytest.mark.parametrize("rows", PARTS)
def test_keys_that_a_collation_calls_equal_stay_together(rows, monkeypatch):
    monkeypatch.setattr(integrity, "PART_ROWS", rows)
    with duckdb.connect() as con:
        con.execute("SET default_collation = 'nocase'")
        con.execute("CREATE TABLE parents AS FROM (VALUES (1, 'x'), (1, 'X'), (2, 'y')) AS t(a, b)")
        assert repeats(con, "parents", ["a", "b"]) == 1


def test_comparing_in_parts_takes_less_memory(tmp_path, monkeypatch):
    """The same check, under a limit that comparing all rows at once does not fit into."""
    rows = 3 * integrity.PART_ROWS
    frame = f"(SELECT (range * 7919) % {rows} AS id FROM range({rows}))"
    with duckdb.connect(str(tmp_path / "keys.duckdb")) as con:
        con.execute(f"CREATE TABLE keys AS FROM {frame}")
        con.execute("CHECKPOINT")
        con.execute("SET memory_limit = '80MB'; SET temp_directory = ''; SET threads = 1")
        assert repeats(con, "keys", ["id"]) == 0
        monkeypatch.setattr(integrity, "PART_ROWS", rows)
        with pytest.raises(duckdb.OutOfMemoryException):
            repeats(con, "keys", ["id"])
