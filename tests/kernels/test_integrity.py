from __future__ import annotations

import datetime as dt
from decimal import Decimal
from itertools import pairwise

import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st

from synthohive import kernels
from synthohive.errors import ConfigError
from synthohive.kernels import KeyCheck

TEXTS = ["", "a", "a\0", "twelve bytes", "thirteen byte", "thirteen bytf", "é" * 40, "é" * 39 + "e"]
values = {
    pl.Int64: st.one_of(st.integers(-9, 9), st.sampled_from([-(2**63), 2**63 - 1])),
    pl.UInt64: st.one_of(st.integers(0, 9), st.just(2**64 - 1)),
    pl.Int128: st.one_of(st.integers(-3, 3), st.sampled_from([2**100, 2**100 + 1])),
    pl.Float64: st.sampled_from([0.0, -0.0, 0.5, 1e300, float("inf"), -1.5]),
    pl.String: st.sampled_from(TEXTS),
    pl.Binary: st.sampled_from([text.encode() for text in TEXTS]),
    pl.Boolean: st.booleans(),
    pl.Date: st.dates(dt.date(2020, 1, 1), dt.date(2020, 1, 9)),
}


@st.composite
def keys(draw: st.DrawFn) -> tuple[pl.DataFrame, pl.DataFrame]:
    """A child and a parent with key columns of the same types."""
    dtypes = draw(st.lists(st.sampled_from(list(values)), min_size=1, max_size=3))

    def frame() -> pl.DataFrame:
        row = st.tuples(*(st.one_of(st.none(), values[dtype]) for dtype in dtypes))
        rows = draw(st.lists(row, max_size=30))
        schema = {f"k{i}": dtype for i, dtype in enumerate(dtypes)}
        return pl.DataFrame(rows, schema=schema, orient="row")

    return frame(), frame()


@given(keys())
def test_rows_are_found_as_python_would_find_them(key: tuple[pl.DataFrame, pl.DataFrame]) -> None:
    child, parent = key
    first: dict[tuple[object, ...], int] = {}
    for row, value in enumerate(parent.rows()):
        if None not in value:
            first.setdefault(value, row)
    rows, orphan = kernels.row_ids(child, parent)
    assert rows.to_list() == [first.get(value) for value in child.rows()]
    assert orphan.to_list() == [None not in v and v not in first for v in child.rows()]
    check = kernels.check_foreign_key(child, parent)
    assert check == KeyCheck(
        rows=child.height,
        nulls=sum(None in value for value in child.rows()),
        orphans=int(orphan.sum()),
        orphan_rows=tuple(orphan.arg_true().head(5)),
    )
    unique = kernels.check_unique(parent)
    repeated = [row for row, v in enumerate(parent.rows()) if None not in v and first[v] != row]
    assert (unique.duplicates, unique.duplicate_rows) == (len(repeated), tuple(repeated[:5]))
    assert unique.holds == (not repeated)


MIDNIGHT = dt.datetime(2024, 1, 2)


@pytest.mark.parametrize(
    ("child", "parent", "rows"),
    [
        (pl.Series([5, -1], dtype=pl.Int8), pl.Series([2**64 - 1, 5], dtype=pl.UInt64), [1, None]),
        (pl.Series([2**64 - 1, 3], dtype=pl.UInt64), pl.Series([-1, 3]), [None, 1]),
        (pl.Series([2.0, 2.5, -0.0]), pl.Series([0, 2], dtype=pl.UInt8), [1, None, 0]),
        (pl.Series([2**53 + 1, 2**53]), pl.Series([2.0**53]), [None, 0]),
        (pl.Series([1e300, float("nan"), 1.0]), pl.Series([1]), [None, None, 0]),
        (pl.Series([0.5], dtype=pl.Float32), pl.Series([0.5]), [0]),
        (pl.Series([float("nan")]), pl.Series([float("nan")]), [0]),
        (pl.Series([2**100, 1], dtype=pl.Int128), pl.Series([1]), [None, 0]),
        (
            pl.Series([2**100, 1], dtype=pl.Int128),
            pl.Series([1, 2**100], dtype=pl.Int128),
            [1, 0],
        ),
        (pl.Series([Decimal("1.50")]), pl.Series([Decimal("1.5")]), [0]),
        (pl.Series([Decimal("1.50"), Decimal(2)]), pl.Series([2, 1]), [None, 0]),
        (pl.Series([Decimal("1.50")]), pl.Series([1.5]), [0]),
        (pl.Series(["b"]), pl.Series(["a", "b"], dtype=pl.Categorical), [1]),
        (pl.Series(["b"], dtype=pl.Enum(["b"])), pl.Series(["a", "b"]), [1]),
        (pl.Series([dt.date(2024, 1, 2)]), pl.Series([MIDNIGHT]), [0]),
        (pl.Series([MIDNIGHT + dt.timedelta(hours=1)]), pl.Series([dt.date(2024, 1, 2)]), [None]),
        (
            pl.Series([MIDNIGHT]).cast(pl.Datetime("ns")),
            pl.Series([dt.datetime(1, 1, 1), MIDNIGHT]).cast(pl.Datetime("ms")),
            [1],
        ),
        (
            pl.Series([MIDNIGHT]).dt.replace_time_zone("UTC"),
            pl.Series([MIDNIGHT + dt.timedelta(hours=1)]).dt.replace_time_zone("Europe/Paris"),
            [0],
        ),
        (pl.Series([dt.time(1)]), pl.Series([dt.time(1)]), [0]),
        (pl.Series([None], dtype=pl.Null), pl.Series([1]), [None]),
        (pl.Series([1]), pl.Series([None], dtype=pl.Null), [None]),
    ],
)
def test_equal_values_of_different_types_match(
    child: pl.Series, parent: pl.Series, rows: list[int | None]
) -> None:
    found, orphan = kernels.row_ids(child.to_frame("c"), parent.to_frame("p"))
    assert found.to_list() == rows
    missing = zip(rows, child.is_null(), strict=True)
    assert orphan.to_list() == [row is None and not null for row, null in missing]


