"""Formulas hold in every decoded row, and are found only where they hold in every real one."""

from __future__ import annotations

import json

import numpy as np
import polars as pl
import pytest
from decoding import shuffled
from hypothesis import given, settings
from hypothesis import strategies as st
from polars.testing import assert_frame_equal, assert_series_equal

from synthohive.encoding.formula import Formula, find_formulas
from synthohive.encoding.table import TableEncoder, fit_encoder
from synthohive.randomness import Stream

RANDOM = np.random.default_rng(0)
ROWS = 400
PRICE = pl.Series("price", RANDOM.integers(100, 9_000, ROWS) / 100)
PIECES = pl.Series("pieces", RANDOM.integers(1, 9, ROWS))


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
    assert [formula.sign for formula in encoder.relations.formulas] == [sign]
    made = shuffled(frame, TableEncoder.from_dict(encoder.to_dict()))
    assert made.schema == frame.schema
    assert len(find_formulas(made)) == 1


def terms(formula: Formula) -> dict[str, float]:
    return dict(zip(formula.parts, formula.weights, strict=True))


def amounts(seed: int, scale: float = 40.0) -> pl.Series:
    return pl.Series(np.random.default_rng(seed).gamma(2, scale, ROWS).round(2))


@pytest.mark.parametrize("order", [1, -1])
def test_a_total_is_the_sum_of_its_parts_less_the_discount(order):
    frame = pl.DataFrame({"subtotal": amounts(1), "tax": amounts(2, 9), "shipping": amounts(3, 3)})
    frame = frame.with_columns(amounts(4, 2).alias("discount"), amounts(5).alias("unrelated"))
    total = pl.col("subtotal") + pl.col("tax") + pl.col("shipping") - pl.col("discount")
    frame = frame.with_columns(total=total.round(2).cast(pl.Decimal(12, 2)))
    frame = frame.select(frame.columns[::order])
    encoder = fit_encoder(frame, {}, stream=Stream(1))
    (formula,) = encoder.relations.formulas
    assert (formula.column, formula.sign, formula.constant) == ("total", "+", 0)
    assert terms(formula) == {"subtotal": 1, "tax": 1, "shipping": 1, "discount": -1}
    made = shuffled(frame, encoder)
    off = made.select((pl.col("total").cast(pl.Float64) - total).abs().max()).item()
    assert off < 1e-9


@settings(max_examples=30, deadline=None)
@given(signs=st.lists(st.sampled_from([1, -1]), min_size=2, max_size=6), seed=st.integers(0, 99))
def test_sums_of_any_signs_are_found_once(signs, seed):
    random = np.random.default_rng(seed)
    parts = {f"p{i}": random.integers(1, 400, ROWS) for i in range(len(signs))}
    result = sum(sign * part for sign, part in zip(signs, parts.values(), strict=True))
    decoys = {f"d{i}": parts["p0"] + random.integers(-3, 4, ROWS) for i in range(3)}
    frame = pl.DataFrame(parts | {"result": result} | decoys)
    (formula,) = find_formulas(frame.select(random.permutation(frame.columns).tolist()))
    assert {formula.column, *formula.parts} == {"result", *parts}
    # the fewest minuses that any way to say it has
    both = sorted((signs.count(-1) + 1, signs.count(1)))
    fewest = both[0] - 1 if both[0] else both[1] - 1
    assert sum(weight < 0 for weight in formula.weights) == fewest
    again = Formula.from_dict(json.loads(json.dumps(formula.to_dict())))
    assert again == formula
    columns = {name: frame[name] for name in frame.columns}
    made = again.apply(columns, frame.schema[formula.column])
    assert made.to_list() == frame[formula.column].to_list()


@pytest.mark.parametrize("names", [("gross", "net", "tax"), ("tax", "gross", "net")])
def test_a_difference_is_said_as_a_sum(names):
    frame = pl.DataFrame({"gross": amounts(1), "tax": amounts(2, 9)})
    frame = frame.with_columns(net=(pl.col("gross") - pl.col("tax")).round(2)).select(names)
    (formula,) = find_formulas(frame)
    assert (formula.column, set(formula.parts)) == ("gross", {"net", "tax"})
    assert formula.weights == (1, 1)


def test_results_are_parts_of_further_results():
    frame = pl.DataFrame({"pieces": PIECES, "tax": amounts(1), "price": PRICE})
    frame = frame.with_columns(goods=(pl.col("price") * pl.col("pieces")).round(2))
    frame = frame.with_columns(total=(pl.col("goods") + pl.col("tax")).round(2))
    frame = frame.with_columns(cents=(pl.col("total") * 100).round().cast(pl.Int64))
    frame = frame.select("cents", "total", "tax", "goods", "price", "pieces")
    encoder = fit_encoder(frame, {}, stream=Stream(1))
    assert [formula.column for formula in encoder.relations.formulas] == ["goods", "total", "cents"]
    assert [formula.weights[0] for formula in encoder.relations.formulas] == [1, 1, 100]
    made = shuffled(frame, encoder)
    assert_series_equal(made["total"], (made["goods"] + made["tax"]).alias("total"), abs_tol=0.006)
    assert made["cents"].to_list() == (made["total"] * 100).round().cast(pl.Int64).to_list()


