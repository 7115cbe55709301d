"""Keys with few values: taken from what is accepted, and refused before anything is drawn."""

from __future__ import annotations

import random
from datetime import date, timedelta

import polars as pl
import pytest

import synthohive as sh
from synthohive.errors import CapacityError, ConfigError, ConstraintError
from synthohive.events import StageStarted
from synthohive.models.settings import CTGANSettings
from synthohive.planning.plan import plan
from synthohive.synthesis.capacity import check_data_capacity

QUICK = CTGANSettings(max_steps=5, width=16, depth=1, members=1)
CODES = ("AAA", "BCD", "EFG", "HIJ", "KLM", "NOP", "QRS", "TUV")
SIZES = pl.Enum(["s", "m", "l"])


def shop() -> tuple[sh.Metadata, dict[str, pl.DataFrame]]:
    """Airports with codes of a list, a few sizes each, and flights with numbers of 3 digits."""
    rng = random.Random(2)
    offers = [(code, size) for code in CODES[:6] for size in "sml" if rng.random() < 0.8]
    flights = [(number, rng.choice(CODES[:6])) for number in range(100, 160)]
    metadata = (
        sh.Metadata()
        .add_table("airports", pk="code", constraints={"code": {"accepted_values": list(CODES)}})
        .add_table("offers", pk=["code", "size"], fk={"code": "airports.code"})
        .add_table(
            "flights",
            pk="number",
            fk={"code": "airports.code"},
            constraints={"number": {"min": 100, "max": 199}},
        )
    )
    tables = {
        "airports": pl.DataFrame({"code": CODES[:6], "kind": ["a", "b"] * 3}),
        "offers": pl.DataFrame(
            {"code": [code for code, _ in offers], "size": [size for _, size in offers]},
            schema={"code": pl.String, "size": SIZES},
        ),
        "flights": pl.DataFrame(flights, schema=["number", "code"], orient="row"),
    }
    return metadata, tables


@pytest.fixture(scope="module")
def hive():
    metadata, tables = shop()
    return sh.Synthesizer(metadata, seed=1, ctgan=QUICK, threads=1).fit(tables)


def test_keys_are_accepted_ones_and_unique(hive):
    copy = hive.sample(rows={"airports": 8})
    assert set(copy["airports"]["code"]) == set(CODES)
    assert copy["flights"]["number"].is_between(100, 199).all()
    assert copy["flights"]["number"].is_unique().all()
    assert not copy["offers"].is_duplicated().any()
    assert set(copy["offers"]["code"]) <= set(CODES)
    assert copy["offers"]["size"].null_count() == 0


def refused(hive, **request) -> CapacityError:
    """Return the error of a request; nothing was drawn by then."""
    stages: list[str] = []

    def note(event):
        if isinstance(event, StageStarted):
            stages.append(event.stage)

    hive._on_event = note
    with pytest.raises(CapacityError) as caught:
        hive.sample(**request)
    assert "draw" not in stages
    return caught.value


def test_too_many_rows_are_refused_before_any_is_drawn(hive):
    error = refused(hive, scale=100)
    assert (error.table, error.column) == ("airports", "code")
    assert "airports.code: accepted keys have 8 values (AAA, BCD, EFG, HIJ, KLM, …), 600" in str(
        error
    )
    error = refused(hive, first_key=90)
    assert (error.table, error.column) == ("airports", "code")


def test_children_are_refused_by_what_is_expected_and_again_when_drawn(monkeypatch):
    metadata, tables = shop()
    codes = [CODES[number % 6] for number in range(100)]
    more = tables | {"flights": pl.DataFrame({"number": range(100, 200), "code": codes})}
    hive = sh.Synthesizer(metadata, seed=1, ctgan=QUICK, threads=1).fit(more)
    error = refused(hive, scale=1.2)
    assert (error.table, error.column) == ("flights", "number")
    assert "flights.number: within its limits there are 100 keys of type Int64, about 120" in str(
        error
    )
    monkeypatch.setattr("synthohive.synthesis.request.check_capacity", lambda *_, **__: None)
    with pytest.raises(CapacityError, match=r"flights\.number: .* 100 keys .*, 1\d\d are needed"):
        hive.sample(scale=1.2)


def test_rows_of_one_driver_row_are_no_more_than_there_are_siblings_keys():
    """A kept driver whose children are multiplied: each has as many as the list is long."""
    _, tables = shop()
    kept = (
        sh.Metadata()
        .add_table("airports", pk="code", keep=True)
        .add_table("offers", pk=["code", "size"], fk={"code": "airports.code"})
    )
    hive = sh.Synthesizer(kept, seed=1, ctgan=QUICK, threads=1)
    hive.fit({name: tables[name] for name in kept.tables})
    offers = hive.sample(scale=50)["offers"]
    assert offers.height == 18
    assert not offers.is_duplicated().any()


