"""Give memory that is no longer in use back to the system.

The C library keeps what threads have freed, for each thread apart. Work in blocks on
several threads frees as much as it takes, but at ever other places, so what is kept grows
from table to table, to a hundred megabytes for a database of six tables.
"""

from __future__ import annotations

import ctypes
import sys
from functools import cache
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable


def give_back() -> None:
    """Return freed memory to the system, in about a millisecond, where that can be asked for.

    Examples:
        >>> give_back()
    """
    trim = _trim()
    if trim is not None:
        trim(0)


@cache
def _trim() -> Callable[[int], int] | None:
    """Find the function of the GNU C library; other libraries do not have it."""
    if not sys.platform.startswith("linux"):
        return None
    return getattr(ctypes.CDLL(None), "malloc_trim", None)
