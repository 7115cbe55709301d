"""Rows with ranges, sets and without nulls, and rows that are completed."""

from __future__ import annotations

import datetime as dt
import warnings

import numpy as np
import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import synthohive as sh
from synthohive import Between, NotNull, OneOf
from synthohive.errors import ConfigError, UnseenContextWarning

SETTINGS = sh.CTGANSettings(width=64, depth=1, members=1, max_steps=500, batch_size=256)
ROWS = 4_000
CITIES = {"Paris": 35, "Rome": 50, "Oslo": 28, "Bonn": 60}
FIRST_DAY, FIRST_TIME = dt.date(2020, 1, 1), dt.datetime(2024, 1, 1, tzinfo=dt.UTC)


def people():
    """Rows in which all columns depend on the city or the age."""
    random = np.random.default_rng(0)
    city = random.choice(list(CITIES), ROWS, p=[0.4, 0.3, 0.2, 0.1])
    age = random.normal([CITIES[name] for name in city], 10).round().clip(18, 90).astype(int)
    plan = np.where(random.random(ROWS) < 1 / (1 + np.exp((40 - age) / 6)), "gold", "base")
    days = random.integers(0, 1_500, ROWS)
    minutes = random.integers(0, 200 * 24 * 60, ROWS)
    frame = pl.DataFrame(
        {
            "city": city,
            "age": age,
            "income": np.exp(random.normal(8 + age / 40, 0.4)).round(2),
            "plan": plan,
            "is_new": age < 30,
            "since": [FIRST_DAY + dt.timedelta(days=int(n)) for n in days],
            "seen": [FIRST_TIME + dt.timedelta(minutes=int(n)) for n in minutes],
            "note": [f"{100 + n % 700}" for n in days],
        }
    )
    some = pl.Series(random.random(ROWS) < 0.85)
    return frame.with_columns(
        pl.when(some).then("income").alias("income"),
        pl.when(~some).then(None).otherwise("plan").alias("plan"),
    )


@pytest.fixture(scope="module")
def real():
    return people()


@pytest.fixture(scope="module")
def model(real):
    return sh.CTGAN(seed=1, settings=SETTINGS).fit(real)


def holds(rows: pl.DataFrame, asked: dict) -> pl.Series:
    """Which rows are as asked, told without the package."""
    result = pl.repeat(value=True, n=rows.height, eager=True)
    for name, what in asked.items():
        column = rows[name]
        if isinstance(what, Between):
            low, high = what
            result &= column.is_not_null()
            if low is not None:
                result &= column >= low
            if high is not None:
                result &= column <= high
        elif isinstance(what, OneOf):
            result &= column.is_in(list(what.values))
        elif isinstance(what, NotNull):
            result &= column.is_not_null()
        else:
            result &= column.eq_missing(pl.Series([what], dtype=column.dtype))
    return result.fill_null(value=False)


def distance(rows: pl.Series, others: pl.Series) -> float:
    """Total variation distance."""
    shares = [s.alias("v").value_counts(normalize=True, name="p") for s in (rows, others)]
    both = shares[0].join(shares[1], on="v", how="full", coalesce=True, nulls_equal=True)
    return float((both["p"].fill_null(0) - both["p_right"].fill_null(0)).abs().sum()) / 2


def by_chance(others: pl.Series, drawn: int) -> float:
    """Twice the distance that so many rows have by chance, and a little."""
    shares = others.alias("v").value_counts(normalize=True, name="p")["p"].to_numpy()
    spread = np.sqrt(2 / np.pi * shares * (1 - shares) * (1 / len(others) + 1 / drawn)).sum() / 2
    return float(2 * spread) + 0.02