@pytest.mark.parametrize(
    ("child", "parent"),
    [
        (pl.Series("c", [1]), pl.Series("p", ["1"])),
        (pl.Series("c", [True]), pl.Series("p", [1])),
        (pl.Series("c", [MIDNIGHT]).dt.replace_time_zone("UTC"), pl.Series("p", [MIDNIGHT])),
        (pl.Series("c", [[1]]), pl.Series("p", [[1]])),
        (pl.Series("c", ["a"]), pl.Series("p", [b"a"])),
    ],
)
def test_types_without_common_values_are_refused(child: pl.Series, parent: pl.Series) -> None:
    with pytest.raises(ConfigError, match=r"column 'c' of type .* 'p' of type") as caught:
        kernels.row_ids(child.to_frame(), parent.to_frame())
    assert caught.value.column == "c"


def test_keys_of_different_widths_are_refused() -> None:
    one, two = pl.DataFrame({"a": [1]}), pl.DataFrame({"a": [1], "b": [1]})
    with pytest.raises(ConfigError, match=r"1 columns \['a'\] .* 2 columns \['a', 'b'\]"):
        kernels.row_ids(one, two)
    with pytest.raises(ConfigError, match="0 columns"):
        kernels.check_unique(pl.DataFrame())


@pytest.mark.parametrize("name", ["^k.*$", "", 'say "k"', "*", "é k"])
def test_columns_may_have_any_name(name: str) -> None:
    for child in ([1.0, 2.5, None], [dt.date(2024, 1, 2), None], ["a", "b"], [Decimal("1.5")]):
        frame = pl.DataFrame({name: child, "k": child})
        parent = frame.head(1).with_columns(pl.all().cast(pl.Float32)) if child[0] == 1 else frame
        rows, orphan = kernels.row_ids(frame, parent)
        assert rows[0] == 0
        assert not orphan[0]
        assert kernels.check_unique(frame).holds
        assert kernels.check_unique(frame.select(pl.nth(0))).nulls == child.count(None)


def test_many_rows_in_many_chunks_are_checked_whole() -> None:
    n = 150_000
    ids = kernels.permutation(n, seed=1, stream=1).cast(pl.Int64)
    for spread in (ids, ids * 7_919_000_003, "a rather long key " + ids.cast(pl.String)):
        parent = spread.to_frame("id")
        parts = [spread[a:b] for a, b in pairwise([0, 70_001, 70_001, n])]
        child = pl.concat([*parts, parts[0].head(1)], rechunk=False).to_frame("fk")
        assert child.to_series().n_chunks() > 1
        rows, orphan = kernels.row_ids(child, parent)
        assert rows.to_list() == [*range(n), 0]
        assert not orphan.any()
        unique = kernels.check_unique(child)
        assert (unique.duplicates, unique.duplicate_rows) == (1, (n,))
        few = kernels.check_foreign_key(child, parent.slice(1))
        assert (few.orphans, few.orphan_rows) == (2, (0, n))


def test_no_rows_hold() -> None:
    none = pl.DataFrame({"a": pl.Series([], dtype=pl.String)})
    some = pl.DataFrame({"a": ["x"]})
    assert kernels.check_unique(none) == KeyCheck(rows=0, nulls=0)
    assert kernels.check_foreign_key(none, some).holds
    assert kernels.check_foreign_key(some, none).orphan_rows == (0,)
