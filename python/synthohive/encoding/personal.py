"""Personal values: invented from public names, never learned, never replayed."""

from __future__ import annotations

import re
from dataclasses import dataclass
from functools import cache
from math import prod
from typing import TYPE_CHECKING

import numpy as np
import polars as pl

from synthohive.encoding.category import from_text
from synthohive.encoding.draws import mixed, row_bits
from synthohive.encoding.presence import new_nulls, presence_codes, presence_columns
from synthohive.encoding.radix import unique_choices
from synthohive.encoding.seen import Seen, remember, written_anew
from synthohive.encoding.text import TextModel, fit_text
from synthohive.encoding.wanted import Allowed, Wanted, not_null
from synthohive.encoding.words import glued

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    from synthohive.encoding.layout import CodeColumn
    from synthohive.randomness import Stream

FORMED_KINDS = frozenset({"text", "phone", "postcode"})
"""Kinds whose values are written in the form of the real ones, with nothing else kept."""

_SHAPE_TEXTS = 5
_CONSTANT_SHARE = 0.2  # of the texts of a form, from which a token is part of the form


@dataclass(frozen=True, slots=True)
class Part:
    """One part of an invented value.

    Attributes:
        choices: What to choose from.
        digits: How many digits to invent, if there are no choices; at most 18.
    """

    choices: tuple[str, ...] = ()
    digits: int = 0

    @property
    def size(self) -> int:
        """Number of different texts."""
        return len(self.choices) or 9 * 10 ** (self.digits - 1)

    def write(self, choice: NDArray[np.int64]) -> pl.Series:
        """Write the part once per row.

        Examples:
            >>> Part(digits=2).write(np.array([0, 89])).to_list()
            ['10', '99']
        """
        if self.choices:
            return pl.Series(self.choices, dtype=pl.String).gather(choice)
        return pl.Series(choice + 10 ** (self.digits - 1)).cast(pl.String)


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Recipe:
    """How values of one kind are put together.

    Attributes:
        parts: What is glued together, in order; no two choices give the same text.
        seen: The real values, none of which is written.
        number_after: The part behind which a row number is put where nothing else makes
            a value unique.
    """

    parts: tuple[Part, ...]
    seen: Seen
    number_after: int = -1

    def write(self, bits: NDArray[np.uint64]) -> pl.Series:
        """Write one value per row; `bits` are random bits per row."""
        return written_anew(self._draft, bits, self.seen)

    def write_unique(self, positions: NDArray[np.int64], stream: Stream) -> pl.Series:
        """Write one value per position; different positions get different values."""
        sizes = [part.size for part in self.parts]
        capacity = prod(sizes)
        choices = unique_choices(positions % capacity, sizes, stream)
        texts = self._glue(choices)
        at = np.flatnonzero((positions >= capacity) | self.seen.contains(texts))
        number = pl.Series(positions[at] + 1).cast(pl.String)
        return texts.scatter(at, self._glue([choice[at] for choice in choices], number))

    def _draft(self, bits: NDArray[np.uint64]) -> pl.Series:
        return self._glue(
            [
                (mixed(bits, place) % np.uint64(part.size)).astype(np.int64)
                for place, part in enumerate(self.parts)
            ]
        )

    def _glue(self, choices: list[NDArray[np.int64]], number: pl.Series | None = None) -> pl.Series:
        written = [part.write(at) for part, at in zip(self.parts, choices, strict=True)]
        if number is not None:
            written.insert(self.number_after % len(self.parts) + 1, number)
        return glued(written)

    def to_dict(self) -> dict[str, object]:
        """Return the recipe as JSON-able data."""
        return {
            "parts": [{"choices": list(p.choices), "digits": p.digits} for p in self.parts],
            "seen": self.seen.to_dict(),
            "number_after": self.number_after,
        }

    @staticmethod
    def from_dict(state: dict) -> Recipe:
        """Rebuild a recipe from `to_dict`."""
        return Recipe(
            parts=tuple(Part(tuple(p["choices"]), p["digits"]) for p in state["parts"]),
            seen=Seen.from_dict(state["seen"]),
            number_after=state["number_after"],
        )


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class PersonalCodec:
    """One column of personal values: only whether there is a value has a code.

    Attributes:
        name: Column name.
        dtype: The real dtype.
        writer: Writes the values.
        has_null: Null has a code, the last one.
    """

    name: str
    dtype: pl.DataType
    writer: Recipe | TextModel
    has_null: bool = False

    @property
    def code_columns(self) -> tuple[CodeColumn, ...]:
        """Null or not, if there are nulls."""
        return presence_columns(self.name, has_null=self.has_null)

    def encode(self, series: pl.Series) -> tuple[NDArray[np.int64], ...]:
        """Return 0 for a value and 1 for null."""
        return presence_codes(series, has_null=self.has_null)

    def unseen(self, series: pl.Series) -> int:
        """Count nulls where there were none."""
        return new_nulls(series, has_null=self.has_null)

    def decode(
        self, codes: Sequence[NDArray[np.int64]], stream: Stream, n: int, *, start: int = 0
    ) -> pl.Series:
        """Invent values for `n` rows."""
        bits = row_bits(stream, n, start=start)
        if not codes:
            return from_text(self.writer.write(bits), self.dtype)
        at = np.flatnonzero(codes[0] == 0)
        empty = pl.Series([None], dtype=pl.String).new_from_index(0, n)
        return from_text(empty.scatter(at, self.writer.write(bits[at])), self.dtype)

    def allow(self, wanted: Wanted) -> Allowed:
        """Tell which codes may be: any value will do, or none can be chosen."""
        if wanted.is_any:
            return not_null(self.code_columns, has_null=self.has_null)
        return Allowed(weights=(), is_possible=False, learned="no values: they are invented")

    def to_dict(self) -> dict[str, object]:
        """Return the codec as JSON-able data."""
        return {
            "has_recipe": isinstance(self.writer, Recipe),
            "writer": self.writer.to_dict(),
            "has_null": self.has_null,
        }

    @staticmethod
    def from_dict(state: dict, *, name: str, dtype: pl.DataType) -> PersonalCodec:
        """Rebuild a codec from `to_dict`."""
        kind = Recipe if state["has_recipe"] else TextModel
        return PersonalCodec(
            name=name,
            dtype=dtype,
            writer=kind.from_dict(state["writer"]),
            has_null=state["has_null"],
        )


