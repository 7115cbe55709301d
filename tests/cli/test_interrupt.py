from __future__ import annotations

import os
import signal
import threading
import time
from concurrent.futures import ThreadPoolExecutor

import pytest

from synthohive.events import Notice, ignore
from synthohive.terminal.interrupt import interruptible

STEP = Notice(message="a step")


def test_workers_stop_at_their_next_event():
    steps = []

    def work(on_event):
        for step in range(1000):
            on_event(STEP)
            steps.append(step)
            time.sleep(0.01)

    threading.Timer(0.2, os.kill, (os.getpid(), signal.SIGINT)).start()
    with (
        pytest.raises(KeyboardInterrupt),
        interruptible(ignore) as on_event,
        ThreadPoolExecutor(1) as pool,
    ):
        pool.submit(work, on_event).result()
    assert 0 < len(steps) < 500


def test_the_earlier_handler_comes_back_and_events_pass():
    before = signal.getsignal(signal.SIGINT)
    seen: list[object] = []
    with interruptible(seen.append) as on_event:
        on_event(STEP)
    assert seen == [STEP]
    assert signal.getsignal(signal.SIGINT) is before


def test_other_threads_have_no_signals_but_pass_events():
    seen: list[object] = []

    def work():
        with interruptible(seen.append) as on_event:
            on_event(STEP)

    with ThreadPoolExecutor(1) as pool:
        pool.submit(work).result()
    assert seen == [STEP]
