"""UUIDs and hashes: identifiers written in hexadecimal digits, of one length."""

from __future__ import annotations

from itertools import groupby
from typing import TYPE_CHECKING

from synthohive.encoding.shapes import Shape, Slot

if TYPE_CHECKING:
    from collections.abc import Sequence

    import polars as pl

HEX = "0123456789abcdef"
_UUID = r"^(?i)[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}$"
_VERSION, _VARIANT = 14, 19  # places in a UUID
_VARIANTS = "89ab"
_DASHES = frozenset((8, 13, 18, 23))
_ANY_HEX = r"^(?:[0-9a-f]+|[0-9A-F]+)$"
_MIXED = r"^(?i)(?:\d+[a-f]+\d+[a-f]|[a-f]+\d+[a-f]+\d)"
_MIXED_SHARE = 0.5
_SHORTEST = 8
_MANY_MASKS = 20


def find_alphabets(texts: pl.Series) -> tuple[str, ...] | None:
    """Recognise texts that all are UUIDs, or all are hexadecimal numbers of one length.

    Args:
        texts: Different texts without nulls.

    Returns:
        The characters possible in each place; `None` for texts that are something else.
        The version of a UUID is that of the real ones.

    Examples:
        >>> import polars as pl
        >>> find_alphabets(pl.Series(["9f86d081", "a1b2c3d4"])) == (HEX,) * 8
        True
        >>> find_alphabets(pl.Series(["DE100001", "DE100002"]))
    """
    if not len(texts):
        return None
    if texts.str.contains(_UUID).all():
        alphabets = _uuid_alphabets(texts.str.to_lowercase())
    elif _are_hashes(texts):
        alphabets = (HEX,) * len(texts[0])
    else:
        return None
    has_lower = bool(texts.str.contains("[a-f]").any())
    has_upper = bool(texts.str.contains("[A-F]").any())
    is_upper = has_upper and not has_lower
    return tuple(map(str.upper, alphabets)) if is_upper else alphabets


def hex_shape(alphabets: Sequence[str]) -> Shape:
    """Return the shape that writes one character of each alphabet."""
    slots: list[Slot] = []
    for alphabet, places in groupby(alphabets):
        length = len(list(places))
        if len(alphabet) == 1:
            slots.append(Slot(kind="mark", literals=(alphabet * length,), shares=(1.0,)))
        else:
            slots.append(Slot(kind="code", lengths=(length,), alphabet=alphabet))
    return Shape(tuple(slots))


def _uuid_alphabets(texts: pl.Series) -> tuple[str, ...]:
    """Return the characters in each place of a UUID: only its version and variant are kept."""
    alphabets = ["-" if place in _DASHES else HEX for place in range(36)]
    for place in (_VERSION, _VARIANT):
        alphabets[place] = "".join(texts.str.slice(place, 1).unique().sort())
    is_usual = len(alphabets[_VARIANT]) > 1 and set(alphabets[_VARIANT]) <= set(_VARIANTS)
    if is_usual:
        alphabets[_VARIANT] = _VARIANTS
    return tuple(alphabets)


def _are_hashes(texts: pl.Series) -> bool:
    """Tell hexadecimal numbers from codes that happen to have no letter beyond F.

    Letters and digits take turns at random: in most texts more than twice, and in other
    places from text to text.
    """
    lengths = texts.str.len_bytes()
    is_short = len(texts[0]) < _SHORTEST
    if is_short or lengths.n_unique() > 1 or not texts.str.contains(_ANY_HEX).all():
        return False
    masks = texts.str.replace_all(r"\d", "0").str.replace_all(r"(?i)[a-f]", "a").n_unique()
    mixed = int(texts.str.contains(_MIXED).sum())
    return mixed >= _MIXED_SHARE * len(texts) and masks >= min(len(texts) / 2, _MANY_MASKS)
