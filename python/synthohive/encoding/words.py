"""Invented words, digits and codes, many at once.

A word is glued from pieces of a few letters that are looked up in a fixed table, so that a
million words are a handful of gathers. Words alternate consonants and vowels.
"""

from __future__ import annotations

from functools import cache
from itertools import product
from typing import TYPE_CHECKING

import numpy as np
import polars as pl

from synthohive.encoding.draws import below

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

CONSONANTS = "bcdfghklmnprstvz"
VOWELS = "aeiou"
_LETTERS_A_PIECE = 4
_DIGITS_A_PIECE = 4


@cache
def pieces_of(*alphabets: str) -> pl.Series:
    """Return all texts with one character of each alphabet.

    Examples:
        >>> pieces_of("ab", "xyz").to_list()
        ['ax', 'ay', 'az', 'bx', 'by', 'bz']
    """
    return pl.Series(["".join(parts) for parts in product(*alphabets)], dtype=pl.String)


def glued(parts: Sequence[pl.Series | pl.Expr]) -> pl.Series:
    """Glue texts row by row."""
    return pl.select(pl.concat_str(parts)).to_series()


def invented_words(bits: NDArray[np.uint64], salt: int, lengths: NDArray[np.int64]) -> pl.Series:
    """Invent a pronounceable lower-case word per row.

    Args:
        bits: Random bits per row.
        salt: Names the draw; up to one more per four letters is used.
        lengths: Letters per word.

    Examples:
        >>> bits = np.arange(3, dtype=np.uint64)
        >>> invented_words(bits, 0, np.array([2, 5, 9])).str.len_chars().to_list()
        [2, 5, 9]
    """
    return _cut(bits, salt, lengths, pieces_of(CONSONANTS, VOWELS, CONSONANTS, VOWELS))


def invented_digits(
    bits: NDArray[np.uint64], salt: int, lengths: NDArray[np.int64], *, has_zeros: bool
) -> pl.Series:
    """Invent digits per row; the first is no zero unless `has_zeros`."""
    digits = "0123456789"
    first = pieces_of(digits if has_zeros else digits[1:], digits, digits, digits)
    rest = pieces_of(digits, digits, digits, digits)
    return _cut(bits, salt, lengths, first, rest)


def invented_codes(
    bits: NDArray[np.uint64], salt: int, lengths: NDArray[np.int64], alphabet: str
) -> pl.Series:
    """Invent codes over an alphabet."""
    return _cut(bits, salt, lengths, pieces_of(alphabet, alphabet))


def _cut(
    bits: NDArray[np.uint64],
    salt: int,
    lengths: NDArray[np.int64],
    first: pl.Series,
    rest: pl.Series | None = None,
) -> pl.Series:
    """Glue as many pieces as the longest text needs, then cut each to its length."""
    size = len(first[0])
    count = max(1, -(-int(lengths.max(initial=1)) // size))
    parts = [
        table.gather(below(bits, salt + number, len(table)))
        for number, table in enumerate([first, *[first if rest is None else rest] * (count - 1)])
    ]
    whole = parts[0] if count == 1 else glued(parts)
    if len(lengths) and (lengths == size * count).all():
        return whole
    return pl.select(pl.lit(whole).str.slice(0, pl.lit(pl.Series(lengths)))).to_series()


def quantiles(lengths: NDArray[np.int64], most: int = 33) -> NDArray[np.int64]:
    """Return evenly spaced order statistics, from the smallest to the largest."""
    if not len(lengths):
        return np.zeros(1, np.int64)
    places = np.linspace(0, len(lengths) - 1, min(len(lengths), most)).round().astype(np.int64)
    return np.sort(lengths)[places].astype(np.int64)
