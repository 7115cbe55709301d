from __future__ import annotations

import numpy as np
import polars as pl
import pytest

from synthohive.encoding.order import find_orders
from synthohive.encoding.table import TableEncoder, fit_encoder
from synthohive.errors import ConfigError
from synthohive.randomness import Stream

ROWS = 2_000
NONE = pl.DataFrame(height=ROWS)


@pytest.fixture(scope="module")
def signup() -> pl.DataFrame:
    r = np.random.default_rng(1)
    return pl.DataFrame(
        {"users.since": pl.Series(r.integers(17_500, 18_500, ROWS)).cast(pl.Int32).cast(pl.Date)}
    )


@pytest.fixture(scope="module")
def orders(signup: pl.DataFrame) -> pl.DataFrame:
    r = np.random.default_rng(0)
    since = signup["users.since"].to_physical().to_numpy()
    day = since + r.integers(0, 400, ROWS)
    ordered = pl.Series((day * 86_400 + r.integers(0, 80_000, ROWS)) * 1_000).cast(
        pl.Datetime("ms")
    )
    shipped = pl.Series(day + r.poisson(3, ROWS)).cast(pl.Int32).cast(pl.Date)
    frame = pl.DataFrame({"shipped": shipped, "ordered": ordered})
    return frame.with_columns(
        shipped=pl.when(pl.int_range(ROWS) % 3 > 0).then(pl.col("shipped")),
        confirmed=pl.col("ordered").cast(pl.Datetime("us"))
        + pl.Series(r.integers(1, 10**8, ROWS)).cast(pl.Duration("us")),
    )


def shuffled(codes: pl.DataFrame) -> pl.DataFrame:
    """Codes as an ignorant model draws them: columns know nothing of each other."""
    r = np.random.default_rng(7)
    return codes.select(column.gather(r.permutation(ROWS)) for column in codes)


def test_short_times_between_are_learned_and_long_ones_mended(
    orders: pl.DataFrame, signup: pl.DataFrame
) -> None:
    found = {order.column: order for order in find_orders(orders, signup)}
    assert (found["shipped"].base, found["shipped"].is_offset) == ("ordered", True)
    assert (found["confirmed"].base, found["confirmed"].is_offset) == ("ordered", True)
    assert (found["ordered"].base, found["ordered"].is_offset) == ("users.since", False)


def test_no_later_date_lies_before_its_earlier_one(
    orders: pl.DataFrame, signup: pl.DataFrame
) -> None:
    encoder = fit_encoder(orders, {}, stream=Stream(1), bases=signup)
    encoder = TableEncoder.from_dict(encoder.to_dict())
    assert encoder.bases == ("users.since",)
    codes = shuffled(encoder.encode(orders, bases=signup))
    decoded = encoder.decode(codes, Stream(2), bases=signup)
    assert decoded.schema == orders.schema
    assert not (decoded["shipped"] < decoded["ordered"].dt.date()).any()
    assert not (decoded["confirmed"] < decoded["ordered"]).any()
    assert not (decoded["ordered"].dt.date() < signup["users.since"]).any()
    assert decoded["shipped"].null_count() == orders["shipped"].null_count()
    delays = [
        (f["shipped"] - f["ordered"].dt.date()).dt.total_days().drop_nulls()
        for f in (orders, decoded)
    ]
    assert delays[1].mean() == pytest.approx(delays[0].mean(), abs=0.01)
    blocks = [
        encoder.decode(codes[a:b], Stream(2), start=a, bases=signup[a:b])
        for a, b in ((0, 700), (700, ROWS))
    ]
    assert pl.concat(blocks).equals(decoded, null_equal=True)


def test_dates_without_order_are_left_alone() -> None:
    r = np.random.default_rng(0)
    frame = pl.DataFrame(
        {name: pl.Series(r.integers(0, 9_000, ROWS)).cast(pl.Int32).cast(pl.Date) for name in "ab"}
    )
    assert find_orders(frame, NONE) == ()
    # periods that never meet need no care
    apart = frame.with_columns(pl.col("b").dt.offset_by("50y"))
    assert find_orders(apart, NONE) == ()


def test_equal_columns_depend_one_way() -> None:
    days = pl.Series(range(ROWS)).cast(pl.Int32).cast(pl.Date)
    frame = pl.DataFrame({"a": days, "b": days, "c": days})
    assert [(order.column, order.base) for order in find_orders(frame, NONE)] == [
        ("b", "a"),
        ("c", "a"),
    ]
    encoder = fit_encoder(frame, {}, stream=Stream(1))
    decoded = encoder.decode(encoder.encode(frame), Stream(2))
    assert decoded["b"].equals(decoded["a"])


def test_bases_must_be_given(orders: pl.DataFrame, signup: pl.DataFrame) -> None:
    encoder = fit_encoder(orders, {}, stream=Stream(1), bases=signup)
    with pytest.raises(ConfigError, match=r"users\.since"):
        encoder.encode(orders)
    with pytest.raises(ConfigError, match=r"users\.since"):
        encoder.decode(shuffled(encoder.encode(orders, bases=signup)), Stream(2))
