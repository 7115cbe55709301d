"""What one column decides about another holds in every decoded row."""

from __future__ import annotations

from datetime import date
from decimal import Decimal
from hashlib import md5

import numpy as np
import polars as pl
import pytest
from decoding import shuffled
from hypothesis import given, settings
from hypothesis import strategies as st
from polars.testing import assert_series_equal

from synthohive.ctgan import CTGAN
from synthohive.encoding.lookup import Lookup, find_lookups
from synthohive.encoding.table import TableEncoder, fit_encoder
from synthohive.randomness import Stream
from synthohive.schema.model import Column

RANDOM = np.random.default_rng(0)
ROWS = 600
CITY = pl.Series("city", RANDOM.choice(["Bonn", "Kiel", "Lyon", "Nice", "Graz"], ROWS))
COUNTRY = CITY.replace_strict(
    {"Bonn": "DE", "Kiel": "DE", "Lyon": "FR", "Nice": "FR", "Graz": "AT"}
).alias("country")
SHOP = pl.Series("shop", RANDOM.integers(0, 60, ROWS))


def found(frame: pl.DataFrame) -> dict[str, str]:
    """Return what follows from what."""
    lookups = find_lookups(frame, min_rows=3, many=32)
    return {lookup.column: lookup.base for lookup in lookups}


def test_a_country_follows_from_the_city_and_a_continent_from_the_country():
    continent = COUNTRY.replace_strict({"DE": "north", "AT": "north", "FR": "south"})
    frame = pl.DataFrame([continent.alias("part"), CITY, COUNTRY])
    encoder = fit_encoder(frame, {}, stream=Stream(1))
    assert {lookup.column: lookup.base for lookup in encoder.relations.lookups} == {
        "country": "city",
        "part": "country",
    }
    made = shuffled(frame, TableEncoder.from_dict(encoder.to_dict()))
    assert made.unique().sort("city").equals(frame.unique().sort("city"))


def test_one_row_that_breaks_it_is_enough_to_find_nothing():
    country = COUNTRY.clone()
    country[7] = "FR" if country[7] != "FR" else "DE"
    assert found(pl.DataFrame([CITY, COUNTRY])) == {"country": "city"}
    assert found(pl.DataFrame([CITY, country])) == {}


def test_what_chance_would_make_is_not_found():
    frame = pl.DataFrame({"id": range(ROWS), "size": RANDOM.integers(0, 3, ROWS)})
    rare = pl.DataFrame({"size": RANDOM.integers(0, 3, ROWS), "is_odd": [True] + [False] * 599})
    assert found(frame) == found(rare) == {}


VALUES = [
    [0.1 * i for i in range(60)],
    [Decimal(i) / 100 for i in range(60)],
    [date(2020, 1, 1 + i % 30) for i in range(60)],
    [i % 2 == 0 for i in range(60)],
    ["x" * (i % 7) for i in range(60)],
    [i * 10**15 for i in range(60)],
]


@pytest.mark.parametrize("values", VALUES, ids=lambda values: type(values[0]).__name__)
def test_values_of_every_type_are_looked_up(values):
    column = pl.Series("value", [values[shop] for shop in SHOP])
    frame = pl.DataFrame([SHOP.cast(pl.String), column])
    encoder = fit_encoder(frame, {}, stream=Stream(1))
    made = shuffled(frame, TableEncoder.from_dict(encoder.to_dict()))
    assert made.schema == frame.schema
    pairs = frame.unique().rows()
    assert set(made.rows()) <= set(pairs)


@pytest.mark.parametrize("dtype", [pl.Enum(["DE", "FR", "AT"]), pl.Categorical()])
def test_categories_are_looked_up(dtype):
    frame = pl.DataFrame([CITY.cast(pl.Categorical()), COUNTRY.cast(dtype)])
    encoder = fit_encoder(frame, {}, stream=Stream(1))
    made = shuffled(frame, TableEncoder.from_dict(encoder.to_dict()))
    assert made.schema == frame.schema
    assert found(made) == {"country": "city"}


