from __future__ import annotations

import datetime as dt

import numpy as np
import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from synthohive.encoding.moment import MomentCodec, fit_moment
from synthohive.encoding.number import fit_number
from synthohive.encoding.settings import EncodingSettings
from synthohive.randomness import Stream

SETTINGS = EncodingSettings()
ROWS = 5_000


def again(series: pl.Series) -> pl.Series:
    codec = fit_moment(series, SETTINGS)
    state = MomentCodec.from_dict(codec.to_dict(), name=series.name, dtype=series.dtype)
    return state.decode(codec.encode(series), Stream(1), len(series))


def office_hours(unit: str, zone: str | None) -> pl.Series:
    """Whole minutes between 8 and 18 o'clock, on working days."""
    r = np.random.default_rng(0)
    days = np.arange(18_000, 19_000)
    days = days[(days + 3) % 7 < 5]
    minutes = r.choice(days, ROWS) * 1440 + r.integers(8 * 60, 18 * 60, ROWS)
    naive = (pl.Series("t", minutes) * 60 * 10**3).cast(pl.Datetime("ms"))
    return naive.cast(pl.Datetime(unit)).dt.replace_time_zone(zone)


@pytest.mark.parametrize("unit", ["ms", "us", "ns"])
@pytest.mark.parametrize("zone", [None, "UTC", "Asia/Kolkata", "America/New_York"])
def test_hours_and_weekdays_survive(unit: str, zone: str | None) -> None:
    real = office_hours(unit, zone)
    synthetic = again(real)
    assert synthetic.dtype == real.dtype
    assert synthetic.dt.weekday().max() <= 5
    assert synthetic.dt.hour().min() == 8
    assert synthetic.dt.hour().max() == 17
    assert synthetic.dt.second().max() == 0
    for part in ("hour", "weekday", "year"):
        assert distance(getattr(real.dt, part)(), getattr(synthetic.dt, part)()) < 0.03, part


def distance(a: pl.Series, b: pl.Series) -> float:
    """Total variation distance of two columns of few values."""
    shares = [s.alias("v").value_counts(normalize=True, name="p") for s in (a, b)]
    both = shares[0].join(shares[1], on="v", how="full", coalesce=True).fill_null(0.0)
    return float((both["p"] - both["p_right"]).abs().sum()) / 2


def test_acceptance_30_no_verbatim_timestamps() -> None:
    r = np.random.default_rng(0)
    real = pl.Series("t", r.integers(1_500_000_000_000_000, 1_600_000_000_000_000, ROWS)).cast(
        pl.Datetime("us")
    )
    assert again(real).is_in(real.implode()).sum() == 0
    seconds = real.dt.truncate("1s")
    assert again(seconds).is_in(seconds.implode()).mean() < 0.005


def test_dates_without_a_time_stay_at_midnight() -> None:
    real = office_hours("us", "America/New_York").dt.truncate("1d")
    synthetic = again(real)
    assert (synthetic.dt.hour() == 0).all()
    assert synthetic.dt.weekday().max() <= 5
    assert len(fit_moment(real, SETTINGS).code_columns) == 2


def test_weekdays_of_dates_survive() -> None:
    real = office_hours("us", None).dt.date()
    codec = fit_number(real, SETTINGS)
    synthetic = codec.decode(codec.encode(real), Stream(1), ROWS)
    assert synthetic.dt.weekday().max() <= 5
    assert distance(real.dt.weekday(), synthetic.dt.weekday()) < 0.02


def test_full_hours_survive_beside_odd_minutes() -> None:
    r = np.random.default_rng(0)
    seconds = r.integers(0, 86_400, ROWS)
    seconds = np.where(r.random(ROWS) < 0.7, seconds // 3600 * 3600, seconds)
    days = r.integers(18_000, 18_500, ROWS)
    real = pl.Series("t", (days * 86_400 + seconds) * 10**6).cast(pl.Datetime("us"))
    shares = [float((s.dt.minute() == 0).mean()) for s in (real, again(real))]
    assert shares[1] == pytest.approx(shares[0], abs=0.03)


def test_nulls_stay_nulls_and_times_of_null_are_harmless() -> None:
    real = office_hours("us", None).to_frame().with_row_index()
    real = real.select(pl.when(pl.col("index") % 3 > 0).then(pl.col("t"))).to_series()
    codec = fit_moment(real, SETTINGS)
    day, fine, clock = codec.encode(real)
    assert again(real).is_null().equals(real.is_null())
    # a model may draw a day beside a null time, or a time beside a null day
    turned = codec.decode((day, fine, clock[::-1].copy()), Stream(1), ROWS)
    assert turned.is_null().equals(real.is_null())
    assert turned.dt.hour().is_between(8, 17).drop_nulls().all()


@settings(max_examples=25, deadline=None)
@given(
    st.lists(
        st.none() | st.datetimes(dt.datetime(1700, 1, 1), dt.datetime(2200, 1, 1)),
        min_size=1,
        max_size=50,
    ),
    st.sampled_from(["ms", "us", "ns"]),
    st.sampled_from([None, "Europe/London", "Pacific/Apia"]),
)
def test_any_timestamps_decode(
    values: list[dt.datetime | None], unit: str, zone: str | None
) -> None:
    real = pl.Series("t", values, dtype=pl.Datetime("us")).cast(pl.Datetime(unit))
    if zone:
        real = real.dt.replace_time_zone(zone, ambiguous="earliest", non_existent="null")
    synthetic = again(real)
    assert synthetic.dtype == real.dtype
    assert synthetic.is_null().equals(real.is_null())
    if real.count():
        day = dt.timedelta(days=1)
        low, high = real.min() - day, real.max() + day
        assert synthetic.drop_nulls().is_between(low, high).all()