@st.composite
def wishes(draw):
    """One or two columns with something asked of them, for which there are rows."""
    ages = sorted(draw(st.lists(st.integers(20, 75), min_size=2, max_size=2)))
    incomes = sorted(draw(st.lists(st.floats(4_000, 15_000), min_size=2, max_size=2, unique=True)))
    days = sorted(draw(st.lists(st.integers(0, 1_400), min_size=2, max_size=2, unique=True)))
    hours = sorted(draw(st.lists(st.integers(0, 190 * 24), min_size=2, max_size=2, unique=True)))
    every = {
        "age": draw(st.sampled_from([Between(*ages), Between(ages[0]), OneOf(*ages), ages[0]])),
        "income": draw(st.sampled_from([Between(incomes[0], incomes[1] + 500), NotNull()])),
        "city": draw(st.sampled_from([OneOf("Rome", "Oslo"), OneOf("Bonn"), "Paris"])),
        "is_new": OneOf(True),
        "plan": draw(st.sampled_from([NotNull(), OneOf("gold"), None])),
        "since": Between(*(FIRST_DAY + dt.timedelta(days=n) for n in (days[0], days[1] + 9))),
        "seen": Between(*(FIRST_TIME + dt.timedelta(hours=n) for n in (hours[0], hours[1] + 1))),
    }
    names = draw(st.lists(st.sampled_from(sorted(every)), min_size=1, max_size=3, unique=True))
    return {name: every[name] for name in names}


@settings(max_examples=40, deadline=None)
@given(asked=wishes())
def test_every_row_is_as_asked(model, asked):
    rows = model.sample(300, given=asked)
    assert rows.height == 300
    assert holds(rows, asked).all()


WISHES = [
    {"age": Between(30, 40)},
    {"age": Between(41.5, 43.5)},
    {"age": OneOf(30, 31, 32)},
    {"city": OneOf("Rome", "Bonn")},
    {"income": Between(5_000, 9_000)},
    {"plan": NotNull(), "age": Between(None, 40)},
    {"city": OneOf("Rome", "Bonn"), "age": Between(30, 42)},
    {"city": "Paris", "age": Between(30, 40)},
]


@pytest.mark.parametrize("asked", WISHES, ids=str)
def test_rows_are_distributed_as_the_real_ones_that_are_as_asked(real, model, asked):
    rows, others = model.sample(8_000, given=asked), real.filter(holds(real, asked))
    for name in ("city", "age", "plan"):
        error = 0.0 if name in asked else 0.03  # what a short training leaves
        limit = by_chance(others[name], rows.height) + error
        assert distance(rows[name], others[name]) <= limit, name


def test_two_columns_are_drawn_jointly(real, model):
    """The city's share within the range is not the one that all ages together have."""
    asked = {"age": Between(55, None), "city": OneOf("Paris", "Bonn")}
    bonn = (model.sample(4_000, given=asked)["city"] == "Bonn").mean()
    wanted = (real.filter(holds(real, asked))["city"] == "Bonn").mean()
    among_all = (real.filter(pl.col("city").is_in(["Paris", "Bonn"]))["city"] == "Bonn").mean()
    assert abs(bonn - wanted) < 0.08 < abs(wanted - among_all) / 2


def test_a_date_ends_a_range_of_timestamps_with_its_whole_day(model):
    first, last = dt.date(2024, 2, 1), dt.date(2024, 2, 3)
    days = model.sample(2_000, given={"seen": Between(first, last)})["seen"].dt.date()
    assert set(days) == {first, dt.date(2024, 2, 2), last}
    assert (days == last).mean() > 0.15


def test_text_that_writes_numbers_has_ranges_of_these(model):
    rows = model.sample(300, given={"note": Between("95", "250")})
    assert rows["note"].cast(pl.Int64).is_between(100, 250).all()


def test_rows_depend_on_neither_threads_nor_blocks(model, monkeypatch):
    asked = {"age": Between(30, 40), "plan": NotNull()}
    whole = model.sample(20_000, given=asked, seed=5)
    monkeypatch.setattr("synthohive.ctgan.drawing.thread_count", lambda _: 1)
    assert model.sample(20_000, given=asked, seed=5).equals(whole)
    assert model.sample(9_000, given=asked, seed=5).equals(whole[:9_000])
    assert not model.sample(9_000, given=asked, seed=6).equals(whole[:9_000])


def test_a_saved_model_draws_the_same(model, tmp_path, real):
    model.save(tmp_path)
    loaded = sh.CTGAN.load(tmp_path)
    asked = {"income": Between(5_000, 9_000), "city": OneOf("Rome", "Oslo")}
    assert loaded.sample(500, given=asked).equals(model.sample(500, given=asked))
    assert loaded.impute(real[:500]).equals(model.impute(real[:500]))