def test_nulls_that_follow_are_looked_up_and_others_stay():
    state = CITY.replace_strict({"Bonn": "NRW", "Kiel": "SH"}, default=None).alias("state")
    gaps = COUNTRY.set(pl.Series(RANDOM.random(ROWS) < 0.2), None)
    frame = pl.DataFrame([CITY, state, gaps])
    encoder = fit_encoder(frame, {}, stream=Stream(1))
    made = shuffled(frame, encoder)
    assert made.select("city", "state").unique().height == 5
    assert made["country"].null_count() == gaps.null_count()
    assert made.drop_nulls("country").select("city", "country").unique().height == 5


def test_what_is_looked_up_is_learned_coarsely():
    people = (1e6 * np.exp(RANDOM.normal(0, 1, 60))).round().astype(int)
    owner = pl.Series("owner", [f"owner {'abcdef'[shop % 6] * (shop + 1)}" for shop in SHOP])
    frame = pl.DataFrame([SHOP.cast(pl.String), pl.Series("people", people[SHOP]), owner])
    encoder = fit_encoder(frame, {}, stream=Stream(1))
    assert encoder.layout.names == ("shop", "people")
    made = shuffled(frame, encoder)
    assert set(made.rows()) <= set(frame.rows())


def test_a_rare_base_is_invented_and_its_value_stays_as_drawn():
    base = pl.Series(
        "base", [f"place {shop}" for shop in SHOP][:-40] + [f"rare {i}" for i in "abcde" * 8]
    )
    base = base.set(pl.Series(np.arange(ROWS) >= ROWS - 4), "seldom")
    frame = pl.DataFrame([base, pl.Series("value", (SHOP.to_numpy() % 3)).set(base == "seldom", 9)])
    frame = frame.with_columns(
        pl.when(base.str.starts_with("rare")).then(7).otherwise("value").alias("value")
    )
    encoder = fit_encoder(frame, {}, stream=Stream(1))
    lookup = encoder.relations.lookups[0]
    assert "seldom" not in lookup.keys
    drawn, bases = pl.Series([9, 9]), pl.Series(["unheard of", "rare a"])
    assert lookup.apply(drawn, bases).to_list() == [9, 7]


def test_personal_columns_take_no_part():
    columns = {"country": Column(name="country", pii="city")}
    frame = pl.DataFrame([CITY, COUNTRY])
    assert fit_encoder(frame, columns, stream=Stream(1)).relations.lookups == ()


def test_identifiers_take_no_part():
    ids = pl.Series("id", [md5(bytes([shop])).hexdigest() for shop in SHOP])
    frame = pl.DataFrame([ids, pl.Series("rank", SHOP.to_numpy() % 4)])
    assert found(frame) == {}


@given(st.lists(st.integers(0, 12), min_size=40, max_size=200), st.integers(2, 6))
@settings(max_examples=50, deadline=None)
def test_lookups_reproduce_the_rows_they_were_found_in(keys, modulus):
    base = pl.Series("base", keys)
    frame = pl.DataFrame([base, (base % modulus).alias("left"), (base // modulus).alias("whole")])
    for lookup in find_lookups(frame, min_rows=1, many=32):
        again = Lookup.from_dict(lookup.to_dict())
        nothing = frame[lookup.column].clear(frame.height)
        drawn = nothing.fill_null(0)
        assert_series_equal(
            again.apply(drawn, frame[lookup.base]), frame[lookup.column], check_names=False
        )


def test_a_value_that_is_given_decides_what_it_follows_from():
    people = pl.Series("people", 1_000 + 17 * SHOP.to_numpy())
    people = people.set(pl.Series(RANDOM.random(ROWS) < 0.1), None)
    frame = pl.DataFrame([SHOP.cast(pl.String), people, COUNTRY])
    model = CTGAN(epochs=1).fit(frame)
    made = model.sample(50, given={"people": 1_000 + 17 * 5})
    assert made["shop"].unique().to_list() == ["5"]
    assert made["people"].unique().to_list() == [1_000 + 17 * 5]
    open_ = model.sample(
        200, given=pl.DataFrame({"people": [None] * 200}, schema={"people": pl.Int64})
    )
    assert open_["shop"].n_unique() > 20
