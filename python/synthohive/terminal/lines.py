"""Events as single lines of text, for logs and for terminals without progress bars."""

from __future__ import annotations

from threading import Lock
from typing import TYPE_CHECKING

from synthohive.events import (
    Notice,
    RowsGenerated,
    StageStarted,
    StepsTaken,
    TrainingFinished,
    TrainingStarted,
)

if TYPE_CHECKING:
    from collections.abc import Callable

    from synthohive.events import Event, OnEvent

FIRST_SECONDS = 3.0
"""A table that trains for longer than this is told how far it is."""

QUIET_SECONDS = 10.0
"""So long a table is silent between two such lines."""


class EventLines:
    """Turns events into lines: of stages, notices, and tables being learned and generated.

    Args:
        write: Takes a line, without line break. May be called from several threads, but
            never from two at once.
        is_alone: Nothing else shows how far the learning of a table is, so that its begin
            has a line, and now and then its progress.

    Examples:
        >>> write = EventLines(print)
        >>> write(StageStarted(stage="read", detail="6 tables"))
        read: 6 tables
        >>> write(RowsGenerated(table="orders", rows=7000, total=7000))
        generated orders: 7,000 rows
    """

    def __init__(self, write: Callable[[str], None], *, is_alone: bool = True) -> None:
        self._write = write
        self._is_alone = is_alone
        self._lock = Lock()
        self._started: dict[str, TrainingStarted] = {}
        self._due: dict[str, float] = {}

    def __call__(self, event: Event) -> None:
        """Write the line of an event, if it has one."""
        with self._lock:
            line = self._line(event)
            if line is not None:
                self._write(line)

    def _line(self, event: Event) -> str | None:
        match event:
            case TrainingStarted():
                return self._begin(event)
            case StepsTaken():
                return self._between(event)
            case TrainingFinished():
                return self._learned(event)
            case _:
                return _plain_line(event)

    def _begin(self, event: TrainingStarted) -> str | None:
        self._started[event.table] = event
        if not self._is_alone:
            return None
        return f"learning {event.table}: {_size(event)}, at most {event.steps:,} steps"

    def _between(self, event: StepsTaken) -> str | None:
        if not self._is_alone or event.seconds < self._due.get(event.table, FIRST_SECONDS):
            return None
        self._due[event.table] = event.seconds + QUIET_SECONDS
        return f"learning {event.table}: {event.step / event.steps:.0%}, {progress_text(event)}"

    def _learned(self, event: TrainingFinished) -> str:
        started = self._started.pop(event.table, None)
        self._due.pop(event.table, None)
        size = f"{_size(started)}, " if started else ""
        loss = "" if event.held_out_loss is None else f", loss {event.held_out_loss:.2f}"
        return (
            f"learned {event.table}: {size}{event.steps:,} steps{loss}, {duration(event.seconds)}"
        )


def _size(event: TrainingStarted) -> str:
    return f"{event.rows:,} rows, {event.columns} columns"


def _plain_line(event: StageStarted | RowsGenerated | Notice) -> str | None:
    match event:
        case Notice():
            return f"note: {event.message}"
        case RowsGenerated():
            is_complete = event.rows == event.total
            return f"generated {event.table}: {event.total:,} rows" if is_complete else None
        case StageStarted():
            if event.stage == "draw":  # the table's rows are told when they are there
                return None
            return f"{event.stage}: {event.detail}" if event.detail else event.stage


def remembering(on_event: OnEvent) -> tuple[OnEvent, set[str]]:
    """Pass events on, and remember what notices said.

    Returns:
        The function that takes the events, and the messages, which fill as it does.
    """
    told: set[str] = set()

    def listen(event: Event) -> None:
        if isinstance(event, Notice):
            told.add(event.message)
        on_event(event)

    return listen, told


def progress_text(event: StepsTaken) -> str:
    """Describe how far the training of a table is.

    Examples:
        >>> progress_text(
        ...     StepsTaken(
        ...         table="orders",
        ...         epoch=3,
        ...         step=90,
        ...         steps=900,
        ...         loss=8.1234,
        ...         held_out_loss=8.4,
        ...         seconds=2.0,
        ...         eta_seconds=18.4,
        ...     )
        ... )
        'epoch 3, loss 8.12, held out 8.40, at most 18 s left'
    """
    held_out = "" if event.held_out_loss is None else f", held out {event.held_out_loss:.2f}"
    left = f"at most {duration(event.eta_seconds)} left"
    return f"epoch {event.epoch}, loss {event.loss:.2f}{held_out}, {left}"


def duration(seconds: float) -> str:
    """Write a duration in the unit that suits it.

    Examples:
        >>> [duration(seconds) for seconds in (1.23, 99.4, 130, 3600, 9000)]
        ['1.2 s', '99 s', '2 min', '60 min', '2.5 h']
    """
    if seconds < 10:  # noqa: PLR2004
        return f"{seconds:.1f} s"
    if seconds < 100:  # noqa: PLR2004
        return f"{seconds:.0f} s"
    minutes = seconds / 60
    return f"{minutes:.0f} min" if minutes < 100 else f"{minutes / 60:.1f} h"  # noqa: PLR2004
