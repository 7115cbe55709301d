"""What happens during a run, as plain values.

The library only emits events; whoever calls it decides whether they become a progress
bar, log lines or nothing.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass


@dataclass(frozen=True, slots=True, kw_only=True)
class TrainingStarted:
    """Learning of a table begins."""

    table: str
    rows: int
    columns: int
    steps: int


@dataclass(frozen=True, slots=True, kw_only=True)
class StepsTaken:
    """Learning goes on: sent twice a second, so whoever listens can stop it by raising.

    Attributes:
        table: The table being learned.
        epoch: Number of this epoch, from 1.
        step: Optimiser steps taken so far.
        steps: Most steps there can be; training may stop earlier by itself.
        loss: Mean training loss since the last epoch ended, nats per row.
        held_out_loss: Loss on rows not trained on, nats per row; `None` if none are held out.
        seconds: Time since training of this table began.
        eta_seconds: Estimated time until `steps`.
    """

    table: str
    epoch: int
    step: int
    steps: int
    loss: float
    held_out_loss: float | None
    seconds: float
    eta_seconds: float


@dataclass(frozen=True, slots=True, kw_only=True)
class EpochFinished(StepsTaken):
    """One epoch (a pass over the rows, or the part of it between two evaluations) is done."""


@dataclass(frozen=True, slots=True, kw_only=True)
class TrainingFinished:
    """Learning of a table is complete."""

    table: str
    steps: int
    held_out_loss: float | None
    seconds: float


@dataclass(frozen=True, slots=True, kw_only=True)
class StageStarted:
    """A stage of the run begins: read, check, fit, generate, land."""

    stage: str
    detail: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class RowsGenerated:
    """Some rows of a table are ready.

    Attributes:
        table: The table.
        rows: Rows ready so far.
        total: Rows there will be.
    """

    table: str
    rows: int
    total: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Notice:
    """Something the user should know, in one sentence."""

    message: str


Event = TrainingStarted | StepsTaken | TrainingFinished | StageStarted | RowsGenerated | Notice
OnEvent = Callable[[Event], None]


def ignore(event: Event) -> None:
    """Take an event and do nothing."""
