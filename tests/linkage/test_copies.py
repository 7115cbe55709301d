"""Copied columns are found, coincidences are not."""

from __future__ import annotations

import numpy as np
import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from synthohive.linkage.copies import Copy, find_copies
from synthohive.randomness import Stream


def customers():
    generator = np.random.default_rng(0)
    return pl.DataFrame(
        {
            "name": [f"name {n}" for n in range(200)],
            "city": generator.choice(["A", "B", "C"], 200),
            "is_new": generator.random(200) < 0.02,
            "limit": generator.integers(0, 5, 200) * 100,
            "since": pl.Series(generator.integers(0, 9000, 200)).cast(pl.Date),
        }
    )


def orders(parents, seed=0):
    generator = np.random.default_rng(seed)
    rows = generator.integers(0, 200, 3000)
    above = parents[rows]
    moved = generator.random(3000) < 0.02
    return (
        pl.DataFrame(
            {
                "customer": above["name"],
                "ship_to": above["city"].zip_with(~pl.Series(moved), pl.Series(["D"] * 3000)),
                "is_urgent": generator.random(3000) < 0.02,
                "credit": above["limit"].cast(pl.Float64),
                "ordered": pl.Series(generator.integers(0, 9000, 3000)).cast(pl.Date),
                "zone": above["city"].cast(pl.Enum(["A", "B", "C"])),
            }
        ),
        pl.Series(rows.astype(np.uint32)),
    )


def test_copies_are_found_whatever_their_type():
    parents = customers()
    children, rows = orders(parents)
    found = {copy.column: copy for copy in find_copies(children, parents, rows)}
    assert {name: copy.parent_column for name, copy in found.items()} == {
        "customer": "name",
        "ship_to": "city",
        "credit": "limit",
        "zone": "city",
    }
    assert found["customer"].share == 1
    assert found["ship_to"].share == pytest.approx(0.98, abs=0.01)


def test_nulls_are_copied_and_rows_without_parent_do_not_count():
    parents = pl.DataFrame({"code": ["x", None, "y", None]})
    rows = pl.Series([0, 1, 2, 3, None] * 10, dtype=pl.UInt32)
    children = pl.DataFrame({"copy": ["x", None, "y", None, "other"] * 10})
    assert find_copies(children, parents, rows) == [
        Copy(column="copy", parent_column="code", share=1.0)
    ]


def test_coincidence_and_too_few_rows_are_no_copy():
    parents = pl.DataFrame({"zero": [0] * 50, "mostly": [0] * 49 + [1]})
    rows = pl.Series(range(50), dtype=pl.UInt32)
    children = pl.DataFrame({"zero": [0] * 50, "mostly": [1] + [0] * 49})
    assert find_copies(children, parents, rows) == []
    assert find_copies(children[:10], children[:10], rows[:10]) == []


def test_filling_keeps_type_name_and_share():
    copy = Copy(column="credit", parent_column="limit", share=0.9)
    own, above = pl.Series("credit", [1.0] * 5000), pl.Series("limit", [2] * 5000)
    filled = copy.fill(own, above, Stream(1))
    assert filled.dtype == pl.Float64
    assert filled.name == "credit"
    assert (filled == 2).mean() == pytest.approx(0.9, abs=0.02)
    assert Copy(**copy.to_dict()) == copy


@settings(max_examples=25, deadline=None)
@given(st.integers(0, 100), st.floats(0, 1), st.integers(0, 2**32))
def test_filling_in_blocks_is_the_same(cut, share, seed):
    copy = Copy(column="a", parent_column="b", share=share)
    own, above = pl.Series("a", range(100)), pl.Series("b", range(100, 200))
    whole = copy.fill(own, above, Stream(seed))
    parts = [copy.fill(own[:cut], above[:cut], Stream(seed))]
    parts.append(copy.fill(own[cut:], above[cut:], Stream(seed), start=cut))
    assert whole.equals(pl.concat(parts))
