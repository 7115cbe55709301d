"""Tells how far training is: events after epochs, or often enough to be stopped by them."""

from __future__ import annotations

import math
import time
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from synthohive.events import EpochFinished

if TYPE_CHECKING:
    from synthohive.events import OnEvent
    from synthohive.models.state import State
    from synthohive.models.task import Task

TOLD_SECONDS = 1.0
"""An event is due when the last one is older than this, unless epochs are counted: who
listens may raise, so this is how long an interrupt waits."""


@dataclass(slots=True, kw_only=True)
class Progress:
    """Sends the events of one training.

    Where a number of epochs was asked for there is one event per epoch; else one per
    evaluation, and one whenever some time has passed without any.

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
        if self.task.settings.epochs is not None:
            is_due = state.step % plan.epoch_steps == 0
        else:
            is_due = time.monotonic() - self._told > TOLD_SECONDS
        if is_due:
            self._tell(state, self._total / self._steps)

    def evaluated(self, state: State) -> None:
        """Tell of an evaluation."""
        loss = self._total / self._steps if self._steps else state.history[-1][1]
        self._tell(state, loss)

    def _tell(self, state: State, loss: float) -> None:
        now = time.monotonic()
        seconds, steps = self.before + now - self.started, self.task.steps
        held_out = state.history[-1][2] if state.history else math.nan
        self._total, self._steps, self._told = 0.0, 0, now
        self.on_event(
            EpochFinished(
                table=self.table,
                epoch=-(-state.step // self.task.plan.epoch_steps),
                step=state.step,
                steps=steps,
                loss=loss,
                held_out_loss=None if math.isnan(held_out) else held_out,
                seconds=seconds,
                eta_seconds=seconds / state.step * max(0, steps - state.step),
            )
        )
