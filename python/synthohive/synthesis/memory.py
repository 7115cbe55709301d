"""Keep the C library from holding on to memory that is no longer in use.

It keeps what threads have freed, for each thread apart. Work in blocks on several threads
frees as much as it takes, but at ever other places, so what is kept grows from table to
table, to hundreds of megabytes for a database of six tables.
"""

from __future__ import annotations

import ctypes
import sys
from functools import cache

_ARENA_MAX = -8  # of mallopt, in the GNU C library's malloc.h


def share_memory() -> None:
    """Let all threads from now on take memory from one place, where that can be asked for.

    Examples:
        >>> share_memory()
    """
    library = _gnu()
    if library is not None:
        library.mallopt(_ARENA_MAX, 1)


def give_back() -> None:
    """Return freed memory to the system, in about a millisecond, where that can be asked for.

    Examples:
        >>> give_back()
    """
    library = _gnu()
    if library is not None:
        library.malloc_trim(0)


@cache
def _gnu() -> ctypes.CDLL | None:
    """Find the GNU C library; others have neither function."""
    if not sys.platform.startswith("linux"):
        return None
    library = ctypes.CDLL(None)
    return library if hasattr(library, "malloc_trim") and hasattr(library, "mallopt") else None
