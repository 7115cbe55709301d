from __future__ import annotations

import numpy as np
import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from synthohive.encoding.relevance import mutual_information, select_context

ROWS = 6_000


@pytest.fixture(scope="module")
def candidates() -> pl.DataFrame:
    r = np.random.default_rng(0)
    region = r.integers(0, 8, ROWS)
    return pl.DataFrame(
        {
            "region": region,
            "region again": 7 - region,
            "age": r.integers(0, 30, ROWS),
            "age#fine": r.integers(0, 16, ROWS),
            "noise": r.integers(0, 300, ROWS),
            "constant": np.zeros(ROWS, int),
        }
    ).cast(pl.UInt16)


@pytest.fixture(scope="module")
def targets(candidates: pl.DataFrame) -> pl.DataFrame:
    r = np.random.default_rng(1)
    follows = np.where(r.random(ROWS) < 0.3, candidates["region"], r.integers(0, 8, ROWS))
    return pl.DataFrame(
        {"category": follows, "adult": candidates["age"] > 15, "random": r.integers(0, 40, ROWS)}
    ).cast(pl.UInt8)


def test_what_tells_most_comes_first_and_nothing_twice(
    candidates: pl.DataFrame, targets: pl.DataFrame
) -> None:
    assert select_context(candidates, targets) == ["age", "region"]
    assert select_context(candidates, targets, limit=1) == ["age"]


def test_chance_is_not_context(candidates: pl.DataFrame, targets: pl.DataFrame) -> None:
    ignorant = candidates.select("noise", "constant", "age#fine")
    assert select_context(ignorant, targets) == []
    assert select_context(candidates, targets.select("random")) == []


def test_a_fine_code_comes_after_its_coarse_one() -> None:
    r = np.random.default_rng(0)
    fine, coarse = r.integers(0, 16, ROWS), r.integers(0, 32, ROWS)
    frame = pl.DataFrame({"x#fine": fine, "x": coarse}).cast(pl.UInt8)
    both = pl.DataFrame({"a": fine, "b": coarse // 16}).cast(pl.UInt8)
    assert select_context(frame, both) == ["x", "x#fine"]
    # alone it may be taken: its coarse one is no candidate
    assert select_context(frame.select("x#fine"), both) == ["x#fine"]


def test_information_is_measured_in_nats(candidates: pl.DataFrame, targets: pl.DataFrame) -> None:
    nats = mutual_information(candidates, targets)
    assert nats.shape == (6, 3)
    assert nats[2, 1] == pytest.approx(np.log(2), abs=0.01)
    assert nats[5].tolist() == [0, 0, 0]
    assert nats[4].max() < 0.05


@settings(max_examples=30, deadline=None)
@given(st.integers(0, 200), st.integers(1, 20), st.integers(1, 20))
def test_information_is_never_negative_nor_too_large(rows: int, a: int, b: int) -> None:
    r = np.random.default_rng(rows)
    left = pl.DataFrame({"a": r.integers(0, a, rows)}, schema={"a": pl.UInt8})
    right = pl.DataFrame({"b": r.integers(0, b, rows)}, schema={"b": pl.UInt8})
    nats = mutual_information(left, right)
    assert 0 <= nats.item() <= np.log(max(a, b)) + 1e-9


def test_nothing_in_nothing_out(candidates: pl.DataFrame, targets: pl.DataFrame) -> None:
    assert select_context(candidates.head(0), targets.head(0)) == []
    assert select_context(candidates.select([]), targets) == []
    assert select_context(candidates, targets.select([])) == []
