"""Saved, loaded, interrupted and resumed."""

from __future__ import annotations

import json
import subprocess
import sys

import numpy as np
import polars as pl
import pytest
from planted import LAYOUT, QUICK, TINY, regional, table

from synthohive.errors import ModelFileError
from synthohive.events import EpochFinished, Notice
from synthohive.models import CTGANSettings, Generator, train
from synthohive.models import training as training_module
from synthohive.models.plan import MANY
from synthohive.randomness import Stream

LOADER = """
import sys
from pathlib import Path
import numpy as np
from synthohive.models import Generator
from synthohive.randomness import Stream
generator = Generator.load(Path(sys.argv[1]))
np.save(sys.argv[2], generator.sample(50, context=np.ones((50, 1), int), stream=Stream(3)))
"""


def test_acceptance_35_a_fresh_process_draws_the_same_without_the_data(in_context, tmp_path):
    generator, _, _ = in_context
    generator.save(tmp_path / "model")
    command = [sys.executable, "-c", LOADER, tmp_path / "model", tmp_path / "rows.npy"]
    subprocess.run(command, check=True)
    here = generator.sample(50, context=np.ones((50, 1), np.int64), stream=Stream(3))
    assert (np.load(tmp_path / "rows.npy") == here).all()
    suffixes = {path.suffix for path in (tmp_path / "model").iterdir()}
    assert suffixes == {".safetensors", ".json", ".csv"}


@pytest.mark.parametrize(
    "settings", [TINY, CTGANSettings.classic(max_steps=3, width=16), CTGANSettings(rounds=2)]
)
def test_every_kind_of_generator_survives(settings, tmp_path):
    rows = table(60)
    generator = train(rows, LAYOUT, settings=settings, stream=Stream(1))
    generator.save(tmp_path)
    loaded = Generator.load(tmp_path)
    drawn = [g.sample(70, stream=Stream(2)) for g in (generator, loaded)]
    assert (drawn[0] == drawn[1]).all()
    assert loaded.settings == settings
    assert loaded.layout == LAYOUT
    assert np.array_equal(loaded.history, generator.history, equal_nan=True)
    assert loaded.held_out_loss == generator.held_out_loss


def test_the_losses_are_a_table_in_the_folder(alone, tmp_path):
    generator, _ = alone
    generator.save(tmp_path)
    losses = pl.read_csv(tmp_path / "losses.csv")
    assert losses.columns == ["step", "loss", "held_out_loss", "seconds"]
    assert losses["step"].dtype == pl.Int64
    assert np.array_equal(losses.to_numpy(), generator.history)
    (tmp_path / "losses.csv").write_text("step,loss\n1,2\n")
    with pytest.raises(ModelFileError, match="has the columns step, loss"):
        Generator.load(tmp_path)


def test_a_generator_of_constants_survives(tmp_path):
    train(np.ones((5, 4), np.int64), LAYOUT, stream=Stream(1)).save(tmp_path)
    assert (Generator.load(tmp_path).sample(2, stream=Stream(1)) == 1).all()


def test_damaged_files_are_named(alone, tmp_path):
    with pytest.raises(ModelFileError, match="holds no generator that can be read"):
        Generator.load(tmp_path)
    alone[0].save(tmp_path)
    weights = tmp_path / "weights.safetensors"
    weights.write_bytes(weights.read_bytes()[:500])
    with pytest.raises(ModelFileError, match="holds no generator that can be read"):
        Generator.load(tmp_path)
    alone[0].save(tmp_path)
    description = json.loads((tmp_path / "generator.json").read_text())
    (tmp_path / "generator.json").write_text(json.dumps(description | {"format": 99}))
    with pytest.raises(ModelFileError, match="has format 99; this version reads 5"):
        Generator.load(tmp_path)


class KilledError(Exception):
    pass


@pytest.mark.parametrize("rows", [800, MANY])
def test_training_resumed_after_a_kill_ends_as_if_nothing_had_happened(tmp_path, monkeypatch, rows):
    monkeypatch.setattr(training_module, "CHECKPOINT_SECONDS", 0.0)
    codes, _ = regional(rows)
    whole = train(codes, LAYOUT, settings=QUICK, stream=Stream(1))
    steps = []

    def kill(event):
        if isinstance(event, EpochFinished):
            steps.append(event.step)
            if event.step == 105:
                raise KilledError

    arguments = {"settings": QUICK, "stream": Stream(1), "checkpoint": tmp_path}
    with pytest.raises(KilledError):
        train(codes, LAYOUT, on_event=kill, **arguments)
    resumed = train(codes, LAYOUT, on_event=kill, **arguments)
    assert steps.count(105) == 1
    assert steps[-1] == int(whole.history[-1, 0])
    drawn = [g.sample(500, stream=Stream(2)) for g in (whole, resumed)]
    assert (drawn[0] == drawn[1]).all()
    again = train(codes, LAYOUT, on_event=kill, **arguments)
    assert (again.sample(500, stream=Stream(2)) == drawn[0]).all()


def test_a_checkpoint_of_other_data_or_a_damaged_one_is_not_used(tmp_path, monkeypatch):
    monkeypatch.setattr(training_module, "CHECKPOINT_SECONDS", 0.0)
    events = []
    train(table(300), LAYOUT, settings=TINY, stream=Stream(1), checkpoint=tmp_path)
    arguments = {"settings": TINY, "stream": Stream(1)}
    fresh = train(table(300, seed=5), LAYOUT, **arguments)
    other = train(
        table(300, seed=5), LAYOUT, checkpoint=tmp_path, on_event=events.append, **arguments
    )
    assert [event for event in events if isinstance(event, Notice)]
    assert (other.sample(99, stream=Stream(2)) == fresh.sample(99, stream=Stream(2))).all()
    (tmp_path / "training.safetensors").write_bytes(b"torn")
    torn = train(table(300, seed=5), LAYOUT, checkpoint=tmp_path, **arguments)
    assert (torn.sample(99, stream=Stream(2)) == fresh.sample(99, stream=Stream(2))).all()
