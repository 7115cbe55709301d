"""Unique columns with declared limits: values from within, each once, until there are none."""

from __future__ import annotations

import json
from datetime import UTC, date, datetime, time
from decimal import Decimal

import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from synthohive.encoding.constraints import apply_constraints
from synthohive.encoding.key_fit import fit_key_format
from synthohive.encoding.keys import KeyFormat
from synthohive.errors import CapacityError, ConfigError
from synthohive.randomness import Stream
from synthohive.schema.model import Column, Constraint

DAYS = pl.Series([date(2024, 1, day) for day in (3, 5, 7)])


def limited(real: pl.Series, **limits) -> KeyFormat:
    keys = fit_key_format(real.alias("k"), limits=Constraint(**limits))
    return KeyFormat.from_dict(json.loads(json.dumps(keys.to_dict())))


def written(keys: KeyFormat, count: int) -> pl.Series:
    return keys.format(pl.Series(range(count), dtype=pl.UInt32), stream=Stream(1))


@pytest.mark.parametrize(
    ("real", "limits", "expected"),
    [
        (pl.Series([1, 2]), {"minimum": 7, "maximum": 9}, {7, 8, 9}),
        (pl.Series([1, 2]), {"minimum": 0, "maximum": 2}, {0, 1, 2}),
        (pl.Series([1, 2]), {"minimum": -1, "maximum": 1}, {-1, 0, 1}),
        (pl.Series([-5, -4]), {"minimum": -5, "maximum": -3}, {-5, -4, -3}),
        (pl.Series([1, 2], dtype=pl.UInt8), {"minimum": 254}, {254, 255}),
        (pl.Series([0], dtype=pl.UInt8), {"maximum": 0}, {0}),
        (pl.Series([1.0, 2.0]), {"minimum": 0.5, "maximum": 2.5}, {1.0, 2.0}),
        (pl.Series([1]).cast(pl.Decimal(4, 1)), {"maximum": 2.9}, {Decimal(1), Decimal(2)}),
        (DAYS, {"maximum": "2024-01-07"}, {date(2024, 1, day) for day in (3, 5, 7)}),
        (
            DAYS,
            {"minimum": "2024-01-04", "maximum": "2024-01-06"},
            {date(2024, 1, day) for day in (4, 6)},
        ),
        (
            DAYS,
            {"minimum": "2023-12-31", "maximum": "2024-01-04"},
            {date(2024, 1, day) for day in (1, 3)},
        ),
        (pl.Series(["AA"]), {"accepted_values": ("AA", "BB", "cc")}, {"AA", "BB", "cc"}),
        (pl.Series([1]), {"accepted_values": (1, 5, 9), "maximum": 8}, {1, 5}),
        (
            DAYS,
            {"accepted_values": ("2024-01-03", "2024-02-01")},
            {date(2024, 1, 3), date(2024, 2, 1)},
        ),
        (
            pl.Series([datetime(2024, 1, 1)]),
            {"accepted_values": ("2024-01-01 00:00:00", "2024-01-01 12:30:00")},
            {datetime(2024, 1, 1), datetime(2024, 1, 1, 12, 30)},
        ),
        (
            pl.Series([datetime(2024, 1, 1)]).dt.replace_time_zone("UTC"),
            {"accepted_values": ("2024-01-01 00:00:00", "2024-01-02T12:30:00")},
            {datetime(2024, 1, 1, tzinfo=UTC), datetime(2024, 1, 2, 12, 30, tzinfo=UTC)},
        ),
        (
            pl.Series([time(8)]),
            {"accepted_values": ("08:00:00", "09:30:00")},
            {time(8), time(9, 30)},
        ),
        (pl.Series([True]), {"accepted_values": (True,)}, {True}),
        (
            pl.Series(["s"], dtype=pl.Enum(["s", "m", "l"])),
            {"accepted_values": ("s", "l")},
            {"s", "l"},
        ),
    ],
)
def test_keys_are_what_limits_allow_and_no_more(real, limits, expected):
    keys = limited(real, **limits)
    assert keys.capacity == len(expected)
    some = written(keys, len(expected))
    assert some.dtype == real.dtype
    assert set(some.to_list()) == expected
    declared = {"k": Column(name="k", constraint=Constraint(**limits))}
    assert apply_constraints(some.alias("k").to_frame(), declared)["k"].equals(some.alias("k"))
    with pytest.raises(
        CapacityError, match=rf"^k: .*{len(expected)}.* {len(expected) + 1} are needed"
    ):
        written(keys, len(expected) + 1)


@settings(max_examples=60, deadline=None)
@given(st.integers(-40, 40), st.integers(0, 60), st.integers(1, 5))
def test_numbers_between_any_bounds_are_each_used_once(low: int, width: int, first: int):
    keys = limited(pl.Series([1, 2]), minimum=low, maximum=low + width)
    count = width + 2 - first
    if count < 1:
        return
    where = pl.Series(range(count), dtype=pl.UInt32)
    some = keys.format(where, first=first, stream=Stream(1))
    assert some.n_unique() == count
    assert low <= some.min() <= some.max() <= low + width


def test_keys_without_a_bound_in_their_way_count_as_ever():
    assert written(limited(pl.Series([1]), minimum=0), 3).to_list() == [1, 2, 3]
    assert written(limited(pl.Series([1.0]), minimum=float("-inf")), 3).to_list() == [1, 2, 3]


def test_accepted_values_of_another_type_are_an_error():
    with pytest.raises(ConfigError, match="accepted values of 'k' do not fit its type Int64"):
        limited(pl.Series([1]), accepted_values=("one",))


def test_too_few_accepted_values_name_some():
    keys = limited(pl.Series(["a"]), accepted_values=tuple("abcdefg"))
    told = r"t\.k: accepted keys have 7 values \(a, b, c, d, e, …\), about 70 are needed"
    with pytest.raises(CapacityError, match=told):
        keys.check(70, table="t", is_expected=True)
