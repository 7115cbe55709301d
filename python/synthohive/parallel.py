"""Run independent pieces of work on threads, results in the order of the input."""

from __future__ import annotations

import os
from collections import deque
from concurrent.futures import Future, ThreadPoolExecutor
from typing import TYPE_CHECKING, TypeVar

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator

T = TypeVar("T")
R = TypeVar("R")


def thread_count(threads: int | None) -> int:
    """Return the number of worker threads: as asked for, or one per usable core."""
    if threads:
        return threads
    if hasattr(os, "sched_getaffinity"):  # Linux; elsewhere a process may use all cores
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1


def ordered_map(work: Callable[[T], R], items: Iterable[T], *, threads: int) -> Iterator[R]:
    """Apply `work` to every item, keeping order and holding few results at a time.

    Args:
        work: A function whose result depends on its item alone.
        items: The items.
        threads: Worker threads; 1 runs everything in the calling thread.

    Yields:
        The results, in the order of `items`. At most two results per thread wait.

    Examples:
        >>> list(ordered_map(abs, [-1, 2, -3], threads=2))
        [1, 2, 3]
    """
    if threads <= 1:
        yield from map(work, items)
        return
    waiting: deque[Future[R]] = deque()
    with ThreadPoolExecutor(threads, thread_name_prefix="synthohive") as pool:
        try:
            for item in items:
                waiting.append(pool.submit(work, item))
                if len(waiting) >= 2 * threads:
                    yield waiting.popleft().result()
            while waiting:
                yield waiting.popleft().result()
        finally:
            for future in waiting:
                future.cancel()
