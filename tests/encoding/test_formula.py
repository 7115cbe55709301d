"""Formulas hold in every decoded row, and are found only where they hold in every real one."""

from __future__ import annotations

import numpy as np
import polars as pl
import pytest
from polars.testing import assert_frame_equal

from synthohive.encoding.formula import find_formulas
from synthohive.encoding.table import TableEncoder, fit_encoder
from synthohive.randomness import Stream

RANDOM = np.random.default_rng(0)
ROWS = 400
PRICE = pl.Series("price", RANDOM.integers(100, 9_000, ROWS) / 100)
PIECES = pl.Series("pieces", RANDOM.integers(1, 9, ROWS))


def shuffled(frame: pl.DataFrame, encoder: TableEncoder) -> pl.DataFrame:
    """Decode codes that do not belong together."""
    codes = encoder.encode(frame)
    mixed = [codes[name].shuffle(seed=i) for i, name in enumerate(codes.columns)]
    return encoder.decode(pl.DataFrame(mixed), Stream(2))


@pytest.mark.parametrize(
    ("sign", "result", "dtype"),
    [
        ("+", PRICE + PIECES, pl.Float64),
        ("*", PRICE * PIECES, pl.Decimal(10, 2)),
        ("/", (PRICE / PIECES).round(2), pl.Float64),
        ("+", PIECES + PIECES.shuffle(seed=1), pl.Int32),
    ],
)
def test_a_result_follows_from_its_parts(sign, result, dtype):
    other = PIECES.shuffle(seed=1).alias("others") if dtype == pl.Int32 else PRICE
    frame = pl.DataFrame([other, PIECES, result.alias("result").cast(dtype)])
    encoder = fit_encoder(frame, {}, stream=Stream(1))
    assert [formula.sign for formula in encoder.formulas] == [sign]
    made = shuffled(frame, TableEncoder.from_dict(encoder.to_dict()))
    assert made.schema == frame.schema
    assert len(find_formulas(made)) == 1


def test_nulls_come_from_the_parts():
    price = PRICE.set(pl.Series(RANDOM.random(ROWS) < 0.2), None)
    frame = pl.DataFrame([price, PIECES, (price * PIECES).round(2).alias("total")])
    encoder = fit_encoder(frame, {}, stream=Stream(1))
    made = shuffled(frame, encoder)
    assert made["price"].null_count() > 0
    assert_frame_equal(
        made.select(pl.col("total").is_null()), made.select(total=pl.col("price").is_null())
    )


def test_what_holds_nearly_or_in_most_rows_is_no_formula():
    total = PRICE * PIECES
    once = total.clone()
    once[7] = once[7] + 1
    near = total + pl.Series(RANDOM.normal(0, 0.05, ROWS))
    for wrong in (once, near):
        assert find_formulas(pl.DataFrame([PRICE, PIECES, wrong.alias("total")])) == ()


def test_flags_and_short_tables_make_no_formula():
    flag = pl.Series("flag", RANDOM.integers(0, 2, ROWS))
    assert find_formulas(pl.DataFrame([PRICE, flag, (PRICE * flag).alias("paid")])) == ()
    short = pl.DataFrame([PRICE, PIECES, (PRICE * PIECES).alias("total")])[:20]
    assert find_formulas(short) == ()


def test_results_are_no_parts_of_each_other():
    frame = pl.DataFrame([PRICE, PIECES, (PRICE + PIECES).alias("a")])
    frame = frame.with_columns(b=pl.col("a") * pl.col("pieces"))
    formulas = find_formulas(frame)
    done: set[str] = set()
    results = {formula.column for formula in formulas}
    for formula in formulas:
        assert {formula.left, formula.right} & results <= done
        done.add(formula.column)
