from __future__ import annotations

from datetime import date, datetime
from decimal import Decimal

import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from synthohive.encoding.constraints import apply_constraints
from synthohive.errors import ConfigError, ConstraintError
from synthohive.schema.model import Column, Constraint


def apply(values: object, **limits: object) -> pl.Series:
    frame = pl.DataFrame([pl.Series("x", values) if isinstance(values, list) else values])
    column = Column(name="x", constraint=Constraint(**limits))
    return apply_constraints(frame, {"x": column})["x"]


def test_acceptance_29_minimum_and_type() -> None:
    changed = apply([0, 3, None], dtype="float", minimum=1.0)
    assert changed.dtype == pl.Float64
    assert changed.to_list() == [1.0, 3.0, None]


def test_acceptance_29_integers_even_with_nulls() -> None:
    changed = apply([0.6, None, float("nan"), 7.0], dtype="int")
    assert changed.dtype == pl.Int64
    assert changed.to_list() == [1, None, None, 7]
    narrow = apply(pl.Series("x", [1, 2], dtype=pl.Int8), dtype="int")
    assert narrow.dtype == pl.Int8


def test_acceptance_29_enforced_bounds_name_column_value_and_bound() -> None:
    with pytest.raises(ConstraintError, match=r"2 .* of 'x' break the minimum 1.5: 0, 1") as caught:
        apply([0, 1, 2], minimum=1.5, mode="enforce")
    assert caught.value.column == "x"
    with pytest.raises(ConstraintError, match="accepted values"):
        apply(["a", "z"], accepted_values=("a", "b"), mode="enforce")
    assert apply([2, None], minimum=1.5, mode="enforce").to_list() == [2, None]


@settings(max_examples=30, deadline=None)
@given(
    st.lists(st.none() | st.integers(-300, 300), min_size=1, max_size=30),
    st.floats(-200, 200),
    st.floats(0, 200),
    st.sampled_from([pl.Int64, pl.Float64, pl.Int16, pl.Decimal(8, 1), pl.Float32]),
)
def test_clipped_values_are_inside(
    values: list[int | None], low: float, width: float, dtype: pl.DataType
) -> None:
    high = low + width + 1
    series = pl.Series("x", values).cast(dtype)
    clipped = apply(series, minimum=low, maximum=high)
    assert clipped.dtype == series.dtype
    assert clipped.is_null().equals(series.is_null())
    slack = 1e-4 if dtype == pl.Float32 else 0.0
    assert all(low - slack <= float(v) <= high + slack for v in clipped.drop_nulls())


def test_bounds_of_dates_are_iso_text() -> None:
    days = [date(2024, 1, 1), None, date(2024, 6, 1)]
    assert apply(days, minimum="2024-02-01").to_list() == [date(2024, 2, 1), None, days[2]]
    moments = pl.Series("x", [datetime(2024, 1, 1), datetime(2024, 6, 1)])
    late = apply(moments, maximum="2024-02-01 12:00:00")
    assert late[1] == datetime(2024, 2, 1, 12)
    zoned = apply(moments.dt.replace_time_zone("Europe/Rome"), maximum="2024-02-01")
    assert zoned.dt.replace_time_zone(None)[1] == datetime(2024, 2, 1)


def test_decimals_keep_their_scale() -> None:
    prices = pl.Series("x", [Decimal("0.50"), Decimal("9.99")])
    assert apply(prices, minimum=0.995).to_list() == [Decimal("1.00"), Decimal("9.99")]


def test_accepted_values() -> None:
    assert apply([1, 4, 9, None], accepted_values=(10, 0)).to_list() == [0, 0, 10, None]
    assert apply(["a", "z", None], accepted_values=("b", "a")).to_list() == ["a", "b", None]
    assert apply([True, False], accepted_values=("true",)).to_list() == [True, True]


@pytest.mark.parametrize(
    ("values", "limits"),
    [
        ([date(2024, 1, 1)], {"minimum": "soon"}),
        ([1], {"minimum": "many"}),
        ([1], {"accepted_values": ("one",)}),
        ([1], {"dtype": "integer"}),
        (["one"], {"dtype": "int"}),
    ],
)
def test_limits_that_do_not_fit_are_errors(values: list[object], limits: dict) -> None:
    with pytest.raises(ConfigError, match="'x'"):
        apply(values, **limits)


def test_no_rows() -> None:
    empty = apply(pl.Series("x", [], dtype=pl.Int8), dtype="float", minimum=1, maximum=2.5)
    assert empty.dtype == pl.Float64
    assert len(empty) == 0


def test_errors_name_the_table() -> None:
    columns = {"x": Column(name="x", constraint=Constraint(maximum=1, mode="enforce"))}
    with pytest.raises(ConstraintError, match=r"'shop\.x'"):
        apply_constraints(pl.DataFrame({"x": [5]}), columns, table="shop")


def test_other_columns_are_untouched() -> None:
    frame = pl.DataFrame({"x": [1], "y": [2]})
    columns = {"x": Column(name="x"), "z": Column(name="z", constraint=Constraint(minimum=5))}
    assert apply_constraints(frame, columns).equals(frame)
