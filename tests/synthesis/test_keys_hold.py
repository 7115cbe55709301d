"""Whatever the shape of the keys: they hold, types stay, and the seed decides everything."""

from __future__ import annotations

import importlib.util
import sys
from pathlib import Path
from typing import TYPE_CHECKING

import polars as pl
import pytest

import synthohive as sh
from synthohive.models.settings import CTGANSettings

if TYPE_CHECKING:
    from types import ModuleType


def _load(name: str) -> ModuleType:
    spec = importlib.util.spec_from_file_location(
        f"synthesis_{name}", Path(__file__).parent / f"{name}.py"
    )
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    sys.modules[spec.name] = module
    spec.loader.exec_module(module)
    return module


SHAPES = _load("schemas").SHAPES
QUICK = CTGANSettings(max_steps=5, width=16, depth=1)


@pytest.fixture(scope="module", params=SHAPES)
def fitted(request):
    database = SHAPES[request.param]()
    hive = sh.Synthesizer(database.metadata, seed=7, ctgan=QUICK, threads=2).fit(database.tables)
    return database, hive


def orphans(child: pl.DataFrame, parent: pl.DataFrame, fk) -> int:
    keys = child.select(fk.columns).drop_nulls()
    found = keys.join(
        parent.select(fk.parent_columns).unique(),
        left_on=list(fk.columns),
        right_on=list(fk.parent_columns),
        how="anti",
    )
    return found.height


@pytest.mark.parametrize("scale", [0.3, 1.0, 3.0])
def test_keys_hold_and_types_stay(fitted, scale):
    database, hive = fitted
    synthetic = hive.sample(scale=scale, seed=4)
    for name, table in database.metadata.tables.items():
        frame = synthetic[name]
        assert frame.schema == database.tables[name].schema
        assert frame.height > 0
        for fk in table.foreign_keys:
            assert orphans(frame, synthetic[fk.parent], fk) == 0, (name, fk)
        for key in filter(None, (table.primary_key, *table.unique_keys)):
            assert not frame.select(key).is_duplicated().any(), (name, key)
            assert frame.select(table.primary_key).null_count().sum_horizontal().sum() == 0


def test_null_shares_of_foreign_keys_stay(fitted):
    database, hive = fitted
    synthetic = hive.sample(scale=3.0, seed=3)
    for name, table in database.metadata.tables.items():
        for fk in table.foreign_keys:
            real = database.tables[name].select(pl.any_horizontal(pl.col(fk.columns).is_null()))
            mine = synthetic[name].select(pl.any_horizontal(pl.col(fk.columns).is_null()))
            share = real.to_series().mean(), mine.to_series().mean()
            assert share[1] == pytest.approx(share[0], abs=0.12), (name, fk)


def test_one_seed_one_database_on_any_number_of_threads(fitted):
    database, hive = fitted
    one = sh.Synthesizer(database.metadata, seed=7, ctgan=QUICK, threads=1).fit(database.tables)
    first, again = hive.sample(seed=3), one.sample(seed=3)
    for name in first:
        assert first[name].equals(again[name], null_equal=True), name


def test_saved_model_gives_the_same_database(fitted, tmp_path):
    _, hive = fitted
    hive.save(tmp_path / "model")
    loaded = sh.Synthesizer.load(tmp_path / "model", threads=1)
    first, again = hive.sample(seed=5), loaded.sample(seed=5)
    assert first.keys() == again.keys()
    for name in first:
        assert first[name].equals(again[name], null_equal=True), name


def test_blocks_are_the_whole(fitted):
    _, hive = fitted
    whole = hive.sample(seed=5)
    parts: dict[str, list[pl.DataFrame]] = {}
    for name, frame in hive.stream(seed=5):
        parts.setdefault(name, []).append(frame)
    for name, frames in parts.items():
        assert pl.concat(frames).equals(whole[name], null_equal=True)
