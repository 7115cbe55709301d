from __future__ import annotations

import numpy as np
import polars as pl
import pytest

from synthohive.encoding.table import TableEncoder, fit_encoder
from synthohive.encoding.written import find_writing
from synthohive.randomness import Stream

RANDOM = np.random.default_rng(0)
DAYS = pl.Series(RANDOM.integers(18_000, 19_000, 800)).cast(pl.Int32).cast(pl.Date)
MOMENTS = pl.Series(RANDOM.integers(1_500_000_000, 1_600_000_000, 800) * 10**6).cast(
    pl.Datetime("us")
)


@pytest.mark.parametrize(
    ("texts", "pattern"),
    [
        (DAYS.dt.strftime("%Y-%m-%d"), r"^20[12]\d-[01]\d-[0-3]\d$"),
        (DAYS.dt.strftime("%m/%d/%Y"), r"^[01]\d/[0-3]\d/20[12]\d$"),
        (DAYS.dt.strftime("%Y%m%d"), r"^20[12]\d[01]\d[0-3]\d$"),
        (MOMENTS.dt.strftime("%Y-%m-%dT%H:%M:%SZ"), r"^20[12]\d-\d\d-\d\dT\d\d:\d\d:\d\dZ$"),
        (
            pl.Series(RANDOM.lognormal(3, 1, 800).round(2)).cast(pl.Decimal(10, 2)).cast(pl.String),
            r"^\d+\.\d\d$",
        ),
        (pl.Series(RANDOM.integers(-(10**6), 10**6, 800)).cast(pl.String), r"^-?\d+$"),
    ],
)
def test_written_values_are_learned_as_values(texts: pl.Series, pattern: str) -> None:
    frame = texts.alias("x").to_frame()
    encoder = fit_encoder(frame, {}, stream=Stream(1))
    assert encoder.layout.columns[0].is_ordered
    encoder = TableEncoder.from_dict(encoder.to_dict())
    decoded = encoder.decode(encoder.encode(frame), Stream(2))["x"]
    assert decoded.str.contains(pattern).all()
    writing = find_writing(texts)
    assert writing is not None
    real, synthetic = (writing.read(s).to_physical().rank().to_numpy() for s in (texts, decoded))
    assert np.corrcoef(real, synthetic)[0, 1] > 0.999


@pytest.mark.parametrize(
    "texts", [["0012", "0013"], ["2024-13-45"], ["1.5", "2.25"], ["twelve"], [], ["1e5"]]
)
def test_other_texts_are_no_values(texts: list[str]) -> None:
    assert find_writing(pl.Series(texts, dtype=pl.String)) is None


def test_a_number_in_text_needs_as_many_rows_as_any_text_to_be_kept() -> None:
    # four rows would be enough for a number, not for a text
    texts = [str(n) for n in RANDOM.integers(10_000, 100_000, 60) for _ in range(4)]
    frame = pl.DataFrame({"account": texts})
    encoder = fit_encoder(frame, {}, stream=Stream(1))
    decoded = encoder.decode(encoder.encode(frame), Stream(2))["account"]
    assert decoded.str.contains(r"^\d{5}$").all()
    assert decoded.is_in(frame["account"].implode()).mean() < 0.1