def test_secondary_keys_that_may_not_repeat_are_counted_too():
    """Every flight has a gate of its own, and the number of flights follows from airlines."""
    metadata = (
        sh.Metadata()
        .add_table("airlines", pk="id")
        .add_table("gates", pk="id")
        .add_table(
            "flights",
            pk="gate_id",
            fk={"airline_id": "airlines.id", "gate_id": "gates.id"},
        )
    )
    tables = {
        "airlines": pl.DataFrame({"id": range(10), "x": [1, 2] * 5}),
        "gates": pl.DataFrame({"id": range(40), "x": [1, 2] * 20}),
        "flights": pl.DataFrame({"airline_id": [i % 10 for i in range(30)], "gate_id": range(30)}),
    }
    hive = sh.Synthesizer(metadata, seed=1, ctgan=QUICK, threads=1).fit(tables)
    assert not hive.sample()["flights"]["gate_id"].is_duplicated().any()
    error = refused(hive, rows={"gates": 5})
    assert (error.table, error.column) == ("flights", "gate_id")
    assert "flights.(gate_id): about 30 rows need a key of their own, and about 5 are" in str(error)


def test_data_can_be_checked_before_anything_is_learned():
    metadata, tables = shop()
    order = plan(metadata)
    check_data_capacity(metadata, order, tables)
    check_data_capacity(metadata, order, tables, rows={"airports": 8})
    with pytest.raises(CapacityError, match=r"airports\.code: .* 8 values .*, 12 are needed"):
        check_data_capacity(metadata, order, tables, scale=2)
    with pytest.raises(CapacityError, match=r"airports\.code"):
        check_data_capacity(metadata, order, tables, first_key=4)


def test_dates_of_a_key_with_an_end_are_counted():
    days = [date(2024, 1, 1) + timedelta(n) for n in range(300)]
    metadata = sh.Metadata().add_table(
        "days", pk="day", constraints={"day": {"min": "2024-01-01", "max": "2024-12-31"}}
    )
    hive = sh.Synthesizer(metadata, seed=1, ctgan=QUICK, threads=1)
    hive.fit({"days": pl.DataFrame({"day": days, "x": [1, 2, 3] * 100})})
    assert hive.sample(rows={"days": 366})["days"]["day"].is_unique().all()
    error = refused(hive, scale=2)
    assert "days.day: within its limits there are 366 keys of type Date, 600 are needed" in str(
        error
    )


def coded(rows: int) -> tuple[sh.Metadata, dict[str, pl.DataFrame]]:
    """Every other row has one of the accepted codes, all of which are taken."""
    codes = [CODES[number // 2] if number % 2 else None for number in range(16)]
    metadata = sh.Metadata().add_table(
        "gates",
        pk="id",
        unique=["code"],
        constraints={"code": {"accepted_values": list(CODES)}},
    )
    return metadata, {"gates": pl.DataFrame({"id": range(16), "code": codes}).head(rows)}


def test_nulls_of_a_unique_column_need_no_key():
    metadata, tables = coded(16)
    check_data_capacity(metadata, plan(metadata), tables)
    with pytest.raises(CapacityError, match=r"gates\.code: .* 8 values .*, 9 are needed"):
        check_data_capacity(metadata, plan(metadata), tables, rows={"gates": 18})
    hive = sh.Synthesizer(metadata, seed=1, ctgan=QUICK, threads=1).fit(tables)
    for seed in range(3):
        code = hive.sample(seed=seed)["gates"]["code"]
        assert sorted(code.drop_nulls()) == sorted(CODES)
        assert code.null_count() == 8
    error = refused(hive, rows={"gates": 18})
    assert (error.table, error.column) == ("gates", "code")


def test_text_keys_that_cannot_be_kept_within_bounds_are_refused_before_training():
    """Only texts that count have an order that their bounds can be kept by."""
    stages: list[str] = []

    def fit(names: list[str], **limits) -> sh.Synthesizer:
        metadata = sh.Metadata().add_table("codes", pk="name", constraints={"name": limits})
        hive = sh.Synthesizer(
            metadata,
            ctgan=QUICK,
            threads=1,
            on_event=lambda event: stages.append(getattr(event, "stage", "")),
        )
        return hive.fit({"codes": pl.DataFrame({"name": names})})

    with pytest.raises(ConfigError, match=r"'codes\.name' have .* within min 'b' and max 'm'"):
        fit(["alpha", "beta", "gamma", "delta", "epsilon", "zeta"], min="b", max="m")
    with pytest.raises(ConfigError, match=r"no key of 'codes\.name' such as C-001, C-002 is"):
        fit(["C-001", "C-002"], min="D")
    assert "learn" not in stages
    counted = fit([f"C-{number:03d}" for number in range(1, 21)], min="C-005", max="C-024")
    names = counted.sample()["codes"]["name"]
    assert names.to_list() == [f"C-{number:03d}" for number in range(5, 25)]
    with pytest.raises(CapacityError, match=r"within its limits there are 20 keys"):
        counted.sample(scale=2)


def test_limits_of_a_foreign_key_never_part_it_from_its_parent():
    metadata, tables = shop()
    metadata.add_table("extra", fk={"code": "airports.code"}, constraints={"code": {"max": "BZZ"}})
    some = pl.DataFrame({"code": ["AAA", "BCD"] * 10})
    hive = sh.Synthesizer(metadata, seed=1, ctgan=QUICK, threads=1).fit(tables | {"extra": some})
    with pytest.raises(ConstraintError, match=r"'extra\.code' break the maximum BZZ") as caught:
        hive.sample(rows={"airports": 8})
    assert "on the column of its parent" in str(caught.value)
