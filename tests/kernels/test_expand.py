from __future__ import annotations

import datetime as dt

import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st
from polars.testing import assert_frame_equal, assert_series_equal

from synthohive import kernels
from synthohive.errors import CapacityError, ConfigError

counts_lists = st.lists(st.one_of(st.integers(0, 3), st.integers(0, 40)), max_size=60)


def u32(values: list[int | None]) -> pl.Series:
    return pl.Series(values, dtype=pl.UInt32)


def every_type() -> pl.DataFrame:
    moment = dt.datetime(2024, 2, 29, 12, 30)
    texts = ["a", None, "a text of more than twelve bytes"]
    columns = {
        **{str(t): pl.Series([1, None, 3], dtype=t) for t in [pl.Int8, pl.UInt16, pl.Int64]},
        **{str(t): pl.Series([1, None, 3], dtype=t) for t in [pl.UInt64, pl.Int128]},
        **{str(t): pl.Series([0.5, None, float("nan")], dtype=t) for t in [pl.Float32, pl.Float64]},
        "decimal": pl.Series(["1.25", None, "-3.00"]).cast(pl.Decimal(12, 2)),
        "date": [dt.date(2024, 2, 29), None, dt.date(1900, 1, 1)],
        "time": [dt.time(1, 2, 3), None, dt.time(0)],
        "ms": pl.Series([moment, None, moment]).cast(pl.Datetime("ms")),
        "zoned": pl.Series([moment, None, moment]).dt.replace_time_zone("Europe/Paris"),
        "duration": [dt.timedelta(days=1), None, dt.timedelta(microseconds=1)],
        "bool": [True, None, False],
        "text": texts,
        "enum": pl.Series(["x", None, "y"], dtype=pl.Enum(["x", "y"])),
        "category": pl.Series(["x", None, "y"], dtype=pl.Categorical),
        "binary": [b"\0", None, b""],
        "list": [[1], None, []],
        "struct": [{"a": 1}, None, {"a": None}],
        "null": pl.Series([None, None, None], dtype=pl.Null),
    }
    return pl.DataFrame(columns)


@given(counts_lists, st.integers(0, 1000))
def test_positions_offsets_and_siblings_agree(counts: list[int], start: int) -> None:
    rows = kernels.parent_rows(u32(counts), start=start)
    assert rows.dtype == pl.UInt32
    assert rows.to_list() == [start + i for i, count in enumerate(counts) for _ in range(count)]
    siblings = kernels.sibling_positions(u32(counts))
    assert siblings.to_list() == [at for count in counts for at in range(count)]
    offsets = kernels.child_offsets(u32(counts))
    assert offsets.to_list() == [sum(counts[:i]) for i in range(len(counts) + 1)]
    back = kernels.children_per_parent(rows - start if len(rows) else rows, len(counts))
    assert back.to_list() == counts


@given(st.lists(st.integers(0, 12), min_size=3, max_size=3))
def test_rows_of_every_type_are_repeated(counts: list[int]) -> None:
    frame = every_type()
    repeated = kernels.repeat(frame, u32(counts))
    wanted = pl.concat(
        [frame[i] for i, count in enumerate(counts) for _ in range(count)] or [frame.clear()]
    )
    assert_frame_equal(repeated, wanted)
    rows = kernels.parent_rows(u32(counts))
    assert_frame_equal(kernels.gather(frame, rows), wanted)


def test_chunks_and_slices_are_seen_whole() -> None:
    frame = pl.concat([every_type(), every_type()], rechunk=False)[1:5]
    counts = pl.concat([u32([9, 2]), u32([]), u32([0, 1, 1])], rechunk=False)[1:]
    assert counts.n_chunks() > 1
    repeated = kernels.repeat(frame, counts)
    assert_frame_equal(repeated, kernels.gather(frame, u32([0, 0, 2, 3])))
    assert kernels.parent_rows(counts).to_list() == [0, 0, 2, 3]


def test_a_null_position_gives_a_row_of_nulls() -> None:
    gathered = kernels.gather(every_type(), u32([None, 2]))
    assert gathered.null_count().row(0) == (1,) * (gathered.width - 1) + (2,)


def test_empty_stays_empty_with_its_schema() -> None:
    none = every_type().clear()
    for counts, frame in [(u32([]), none), (u32([0, 0, 0]), every_type())]:
        assert_frame_equal(kernels.repeat(frame, counts), none)
    assert_frame_equal(kernels.gather(every_type(), u32([])), none)
    assert kernels.repeat(pl.DataFrame(), u32([])).shape == (0, 0)


def test_input_is_left_alone() -> None:
    frame = every_type()
    kernels.repeat(frame, u32([1, 2, 3]))
    assert_frame_equal(frame, every_type())


def test_columns_of_any_name_keep_it() -> None:
    frame = pl.DataFrame({'^a.*$"': [1, 2], "^a.*$": ["x", "y"], "": [None, 1]})
    assert kernels.repeat(frame, u32([0, 2])).columns == frame.columns
    assert kernels.repeat(frame, u32([0, 2])).rows() == [(2, "y", 1), (2, "y", 1)]


def test_wrong_counts_are_named() -> None:
    with pytest.raises(ConfigError, match="counts: has 1 nulls"):
        kernels.parent_rows(u32([1, None]))
    with pytest.raises(ConfigError, match="counts: has type Int64, but must be UInt32"):
        kernels.sibling_positions(pl.Series([1]))
    with pytest.raises(ConfigError, match="counts: has 1 entries, but frame has 3 rows"):
        kernels.repeat(every_type(), u32([1]))
    with pytest.raises(ConfigError, match="position 3 is not below parents, which is 3"):
        kernels.children_per_parent(u32([0, 3]), 3)


def test_more_rows_than_positions_are_refused() -> None:
    with pytest.raises(CapacityError, match="4294967297 rows wanted") as caught:
        kernels.parent_rows(u32([2**32 - 1, 2]))
    assert caught.value.hint
    with pytest.raises(OverflowError):
        kernels.parent_rows(u32([1]), start=2**32 - 2)


def test_nulls_are_not_counted_as_children() -> None:
    counts = kernels.children_per_parent(u32([None, 1, None, 1]), 3)
    assert_series_equal(counts, u32([0, 2, 0]))
    assert kernels.children_per_parent(u32([]), 2).to_list() == [0, 0]