@pytest.mark.parametrize("order", [1, -1])
def test_a_sum_of_sums_is_said_in_few_parts(order):
    frame = pl.DataFrame({f"p{i}": amounts(i, 9 * 3.0**i) for i in range(6)})
    frame = frame.with_columns(total=pl.sum_horizontal(frame.columns).round(2), more=amounts(9))
    frame = frame.with_columns(grand=(pl.col("total") + pl.col("more")).round(2))
    formulas = find_formulas(frame.select(frame.columns[::order]))
    assert [(f.column, len(f.parts)) for f in formulas] == [("total", 6), ("grand", 2)]


def test_columns_that_are_the_same_twice_and_overlapping_sums_make_no_circle():
    a, b, c = amounts(1), amounts(2), amounts(3)
    ab = (a + b).round(2)
    frame = pl.DataFrame({"ab": ab, "b": b, "abc": (ab + c).round(2), "a": a, "c": c, "same": ab})
    frame = frame.with_columns(bc=(b + c).round(2))
    formulas = find_formulas(frame)
    assert len(formulas) == 4  # three of seven columns are free
    results = {formula.column for formula in formulas}
    done = set(frame.columns) - results
    for formula in formulas:
        assert done >= set(formula.parts)
        done.add(formula.column)


def test_parts_of_a_whole_have_a_constant_sum():
    a = pl.Series(RANDOM.integers(10, 50, ROWS))
    b = pl.Series(RANDOM.integers(10, 40, ROWS))
    frame = pl.DataFrame({"a": a, "b": b, "c": 100 - a - b})
    (formula,) = find_formulas(frame)
    assert (formula.weights, formula.constant) == ((-1, -1), 100)


@pytest.mark.parametrize(
    ("result", "sign", "weights", "constant"),
    [
        (PRICE.log(), "log", (1,), 0),
        (PRICE.log1p().cast(pl.Float32), "log1p", (1,), 0),
        (PRICE.log(10).round(4), "log10", (1,), 0),
        (PRICE.sqrt().round(3), "sqrt", (1,), 0),
        ((PRICE / 20).exp(), None, None, None),
        (PRICE * PRICE, "*", (1, 1), 0),
        (PRICE * 100, "+", (100,), 0),
        ((PRICE * 1.8 + 32).round(3), "+", (1.8,), 32),
        (((PRICE - 32) / 1.8).round(1), "+", (5 / 9,), -160 / 9),
        (PRICE * 1.0, "+", (1,), 0),
        (PRICE.sin(), None, None, None),
    ],
)
def test_functions_of_one_number(result, sign, weights, constant):
    frame = pl.DataFrame({"price": PRICE, "result": result})
    formulas = find_formulas(frame)
    if sign is None:
        assert formulas == ()
        return
    (formula,) = formulas
    assert (formula.column, formula.sign) == ("result", sign)
    assert formula.parts == ("price",) * len(weights)
    assert formula.weights == pytest.approx(weights, rel=1e-12)
    assert formula.constant == pytest.approx(constant, rel=1e-12)
    made = formula.apply({"price": PRICE}, frame.schema["result"])
    off = 1.01 * 10.0**-formula.decimals if formula.decimals else 1e-6  # halves go either way
    assert_series_equal(made, frame["result"], check_names=False, rel_tol=1e-6, abs_tol=off)


def test_a_logarithm_is_null_or_nothing_where_there_is_none():
    paid = amounts(1).set(pl.Series(RANDOM.random(ROWS) < 0.2), 0.0)
    logs = paid.log().set(paid == 0, None)
    (formula,) = find_formulas(pl.DataFrame({"paid": paid, "logs": logs}))
    assert (formula.column, formula.sign) == ("logs", "log")
    assert formula.apply({"paid": paid}, pl.Float64()).null_count() == (paid == 0).sum() > 0
    at_least_one = paid.clip(1).log()
    (formula,) = find_formulas(pl.DataFrame({"paid": paid, "logs": at_least_one}))
    assert formula.sign == "log from 1"


def test_a_part_was_rounded_after_its_logarithm_was_taken():
    share = pl.Series(RANDOM.uniform(0.001, 0.2, ROWS))
    frame = pl.DataFrame({"share": share.round(5), "log_share": share.log()})
    assert [formula.sign for formula in find_formulas(frame)] == ["log"]
    off = share.log() + pl.Series(RANDOM.normal(0, 0.02, ROWS))
    assert find_formulas(frame.with_columns(log_share=off)) == ()


