"""Whole-number arguments, checked before they reach the compiled kernels."""

from __future__ import annotations

from synthohive.errors import ConfigError

_WORDS = 2**64


def check_whole(**arguments: int) -> None:
    """Check that numbers fit in 64 bits without a sign.

    Args:
        **arguments: The numbers, by the names the caller knows them by.

    Raises:
        ConfigError: One is negative or too large.

    Examples:
        >>> check_whole(seed=7, start=0)
    """
    for name, value in arguments.items():
        if not 0 <= value < _WORDS:
            raise ConfigError(f"{name}: is {value}, but must be from 0 to 2**64 - 1")
