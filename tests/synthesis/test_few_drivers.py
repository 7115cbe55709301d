"""Where few drivers have most children, which ones these come to be is no matter of chance."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import polars as pl
import pytest

import synthohive as sh

AREAS = 8
TOWERS = 300
QUICK = sh.CTGANSettings(max_steps=30)


def towers():
    return pl.DataFrame(
        {
            "id": np.arange(TOWERS),
            "area": [f"area {i % AREAS}" for i in range(TOWERS)],
            "maker": ["AB"[i // AREAS % 2] for i in range(TOWERS)],
        }
    )


def readings(random, *, depend):
    """Return the readings of four towers in two areas; what they are may follow the area."""
    tower = np.repeat([1, 2, 1 + AREAS, 2 + AREAS], 600)
    area = tower % AREAS if depend else random.integers(1, 3, len(tower))
    sky = np.where(random.random(len(tower)) < 0.9, area, random.integers(1, 3, len(tower)))
    return pl.DataFrame({"id": np.arange(len(tower)), "tower": tower, "sky": sky.astype(str)})


def learn(*, depend, **kwargs):
    random = np.random.default_rng(1)
    metadata = sh.Metadata().add_table("towers", pk="id")
    metadata = metadata.add_table("readings", pk="id", fk={"tower": "towers.id"})
    tables = {"towers": towers(), "readings": readings(random, depend=depend)}
    return sh.Synthesizer(metadata, seed=0, ctgan=QUICK, **kwargs).fit(tables)


def balance_of(hive, child):
    driver = hive.fitted.tables[child].driver
    assert driver is not None
    return driver.counts.balance


def area_shares(database):
    """Return the share of readings in each area."""
    joined = database["readings"].join(database["towers"], left_on="tower", right_on="id")
    counts = joined.group_by("area").len()
    return {area: n / joined.height for area, n in counts.rows()}


@pytest.fixture(scope="module")
def hubs():
    return learn(depend=True)


def test_readings_come_from_the_areas_that_readings_come_from(hubs):
    for seed in range(6):
        shares = area_shares(hubs.sample(seed=seed))
        assert shares == pytest.approx({"area 1": 0.5, "area 2": 0.5}, abs=0.01)


def test_towers_are_the_same_as_without_balance(hubs, tmp_path):
    """Only who has the readings is another matter; a saved model knows the same."""
    hubs.save(tmp_path)
    loaded = sh.Synthesizer.load(tmp_path)
    drawn = loaded.sample(seed=3)
    assert all(drawn[name].equals(frame) for name, frame in hubs.sample(seed=3).items())
    table = loaded.fitted.tables["readings"]
    plain = replace(table.driver, counts=replace(table.driver.counts, balance=None))
    loaded.fitted.tables["readings"] = replace(table, driver=plain)
    unbalanced = [loaded.sample(seed=seed) for seed in range(8)]
    assert unbalanced[3]["towers"].equals(drawn["towers"])
    assert max(abs(area_shares(each).get("area 1", 0) - 0.5) for each in unbalanced) > 0.2


def test_columns_that_children_depend_on_come_first(hubs):
    balance = balance_of(hubs, "readings")
    assert [margin.names for margin in balance.margins] == [("area",)]
    everything = balance_of(learn(depend=False), "readings")
    assert {margin.names for margin in everything.margins} == {("area",), ("maker",)}


def test_grandchildren_count_too():
    random = np.random.default_rng(2)
    metadata = sh.Metadata().add_table("towers", pk="id")
    metadata = metadata.add_table("days", pk="id", fk={"tower": "towers.id"})
    metadata = metadata.add_table("readings", pk="id", fk={"day": "days.id"})
    seen = readings(random, depend=True)
    tables = {
        "towers": towers(),
        "days": pl.DataFrame({"id": np.arange(600), "tower": seen["tower"][::4]}),
        "readings": seen.select("id", "sky", day=pl.Series(np.arange(seen.height) // 4)),
    }
    hive = sh.Synthesizer(metadata, seed=0, ctgan=QUICK).fit(tables)
    assert [margin.names for margin in balance_of(hive, "days").margins] == [("area",)]


def test_many_drivers_and_independent_counts_stay_as_they_are():
    random = np.random.default_rng(3)
    metadata = sh.Metadata().add_table("people", pk="id")
    metadata = metadata.add_table("visits", pk="id", fk={"person": "people.id"})
    tables = {
        "people": pl.DataFrame({"id": np.arange(900), "home": random.choice(["x", "y"], 900)}),
        "visits": pl.DataFrame({"id": np.arange(1_800), "person": np.arange(1_800) // 2}),
    }
    assert balance_of(sh.Synthesizer(metadata, ctgan=QUICK).fit(tables), "visits") is None
    assert balance_of(learn(depend=True, linkage="empirical"), "readings") is None
