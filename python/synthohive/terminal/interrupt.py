"""Ctrl-C that reaches the threads at work, not only the one that waits for them."""

from __future__ import annotations

import signal
import threading
from contextlib import contextmanager
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Generator
    from types import FrameType

    from synthohive.events import Event, OnEvent


@contextmanager
def interruptible(on_event: OnEvent) -> Generator[OnEvent]:
    """Make an interrupt stop all work soon.

    Python raises an interrupt in the main thread, which then waits for its workers. Those
    tell of their progress now and then; from an interrupt on, telling raises it there, too.

    Args:
        on_event: Receives the events until then.

    Yields:
        The function to give to the work.
    """
    interrupted = threading.Event()

    def listen(event: Event) -> None:
        if interrupted.is_set():
            raise KeyboardInterrupt
        on_event(event)

    if threading.current_thread() is not threading.main_thread():
        yield listen  # only the main thread may handle signals
        return
    previous = signal.getsignal(signal.SIGINT)

    def handle(number: int, frame: FrameType | None) -> None:
        interrupted.set()
        if callable(previous):
            previous(number, frame)

    signal.signal(signal.SIGINT, handle)
    try:
        yield listen
    finally:
        signal.signal(signal.SIGINT, previous)
