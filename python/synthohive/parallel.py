"""Run independent pieces of work on threads, results in the order of the input."""

from __future__ import annotations

import os
from collections import deque
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import contextmanager
from typing import TYPE_CHECKING, Protocol, TypeVar

if TYPE_CHECKING:
    from collections.abc import Callable, Generator, Iterable, Iterator, Sequence

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


class Crew(Protocol):
    """Applies work to a few items at the same time."""

    def __call__(self, work: Callable[[T], R], items: Sequence[T]) -> list[R]:
        """Return the results, in the order of the items."""
        ...


_at_work: set[object] = set()
"""Crews of this process: they share its threads."""


@contextmanager
def crew(threads: int) -> Generator[Crew]:
    """Keep threads at hand for many small pieces of work.

    Args:
        threads: Threads that work at the same time, the calling one included, in all crews of
            the process. What none of the others has begun when the calling one gets there, it
            does itself.

    Examples:
        >>> with crew(2) as together:
        ...     together(abs, [-1, 2, -3])
        [1, 2, 3]
    """
    own = object()
    _at_work.add(own)
    try:
        # a pool begins its threads when there is work for them
        with ThreadPoolExecutor(max(1, threads - 1), thread_name_prefix="synthohive") as pool:

            def together(work: Callable[[T], R], items: Sequence[T]) -> list[R]:
                if threads < 2 * len(_at_work):
                    return [work(item) for item in items]
                futures = [pool.submit(work, item) for item in items[1:]]
                results = [work(item) for item in items[:1]]
                for item, future in zip(items[1:], futures, strict=True):
                    results.append(work(item) if future.cancel() else future.result())
                return results

            yield together
    finally:
        _at_work.discard(own)
