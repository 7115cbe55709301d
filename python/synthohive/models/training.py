"""From codes to a generator."""

from __future__ import annotations

import math
import time
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import torch

from synthohive.encoding.layout import Layout
from synthohive.errors import TrainingError
from synthohive.events import EpochFinished, Notice, TrainingFinished, TrainingStarted, ignore
from synthohive.models.checkpoint import any_checkpoint, fingerprint, read_checkpoint, write_checkpoint
from synthohive.models.draws import generator
from synthohive.models.generator import Generator, Parts
from synthohive.models.learning import learn
from synthohive.models.network import Network, initialise
from synthohive.models.outputs import Outputs, coarse_positions, log_frequencies
from synthohive.models.pinned import pinned_torch
from synthohive.models.plan import Plan, plan_training
from synthohive.models.rounds import arrange
from synthohive.models.settings import CTGANSettings
from synthohive.models.split import split_rows
from synthohive.models.state import State, rows_of, weights_of

if TYPE_CHECKING:
    from pathlib import Path

    from synthohive.events import OnEvent
    from synthohive.randomness import Stream

CHECKPOINT_SECONDS = 5.0
"""A checkpoint is written when the last one is older than this."""


def train(
    codes: np.ndarray,
    layout: Layout,
    *,
    context: np.ndarray | None = None,
    context_layout: Layout = Layout(),
    settings: CTGANSettings = CTGANSettings(),
    stream: Stream,
    label: str = "table",
    on_event: OnEvent = ignore,
    checkpoint: Path | None = None,
) -> Generator:
    """Learn to generate rows like these.

    Args:
        codes: Shape (rows, columns), integers within the layout's sizes.
        layout: The columns.
        context: What each row is generated from, shape (rows, context columns).
        context_layout: The context columns.
        settings: Shape and training of the network.
        stream: Where all random numbers come from.
        label: The name in events and messages.
        on_event: Called with the events of training.
        checkpoint: A folder to resume from, if there is anything in it, and to write to.

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
    plan = plan_training(len(codes), settings)
    on_event(TrainingStarted(table=label, rows=len(codes), columns=len(layout), steps=plan.steps))
    started = time.monotonic()
    live = np.flatnonzero(constants < 0)
    parts, state = None, None
    if len(live):
        task = Task(
            codes=codes[:, live],
            layout=layout.select(layout.names[c] for c in live),
            context=context,
            context_layout=context_layout,
            plan=plan,
            settings=settings,
            stream=stream,
        )
        with pinned_torch():
            parts, state = _train_live(task, label, on_event, checkpoint)
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


@dataclass(frozen=True, slots=True, kw_only=True)
class Task:
    """What is to be learned, and how: columns with more than one code only."""

    codes: np.ndarray
    layout: Layout
    context: np.ndarray
    context_layout: Layout
    plan: Plan
    settings: CTGANSettings
    stream: Stream

    @property
    def fingerprint(self) -> str:
        """A hash of all of it."""
        facts = (self.layout, self.context_layout, self.plan, self.settings, self.stream)
        return fingerprint(*facts, arrays=(self.codes, self.context))


def _train_live(
    task: Task, label: str, on_event: OnEvent, checkpoint: Path | None
) -> tuple[Parts, State]:
    device = choose_device(task.settings)
    outputs = Outputs(task.layout, log_frequencies(task.codes, task.layout)).to(device)
    state = start(task, device)
    of = task.fingerprint if checkpoint else ""
    if checkpoint and not read_checkpoint(checkpoint, of, state) and any_checkpoint(checkpoint):
        on_event(
            Notice(
                message=f"the checkpoint of {label} in {checkpoint} belongs to other data or"
                " settings; training starts afresh"
            )
        )
    written = time.monotonic()

    def on_evaluation(state: State) -> None:
        nonlocal written
        if checkpoint and time.monotonic() - written > CHECKPOINT_SECONDS:
            write_checkpoint(checkpoint, of, state)
            written = time.monotonic()
        on_event(_epoch(label, task.plan, state))

    split = split_rows(
        len(task.codes),
        task.plan.members,
        task.plan.held_out,
        task.context,
        generator(task.stream, "split"),
    )
    codes = torch.from_numpy(task.codes).to(device)
    context = torch.from_numpy(task.context).to(device)
    learn(
        state,
        outputs,
        rows_of(codes, context, split.learned),
        rows_of(codes, context, split.held),
        plan=task.plan,
        settings=task.settings,
        stream=task.stream,
        on_evaluation=on_evaluation,
    )
    coarse = coarse_positions(task.layout)
    rounds = arrange(task.codes, task.layout.sizes, coarse, task.settings.rounds)
    return Parts(network=state.network.eval(), outputs=outputs, rounds=rounds), state


def start(task: Task, device: torch.device) -> State:
    """Return the state at the beginning of training."""
    plan, settings = task.plan, task.settings
    network = Network(
        task.layout,
        task.context_layout,
        members=plan.members,
        width=plan.width,
        depth=plan.depth,
        embedding=settings.embedding,
    ).to(device)
    initialise(network, generator(task.stream, "weights"))
    optimiser = torch.optim.AdamW(
        network.parameters(),
        lr=settings.learning_rate,
        weight_decay=settings.weight_decay,
        fused=True,
    )
    return State(network=network, optimiser=optimiser, average=weights_of(network))


def choose_device(settings: CTGANSettings) -> torch.device:
    """Return the device to compute on."""
    if settings.device == "auto":
        return torch.device("cuda" if torch.cuda.is_available() else "cpu")
    return torch.device(settings.device)


def _checked(codes: np.ndarray, layout: Layout, label: str) -> np.ndarray:
    if codes.ndim != 2 or codes.shape[1] != len(layout):
        raise TrainingError(
            f"{label}: codes have the shape {codes.shape}, not (rows, {len(layout)})", table=label
        )
    codes = codes.astype(np.int64)
    for c, column in enumerate(layout.columns):
        values = codes[:, c]
        if len(values) and not (0 <= values.min() and values.max() < column.size):
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


def _epoch(label: str, plan: Plan, state: State) -> EpochFinished:
    step, loss, held_out, seconds = state.history[-1]
    return EpochFinished(
        table=label,
        epoch=len(state.history),
        step=int(step),
        steps=plan.steps,
        loss=loss,
        held_out_loss=None if math.isnan(held_out) else held_out,
        seconds=seconds,
        eta_seconds=seconds / step * (plan.steps - step),
    )
