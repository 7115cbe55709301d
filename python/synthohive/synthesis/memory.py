"""Keep libraries from holding on to memory that is no longer in use.

The C library keeps what threads have freed, for each thread apart. Work in blocks on several
threads frees as much as it takes, but at ever other places, so what is kept grows from table
to table, to hundreds of megabytes for a database of six tables.

oneDNN, which multiplies matrices for torch, keeps the machine code of each product it has
made, apart for every shape: a few hundred kilobytes each, a thousand of them. Blocks of rows
take many shapes, so what is kept grows with the rows drawn.
"""

from __future__ import annotations

import ctypes
import os
import sys
from functools import cache

PRODUCTS = 32
"""Products whose code is kept; the others are made ready again when they recur."""

_ARENA_MAX = -8  # of mallopt, in the GNU C library's malloc.h
_PRODUCTS_VARIABLE = "ONEDNN_PRIMITIVE_CACHE_CAPACITY"


def share_memory() -> None:
    """Let all threads from now on take memory from one place, where that can be asked for.

    Of products of matrices, few are remembered: that number is read from the environment
    when a process multiplies for the first time, and one that is set there already stays.

    Examples:
        >>> share_memory()
    """
    os.environ.setdefault(_PRODUCTS_VARIABLE, str(PRODUCTS))
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
