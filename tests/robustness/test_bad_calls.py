"""Calls from Python that cannot work are refused with an error of SynthoHive's own."""

from __future__ import annotations

import shutil

import polars as pl
import pytest

import synthohive as sh
from synthohive.errors import (
    CapacityError,
    ConfigError,
    ModelFileError,
    NotFittedError,
    SchemaValidationError,
)
from synthohive.models.settings import CTGANSettings

USERS = pl.DataFrame({"id": range(20), "kind": ["a", "b"] * 10})
ORDERS = pl.DataFrame({"id": range(40), "user_id": [i // 2 for i in range(40)]})


def new_hive(**settings):
    metadata = sh.Metadata().add_table("users", pk="id")
    metadata.add_table("orders", pk="id", fk={"user_id": "users.id"})
    return sh.Synthesizer(metadata, ctgan=CTGANSettings(max_steps=1), **settings)


@pytest.fixture(scope="module")
def hive():
    return new_hive().fit({"users": USERS, "orders": ORDERS})


@pytest.fixture(scope="module")
def model(hive, tmp_path_factory):
    folder = tmp_path_factory.mktemp("model") / "model"
    hive.save(folder)
    return folder


@pytest.mark.parametrize(
    ("tables", "error", "told"),
    [
        ({"users": USERS}, SchemaValidationError, "table 'orders' is declared, but no data"),
        ({"users": 5, "orders": ORDERS}, ConfigError, "the data of table 'users' are no table"),
        ([USERS, ORDERS], ConfigError, "must be given by table, not as list"),
        ({"users": USERS.drop("id"), "orders": ORDERS}, SchemaValidationError, "no column 'id'"),
        (
            {"users": USERS, "orders": ORDERS.with_columns(pl.col("user_id").cast(pl.String))},
            SchemaValidationError,
            "orders.user_id is String but users.id is Int64",
        ),
        (
            {"users": USERS.head(5), "orders": ORDERS},
            SchemaValidationError,
            "orders.user_id: 30 of 40 rows have no parent in users.id, such as 5, 6, 7, 8, 9",
        ),
        (
            {"users": pl.concat([USERS, USERS.head(2)]), "orders": ORDERS},
            SchemaValidationError,
            "users.id is the primary key, but 2 rows repeat a value, such as 0, 1",
        ),
    ],
)
def test_data_that_cannot_be_learned(tables, error, told):
    with pytest.raises(error) as raised:
        new_hive().fit(tables)
    assert told in str(raised.value)


def test_sampling_before_fitting():
    with pytest.raises(NotFittedError, match="call fit"):
        new_hive().sample()


@pytest.mark.parametrize(
    ("request_", "error", "told"),
    [
        ({"scale": 0}, ConfigError, "scale must be greater than 0, not 0"),
        ({"scale": float("nan")}, ConfigError, "scale must be greater than 0, not nan"),
        ({"scale": float("inf")}, CapacityError, "users would have inf rows"),
        ({"scale": 1e30}, CapacityError, "4,294,967,294 is the most"),
        ({"rows": {"users": 10**12}}, CapacityError, "users would have 1e+12 rows"),
        ({"rows": {"users": -1}}, ConfigError, "rows of users must not be negative"),
        ({"rows": {"orders": 3}}, ConfigError, "follow from its driver users"),
        ({"rows": {"usres": 3}}, ConfigError, "did you mean 'users'?"),
        ({"given": {"users": pl.DataFrame({"knid": ["a"]})}}, ConfigError, "given users.knid"),
        ({"seed": -1}, ConfigError, "seed must be a whole number from 0"),
        ({"seed": 2**64}, ConfigError, "seed must be a whole number from 0"),
        ({"seed": 1.5}, ConfigError, "not 1.5"),
        ({"first_key": 2**63 - 2}, CapacityError, "use a wider key"),
    ],
)
def test_requests_that_cannot_be_met(hive, request_, error, told):
    with pytest.raises(error) as raised:
        hive.sample(**request_)
    assert told in str(raised.value)


@pytest.mark.parametrize(
    ("settings", "told"),
    [({"device": "tpu"}, "cpu"), ({"linkage": "emprical"}, "empirical"), ({"seed": "7"}, "'7'")],
)
def test_settings_that_do_not_exist(settings, told):
    with pytest.raises(ConfigError, match=told):
        new_hive(**settings).fit({"users": USERS, "orders": ORDERS})


@pytest.mark.parametrize("damage", ["gone", "empty", "cut", "garbage"])
def test_every_file_of_a_model_is_needed_whole(model, tmp_path, damage):
    folder = tmp_path / "model"
    shutil.copytree(model, folder)
    files = [path for path in folder.rglob("*") if path.is_file()]
    files.remove(folder / "losses.csv")  # for people: nothing is read from it
    assert len(files) >= 5
    for path in files:
        whole = path.read_bytes()
        path.unlink()
        if damage != "gone":
            path.write_bytes({"empty": b"", "cut": whole[: len(whole) // 2]}.get(damage, b"x" * 99))
        with pytest.raises(ModelFileError, match="model"):
            sh.Synthesizer.load(folder)
        path.write_bytes(whole)
    assert sh.Synthesizer.load(folder).sample()["users"].height == 20
