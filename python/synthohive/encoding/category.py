"""Categories and text: values that many rows share as codes, the rest invented."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import polars as pl

from synthohive.encoding.draws import row_bits
from synthohive.encoding.hexes import find_alphabets
from synthohive.encoding.layout import CodeColumn
from synthohive.encoding.radix import Radix
from synthohive.encoding.seen import remember, text_hash
from synthohive.encoding.text import TextModel, fit_text
from synthohive.encoding.wanted import Allowed, Wanted, not_null

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    from synthohive.encoding.settings import EncodingSettings
    from synthohive.randomness import Stream

_MIN_COVER = 0.2  # share of rows that kept values must explain, or else only big ones stay
_BIG_SHARE = 0.01


@dataclass(frozen=True, slots=True, kw_only=True)
class CategoryCodec:
    """One column of text, booleans or enumerated values.

    Codes are the kept values, most frequent first, then one for all rare values (if
    there are any), then one for null (if there is one). A rare value is never generated
    again: the text model invents values of the same make.

    Attributes:
        name: Column name.
        dtype: The real dtype.
        values: The kept values as text.
        rare: Model of the rare values; `None` if every value is kept.
        has_null: Null has a code, the last one.
        hashes: Hashes of the real values that `values` stand in for, if they do: UUIDs and
            hashes are identifiers, however many rows share one, and are never kept.
    """

    name: str
    dtype: pl.DataType
    values: pl.Series
    rare: TextModel | None = None
    has_null: bool = False
    hashes: NDArray[np.uint64] | None = None

    @property
    def code_columns(self) -> tuple[CodeColumn, ...]:
        """One code column, or none if all rows would have the same code."""
        size = len(self.values) + (self.rare is not None) + self.has_null
        if size <= 1:
            return ()
        return (CodeColumn(name=self.name, size=size, source=self.name),)

    def encode(self, series: pl.Series) -> tuple[NDArray[np.int64], ...]:
        """Return the codes. A value never seen is rare, or else the most frequent value."""
        if not self.code_columns:
            return ()
        found = self._find(series)
        other = len(self.values) if self.rare is not None else 0
        codes = found.fill_null(other).to_numpy().astype(np.int64)
        if self.has_null:
            codes[series.is_null().to_numpy()] = self.code_columns[0].size - 1
        return (codes,)

    def unseen(self, series: pl.Series) -> int:
        """Count the values that no code and no rare value stands for."""
        if self.rare is not None:
            return 0 if self.has_null else series.null_count()
        if not len(self.values):  # of a type that may have no text
            return len(series) - (series.null_count() if self.has_null else 0)
        known = self._find(series).is_not_null()
        return len(series) - int((known | series.is_null()).sum() if self.has_null else known.sum())

    def decode(
        self, codes: Sequence[NDArray[np.int64]], stream: Stream, n: int, *, start: int = 0
    ) -> pl.Series:
        """Return the values of `n` rows' codes; rare ones are invented."""
        code = codes[0] if codes else np.zeros(n, np.int64)
        kept = len(self.values)
        if self.rare is None and not kept:
            return pl.Series([None], dtype=self.dtype).new_from_index(0, n)
        # one null behind the values, for all codes that stand for none of them
        texts = self.values.extend_constant(None, 1).gather(np.minimum(code, kept))
        if self.rare is not None:
            at = np.flatnonzero(code == kept)
            bits = row_bits(stream, len(code), start=start)[at]
            texts = texts.scatter(at, self.rare.write(bits))
        return from_text(texts, self.dtype)

    def allow(self, wanted: Wanted) -> Allowed:
        """Tell which codes may be where only some values may: not that of rare ones."""
        columns = self.code_columns
        if wanted.is_any:
            has_values = len(self.values) > 0 or self.rare is not None
            return not_null(columns, has_null=self.has_null, has_values=has_values)
        values = wanted.values
        if values is None:
            known = pl.Series([], dtype=pl.UInt32)
            values = pl.Series([], dtype=self.dtype)
        else:
            known = self._find(values)
        found = known.drop_nulls().to_numpy().astype(np.int64)
        weights = np.zeros((1, columns[0].size if columns else 1))
        weights[0, found] = 1.0
        named = pl.Series([None], dtype=self.dtype).new_from_index(0, len(self.values) + 1)
        return Allowed(
            weights=(weights,) if columns else (),
            drawing=_Named(named.scatter(found, values.filter(known.is_not_null()))),
            is_possible=len(found) > 0,
            learned=_listed(self),
            missing=known.null_count(),
        )

    def _find(self, series: pl.Series) -> pl.Series:
        """Return the code of each kept value, null for others."""
        texts, values, copies = to_text(series), self.values, 1
        if self.hashes is not None:
            # both real and synthetic rows can be encoded
            values = pl.Series(np.concatenate([self.hashes, text_hash(values)]))
            texts, copies = pl.Series(text_hash(texts.fill_null(""))), 2
        return texts.replace_strict(
            values,
            pl.Series([*range(len(self.values))] * copies, dtype=pl.UInt32),
            default=None,
            return_dtype=pl.UInt32,
        )

    def to_dict(self) -> dict[str, object]:
        """Return the codec as JSON-able data."""
        return {
            "values": self.values.to_list(),
            "rare": self.rare.to_dict() if self.rare else None,
            "has_null": self.has_null,
            "hashes": None if self.hashes is None else self.hashes.tolist(),
        }

    @staticmethod
    def from_dict(state: dict, *, name: str, dtype: pl.DataType) -> CategoryCodec:
        """Rebuild a codec from `to_dict`."""
        return CategoryCodec(
            name=name,
            dtype=dtype,
            values=pl.Series(state["values"], dtype=pl.String),
            rare=TextModel.from_dict(state["rare"]) if state["rare"] else None,
            has_null=state["has_null"],
            hashes=None if state["hashes"] is None else np.array(state["hashes"], np.uint64),
        )


