"""What is learned, from large tables down to no rows at all."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from planted import CONTEXT, LAYOUT, QUICK, TINY, distance, joint, regional, table

from synthohive.encoding.layout import CodeColumn, Layout
from synthohive.errors import TrainingError
from synthohive.events import EpochFinished, StepsTaken, TrainingFinished, TrainingStarted
from synthohive.models import CTGANSettings, learning, progress, train
from synthohive.models.learning import learn
from synthohive.models.outputs import Outputs, log_frequencies
from synthohive.models.plan import plan_training
from synthohive.models.state import rows_of
from synthohive.models.task import Task, start
from synthohive.randomness import Stream


def test_planted_dependence_is_learned_better_than_by_independent_columns(alone):
    generator, codes = alone
    drawn = generator.sample(6_000, stream=Stream(2))
    real = joint(table(6_000, seed=9))
    independent = np.stack([np.random.default_rng(c).permutation(codes[:, c]) for c in range(4)], 1)
    assert distance(joint(drawn), real) < 0.06
    assert distance(joint(independent), real) > 0.4


def test_marginals_are_kept(alone):
    generator, codes = alone
    drawn = generator.sample(6_000, stream=Stream(3))
    for c, size in enumerate(LAYOUT.sizes):
        shares = [np.bincount(rows[:, c], minlength=size) / len(rows) for rows in (drawn, codes)]
        assert distance(*shares) < 0.04


def test_fine_codes_never_seen_inside_a_coarse_one_are_never_drawn(alone):
    generator, _ = alone
    drawn = generator.sample(6_000, stream=Stream(4))
    assert drawn[drawn[:, 1] == 1, 2].max() == 1
    assert drawn[drawn[:, 1] == 2, 2].max() == 4


def test_a_column_that_depends_on_nothing_stays_with_its_frequencies(alone):
    generator, _ = alone
    assert generator.parts.outputs.trust[3] == 0.0
    assert generator.parts.outputs.trust[0] == 1.0


def test_training_stops_by_itself_where_there_is_nothing_to_learn():
    codes = np.random.default_rng(0).integers(0, 6, (400, 2))
    layout = Layout(tuple(CodeColumn(name=n, size=6, source=n) for n in "ab"))
    settings = CTGANSettings(width=64, members=2, max_steps=2_000, batch_size=64, patience=3)
    generator = train(codes, layout, settings=settings, stream=Stream(1))
    assert generator.history[-1, 0] < 2_000


def test_a_number_of_epochs_is_kept():
    settings = CTGANSettings(width=16, depth=1, members=1, batch_size=100, epochs=3)
    generator = train(table(400), LAYOUT, settings=settings, stream=Stream(1))
    assert generator.history[-1, 0] == 3 * 5  # a quarter of the rows is held out, 64 a step


@pytest.mark.parametrize("rows", [1, 2, 3, 10, 40])
def test_a_handful_of_rows_is_enough_and_is_not_copied(rows):
    codes = table(rows, seed=3)
    generator = train(codes, LAYOUT, settings=QUICK, stream=Stream(1))
    drawn = generator.sample(500, stream=Stream(2))
    seen = [set(codes[:, c]) for c in range(4)]
    assert all(set(drawn[:, c]) <= seen[c] for c in range(4))
    if rows >= 10:
        assert len(np.unique(drawn, axis=0)) > rows


def test_constant_columns_no_columns_and_no_rows():
    constant = Layout((CodeColumn(name="a", size=1, source="a"), LAYOUT.columns[0]))
    codes = np.stack([np.zeros(50, np.int64), np.full(50, 2)], 1)
    generator = train(codes, constant, settings=TINY, stream=Stream(1))
    assert generator.parts is None
    assert generator.sample(3, stream=Stream(1)).tolist() == [[0, 2]] * 3
    nothing = train(np.zeros((50, 0), np.int64), Layout(), settings=TINY, stream=Stream(1))
    assert nothing.sample(3, stream=Stream(1)).shape == (3, 0)
    empty = train(np.zeros((0, 4), np.int64), LAYOUT, settings=TINY, stream=Stream(1))
    assert empty.sample(2, stream=Stream(1)).tolist() == [[0] * 4] * 2


def test_a_coarse_column_may_be_constant_while_its_fine_one_is_not():
    codes = table(300)
    codes[:, 1] = 2
    drawn = train(codes, LAYOUT, settings=TINY, stream=Stream(1)).sample(200, stream=Stream(1))
    assert set(drawn[:, 1]) == {2}
    assert len(set(drawn[:, 2])) > 1


def test_codes_outside_of_the_layout_are_refused_with_the_column():
    codes = table(50)
    codes[7, 3] = 6
    with pytest.raises(TrainingError, match=r"shop\.noise: codes run from 0 to 6, not within"):
        train(codes, LAYOUT, settings=TINY, stream=Stream(1), label="shop")
    with pytest.raises(TrainingError, match="rows of context"):
        train(
            table(50),
            LAYOUT,
            context=np.zeros((49, 1), np.int64),
            context_layout=CONTEXT,
            settings=TINY,
            stream=Stream(1),
        )


def test_a_diverged_training_names_the_step():
    settings = CTGANSettings(width=16, members=1, max_steps=50, learning_rate=0.999)
    codes, region = regional(200)
    plan = plan_training(200, 30, settings)
    task = Task(
        codes=codes,
        layout=LAYOUT,
        context=region,
        context_layout=CONTEXT,
        groups=np.arange(200),
        plan=plan,
        settings=settings,
        stream=Stream(1),
    )
    outputs = Outputs(LAYOUT, log_frequencies(codes, LAYOUT))
    rows = rows_of(torch.from_numpy(codes), torch.from_numpy(region), (np.arange(200),))
    state = start(task, outputs, rows)
    state.network.embed.data.fill_(float("nan"))
    with pytest.raises(TrainingError, match="the loss is nan at step 0"):
        learn(state, outputs, rows, rows, task=task, on_step=print, on_evaluation=print)


def events_of(rows, settings, monkeypatch):
    """Return the events of a training in which no time passes."""
    monkeypatch.setattr(progress, "TOLD_SECONDS", 1e9)
    events = []
    train(
        table(rows),
        LAYOUT,
        settings=settings,
        stream=Stream(1),
        label="shop",
        on_event=events.append,
    )
    first, *epochs, last = events
    assert isinstance(first, TrainingStarted)
    assert isinstance(last, TrainingFinished)
    assert all(isinstance(event, EpochFinished) for event in epochs)
    assert all(np.isfinite(event.loss) for event in epochs)
    assert epochs[-1].step == last.steps
    return first, epochs, last


def test_held_out_losses_do_not_depend_on_the_pieces_they_are_summed_over(alone, monkeypatch):
    generator, codes = alone
    network, outputs = generator.parts.network, generator.parts.outputs
    codes = torch.from_numpy(codes)
    held = rows_of(codes, codes[:, :0], (np.arange(500), np.arange(500, 900)))
    whole = learning.held_out_losses(network, outputs, held, Stream(1))
    monkeypatch.setattr(learning, "WIDE", 2 * outputs.width * 300)
    pieces = learning.held_out_losses(network, outputs, held, Stream(1))
    assert torch.allclose(whole, pieces, rtol=1e-3)
    assert (whole.argmin(0) == pieces.argmin(0))[:3].all()


def test_acceptance_34_events_tell_start_evaluations_with_losses_and_end(monkeypatch):
    settings = CTGANSettings(width=32, depth=1, members=1, max_steps=40, batch_size=64)
    first, epochs, last = events_of(400, settings, monkeypatch)
    assert first == TrainingStarted(table="shop", rows=400, columns=4, steps=40)
    assert [event.step for event in epochs] == [10, 20, 30, 40]
    assert [event.epoch for event in epochs] == [2, 4, 6, 8]  # five steps take as many rows
    assert epochs[0].eta_seconds > 0
    assert epochs[-1].eta_seconds == 0
    assert last.steps == 40
    assert last.held_out_loss == min(event.held_out_loss for event in epochs)


@pytest.mark.parametrize("batch", [8, 64, 500])
def test_acceptance_34_there_is_one_event_per_epoch_asked_for(batch, monkeypatch):
    settings = CTGANSettings(width=16, depth=1, members=1, batch_size=batch, epochs=7)
    first, epochs, last = events_of(200, settings, monkeypatch)
    assert [event.epoch for event in epochs] == list(range(1, 8))
    a_pass = first.steps // 7
    assert [event.step for event in epochs] == [a_pass * epoch for epoch in range(1, 8)]
    assert epochs[-1].held_out_loss is not None
    assert last.steps == first.steps


def test_the_classic_preset_has_one_event_per_epoch_too(monkeypatch):
    settings = CTGANSettings.classic(width=16, depth=1, batch_size=50, epochs=3)
    _, epochs, _ = events_of(200, settings, monkeypatch)
    assert [event.epoch for event in epochs] == [1, 2, 3]


@pytest.mark.parametrize("epochs", [None, 3])
def test_a_listener_that_wants_to_stop_is_heard_long_before_an_evaluation(epochs, monkeypatch):
    monkeypatch.setattr(progress, "TOLD_SECONDS", 0.0)
    size = {"width": 16, "depth": 1, "members": 1, "batch_size": 16}
    settings = CTGANSettings(**size, max_steps=2_000, epochs=epochs)
    told = []

    def stop(event):
        if isinstance(event, StepsTaken):
            told.append(event)
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        train(table(400), LAYOUT, settings=settings, stream=Stream(1), on_event=stop)
    assert told[0].step < 5
    assert told[0].held_out_loss is None


@pytest.mark.skipif(not torch.cuda.is_available(), reason="there is no GPU")
def test_a_gpu_learns_and_draws():
    settings = CTGANSettings(width=32, depth=1, members=2, max_steps=60, device="cuda")
    generator = train(table(2_000), LAYOUT, settings=settings, stream=Stream(1))
    assert generator.parts.network.out.weight.device.type == "cuda"
    drawn = generator.sample(9_000, stream=Stream(2))
    assert (drawn.max(0) < np.array(LAYOUT.sizes)).all()
    assert (drawn == generator.sample(9_000, stream=Stream(2))).all()
