"""Free text: invented values of the same make as the real ones."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import polars as pl

from synthohive.encoding.draws import below, fraction, mixed, row_bits
from synthohive.encoding.hexes import find_alphabets, hex_shape
from synthohive.encoding.prose import Prose, fit_prose
from synthohive.encoding.seen import Seen, remember, written_anew
from synthohive.encoding.shapes import Shape, find_shapes

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from synthohive.randomness import Stream

_FIT_TEXTS = 20_000


@dataclass(frozen=True, slots=True, kw_only=True)
class TextModel:
    """What is known of the texts of one column.

    Attributes:
        shapes: Shapes that several real texts share.
        shares: Cumulated share of the shapes; what is missing to 1 is prose.
        prose: Model of the texts without a shared shape; `None` if all have one.
        seen: Memory of the real texts, none of which is written again.
        distinct: Number of different texts to write; 0 for as many as there are rows.
    """

    shapes: tuple[Shape, ...]
    shares: NDArray[np.float64]
    prose: Prose | None
    seen: Seen
    distinct: int = 0

    def write(self, bits: NDArray[np.uint64]) -> pl.Series:
        """Write one text per word of random bits; equal bits give equal texts."""
        if not self.distinct:
            return written_anew(self.draft, bits, self.seen)
        which = below(bits, 0, self.distinct)
        numbers, place = np.unique(which, return_inverse=True)
        texts = written_anew(self.draft, mixed(numbers.astype(np.uint64), 1), self.seen)
        return texts.gather(place)

    def draft(self, bits: NDArray[np.uint64]) -> pl.Series:
        """Write texts as `write` does, which may be real ones by chance."""
        choice = np.searchsorted(self.shares, fraction(bits, 0), side="right")
        if not self.prose:
            choice = np.minimum(choice, len(self.shapes) - 1)
        order = np.argsort(choice, kind="stable")
        bounds = np.searchsorted(choice[order], np.arange(len(self.shapes) + 2))
        parts: list[pl.Series] = []
        for number, model in enumerate([*self.shapes, self.prose]):
            rows = order[bounds[number] : bounds[number + 1]]
            if model is not None and len(rows):
                parts.append(model.write(mixed(bits[rows], 1)).alias(""))
        if not parts:
            return pl.Series([], dtype=pl.String)
        if len(parts) == 1:
            return parts[0]
        place = np.empty(len(order), np.int64)
        place[order] = np.arange(len(order))
        return pl.concat(parts).gather(place)

    def to_dict(self) -> dict[str, object]:
        """Return the model as JSON-able data."""
        return {
            "shapes": [shape.to_dict() for shape in self.shapes],
            "shares": self.shares.tolist(),
            "prose": self.prose.to_dict() if self.prose else None,
            "seen": self.seen.to_dict(),
            "distinct": self.distinct,
        }

    @staticmethod
    def from_dict(state: dict) -> TextModel:
        """Rebuild a model from `to_dict`."""
        return TextModel(
            shapes=tuple(Shape.from_dict(shape) for shape in state["shapes"]),
            shares=np.array(state["shares"], np.float64),
            prose=Prose.from_dict(state["prose"]) if state["prose"] else None,
            seen=Seen.from_dict(state["seen"]),
            distinct=state["distinct"],
        )


def fit_text(
    texts: pl.Series,
    stream: Stream,
    *,
    min_texts: int = 5,
    min_word_texts: int | None = 5,
    rows: int = 0,
) -> TextModel:
    """Learn the make of texts.

    Args:
        texts: The different real texts, without nulls, at least one.
        stream: Address of the randomness that words are invented with.
        min_texts: How many texts must share a shape before it may be kept.
        min_word_texts: How many must share a word; no word is kept if `None`.
        rows: Rows the texts stand for; as many as `texts` if 0.
    """
    step = -(-len(texts) // _FIT_TEXTS)
    looked_at: list[str] = texts.gather_every(step).to_list()
    alphabets = find_alphabets(texts)
    if alphabets is None:
        shapes, others = find_shapes(looked_at, min_texts, min_word_texts)
    else:
        shapes, others = [(hex_shape(alphabets), len(looked_at))], []
    bits = row_bits(stream.child("stock"), 1)
    prose = None
    if others or not shapes:
        prose = fit_prose(others or looked_at, min_word_texts, bits)
    counts = np.array([count for _, count in shapes], np.float64)
    return TextModel(
        shapes=tuple(shape for shape, _ in shapes),
        shares=np.cumsum(counts) / len(looked_at),
        prose=prose,
        seen=remember(texts.filter(texts != "")),
        distinct=len(texts) if rows > len(texts) else 0,
    )
