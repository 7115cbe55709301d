"""What must agree between a row and its ancestors, and training that goes on."""

from __future__ import annotations

import datetime as dt

import numpy as np
import polars as pl
import pytest

import synthohive as sh
from synthohive.events import EpochFinished
from synthohive.models.settings import CTGANSettings

QUICK = CTGANSettings(max_steps=60)
ACCOUNTS, PER_ACCOUNT = 300, 3


def bank() -> tuple[sh.Metadata, dict[str, pl.DataFrame]]:
    """Accounts, their cards and the cards' payments: each dated after the one above."""
    random = np.random.default_rng(0)
    opened = random.integers(0, 2_000, ACCOUNTS)
    cards = np.repeat(np.arange(ACCOUNTS), PER_ACCOUNT)
    issued = opened[cards] + random.integers(0, 60, len(cards))
    payments = np.repeat(np.arange(len(cards)), 2)
    paid = opened[cards][payments] + random.integers(60, 400, len(payments))
    start = dt.date(2015, 1, 1)

    def days(numbers: np.ndarray) -> list[dt.date]:
        return [start + dt.timedelta(int(number)) for number in numbers]

    metadata = (
        sh.Metadata()
        .add_table("account", pk="id")
        .add_table("card", pk="id", fk={"account_id": "account.id"})
        .add_table("payment", pk="id", fk={"card_id": "card.id"})
    )
    return metadata, {
        "account": pl.DataFrame({"id": range(ACCOUNTS), "opened": days(opened)}),
        "card": pl.DataFrame(
            {"id": range(len(cards)), "account_id": cards, "issued": days(issued)}
        ),
        "payment": pl.DataFrame(
            {"id": range(len(payments)), "card_id": payments, "paid": days(paid)}
        ),
    }


def test_no_date_lies_before_its_ancestors():
    metadata, real = bank()
    copy = sh.Synthesizer(metadata, seed=1, ctgan=QUICK).fit(real).sample(scale=2)
    above = copy["account"].rename({"id": "account_id"})
    cards = copy["card"].join(above, on="account_id").rename({"id": "card_id"})
    payments = copy["payment"].join(cards, on="card_id")
    assert payments.height == copy["payment"].height > ACCOUNTS
    assert (cards["issued"] >= cards["opened"]).all()
    assert (cards["issued"] - cards["opened"]).max() < dt.timedelta(75)
    assert (payments["paid"] >= payments["issued"]).all()


def test_an_interrupted_training_goes_on_and_learns_the_same(tmp_path, monkeypatch):
    metadata, real = bank()
    monkeypatch.setattr("synthohive.models.training.CHECKPOINT_SECONDS", 0.0)
    whole = sh.Synthesizer(metadata, seed=1, ctgan=QUICK).fit(real)

    class StoppedError(Exception):
        """Stands for a process that is killed."""

    seen: list[int] = []

    def stop(event: object) -> None:
        if isinstance(event, EpochFinished):
            seen.append(event.step)
            if event.step >= QUICK.max_steps // 2:
                raise StoppedError

    with pytest.raises(StoppedError):
        sh.Synthesizer(metadata, seed=1, ctgan=QUICK, threads=1, on_event=stop).fit(
            real, checkpoints=tmp_path
        )
    assert any(tmp_path.rglob("*.safetensors"))
    first: list[int] = []

    def listen(event: object) -> None:
        if isinstance(event, EpochFinished):
            first.append(event.step)

    resumed = sh.Synthesizer(metadata, seed=1, ctgan=QUICK, threads=1, on_event=listen)
    resumed.fit(real, checkpoints=tmp_path)
    assert first[0] > min(seen)
    for name, frame in whole.sample().items():
        assert resumed.sample()[name].equals(frame)


def test_what_follows_from_a_copied_column_follows_it():
    random = np.random.default_rng(0)
    cities = [f"city {letter}" for letter in "abcdefghijkl"]
    country = {city: f"country {place % 4}" for place, city in enumerate(cities)}
    home = random.choice(cities, 150)
    customers = pl.DataFrame({"id": range(150), "city": home})
    buyer = random.integers(0, 150, 900)
    orders = pl.DataFrame(
        {
            "id": range(900),
            "customer_id": buyer,
            "ship_city": home[buyer],
            "ship_country": [country[city] for city in home[buyer]],
        }
    )
    metadata = (
        sh.Metadata()
        .add_table("customers", pk="id")
        .add_table("orders", pk="id", fk={"customer_id": "customers.id"})
    )
    hive = sh.Synthesizer(metadata, seed=1, ctgan=QUICK)
    made = hive.fit({"customers": customers, "orders": orders}).sample()
    joined = made["orders"].join(made["customers"], left_on="customer_id", right_on="id")
    assert (joined["ship_city"] == joined["city"]).all()
    expected = joined["ship_city"].replace_strict(country)
    assert (joined["ship_country"] == expected).all()
