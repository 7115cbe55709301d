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
_precision = "highest"


@contextmanager
def pinned_torch() -> Generator[None]:
    """Work with one thread inside operators, and matrix units at bf16 precision.

    Re-entrant, and safe from several threads: each one gets back its own number of threads,
    and the last one to leave restores the precision that the first one found.

    Examples:
        >>> before = torch.get_num_threads()
        >>> with pinned_torch():
        ...     torch.get_num_threads()
        1
        >>> torch.get_num_threads() == before
        True
    """
    threads = torch.get_num_threads()
    _enter()
    try:
        torch.set_num_threads(1)
        yield
    finally:
        torch.set_num_threads(threads)
        _leave()


def _enter() -> None:
    global _users, _precision  # noqa: PLW0603  torch's switch is global, so is its count
    with _lock:
        if _users == 0:
            _precision = torch.get_float32_matmul_precision()
            torch.set_float32_matmul_precision("medium")
        _users += 1


def _leave() -> None:
    global _users  # noqa: PLW0603
    with _lock:
        _users -= 1
        if _users == 0:
            torch.set_float32_matmul_precision(_precision)
