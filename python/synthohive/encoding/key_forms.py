"""Recognising how text keys are made: counters, UUIDs, codes of a fixed form."""

from __future__ import annotations

import string
from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING

import polars as pl

from synthohive.encoding.hexes import find_alphabets
from synthohive.encoding.radix import Radix
from synthohive.encoding.words import glued

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

_UUID = r"^[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}$"
_COUNTER = r"^(?<prefix>.*?)(?<number>\d{1,18})(?<suffix>\D*)$"
_CODE = r"^[^\p{Ll}\s]{0,5}$"
_MAX_SPREAD = 20  # numbers more than so many times as far apart as there are rows do not count
_MAX_FORM = 64
_FORM_SHARE = 0.6
_LONGEST_LOWER = 3  # longer texts of small letters are words
_FEW = 8  # so few different characters in one place are taken as they are
_MANY_ROWS = 50
_CLASSES = (
    string.digits,
    string.ascii_uppercase,
    string.ascii_lowercase,
    "0123456789abcdef",
    "0123456789ABCDEF",
    string.digits + string.ascii_uppercase,
    string.digits + string.ascii_lowercase,
    string.digits + string.ascii_letters,
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Counter:
    """A number inside a text that is always the same.

    Attributes:
        prefix: Text before the number.
        suffix: Text after the number.
        width: Digits, padded with zeros; 0 for no padding.
        first: The number counted from, so that no number has fewer digits than the real ones.
    """

    prefix: str
    suffix: str
    width: int
    first: int = 1

    def write(self, numbers: NDArray[np.int64]) -> pl.Series:
        """Write one text per number, of which 1 is the first.

        Examples:
            >>> import numpy as np
            >>> find_counter(pl.Series(["A-500", "A-512"])).write(np.array([1, 2, 901])).to_list()
            ['A-100', 'A-101', 'A-1000']
        """
        digits = pl.Series(numbers + (self.first - 1)).cast(pl.String).str.zfill(self.width)
        return glued([pl.lit(self.prefix), digits, pl.lit(self.suffix)])

    def to_dict(self) -> dict[str, object]:
        """Return the counter as JSON-able data."""
        return asdict(self)


def is_uuid(texts: pl.Series) -> bool:
    """Tell whether all texts are UUIDs."""
    return len(texts) > 0 and bool(texts.str.contains(_UUID).all())


def find_counter(texts: pl.Series) -> Counter | None:
    """Recognise texts that count, such as ``CUST-0001``.

    Args:
        texts: Different texts without nulls.

    Returns:
        The counter; `None` for texts that do not count, and for numbers of one length that
        lie far apart, which `find_form` writes.

    Examples:
        >>> find_counter(pl.Series(["INV7/A", "INV12/A"]))
        Counter(prefix='INV', suffix='/A', width=0, first=1)
        >>> find_counter(pl.Series(["C0007", "C0012"]))
        Counter(prefix='C', suffix='', width=4, first=1)
    """
    if not len(texts):
        return Counter(prefix="", suffix="", width=0)
    parts = texts.str.extract_groups(_COUNTER).struct.unnest()
    if parts["number"].has_nulls():
        return None
    if parts["prefix"].n_unique() > 1 or parts["suffix"].n_unique() > 1:
        return None
    if len(texts) == 1 and not parts["prefix"].str.contains(_CODE).all():
        return None  # nothing tells the words of a single text from its form
    numbers = parts["number"].cast(pl.Int64).to_numpy()
    lengths = parts["number"].str.len_bytes().to_numpy()
    shortest, is_constant = int(lengths.min()), lengths.min() == lengths.max()
    if is_constant and numbers.max() - numbers.min() > _MAX_SPREAD * len(numbers):
        return None
    is_padded = bool(parts["number"].str.contains(r"^0\d").any())
    return Counter(
        prefix=parts["prefix"][0],
        suffix=parts["suffix"][0],
        width=shortest if is_padded or (is_constant and shortest > 1) else 0,
        first=1 if is_padded else 10 ** (shortest - 1),
    )


def find_form(texts: pl.Series) -> Radix | None:
    """Recognise codes of digits and capital letters of one length, such as ``N123UA``.

    Args:
        texts: Different texts without nulls.

    Examples:
        >>> find_form(pl.Series(["N123UA", "N774SW", "N802UA"])).alphabets[:2]
        ('N', '0123456789')
    """
    lengths = texts.str.len_chars()
    if not len(texts):
        return None
    length = int(lengths.mode().sort()[0])
    usual = texts.filter(lengths == length)
    if len(usual) < _FORM_SHARE * len(texts):
        usual = _usual_shape(texts)
        length = len(usual[0]) if len(usual) else 0
    if length > _MAX_FORM or not length:
        return None
    alphabets = find_alphabets(texts) or _alphabets(usual, length)
    if None in alphabets or max(len(alphabet or "") for alphabet in alphabets) == 1:
        return None
    known = tuple(alphabet for alphabet in alphabets if alphabet is not None)
    last = max(place for place, alphabet in enumerate(known) if len(alphabet) > 1)
    return Radix(alphabets=known, growth=(_class_of(known[last]),), tail=len(known) - 1 - last)


def _alphabets(texts: pl.Series, length: int) -> tuple[str | None, ...]:
    """Return the characters possible in each place of texts of one length."""
    columns = [texts.str.slice(place, 1).unique().sort().to_list() for place in range(length)]
    characters = ["".join(column) for column in columns]
    found = [_alphabet(column, len(texts), length) for column in characters]
    for place, alphabet in enumerate(found[:-1]):
        starts = place == 0 or not characters[place - 1].isdigit()
        is_number = alphabet == string.digits and characters[place + 1].isdigit()
        if starts and is_number and "0" not in characters[place] and len(texts) >= _MANY_ROWS:
            found[place] = string.digits[1:]
    return tuple(found)


def _usual_shape(texts: pl.Series) -> pl.Series:
    """Return the texts of the most frequent shape, none where texts are made of words."""
    if float(texts.str.contains(r"\p{Ll}{2}").mean() or 0) > 1 - _FORM_SHARE:  # pyright: ignore[reportArgumentType]
        return texts.clear()
    shapes = texts.str.replace_all(r"\d", "0").str.replace_all(r"\p{L}", "A")
    return texts.filter(shapes == shapes.mode().sort()[0])


def _alphabet(characters: str, rows: int, length: int) -> str | None:
    """Return the characters possible in one place; `None` where letters make words."""
    if len(characters) == 1:
        return characters
    is_letters = characters.isascii() and characters.isalpha()
    if length > _LONGEST_LOWER and is_letters and not characters.isupper():
        return None
    if len(characters) <= _FEW and rows >= _MANY_ROWS:
        return characters
    return _class_of(characters) if characters.isalnum() and characters.isascii() else None


def _class_of(characters: str) -> str:
    """Return the narrowest usual alphabet with all the characters."""
    for alphabet in _CLASSES:
        if set(characters) <= set(alphabet):
            return alphabet
    return "".join(sorted(set(characters)))