def fit_personal(series: pl.Series, kind: str, stream: Stream) -> PersonalCodec:
    """Prepare to invent the values of a personal column.

    Args:
        series: The real column, of text or of few values; it decides where nulls are and
            what is never written.
        kind: One of `synthohive.schema.model.PII_KINDS`.
        stream: Address of the randomness that words are invented with.
    """
    dtype, name, series = series.dtype, series.name, series.alias("")
    if dtype == pl.Boolean:
        writer = _any_of("false", "true")
    elif isinstance(dtype, pl.Enum):
        writer = _any_of(*dtype.categories)
    else:
        texts = series.cast(pl.String).drop_nulls().unique().sort()
        writer = fit_writer(texts, kind, stream)
    return PersonalCodec(name=name, dtype=dtype, writer=writer, has_null=series.has_nulls())


def _any_of(*choices: str) -> Recipe:
    """Return the recipe of a dtype that has few values, each as likely as the others."""
    return Recipe(parts=(Part(choices),), seen=remember(pl.Series([], dtype=pl.String)))


def fit_writer(texts: pl.Series, kind: str, stream: Stream) -> Recipe | TextModel:
    """Prepare to write personal values of one kind, none of which is among `texts`."""
    if kind in FORMED_KINDS and len(texts):
        constant = max(_SHAPE_TEXTS, int(_CONSTANT_SHARE * len(texts)))
        words = constant if kind == "phone" else None
        return fit_text(texts, stream, min_texts=_SHAPE_TEXTS, min_word_texts=words)
    parts, number_after = _recipe(kind)
    return Recipe(parts=parts, seen=remember(texts), number_after=number_after)


def _recipe(kind: str) -> tuple[tuple[Part, ...], int]:
    """Return the parts of a kind's values, and where a row number may be put in."""
    first, last, suffixes, streets, companies = map(Part, _public_names())
    small_first, small_last = _small(first), _small(last)
    domain = Part(("@example.com", "@example.net", "@example.org"))
    space, dot = Part((" ",)), Part((".",))
    town = (last, suffixes)
    street = (Part(digits=2), space, last, space, streets)
    recipes: dict[str, tuple[tuple[Part, ...], int]] = {
        "email": ((small_first, dot, small_last, Part(digits=2), domain), 3),
        "username": ((small_first, Part(("_",)), small_last, Part(digits=2)), -1),
        "name": ((first, space, last), -1),
        "first_name": ((first,), -1),
        "last_name": ((last,), -1),
        "street": (street, 0),
        "city": (town, -1),
        "address": ((*street, Part((", ",)), *town, space, Part(digits=5)), 0),
        "company": ((last, space, companies), 0),
        "url": ((Part(("https://www.example.com/",)), small_last, Part(digits=3)), -1),
        "ip": ((Part(("10.",)), _BYTE, dot, _BYTE, dot, _BYTE), 1),
        "iban": ((Part(("XX00",)), Part(digits=18)), -1),
        "phone": ((Part(("+999 ",)), Part(digits=9)), -1),
        "postcode": ((Part(digits=5),), -1),
    }
    return recipes.get(kind, ((last, space, Part(digits=4)), -1))


def _small(names: Part) -> Part:
    """Return names as they stand in addresses."""
    return Part(tuple(dict.fromkeys(re.sub(r"\W", "", name.lower()) for name in names.choices)))


_BYTE = Part(tuple(map(str, range(256))))


@cache
def _public_names() -> tuple[tuple[str, ...], ...]:
    """Return first names, last names, and ends of towns, streets and companies."""
    from faker.providers.address.en_US import Provider as Address  # noqa: PLC0415
    from faker.providers.company.en_US import Provider as Company  # noqa: PLC0415
    from faker.providers.person.en_US import Provider as Person  # noqa: PLC0415

    sources = (
        Person.first_names,
        Person.last_names,
        Address.city_suffixes,
        Address.street_suffixes,
        Company.company_suffixes,
    )
    return tuple(tuple(sorted(set(source))) for source in sources)
