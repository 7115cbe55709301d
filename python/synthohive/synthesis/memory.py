"""Keep libraries from holding on to memory that is no longer in use.

The C library keeps what threads have freed, for each thread apart. Work in blocks on several
threads frees as much as it takes, but at ever other places, so what is kept grows from table
to table, to hundreds of megabytes for a database of six tables.

It keeps it in the middle of what is in use and at the end of it. What lies in the middle is
given back every few blocks; the end only goes back on its own, once it is larger than a
threshold that grows with the pieces taken, up to 64 MiB for each place. Drawing rows sets it.

oneDNN, which multiplies matrices for torch, keeps the machine code of each product it has
made, apart for every shape: a few hundred kilobytes each, a thousand of them. Blocks of rows
take many shapes, so what is kept grows with the rows drawn.
"""

from __future__ import annotations

import ctypes
import os
import sys
from functools import cache
from typing import TYPE_CHECKING, TypeVar

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

T = TypeVar("T")

PRODUCTS = 32
"""Products whose code is kept; the others are made ready again when they recur."""

TIDY_BLOCKS = 8
"""Blocks after which freed memory is given back. Taking it again takes a few milliseconds."""

KEPT = 4 << 20
"""Freed bytes at the end of what is in use that are kept while rows are drawn."""
_MAPPED = 32 << 20  # what the library takes for a large piece in the end, if left alone

# of mallopt, in the GNU C library's malloc.h
_TRIM_THRESHOLD = -1
_MMAP_THRESHOLD = -3
_ARENA_MAX = -8
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


def keep_little() -> None:
    """From now on keep little of what is freed, where that can be asked for.

    Training takes and frees large pieces again and again and is better off without.

    Examples:
        >>> keep_little()
    """
    library = _gnu()
    if library is not None:
        library.mallopt(_TRIM_THRESHOLD, KEPT)
        library.mallopt(_MMAP_THRESHOLD, _MAPPED)  # otherwise it stays what it happens to be


def give_back() -> None:
    """Return freed memory to the system, in about a millisecond, where that can be asked for.

    Examples:
        >>> give_back()
    """
    library = _gnu()
    if library is not None:
        library.malloc_trim(0)


def tidied(blocks: Iterable[T]) -> Iterator[T]:
    """Pass blocks on; after every few, and after the last, give back what was freed meanwhile.

    So what is kept is what a few blocks free, and does not depend on how many there are.

    Args:
        blocks: The results of work on blocks of rows.

    Examples:
        >>> list(tidied("abc"))
        ['a', 'b', 'c']
    """
    for number, block in enumerate(blocks, start=1):
        yield block
        if number % TIDY_BLOCKS == 0:
            give_back()
    give_back()


@cache
def _gnu() -> ctypes.CDLL | None:
    """Find the GNU C library; others have neither function."""
    if not sys.platform.startswith("linux"):
        return None
    library = ctypes.CDLL(None)
    return library if hasattr(library, "malloc_trim") and hasattr(library, "mallopt") else None
