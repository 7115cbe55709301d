"""The shapes of texts: which kinds of tokens follow each other.

``"Tel. 555-0101"`` has the shape *capitalised, dot, space, digits, hyphen, digits*. A shape
that enough texts share is kept, and in each of its slots the tokens that enough texts
share; every other token is invented, of the same kind and length.
"""

from __future__ import annotations

import re
import string
from collections import Counter, defaultdict
from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING

import numpy as np
import polars as pl

from synthohive.encoding.draws import below, fraction
from synthohive.encoding.words import (
    glued,
    invented_codes,
    invented_digits,
    invented_words,
    quantiles,
)

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

_TOKEN = re.compile(r"[^\W\d_]+|\d+|[\W_]")
_WORD = re.compile(r"[^\W_]+|[\W_]")
_MAX_RUNS = 3  # a word of more runs of letters and digits is a code
_LONGEST_CODE = 3  # so few capital letters in a row are a code, more are a word
_LOOK = 500
_CODE_SHARE = 0.1
_MAX_SLOTS = 24
_MAX_SHAPES = 64
_MAX_LITERALS = 256
_SALTS = 64  # per slot


@dataclass(frozen=True, slots=True, kw_only=True)
class Slot:
    """One place of a shape.

    Attributes:
        kind: ``lower``, ``upper``, ``title``, ``digits``, ``code`` or ``mark``.
        literals: Tokens kept as they are.
        shares: Cumulated share of the literals; what is missing to 1 is invented.
        lengths: Quantiles of the lengths of invented tokens.
        alphabet: Characters of invented codes; ``0`` for digits that may begin with zero.
    """

    kind: str
    literals: tuple[str, ...] = ()
    shares: tuple[float, ...] = ()
    lengths: tuple[int, ...] = (1,)
    alphabet: str = ""

    def write(self, bits: NDArray[np.uint64], salt: int) -> pl.Series:
        """Write one token per row."""
        if not self.literals:
            return self._invent(bits, salt)
        uniform = fraction(bits, salt)
        choice = np.searchsorted(np.array(self.shares), uniform, side="right")
        at = np.flatnonzero(choice >= len(self.literals))
        literals = pl.Series(self.literals, dtype=pl.String)
        tokens = literals.gather(np.minimum(choice, len(self.literals) - 1))
        return tokens.scatter(at, self._invent(bits[at], salt)) if len(at) else tokens

    def _invent(self, bits: NDArray[np.uint64], salt: int) -> pl.Series:
        lengths = np.array(self.lengths)[below(bits, salt + 1, len(self.lengths))]
        if self.kind == "digits":
            return invented_digits(bits, salt + 2, lengths, has_zeros=self.alphabet == "0")
        if self.kind == "code":
            return invented_codes(bits, salt + 2, lengths, self.alphabet)
        if self.kind == "upper" and self.lengths[-1] <= _LONGEST_CODE:
            return invented_codes(bits, salt + 2, lengths, string.ascii_uppercase)
        words = invented_words(bits, salt + 2, lengths)
        if self.kind == "upper":
            return words.str.to_uppercase()
        return words.str.to_titlecase() if self.kind == "title" else words


@dataclass(frozen=True, slots=True)
class Shape:
    """A sequence of slots."""

    slots: tuple[Slot, ...]

    def write(self, bits: NDArray[np.uint64]) -> pl.Series:
        """Write one text per row."""
        parts = [slot.write(bits, _SALTS * (place + 1)) for place, slot in enumerate(self.slots)]
        if not parts:
            return pl.Series([""]).new_from_index(0, len(bits))
        return glued(parts)

    def to_dict(self) -> list[dict[str, object]]:
        """Return the shape as JSON-able data."""
        return [asdict(slot) for slot in self.slots]

    @staticmethod
    def from_dict(state: list[dict]) -> Shape:
        """Rebuild a shape from `to_dict`."""
        return Shape(tuple(_slot(slot) for slot in state))


def _slot(state: dict) -> Slot:
    return Slot(
        kind=state["kind"],
        literals=tuple(state["literals"]),
        shares=tuple(state["shares"]),
        lengths=tuple(state["lengths"]),
        alphabet=state["alphabet"],
    )