def test_nothing_asked_changes_nothing(model):
    plain = model.sample(500)
    model.sample(10, given={"age": Between(30, 40)})
    assert model.sample(500, given={}).equals(plain)


@pytest.mark.parametrize(
    ("asked", "words"),
    [
        ({"age": Between(200, 300)}, ["table.age|'age'", "200", "values from 18"]),
        ({"city": OneOf("Atlantis")}, ["'city'", "Atlantis", "'Paris'"]),
        ({"city": Between("A", "C")}, ["city", "no order"]),
        ({"age": Between(40, 30)}, ["age", "ends before"]),
        ({"age": Between("old", None)}, ["age", "not of the type"]),
        ({"age": OneOf()}, ["age", "no value"]),
        ({"plan": OneOf("gold", None)}, ["plan", "null"]),
        ({"agee": NotNull()}, ["agee", "did you mean 'age'"]),
    ],
    ids=str,
)
def test_errors_say_what_is_wrong(model, asked, words):
    with pytest.raises(ConfigError) as caught:
        model.sample(5, given=asked)
    for word in words:
        assert any(choice in str(caught.value) for choice in word.split("|"))
    assert caught.value.column == next(iter(asked))


def test_values_of_a_set_that_were_not_learned_are_told(model):
    with pytest.warns(UnseenContextWarning, match="1 of these values"):
        rows = model.sample(50, given={"city": OneOf("Rome", "Atlantis")})
    assert set(rows["city"]) == {"Rome"}


def test_columns_that_follow_from_others_are_as_asked():
    random = np.random.default_rng(3)
    frame = pl.DataFrame(
        {"price": random.integers(1, 20, 2_000), "pieces": random.integers(1, 6, 2_000)}
    ).with_columns(total=pl.col("price") * pl.col("pieces"))
    kind = random.choice(["Bonn", "Lyon", "Nice", "Graz"], 2_000)
    frame = frame.with_columns(
        city=pl.Series(kind),
        land=pl.Series(kind).replace({"Bonn": "DE", "Lyon": "FR", "Nice": "FR", "Graz": "AT"}),
    )
    start = [FIRST_DAY + dt.timedelta(days=int(n)) for n in random.integers(0, 900, 2_000)]
    later = [
        day + dt.timedelta(days=int(n))
        for day, n in zip(start, random.integers(0, 9, 2_000), strict=True)
    ]
    frame = frame.with_columns(ordered=pl.Series(start), sent=pl.Series(later))
    model = sh.CTGAN(settings=SETTINGS).fit(frame)
    asked = {"total": Between(30, 50), "land": OneOf("FR", "AT")}
    assert holds(model.sample(1_000, given=asked), asked).all()
    april = Between(dt.date(2021, 4, 1), dt.date(2021, 4, 30))
    rows = model.sample(1_000, given={"ordered": april, "land": OneOf("FR"), "sent": NotNull()})
    assert holds(rows, {"ordered": april, "land": "FR", "sent": NotNull()}).all()
    assert (rows["sent"] >= rows["ordered"]).all()
    assert set(rows["city"]) <= {"Lyon", "Nice"}
    with pytest.raises(ConfigError, match="time since 'ordered'"):
        model.sample(5, given={"sent": april})


def test_personal_values_cannot_be_chosen():
    mails = [f"real{n}@mail.org" if n % 3 else None for n in range(400)]
    frame = pl.DataFrame({"mail": mails, "pay": range(3_000, 3_400), "size": ["S", "L"] * 200})
    metadata = sh.Metadata().add_table("staff", pii={"mail": "email", "pay": True})
    model = sh.CTGAN(metadata, epochs=2).fit(frame)
    assert model.sample(100, given={"mail": NotNull()})["mail"].null_count() == 0
    for asked in ({"pay": Between(3_000, 3_100)}, {"mail": OneOf("real1@mail.org")}):
        with pytest.raises(ConfigError, match="they are invented"):
            model.sample(5, given=asked)


def blanked(real: pl.DataFrame, share: float) -> pl.DataFrame:
    random = np.random.default_rng(9)
    return real.with_columns(
        pl.when(pl.Series(random.random(real.height) >= share)).then(name).alias(name)
        for name in real.columns
    )


