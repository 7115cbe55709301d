from __future__ import annotations

import numpy as np
import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from synthohive.encoding.draws import below, fraction, mixed, row_bits
from synthohive.encoding.dtypes import dtype_from_dict, dtype_to_dict
from synthohive.encoding.words import invented_digits, invented_words
from synthohive.errors import ModelFileError
from synthohive.randomness import Stream

BITS = row_bits(Stream(1, ("t",)), 20_000)


@settings(max_examples=20, deadline=None)
@given(st.integers(0, 100), st.integers(0, 2**40))
def test_bits_belong_to_rows(cut: int, start: int) -> None:
    whole = row_bits(Stream(1), 100, start=start)
    halves = [
        row_bits(Stream(1), cut, start=start),
        row_bits(Stream(1), 100 - cut, start=start + cut),
    ]
    assert (np.concatenate(halves) == whole).all()


def test_draws_are_even_and_independent() -> None:
    assert np.bincount(below(BITS, 0, 10), minlength=10) == pytest.approx(2_000, abs=200)
    one, two = fraction(BITS, 1), fraction(BITS, 2)
    assert one.mean() == pytest.approx(0.5, abs=0.01)
    assert 0 <= one.min() < one.max() < 1
    assert abs(np.corrcoef(one, two)[0, 1]) < 0.02


def test_mixing_loses_nothing() -> None:
    assert len(np.unique(mixed(BITS, 7))) == len(np.unique(BITS))


@settings(max_examples=20, deadline=None)
@given(st.lists(st.integers(0, 25), min_size=1, max_size=20))
def test_words_and_digits_have_the_length_asked_for(lengths: list[int]) -> None:
    wanted, bits = np.array(lengths), BITS[: len(lengths)]
    assert invented_words(bits, 0, wanted).str.len_chars().to_list() == lengths
    digits = invented_digits(bits, 0, wanted, has_zeros=False)
    assert digits.str.len_chars().to_list() == lengths
    assert not digits.str.starts_with("0").any()


@pytest.mark.parametrize(
    "dtype",
    [
        pl.Int8(),
        pl.UInt64(),
        pl.Int128(),
        pl.Float32(),
        pl.String(),
        pl.Boolean(),
        pl.Binary(),
        pl.Null(),
        pl.Date(),
        pl.Time(),
        pl.Categorical(),
        pl.Decimal(38, 9),
        pl.Datetime("ns", "Europe/Paris"),
        pl.Datetime("ms"),
        pl.Duration("us"),
        pl.Enum(["b", "a"]),
        pl.List(pl.Struct({"a": pl.Int8, "b": pl.List(pl.String)})),
        pl.Array(pl.Float64, 3),
    ],
)
def test_dtypes_round_trip(dtype: pl.DataType) -> None:
    assert dtype_from_dict(dtype_to_dict(dtype)) == dtype


def test_unknown_dtypes_are_refused() -> None:
    with pytest.raises(ModelFileError, match="Quaternion"):
        dtype_from_dict("Quaternion")