def tokens(text: str, *, is_code: bool = False) -> list[tuple[str, str]]:
    """Split a text into tokens with their kinds.

    Args:
        text: Any text.
        is_code: Letters and digits are one alphabet, so that every word is a code.

    Examples:
        >>> tokens("Room B12")
        [('title', 'Room'), ('mark', ' '), ('upper', 'B'), ('digits', '12')]
        >>> tokens("9f86d081")
        [('code', '9f86d081')]
    """
    found: list[tuple[str, str]] = []
    for word in _WORD.findall(text):
        runs = _TOKEN.findall(word)
        if len(runs) > _MAX_RUNS or (is_code and not _is_mark(word)):
            found.append(("code", word))
        else:
            found.extend((_kind(run), run) for run in runs)
    return found


def _is_mark(token: str) -> bool:
    return not (token.isdigit() or token.isalpha() or len(token) > 1)


def _is_code(texts: Sequence[str]) -> bool:
    """Tell whether words are codes such as hashes: many mix letters and digits at random."""
    words = [word for text in texts[:_LOOK] for word in _WORD.findall(text) if not _is_mark(word)]
    is_mixed = sum(len(_TOKEN.findall(word)) > _MAX_RUNS for word in words)
    return is_mixed > _CODE_SHARE * len(words)


def _kind(token: str) -> str:
    """Name the kind of one run of characters."""
    if token.isdigit():
        return "digits"
    if not token.isalpha():
        return "mark"
    if token.isupper():
        return "upper"
    return "title" if token[:1].isupper() else "lower"


def find_shapes(
    texts: Sequence[str], min_texts: int, min_word_texts: int | None
) -> tuple[list[tuple[Shape, int]], list[str]]:
    """Find the shapes that enough texts share.

    Args:
        texts: Different texts.
        min_texts: How many texts must share a shape.
        min_word_texts: How many must share a token in its place for it to be kept; no token
            is kept if `None`. Marks such as hyphens always are.

    Returns:
        Shapes with their number of texts, most frequent first, and the texts without one.
    """
    is_code = _is_code(texts)
    groups: defaultdict[tuple[str, ...], list[tuple[str, list[str]]]] = defaultdict(list)
    for text in texts:
        parts = tokens(text, is_code=is_code)
        # marks are part of the shape, other tokens only by kind
        key = tuple(token if kind == "mark" else kind for kind, token in parts)
        groups[key].append((text, [token for _, token in parts]))
    ordered = sorted(groups.items(), key=lambda item: (-len(item[1]), item[0]))
    shapes: list[tuple[Shape, int]] = []
    others: list[str] = []
    for key, members in ordered:
        if len(members) < min_texts or len(key) > _MAX_SLOTS or len(shapes) == _MAX_SHAPES:
            others.extend(text for text, _ in members)
            continue
        columns = zip(*(parts for _, parts in members), strict=True)
        slots = [
            _fit_slot(kind, column, min_word_texts)
            for kind, column in zip(key, columns, strict=False)
        ]
        shapes.append((Shape(tuple(slots)), len(members)))
    return shapes, others


def _fit_slot(kind: str, column: tuple[str, ...], min_word_texts: int | None) -> Slot:
    """Describe the tokens in one place of a shape."""
    if kind not in _KINDS:
        return Slot(kind="mark", literals=(kind,), shares=(1.0,))
    counts = Counter(column)
    kept: list[tuple[str, int]] = []
    if min_word_texts is not None:
        common = [item for item in counts.most_common(_MAX_LITERALS) if item[1] >= min_word_texts]
        kept = sorted(common, key=lambda item: (-item[1], item[0]))
    literals = {token for token, _ in kept}
    rest = [token for token in column if token not in literals] or list(column)
    lengths = np.array([len(token) for token in rest])
    shares = np.cumsum([count for _, count in kept]) / len(column)
    return Slot(
        kind=kind,
        literals=tuple(token for token, _ in kept),
        shares=tuple(shares.tolist()),
        lengths=tuple(quantiles(lengths).tolist()),
        alphabet=_alphabet(kind, rest),
    )


_KINDS = frozenset({"lower", "upper", "title", "digits", "code"})


def _alphabet(kind: str, column: list[str]) -> str:
    """Return what invented tokens of digits and codes are made of."""
    if kind == "digits":
        return "0" if any(token.startswith("0") and len(token) > 1 for token in column) else ""
    if kind != "code":
        return ""
    characters = set("".join(column))
    for alphabet in ("0123456789abcdef", "0123456789ABCDEF"):
        if characters <= set(alphabet):
            return alphabet
    has_lower = any(character.islower() for character in characters)
    has_upper = any(character.isupper() for character in characters)
    letters = string.ascii_lowercase * has_lower + string.ascii_uppercase * has_upper
    return string.digits + letters
