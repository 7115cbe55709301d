"""Process-wide switches of torch, set while models work and put back afterwards.

One thread per model: a sum over threads depends on how many there are, so results would
too. The parallelism comes from several tables trained, and several blocks sampled, at
the same time.
"""

from __future__ import annotations

import threading
from contextlib import contextmanager
from typing import TYPE_CHECKING

import torch

if TYPE_CHECKING:
    from collections.abc import Generator

_lock = threading.Lock()
_users = 0
_before = (1, "highest")


@contextmanager
def pinned_torch() -> Generator[None]:
    """Work with one thread inside operators, and matrix units at bf16 precision.

    Re-entrant, and safe from several threads: the last one to leave restores the state
    that the first one found.

    Examples:
        >>> before = torch.get_num_threads()
        >>> with pinned_torch():
        ...     torch.get_num_threads()
        1
        >>> torch.get_num_threads() == before
        True
    """
    _enter()
    try:
        yield
    finally:
        _leave()


def _enter() -> None:
    global _users, _before  # noqa: PLW0603  torch's switches are global, so is their count
    with _lock:
        if _users == 0:
            _before = (torch.get_num_threads(), torch.get_float32_matmul_precision())
            torch.set_float32_matmul_precision("medium")
        _users += 1
        torch.set_num_threads(1)  # counts for the calling thread, so each one calls it


def _leave() -> None:
    global _users  # noqa: PLW0603
    with _lock:
        _users -= 1
        threads, precision = _before
        if _users == 0:
            torch.set_float32_matmul_precision(precision)
        torch.set_num_threads(threads)