@dataclass(frozen=True, slots=True)
class _Named:
    """Draws values as they were named: codes may have stand-ins for them."""

    values: pl.Series

    def draw(
        self, codes: Sequence[NDArray[np.int64]], stream: Stream, n: int, *, start: int = 0
    ) -> pl.Series:
        """Return the value of each of `n` rows' codes."""
        del stream, start
        code = codes[0] if codes else np.zeros(n, np.int64)
        return self.values.gather(np.minimum(code, len(self.values) - 1))


_SHOWN = 5


def _listed(codec: CategoryCodec) -> str:
    if not len(codec.values):
        return "no value that could be named"
    shown = ", ".join(map(repr, from_text(codec.values.head(_SHOWN), codec.dtype).to_list()))
    more = len(codec.values) - _SHOWN
    return f"the values {shown}" + (f" and {more} more" if more > 0 else "")


def fit_category(
    series: pl.Series,
    settings: EncodingSettings,
    stream: Stream,
    *,
    allowed: pl.Series | None = None,
) -> CategoryCodec:
    """Learn the codes of a column of categories or text.

    Args:
        series: Real values, nulls included.
        settings: How many values may be kept, and from how many rows on.
        stream: Address of the randomness that texts are invented with.
        allowed: All values there can be, known to everybody and so kept as they are.
    """
    name, series = series.name, series.alias("")  # a name may look like a pattern to Polars
    texts = to_text(series)
    if allowed is None and series.dtype == pl.Boolean:
        allowed = series.drop_nulls().unique().sort()
    counts = texts.drop_nulls().alias("value").value_counts(name="rows")
    counts = counts.sort(["rows", "value"], descending=[True, False])
    if allowed is not None:
        values = to_text(allowed).alias("value").to_frame()
        values = values.join(counts, on="value", how="left", maintain_order="left")
        return CategoryCodec(
            name=name,
            dtype=series.dtype,
            values=values.sort("rows", descending=True, nulls_last=True, maintain_order=True)[
                "value"
            ],
            has_null=series.has_nulls(),
        )
    total = int(counts["rows"].sum())
    kept = counts.filter(pl.col("rows") >= settings.rows_to_keep_text(total)).head(
        settings.vocabulary
    )
    if kept["rows"].sum() < _MIN_COVER * total:
        kept = kept.filter(pl.col("rows") >= _BIG_SHARE * total)
    rest = counts[len(kept) :]
    alphabets = find_alphabets(counts["value"])
    stand_ins = kept["value"]
    if alphabets is not None:
        stand_ins = _stand_ins(alphabets, counts["value"], len(kept), stream)
    return CategoryCodec(
        name=name,
        dtype=series.dtype,
        values=stand_ins,
        rare=_fit_rare(rest, settings.rows_to_keep_text(total), stream) if len(rest) else None,
        has_null=series.has_nulls(),
        hashes=None if alphabets is None else text_hash(kept["value"]),
    )


def _stand_ins(
    alphabets: tuple[str, ...], real: pl.Series, number: int, stream: Stream
) -> pl.Series:
    """Invent identifiers, all different and none of them real."""
    form = Radix(alphabets=alphabets, growth=(alphabets[-1],))
    texts = form.write(np.arange(2 * number), stream.child("stand-in")).alias("value")
    return texts.filter(~remember(real).contains(texts)).head(number)


def no_values(name: str, dtype: pl.DataType) -> CategoryCodec:
    """Return the codec of a column that is always null."""
    empty = pl.Series([], dtype=pl.String)
    return CategoryCodec(name=name, dtype=dtype, values=empty, has_null=True)


def _fit_rare(counts: pl.DataFrame, min_texts: int, stream: Stream) -> TextModel:
    return fit_text(
        counts["value"],
        stream,
        min_texts=min_texts,
        min_word_texts=min_texts,
        rows=int(counts["rows"].sum()),
    )


def to_text(series: pl.Series) -> pl.Series:
    """Return categories as text."""
    if series.dtype == pl.Boolean:
        return series.replace_strict(
            pl.Series([False, True]), pl.Series(["false", "true"]), return_dtype=pl.String
        )
    return series.cast(pl.String)


def from_text(texts: pl.Series, dtype: pl.DataType) -> pl.Series:
    """Give texts back their real dtype."""
    if dtype == pl.Boolean:
        return texts == "true"
    return texts.cast(dtype)