def test_numbers_of_single_precision():
    parts = [amounts(i).cast(pl.Float64) * 1.1 for i in range(4)]
    parts = [part.cast(pl.Float32) for part in parts]
    frame = pl.DataFrame({f"p{i}": part for i, part in enumerate(parts)})
    frame = frame.with_columns(total=pl.sum_horizontal(frame.columns))
    assert frame.schema["total"] == pl.Float32
    for kept in (frame, frame.cast(pl.Float64)):
        (formula,) = find_formulas(kept)
        assert (formula.column, formula.is_single) == ("total", True)
        made = formula.apply({n: kept[n] for n in kept.columns}, kept.schema["total"])
        assert (made.cast(pl.Float32).cast(pl.Float64) == made.cast(pl.Float64)).all()


def test_a_missing_part_counts_as_zero_where_it_always_does():
    rare = amounts(2).set(pl.Series(RANDOM.random(ROWS) < 0.7), None)
    frame = pl.DataFrame({"goods": amounts(1), "tip": rare, "fee": amounts(3)})
    total = pl.col("goods") + pl.col("tip").fill_null(0) - pl.col("fee")
    frame = frame.with_columns(total=total.round(2))
    encoder = fit_encoder(frame, {}, stream=Stream(1))
    (formula,) = encoder.relations.formulas
    assert (formula.nulls_are_zero, {formula.column, *formula.parts}) == (True, {*frame.columns})
    made = shuffled(frame, TableEncoder.from_dict(encoder.to_dict()))
    assert made["tip"].null_count() > 0
    assert made.select((pl.col("total") - total).abs().max()).item() < 0.011


def test_nulls_of_a_sum_come_from_any_part():
    parts = [amounts(i).set(pl.Series(RANDOM.random(ROWS) < 0.2), None) for i in range(3)]
    frame = pl.DataFrame({f"p{i}": part for i, part in enumerate(parts)})
    frame = frame.with_columns(total=(pl.col("p0") + pl.col("p1") - pl.col("p2")).round(2))
    (formula,) = find_formulas(frame)
    assert terms(formula) == {"p0": 1, "p1": 1, "p2": -1}
    assert formula.column == "total"
    assert not formula.nulls_are_zero
    hole = frame["total"].clone()
    hole[int((~hole.is_null()).arg_max() or 0)] = None
    assert find_formulas(frame.with_columns(total=hole)) == ()


def test_chance_makes_no_formula():
    random = np.random.default_rng(3)
    for rows in (35, 60, 400):
        counts = {f"c{i}": random.poisson(0.4, rows) for i in range(20)}
        sizes = {f"s{i}": random.integers(0, 9, rows) for i in range(20)}
        assert find_formulas(pl.DataFrame(counts | sizes)) == ()


def test_what_a_lookup_says_and_row_numbers_are_left_alone():
    years = pl.Series(RANDOM.integers(0, 20, ROWS))
    assert find_formulas(pl.DataFrame({"a": years, "b": years * years, "c": years + 1900})) == ()
    place, year = np.divmod(np.arange(ROWS), 20)
    frame = pl.DataFrame({"row": np.arange(ROWS), "place": place, "year": year})
    assert find_formulas(frame) == ()


def test_large_numbers_have_only_the_decimals_they_have():
    large = pl.Series(RANDOM.uniform(1e4, 1e6, ROWS))
    (formula,) = find_formulas(pl.DataFrame({"large": large, "twice": large * 2}))
    assert formula.decimals is None


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


def test_a_flat_fee_is_part_of_a_sum():
    fee = pl.Series("fee", np.where(RANDOM.random(ROWS) < 0.3, 4.99, 0.0))
    (formula,) = find_formulas(pl.DataFrame([PRICE, fee, (PRICE + fee).alias("paid").round(2)]))
    assert (formula.column, set(formula.parts)) == ("paid", {"price", "fee"})
    groups = RANDOM.integers(0, 3, ROWS)
    flags = {f"is_{i}": (groups == i).astype(int) for i in range(3)}
    assert find_formulas(pl.DataFrame(flags | {"group": groups, "double": groups * 2})) == ()


def test_results_are_no_parts_of_each_other():
    frame = pl.DataFrame([PRICE, PIECES, (PRICE + PIECES).alias("a")])
    frame = frame.with_columns(b=pl.col("a") * pl.col("pieces"))
    formulas = find_formulas(frame)
    done: set[str] = set()
    results = {formula.column for formula in formulas}
    for formula in formulas:
        assert {*formula.parts} & results <= done
        done.add(formula.column)