def test_imputing_keeps_known_cells_and_leaves_no_null(real, model):
    holes = blanked(real, 0.3)
    full = model.impute(holes)
    assert full.schema == real.schema
    assert full.null_count().sum_horizontal().item() == 0
    for name in real.columns:
        known = holes[name].is_not_null()
        assert full[name].filter(known).equals(holes[name].filter(known))


def test_imputing_some_columns_leaves_the_others(real, model):
    holes = blanked(real, 0.3).with_columns(extra=pl.lit(7))
    full = model.impute(holes, columns=["age"])
    assert full["age"].null_count() == 0
    assert full.drop("age").equals(holes.drop("age"))
    assert model.impute(real.drop_nulls()).equals(real.drop_nulls())


def test_imputing_beats_the_values_of_other_rows(real, model):
    rows = people().drop_nulls()
    blank = rows.with_columns(plan=pl.lit(None, pl.String), age=pl.lit(None, pl.Int64))
    full = model.impute(blank)
    other = rows.sample(fraction=1.0, shuffle=True, seed=1)
    error = (full["age"] - rows["age"]).abs().mean()
    by_guess = (other["age"] - rows["age"]).abs().mean()
    assert error < 0.8 * by_guess
    only_plan = model.impute(rows.with_columns(plan=pl.lit(None, pl.String)), columns=["plan"])
    right = (only_plan["plan"] == rows["plan"]).mean()
    assert right > (other["plan"] == rows["plan"]).mean() + 0.1


def test_imputing_errors(real, model):
    with pytest.raises(ConfigError, match="did you mean 'age'"):
        model.impute(real, columns=["agee"])
    with pytest.raises(ConfigError, match="not of the type"):
        model.impute(real.with_columns(age=pl.lit("old")))


def test_what_is_computed_suits_what_is_known():
    random = np.random.default_rng(3)
    frame = pl.DataFrame(
        {"price": random.integers(1, 20, 2_000), "pieces": random.integers(1, 6, 2_000)}
    ).with_columns(total=pl.col("price") * pl.col("pieces"))
    model = sh.CTGAN(settings=SETTINGS).fit(frame)
    full = model.impute(blanked(frame, 0.3).with_columns(price="price"))
    whole = blanked(frame, 0.3)["total"].is_null()
    rows = full.filter(whole)
    assert (rows["total"] == rows["price"] * rows["pieces"]).all()


def test_a_number_that_another_one_nearly_follows_from_is_completed_to_suit_it():
    random = np.random.default_rng(4)
    dew = random.normal(12, 9, 2_000).round(1)
    frame = pl.DataFrame({"dew": dew, "warm": (dew * 1.1 + random.normal(0, 0.6, 2_000)).round(1)})
    model = sh.CTGAN(settings=SETTINGS).fit(frame)
    assert model.sample(200, given={"warm": NotNull()})["warm"].null_count() == 0
    for name in frame.columns:
        full = model.impute(frame.with_columns(pl.lit(None, pl.Float64).alias(name)))
        assert (full[name] - frame[name]).abs().mean() < 3
    curved = [name for name in frame.columns if is_refused(model, {name: Between(5, 10)})]
    assert len(curved) == 1


def is_refused(model: sh.CTGAN, asked: dict) -> bool:
    try:
        model.sample(5, given=asked)
    except ConfigError as error:
        return "distance from a curve" in str(error)
    return False


def test_columns_with_context_are_completed_by_it():
    region = pl.DataFrame({"region": ["N", "S"] * 500})
    frame = pl.DataFrame({"size": ["big", "small"] * 500, "id": range(1_000)})
    metadata = sh.Metadata().add_table("shops", pk="id")
    model = sh.CTGAN(metadata, settings=SETTINGS).fit(frame, context=region)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        full = model.impute(frame.with_columns(size=pl.lit(None, pl.String)), context=region)
        north = model.sample(
            200,
            given={"size": OneOf("big", "small")},
            context=pl.DataFrame({"region": ["N"] * 200}),
        )
    assert (full["size"] == frame["size"]).mean() > 0.95
    assert (north["size"] == "big").mean() > 0.9
    assert full["id"].equals(frame["id"])
