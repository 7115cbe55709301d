"""A compact memory of the real texts, to make sure that none is generated again.

A Bloom filter: it never misses a real text, says "seen" of one new text in a hundred, and
holds no text itself.

Source: Bloom (1970), "Space/Time Trade-offs in Hash Coding with Allowable Errors".
"""

from __future__ import annotations

import base64
import zlib
from dataclasses import dataclass
from itertools import count
from typing import TYPE_CHECKING

import numpy as np
import polars as pl

from synthohive.encoding.draws import mixed
from synthohive.encoding.words import glued, invented_digits, invented_words

if TYPE_CHECKING:
    from collections.abc import Callable

    from numpy.typing import NDArray

_BITS_PER_TEXT = 16
_HASHES = 3
_TRIES = 6
_BLOCK = 1 << 14
_FAR = 1 << 48  # beyond all tries
_TO_LAST_DIGIT = r"^(?s)(.*\d)"
_TO_LAST_LETTER = r"^(?s)(.*\p{L})"


@dataclass(frozen=True, slots=True)
class Seen:
    """The set of real texts, as bits.

    Examples:
        >>> seen = remember(pl.Series(["Ada", "Grace"]))
        >>> seen.contains(pl.Series(["Grace", "Linus"])).tolist()
        [True, False]
    """

    bits: NDArray[np.uint8]

    def contains(self, texts: pl.Series) -> NDArray[np.bool_]:
        """Tell which texts are among the real ones, or may be."""
        words = text_hash(texts)
        found = np.ones(len(words), bool)
        for number in range(_HASHES):
            at = _place(words, number, 8 * len(self.bits))
            byte = self.bits[(at >> np.uint64(3)).astype(np.int64)]
            found &= (byte >> (at & np.uint64(7)).astype(np.uint8)) & 1 == 1
        return found

    def to_dict(self) -> str:
        """Return the bits as text."""
        return base64.b64encode(zlib.compress(self.bits.tobytes())).decode()

    @staticmethod
    def from_dict(state: str) -> Seen:
        """Rebuild the memory from `to_dict`."""
        return Seen(np.frombuffer(zlib.decompress(base64.b64decode(state)), np.uint8))


def written_anew(
    draft: Callable[[NDArray[np.uint64]], pl.Series], bits: NDArray[np.uint64], seen: Seen
) -> pl.Series:
    """Write texts, and again where one is a real text.

    Args:
        draft: Writes one text per word of random bits.
        bits: Random bits per row.
        seen: The real texts.

    Returns:
        Texts none of which is real. Where the real ones fill the form, texts get longer.
    """
    texts = draft(bits)
    again = np.flatnonzero(seen.contains(texts))
    for attempt in range(_TRIES):
        if not len(again):
            return texts
        redrawn = draft(mixed(bits[again], attempt))
        texts = texts.scatter(again, redrawn)
        again = again[seen.contains(redrawn)]
    return texts.scatter(again, _lengthened(texts.gather(again), bits[again], seen))


def _lengthened(texts: pl.Series, bits: NDArray[np.uint64], seen: Seen) -> pl.Series:
    """Put two characters behind the last digit, or the last letter, until no text is real."""
    for salt in count():
        again = np.flatnonzero(seen.contains(texts))
        if not len(again):
            break
        short, two = texts.gather(again), np.full(len(again), 2)
        has_digit = short.str.contains(r"\d")
        digits = invented_digits(bits[again], salt, two, has_zeros=True)
        letters = invented_words(bits[again], salt, two)
        letters = letters.zip_with(short != short.str.to_uppercase(), letters.str.to_uppercase())
        last = pl.when(has_digit).then(pl.lit(short).str.extract(_TO_LAST_DIGIT))
        head = last.otherwise(pl.lit(short).str.extract(_TO_LAST_LETTER)).fill_null(short)
        more = digits.zip_with(has_digit, letters)
        texts = texts.scatter(again, glued([head, more, pl.lit(short).str.strip_prefix(head)]))
    return texts


def unique_anew(
    write: Callable[[NDArray[np.int64]], pl.Series],
    numbers: NDArray[np.int64],
    seen: Seen,
    tries: int,
) -> pl.Series:
    """Write a text per number that is neither real nor that of another number.

    Args:
        write: Writes different texts for different numbers.
        numbers: Numbers from 0 on, below 2**46.
        seen: The real texts.
        tries: How many numbers of `write` are set aside for each number.

    Returns:
        Texts none of which is real. Where all tries are, texts get longer.
    """
    texts = write(numbers * tries)
    for step in count(1):
        again = np.flatnonzero(seen.contains(texts))
        if not len(again):
            break
        near = numbers[again] * tries + step
        far = numbers[again] + (_FAR * (step - tries + 1))
        texts = texts.scatter(again, write(near if step < tries else far))
    return texts


def remember(texts: pl.Series) -> Seen:
    """Make a memory of texts.

    Args:
        texts: Strings without nulls.
    """
    words = text_hash(texts)
    size = 1 << max(6, int(len(words) * _BITS_PER_TEXT).bit_length())
    flags = np.zeros(size, bool)
    for number in range(_HASHES):
        flags[_place(words, number, size)] = True
    return Seen(np.packbits(flags, bitorder="little"))


def _place(words: NDArray[np.uint64], number: int, size: int) -> NDArray[np.uint64]:
    """Return the bit that one of the hash functions chooses; `size` is a power of two."""
    return mixed(words, number) & np.uint64(size - 1)


def text_hash(texts: pl.Series) -> NDArray[np.uint64]:
    """Hash texts to 64 bits, the same in every process and version.

    The bytes of a text are multiplied with a random number for their place and summed.

    Args:
        texts: Strings without nulls.

    Source: Carter and Wegman (1979), "Universal Classes of Hash Functions".
    """
    lengths = texts.str.len_bytes().to_numpy().astype(np.int64)
    places = mixed(np.arange(int(lengths.max(initial=0)), dtype=np.uint64), 0)
    sums = np.empty(len(texts), np.uint64)
    for start in range(0, len(texts), _BLOCK):
        part, size = texts.slice(start, _BLOCK), lengths[start : start + _BLOCK]
        data = np.frombuffer(part.str.join("").item().encode(), np.uint8)
        stops = np.cumsum(size)
        place = np.arange(len(data)) - np.repeat(stops - size, size)
        products = places[place]
        products *= data.astype(np.uint64) + np.uint64(1)
        total = np.zeros(len(data) + 1, np.uint64)
        np.cumsum(products, out=total[1:])
        sums[start : start + _BLOCK] = total[stops] - total[stops - size]
    return mixed(sums, 1)
