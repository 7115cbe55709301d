"""Tells how far training is: after epochs, and in between often enough to be stopped."""

from __future__ import annotations

import math
import time
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from synthohive.events import EpochFinished, StepsTaken

if TYPE_CHECKING:
    from synthohive.events import OnEvent
    from synthohive.models.state import State
    from synthohive.models.task import Task

TOLD_SECONDS = 0.5
"""An event is due when the last one is older than this: who listens may raise, so this,
and a step, is how long an interrupt waits."""


@dataclass(slots=True, kw_only=True)
class Progress:
    """Sends the events of one training.

    An epoch ends after a pass over the rows, where a number of epochs was asked for, else
    with an evaluation. Whenever some time has passed without an event, one tells of steps.

    Attributes:
        table: Name of the table in the events.
        task: What is being learned.
        on_event: Takes the events.
        before: Seconds of training before an interruption.
        started: When this process began to train.
    """

    table: str
    task: Task
    on_event: OnEvent
    before: float = 0.0
    started: float = field(default_factory=time.monotonic)
    _told: float = field(default_factory=time.monotonic)
    _total: float = 0.0
    _steps: int = 0

    def stepped(self, state: State, loss: float) -> None:
        """Note a step's loss; tell if an epoch is over or time has passed."""
        self._total += loss
        self._steps += 1
        plan = self.task.plan
        if state.step % plan.evaluate_every == 0 or state.step == plan.steps:
            return  # told after the evaluation
        is_counted = self.task.settings.epochs is not None
        if is_counted and state.step % plan.epoch_steps == 0:
            self._close(state)
        elif time.monotonic() - self._told > TOLD_SECONDS:
            self._tell(state, StepsTaken)

    def finished(self, state: State) -> None:
        """Tell, while learning is over and something is left to do, that time has passed."""
        if time.monotonic() - self._told > TOLD_SECONDS:
            self._tell(state, StepsTaken)

    def evaluated(self, state: State) -> None:
        """Tell of an evaluation."""
        self._close(state)

    def _close(self, state: State) -> None:
        self._tell(state, EpochFinished)
        self._total, self._steps = 0.0, 0

    def _tell(self, state: State, kind: type[StepsTaken]) -> None:
        now = time.monotonic()
        seconds, steps = self.before + now - self.started, self.task.plan.steps
        held_out = state.history[-1][2] if state.history else math.nan
        self._told = now
        self.on_event(
            kind(
                table=self.table,
                epoch=-(-state.step // self.task.plan.epoch_steps),
                step=state.step,
                steps=steps,
                loss=self._total / self._steps if self._steps else state.history[-1][1],
                held_out_loss=None if math.isnan(held_out) else held_out,
                seconds=seconds,
                eta_seconds=seconds / state.step * max(0, steps - state.step),
            )
        )
