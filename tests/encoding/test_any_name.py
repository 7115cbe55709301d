"""Names that Polars would take for a pattern, or for all columns."""

from __future__ import annotations

import json
from datetime import datetime, time, timedelta

import numpy as np
import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from synthohive.encoding.constraints import apply_constraints
from synthohive.encoding.key_fit import fit_key_format
from synthohive.encoding.table import TableEncoder, fit_encoder
from synthohive.errors import ConfigError, ConstraintError
from synthohive.randomness import Stream
from synthohive.schema.model import Column, Constraint

NAMES = ["^c.*$", "*", "^(a|b)$"]
RANDOM = np.random.default_rng(0)
ROWS = 60
DAYS = pl.Series(RANDOM.integers(0, 900, ROWS)).cast(pl.Int32).cast(pl.Date)

COLUMNS = {
    "int": pl.Series(RANDOM.integers(0, 9, ROWS)),
    "float": pl.Series([*RANDOM.normal(size=ROWS - 2), float("nan"), None]),
    "decimal": pl.Series(RANDOM.integers(0, 999, ROWS)).cast(pl.Decimal(8, 2)),
    "bool": pl.Series([True, False, None] * 20),
    "category": pl.Series(["a", "b", None] * 20),
    "enum": pl.Series(["a", "b", None] * 20, dtype=pl.Enum(["a", "b", "c"])),
    "categorical": pl.Series(["a", "b", None] * 20, dtype=pl.Categorical),
    "text": pl.Series([f"call {n}" for n in range(ROWS)]),
    "number as text": pl.Series([str(n * 37) for n in range(ROWS)]),
    "date as text": DAYS.dt.strftime("%d.%m.%Y"),
    "mail": pl.Series([f"a{n}@b.example" for n in range(ROWS)]),
    "date": DAYS,
    "time": pl.Series([time(n % 24, n) for n in range(ROWS)]),
    "duration": pl.Series([timedelta(hours=n) for n in range(ROWS)]),
    "moment": pl.Series([datetime(2024, 1, 1 + n % 28, n % 24, n) for n in range(ROWS)]),
    "zoned": pl.Series(
        [datetime(2024, 1, 1 + n % 28, 5) for n in range(ROWS)]
    ).dt.replace_time_zone("Europe/Berlin"),
    "list": pl.Series([[n] for n in range(ROWS)]),
    "null": pl.Series([None] * ROWS, dtype=pl.Int64),
}


def as_safe(frame: pl.DataFrame, name: str, pii: str | None) -> pl.DataFrame:
    """Encode and decode with a column called `name`, which is called ``x`` on return."""
    encoder = fit_encoder(frame, {name: Column(name=name, pii=pii)}, stream=Stream(1, ("fit",)))
    encoder = TableEncoder.from_dict(json.loads(json.dumps(encoder.to_dict())))
    assert list(encoder.schema) == frame.columns
    assert encoder.unseen(frame) == ({name: ROWS} if frame.dtypes[0] == pl.List else {})
    codes = encoder.encode(frame)
    decoded = encoder.decode(codes, Stream(2))
    assert decoded.columns == frame.columns
    assert decoded.schema == frame.schema
    return decoded


@pytest.mark.parametrize("pii", [None, "email"])
@pytest.mark.parametrize("kind", COLUMNS)
@pytest.mark.parametrize("name", NAMES)
def test_a_column_of_any_name_is_encoded(name: str, kind: str, pii: str | None) -> None:
    frame = pl.DataFrame([COLUMNS[kind].alias(name), pl.Series("cc", range(ROWS))])
    decoded = as_safe(frame, name, pii)
    assert decoded["cc"].is_between(0, ROWS - 1).all()
    assert decoded[name].null_count() == (ROWS if kind == "list" else frame[name].null_count())


@pytest.mark.parametrize("name", NAMES)
def test_dates_of_any_names_keep_their_order(name: str) -> None:
    frame = pl.DataFrame([DAYS.alias(name), DAYS.dt.offset_by("3d").alias("cc")])
    bases = pl.DataFrame([DAYS.dt.offset_by("-9d").alias("^b.*$")])
    encoder = fit_encoder(frame, {}, stream=Stream(1), bases=bases)
    assert {order.column for order in encoder.relations.orders} == {name, "cc"}
    codes = encoder.encode(frame, bases=bases)
    decoded = encoder.decode(codes, Stream(2), bases=bases)
    values = [column.alias("") for column in (bases.to_series(), decoded[name], decoded["cc"])]
    assert (values[0] <= values[1]).all()
    assert (values[1] <= values[2]).all()


@pytest.mark.parametrize("kind", sorted(COLUMNS.keys() - {"list", "null"}))
@pytest.mark.parametrize("name", NAMES)
def test_a_key_of_any_name_is_written(name: str, kind: str) -> None:
    series = COLUMNS[kind].alias(name)
    keys = fit_key_format(series, pii="phone" if kind == "text" else None)
    assert keys.column == name
    written = keys.format(pl.Series(name, [0, 1], dtype=pl.UInt32), stream=Stream(1))
    assert written.n_unique() == 2


@pytest.mark.parametrize("name", NAMES)
def test_limits_of_any_name_hold(name: str) -> None:
    frame = pl.DataFrame([pl.Series(name, [1.0, 9.0, None]), pl.Series("cc", ["x", "y", "z"])])
    for constraint, expected in (
        (Constraint(minimum=2, maximum=5), [2.0, 5.0, None]),
        (Constraint(accepted_values=(3, 4)), [3.0, 4.0, None]),
        (Constraint(dtype="int", minimum=2), [2, 9, None]),
    ):
        columns = {name: Column(name=name, constraint=constraint)}
        limited = apply_constraints(frame, columns, table="^t")
        assert limited.columns == frame.columns
        assert limited[name].to_list() == expected
        assert limited["cc"].to_list() == ["x", "y", "z"]
    enforced = Column(name=name, constraint=Constraint(minimum=2, mode="enforce"))
    with pytest.raises(ConstraintError) as found:
        apply_constraints(frame, {name: enforced}, table="^t")
    assert f"'^t.{name}'" in str(found.value)
    assert (found.value.table, found.value.column) == ("^t", name)
    wrong = Column(name=name, constraint=Constraint(minimum="soon"))
    with pytest.raises(ConfigError, match="does not fit"):
        apply_constraints(frame, {name: wrong})


@settings(max_examples=30, deadline=None)
@given(st.lists(st.text("^$*.|ab#", min_size=1, max_size=5), min_size=2, max_size=4, unique=True))
def test_columns_of_any_names_stay_apart(names: list[str]) -> None:
    frame = pl.DataFrame(
        [pl.Series(name, [place, place + 9] * 10) for place, name in enumerate(names)]
    )
    encoder = fit_encoder(frame, {}, stream=Stream(1))
    assert encoder.decode(encoder.encode(frame), Stream(2)).equals(frame)
