"""Texts without a common shape: words in a row, cut to a real length."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import polars as pl

from synthohive.encoding.draws import below, fraction, mixed
from synthohive.encoding.shapes import tokens
from synthohive.encoding.words import invented_words, quantiles

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

_POOL = 2_048
_WORDS_A_CHUNK = 6
_LENGTH_KNOTS = 129


@dataclass(frozen=True, slots=True, kw_only=True)
class Prose:
    """A stock of words and the lengths of the texts.

    Attributes:
        stock: Words, or runs of words where texts are long.
        lengths: Quantiles of the texts' lengths.
        capital_share: Share of texts that begin with a capital letter.
    """

    stock: pl.Series
    lengths: NDArray[np.int64]
    capital_share: float

    def write(self, bits: NDArray[np.uint64]) -> pl.Series:
        """Write one text per row."""
        target = self.lengths[below(bits, 0, len(self.lengths))]
        shortest = int(self.stock.str.len_chars().min() or 1) + 1  # pyright: ignore[reportArgumentType]
        count = max(1, -(-int(target.max(initial=1)) // shortest))
        taken = [self.stock.gather(below(bits, 2 + n, len(self.stock))) for n in range(count)]
        text = pl.concat_str(taken, separator=" ").str.slice(0, pl.lit(pl.Series(target)))
        first = pl.lit(pl.Series(fraction(bits, 1) < self.capital_share))
        capital = text.str.slice(0, 1).str.to_uppercase() + text.str.slice(1)
        return pl.select(pl.when(first).then(capital).otherwise(text).alias("")).to_series()

    def to_dict(self) -> dict[str, object]:
        """Return the model as JSON-able data."""
        return {
            "stock": self.stock.to_list(),
            "lengths": self.lengths.tolist(),
            "capital_share": self.capital_share,
        }

    @staticmethod
    def from_dict(state: dict) -> Prose:
        """Rebuild a model from `to_dict`."""
        return Prose(
            stock=pl.Series(state["stock"], dtype=pl.String),
            lengths=np.array(state["lengths"], np.int64),
            capital_share=state["capital_share"],
        )


def fit_prose(texts: Sequence[str], min_word_texts: int | None, bits: NDArray[np.uint64]) -> Prose:
    """Learn the words and lengths of texts.

    Args:
        texts: Different texts, at least one.
        min_word_texts: How many must share a word for it to be kept; none is if `None`.
        bits: One word of random bits, from which the stock is drawn.
    """
    words = [[token for kind, token in tokens(text) if kind != "mark"] for text in texts]
    spread = Counter(token for found in words for token in set(found))
    used = Counter(token for found in words for token in found)
    least = len(texts) + 1 if min_word_texts is None else min_word_texts
    shared = [token for token, count in spread.items() if count >= least]
    kept = sorted(shared, key=lambda token: (-used[token], token))[: _POOL // 2]
    kept_set = set(kept)
    rest = [len(token) for found in words for token in found if token not in kept_set]
    stock = _stock(kept, [used[token] for token in kept], rest, bits)
    if np.mean([len(found) for found in words]) > _WORDS_A_CHUNK:
        draws = mixed(bits[:1] + np.arange(_POOL, dtype=np.uint64), 7)
        columns = [stock.gather(below(draws, n, len(stock))) for n in range(_WORDS_A_CHUNK)]
        stock = pl.select(pl.concat_str(columns, separator=" ").alias("")).to_series()
    return Prose(
        stock=stock,
        lengths=quantiles(np.array([len(text) for text in texts]), _LENGTH_KNOTS),
        capital_share=float(np.mean([text[:1].isupper() for text in texts])),
    )


def _stock(
    kept: list[str], uses: list[int], rest: list[int], bits: NDArray[np.uint64]
) -> pl.Series:
    """Make a stock in which kept words are as frequent as they were, the others invented."""
    total = sum(uses) + len(rest)
    copies = [max(1, round(_POOL * use / max(1, total))) for use in uses]
    count = max(16, round(_POOL * len(rest) / max(1, total))) if rest or not kept else 0
    draws = mixed(bits[:1] + np.arange(count, dtype=np.uint64), 5)
    lengths = quantiles(np.array(rest or [5]), 101)
    invented = invented_words(draws, 1, lengths[below(draws, 0, len(lengths))])
    return pl.concat(
        [
            pl.Series(
                [word for word, n in zip(kept, copies, strict=True) for _ in range(n)],
                dtype=pl.String,
            ),
            invented,
        ]
    ).alias("")
