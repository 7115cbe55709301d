from __future__ import annotations

import json
from typing import TYPE_CHECKING

import numpy as np
import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from synthohive.encoding.curve import Line
from synthohive.encoding.table import TableEncoder, fit_encoder
from synthohive.randomness import Stream
from synthohive.schema.model import Column, Constraint

if TYPE_CHECKING:
    from numpy.typing import NDArray

ROWS = 4_000


def stones(seed: int = 0) -> pl.DataFrame:
    r = np.random.default_rng(seed)
    carat = np.exp(r.normal(0, 0.5, ROWS)).round(2)
    length = 6.45 * carat ** (1 / 3) * np.exp(r.normal(0, 0.01, ROWS))
    frame = pl.DataFrame(
        {"carat": carat, "length": length.round(2), "grade": r.integers(0, 4, ROWS)}
    )
    grams = (frame["carat"] * 200 + pl.Series(r.normal(0, 2, ROWS))).round().cast(pl.Int32)
    return frame.with_columns(grams=pl.when(pl.int_range(ROWS) % 5 > 0).then(grams))


def fitted(frame: pl.DataFrame, columns: dict[str, Column] | None = None) -> TableEncoder:
    encoder = fit_encoder(frame, columns or {}, stream=Stream(1))
    return TableEncoder.from_dict(json.loads(json.dumps(encoder.to_dict())))


def curves(encoder: TableEncoder) -> set[tuple[str, str]]:
    return {(curve.column, curve.base) for curve in encoder.relations.curves}


def off_the_relation(rows: pl.DataFrame) -> float:
    known = rows.drop_nulls()
    return float((known["length"] / (6.45 * known["carat"] ** (1 / 3)) - 1).abs().mean())  # pyright: ignore[reportArgumentType]


def test_the_relation_holds_whatever_the_codes() -> None:
    frame = stones()
    encoder = fitted(frame)
    assert curves(encoder) == {("length", "carat"), ("grams", "carat")}
    codes = encoder.encode(frame)
    r = np.random.default_rng(7)
    shuffled = codes.select(column.gather(r.permutation(ROWS)) for column in codes)
    made = encoder.decode(shuffled, Stream(2))
    assert made.schema == frame.schema
    assert off_the_relation(made) < 1.3 * off_the_relation(frame)
    assert abs(made["grams"].null_count() - frame["grams"].null_count()) == 0
    off = (made["grams"] - made["carat"] * 200).abs().mean()
    assert isinstance(off, float)
    assert off < 4


def test_decoding_keeps_the_decimals_and_the_range() -> None:
    frame = stones()
    encoder = fitted(frame)
    made = encoder.decode(encoder.encode(frame), Stream(2))
    assert made["length"].equals(made["length"].round(2))
    assert made["length"].min() >= frame["length"].min() - 0.2  # pyright: ignore[reportOperatorIssue, reportOptionalOperand]
    assert (made["length"] - frame["length"]).abs().mean() < 0.01  # pyright: ignore[reportOperatorIssue]


@pytest.mark.parametrize("dtype", [pl.Decimal(12, 2), pl.Float32(), pl.Float64()])
def test_types_are_kept(dtype: pl.DataType) -> None:
    frame = stones().with_columns(pl.col("length").cast(dtype))
    encoder = fitted(frame)
    assert ("length", "carat") in curves(encoder)
    assert encoder.decode(encoder.encode(frame), Stream(2)).schema == frame.schema


def test_preferred_values_are_left_alone() -> None:
    frame = stones()
    priced = frame.with_columns(price=(frame["carat"] * 100).round().cast(pl.Int64) * 10 + 9)
    assert "price" not in {column for column, _ in curves(fitted(priced))}
    heavy = frame.with_columns(length=pl.when(pl.col("carat") < 1).then(6.45).otherwise("length"))
    assert "length" not in {column for column, _ in curves(fitted(heavy))}


def test_a_loose_relation_gets_no_curve() -> None:
    r = np.random.default_rng(3)
    x = r.normal(0, 1, ROWS)
    loose = pl.DataFrame({"x": x.round(2), "y": (x + r.normal(0, 0.3, ROWS)).round(2)})
    assert not fitted(loose).relations.curves


def test_columns_that_never_cross_may_lie_further_apart() -> None:
    r = np.random.default_rng(3)
    mean = r.normal(60, 15, ROWS).round()
    gap = r.gamma(4, 1.5, ROWS).round() + 1
    both = pl.DataFrame({"mean": mean.astype(int), "high": (mean + gap).astype(int)})
    assert len(fitted(both).relations.curves) == 1
    crossing = both.with_columns(pl.col("high") - 4)
    assert not fitted(crossing).relations.curves


def test_declared_values_and_personal_columns_get_no_curve() -> None:
    frame = stones()
    values = tuple(frame["length"].unique().sort().to_list())
    constraint = Constraint(accepted_values=values)
    declared = {"length": Column(name="length", constraint=constraint)}
    assert curves(fitted(frame, declared)) == {("grams", "carat")}
    personal = {"carat": Column(name="carat", pii="number")}
    assert "carat" not in {base for _, base in curves(fitted(frame, personal))}


def test_a_base_that_is_null_alone_is_none() -> None:
    frame = stones().with_columns(carat=pl.when(pl.col("grade") > 0).then("carat"))
    assert all(base != "carat" for _, base in curves(fitted(frame)))


def test_a_given_column_draws_its_base() -> None:
    frame = stones()
    encoder = fitted(frame)
    asked = frame.select("length")
    codes = encoder.encode_given(asked, Stream(5))
    names = encoder.layout.names
    places = [i for i, column in enumerate(encoder.layout.columns) if column.source == "carat"]
    assert (codes[:, places] >= 0).all()
    assert (codes[:, names.index("grade")] == -1).all()
    halves = [
        encoder.encode_given(asked[start : start + 2_000], Stream(5), start=start)
        for start in (0, 2_000)
    ]
    assert np.array_equal(codes, np.concatenate(halves))
    coded = pl.DataFrame({name: np.maximum(codes[:, i], 0) for i, name in enumerate(names)})
    made = encoder.decode(coded, Stream(6), given=asked)
    assert made["length"].equals(frame["length"])
    assert off_the_relation(made.drop("grams")) < 2 * off_the_relation(frame.drop("grams"))
    nothing = encoder.encode_given(asked.clear(1), Stream(5))
    assert (nothing[:, places] == -1).all()


def test_what_follows_suits_what_is_given() -> None:
    frame = stones()
    encoder = fitted(frame)
    carat = pl.DataFrame({"carat": [1.37] * ROWS})
    made = encoder.decode(encoder.encode(frame), Stream(2), given=carat)
    assert made["carat"].unique().to_list() == [1.37]
    assert off_the_relation(made) < 1.3 * off_the_relation(frame)


@settings(max_examples=60, deadline=None)
@given(st.lists(st.floats(-1e6, 1e6), min_size=2, max_size=8, unique=True), st.integers(0, 9))
def test_a_line_runs_through_its_knots(knots: list[float], seed: int) -> None:
    at = np.unique(np.round(knots, 3))
    if len(at) < 2:
        return
    to: NDArray[np.float64] = np.random.default_rng(seed).normal(0, 10, len(at))
    line = Line(at=tuple(at.tolist()), to=tuple(to.tolist()))
    assert np.allclose(line.heights(at), to, atol=1e-6)
