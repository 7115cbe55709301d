"""Random bits per row, from which a decoder derives as many draws as it needs.

One 64-bit word per row comes from the stream. Everything else is mixed from that word and
a number that names the draw, so a draw can be repeated for a few rows alone.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from synthohive import kernels

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from synthohive.randomness import Stream

_GOLDEN = 0x9E3779B97F4A7C15
_MASK = (1 << 64) - 1


def row_bits(stream: Stream, n: int, *, start: int = 0) -> NDArray[np.uint64]:
    """Return 64 random bits for each of the rows ``start … start+n-1``."""
    bits = kernels.random_u64(n, seed=stream.seed, stream=stream.id, start=start)
    return bits.to_numpy().astype(np.uint64, copy=False)


def mixed(bits: NDArray[np.uint64], salt: int) -> NDArray[np.uint64]:
    """Mix words with a salt; for one salt, a bijection of the 64-bit words.

    Source: the SplitMix64 finaliser; Steele, Lea and Flood, "Fast Splittable
    Pseudorandom Number Generators", OOPSLA 2014.

    Examples:
        >>> words = np.arange(1_000, dtype=np.uint64)
        >>> len(np.unique(mixed(words, 3)))
        1000
    """
    z = bits + np.uint64((salt + 1) * _GOLDEN & _MASK)
    z = (z ^ (z >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
    z = (z ^ (z >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
    return z ^ (z >> np.uint64(31))


def below(bits: NDArray[np.uint64], salt: int, limit: int) -> NDArray[np.int64]:
    """Draw an integer in ``[0, limit)`` for each word; `limit` is at most 2**31."""
    top = mixed(bits, salt) >> np.uint64(32)
    return ((top * np.uint64(limit)) >> np.uint64(32)).astype(np.int64)


def fraction(bits: NDArray[np.uint64], salt: int) -> NDArray[np.float64]:
    """Draw a number in ``[0, 1)`` for each word."""
    return (mixed(bits, salt) >> np.uint64(11)).astype(np.float64) * 2.0**-53
