"""From codes to a generator."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

import numpy as np
import torch

from synthohive.encoding.layout import Layout
from synthohive.errors import TrainingError
from synthohive.events import Notice, TrainingFinished, TrainingStarted, ignore
from synthohive.models.calibration import calibrate
from synthohive.models.checkpoint import (
    any_checkpoint,
    read_checkpoint,
    write_checkpoint,
)
from synthohive.models.classic import learn_classic
from synthohive.models.draws import generator
from synthohive.models.generator import Generator, Parts, live_layout
from synthohive.models.learning import learn
from synthohive.models.network import average_unseen
from synthohive.models.outputs import Outputs, coarse_positions, log_frequencies
from synthohive.models.pinned import pinned_torch
from synthohive.models.plan import plan_training
from synthohive.models.progress import Progress
from synthohive.models.rounds import arrange
from synthohive.models.settings import CTGANSettings
from synthohive.models.split import group_rows, split_rows
from synthohive.models.state import State, rows_of
from synthohive.models.task import Task, choose_device, start
from synthohive.parallel import thread_count

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from synthohive.events import OnEvent
    from synthohive.randomness import Stream

NO_CONTEXT = Layout()
DEFAULT_SETTINGS = CTGANSettings()
CHECKPOINT_SECONDS = 5.0
"""A checkpoint is written when the last one is older than this."""


def train(
    codes: np.ndarray,
    layout: Layout,
    *,
    context: np.ndarray | None = None,
    context_layout: Layout = NO_CONTEXT,
    groups: np.ndarray | None = None,
    settings: CTGANSettings = DEFAULT_SETTINGS,
    stream: Stream,
    label: str = "table",
    on_event: OnEvent = ignore,
    checkpoint: Path | None = None,
    threads: int | None = None,
) -> Generator:
    """Learn to generate rows like these.

    Args:
        codes: Shape (rows, columns), integers within the layout's sizes.
        layout: The columns.
        context: What each row is generated from, shape (rows, context columns).
        context_layout: The context columns.
        groups: The group of each row, shape (rows,), -1 for none: rows of one group, such
            as the children of one parent, are held out together.
        settings: Shape and training of the network.
        stream: Where all random numbers come from.
        label: The name in events and messages.
        on_event: Called with the events of training.
        checkpoint: A folder to resume from, if there is anything in it, and to write to.
        threads: Threads that work at the same time; as many as there are cores when `None`.

    Returns:
        The generator; the same to the last bit for the same arguments, whatever the
        number of threads.

    Raises:
        TrainingError: The arrays do not fit the layouts, or training diverged.
    """
    codes = _checked(codes, layout, label)
    context = _checked(
        np.zeros((len(codes), 0), np.int64) if context is None else context,
        context_layout,
        f"context of {label}",
    )
    if len(context) != len(codes):
        raise TrainingError(
            f"{label} has {len(codes)} rows, and {len(context)} rows of context", table=label
        )
    constants = _constants(codes)
    size = sum(layout.sizes) + sum(context_layout.sizes)
    plan = plan_training(len(codes), size, settings)
    on_event(
        TrainingStarted(
            table=label,
            rows=len(codes),
            columns=len(layout),
            steps=plan.steps,
        )
    )
    started = time.monotonic()
    live = np.flatnonzero(constants < 0)
    parts, state = None, None
    if len(live):
        task = Task(
            codes=codes[:, live],
            layout=live_layout(layout, constants, settings),
            context=context,
            context_layout=context_layout,
            groups=group_rows(len(codes), groups),
            plan=plan,
            settings=settings,
            stream=stream,
        )
        with pinned_torch():
            parts, state = _train_live(task, label, on_event, checkpoint, thread_count(threads))
    on_event(
        TrainingFinished(
            table=label,
            steps=state.step if state else 0,
            held_out_loss=state.best_loss if state and state.best_step else None,
            seconds=time.monotonic() - started,
        )
    )
    return Generator(
        layout=layout,
        context_layout=context_layout,
        settings=settings,
        constants=constants,
        parts=parts,
        history=np.array(state.history if state else []).reshape(-1, 4),
    )


def _train_live(
    task: Task, label: str, on_event: OnEvent, checkpoint: Path | None, threads: int
) -> tuple[Parts, State]:
    device = choose_device(task.settings)
    outputs = Outputs(task.layout, log_frequencies(task.codes, task.layout)).to(device)
    codes = torch.from_numpy(task.codes).to(device)
    context = torch.from_numpy(task.context).to(device)
    split = split_rows(
        task.groups, task.plan.members, task.plan.held_out, generator(task.stream, "split")
    )
    rows, held = rows_of(codes, context, split.learned), rows_of(codes, context, split.held)
    state = start(task, outputs, rows)
    orders = arrange(
        task.codes,
        task.layout.sizes,
        coarse_positions(task.layout),
        task.settings.rounds,
        context=None if task.settings.is_classic else task.context,
    )
    keep = _nothing
    if checkpoint and not task.settings.is_classic:
        keep = _keep(task, state, label, on_event, checkpoint)
    progress = Progress(table=label, task=task, on_event=on_event, before=state.seconds)

    def on_evaluation(state: State) -> None:
        keep(state)
        progress.evaluated(state)

    if task.settings.is_classic:
        learn_classic(
            state,
            outputs,
            rows,
            task=task,
            on_step=progress.stepped,
            on_evaluation=on_evaluation,
        )
    else:
        learn(
            state,
            outputs,
            rows,
            held,
            task=task,
            on_step=progress.stepped,
            on_evaluation=on_evaluation,
            threads=threads,
        )
    state.network.fold_waves()
    average_unseen(state.network, codes, context)
    network, offsets = state.network.eval(), None
    if not task.settings.is_classic:

        def on_order() -> None:
            progress.finished(state)

        offsets = calibrate(
            network, outputs, orders, codes, context, threads=threads, on_order=on_order
        )
    return Parts(network=network, outputs=outputs, orders=orders, offsets=offsets), state


def _keep(
    task: Task, state: State, label: str, on_event: OnEvent, folder: Path
) -> Callable[[State], None]:
    """Resume from a checkpoint, and return what writes the next ones."""
    of = task.fingerprint
    if not read_checkpoint(folder, of, state) and any_checkpoint(folder):
        on_event(
            Notice(
                message=f"the checkpoint of {label} in {folder} belongs to other data or"
                " settings; training starts afresh"
            )
        )
    written = time.monotonic()

    def keep(state: State) -> None:
        nonlocal written
        if time.monotonic() - written > CHECKPOINT_SECONDS:
            write_checkpoint(folder, of, state)
            written = time.monotonic()

    return keep


def _nothing(_: State) -> None:
    """Keep no checkpoint."""


def _checked(codes: np.ndarray, layout: Layout, label: str) -> np.ndarray:
    if codes.shape[1:] != (len(layout),):
        raise TrainingError(
            f"{label}: codes have the shape {codes.shape}, not (rows, {len(layout)})", table=label
        )
    codes = codes.astype(np.int64)
    for c, column in enumerate(layout.columns):
        values = codes[:, c]
        if len(values) and not (values.min() >= 0 and values.max() < column.size):
            raise TrainingError(
                f"{label}.{column.name}: codes run from {values.min()} to {values.max()},"
                f" not within 0 … {column.size - 1}",
                table=label,
                column=column.name,
            )
    return codes


def _constants(codes: np.ndarray) -> np.ndarray:
    if len(codes) == 0:
        return np.zeros(codes.shape[1], np.int64)
    return np.where((codes == codes[:1]).all(0), codes[0], -1)
