"""Live progress on a terminal: a bar per table at work, a line for what is done."""

from __future__ import annotations

import sys
from contextlib import contextmanager
from typing import TYPE_CHECKING, TextIO

from rich.console import Console
from rich.markup import escape
from rich.progress import BarColumn, Progress, SpinnerColumn, TaskID, TextColumn
from rich.table import Column

from synthohive.events import RowsGenerated, StepsTaken, TrainingFinished, TrainingStarted
from synthohive.terminal.lines import EventLines, progress_text

if TYPE_CHECKING:
    from collections.abc import Callable, Generator

    from synthohive.events import Event, OnEvent

WIDTH = 100
"""Columns of text that is not shown on a terminal."""


def console_for(stream: TextIO) -> Console:
    """Return a console that writes to a stream, of fixed width unless it is a terminal."""
    return Console(file=stream, width=None if stream.isatty() else WIDTH, highlight=False)


@contextmanager
def shown_progress(stream: TextIO = sys.stderr) -> Generator[OnEvent]:
    """Show events for a while: with bars on a terminal, as plain lines elsewhere.

    Args:
        stream: Where to show them.

    Yields:
        The function that takes the events.
    """
    if not stream.isatty():
        yield EventLines(lambda line: print(line, file=stream, flush=True))
        return
    columns = (SpinnerColumn(), TextColumn("{task.description}"), BarColumn(bar_width=24))
    one_line = Column(no_wrap=True, overflow="ellipsis")
    detail = TextColumn("{task.fields[detail]}", style="dim", table_column=one_line)
    with Progress(*columns, detail, console=console_for(stream), transient=True) as bars:
        lines = EventLines(lambda line: bars.console.print(_styled(line)), is_alone=False)
        yield _Bars(bars, lines)


class _Bars:
    """Keeps one bar per table at work, and passes every event on to a writer of lines."""

    def __init__(self, bars: Progress, lines: Callable[[Event], None]) -> None:
        self._bars = bars
        self._lines = lines
        self._tasks: dict[str, TaskID] = {}

    def __call__(self, event: Event) -> None:
        match event:
            case TrainingStarted():
                self._show(event.table, "learning", 0, event.steps, f"{event.rows:,} rows")
            case StepsTaken():
                self._show(event.table, "learning", event.step, event.steps, progress_text(event))
            case TrainingFinished():
                self._hide(event.table)
            case RowsGenerated():
                self._show_rows(event)
            case _:
                pass
        self._lines(event)

    def _show_rows(self, event: RowsGenerated) -> None:
        if event.rows == event.total:
            self._hide(event.table)
        else:
            detail = f"{event.rows:,} of {event.total:,} rows"
            self._show(event.table, "generating", event.rows, event.total, detail)

    def _show(self, table: str, verb: str, done: int, total: int, detail: str) -> None:
        text = f"{verb} {escape(table)}"
        if table not in self._tasks:
            self._tasks[table] = self._bars.add_task(text, total=total, detail=detail)
        self._bars.update(
            self._tasks[table], description=text, completed=done, total=total, detail=detail
        )

    def _hide(self, table: str) -> None:
        if table in self._tasks:
            self._bars.remove_task(self._tasks.pop(table))


def _styled(line: str) -> str:
    style = "yellow" if line.startswith("note: ") else "default"
    return f"[{style}]{escape(line)}[/]"
