"""A whole table to codes and back."""

from __future__ import annotations

import json
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING

import numpy as np
import polars as pl

from synthohive.encoding.columns import (
    Codec,
    codec_from_dict,
    codec_to_dict,
    column_notices,
    fit_column,
)
from synthohive.encoding.dtypes import dtype_from_dict, dtype_to_dict
from synthohive.encoding.layout import CodeColumn, Layout
from synthohive.encoding.relations import Place, Relations, find_relations, with_curves
from synthohive.encoding.settings import EncodingSettings
from synthohive.errors import ConfigError, ModelFileError
from synthohive.schema.model import Column

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping
    from pathlib import Path

    from numpy.typing import NDArray

    from synthohive.randomness import Stream


@dataclass(frozen=True, slots=True, kw_only=True)
class TableEncoder:
    """Turns the columns of one table into codes and back.

    Attributes:
        schema: Names and dtypes of the columns, in order.
        codecs: One codec per column.
        relations: What the columns of a row have to do with each other.
        notices: What a reader should know, one sentence each.

    Examples:
        >>> from synthohive.randomness import Stream
        >>> frame = pl.DataFrame({"size": [1, 2, 2, None], "is_new": [True, False, True, True]})
        >>> encoder = fit_encoder(frame, {}, stream=Stream(1))
        >>> encoder.layout.names, encoder.layout.sizes
        (('size', 'is_new'), (3, 2))
        >>> encoder.decode(encoder.encode(frame), Stream(2)).equals(frame)
        True
    """

    schema: dict[str, pl.DataType]
    codecs: dict[str, Codec]
    relations: Relations = field(default_factory=Relations)
    notices: tuple[str, ...] = ()

    @property
    def layout(self) -> Layout:
        """The code columns, in the order of the table's columns."""
        return Layout(tuple(code for codes in self._codes().values() for code in codes))

    def _codes(self) -> dict[str, list[CodeColumn]]:
        """Return the code columns per column; a column may be called ``x#fine`` itself."""
        taken = set(self.schema)
        named: dict[str, list[CodeColumn]] = {}
        for name, codec in self.codecs.items():
            named[name] = []
            for code in codec.code_columns:
                free = code.name
                while free != name and free in taken:
                    free += "#"
                taken.add(free)
                named[name].append(replace(code, name=free))
        return named

    @property
    def bases(self) -> tuple[str, ...]:
        """Columns of other tables that `encode` and `decode` need beside the rows."""
        known = (order.base for order in self.relations.orders if order.base not in self.schema)
        return tuple(dict.fromkeys(known))

    def encode(self, frame: pl.DataFrame, *, bases: pl.DataFrame | None = None) -> pl.DataFrame:
        """Encode rows.

        Args:
            frame: Has all the encoder's columns; others are ignored.
            bases: Has the columns called `bases`, for the same rows.

        Returns:
            One unsigned column per code column, without nulls, as many rows as `frame`.
            A number never seen gets the code of the nearest one, a category never seen
            is rare or else the most frequent one.
        """
        codes: list[pl.Series] = []
        named = self._codes()
        for name, series in self.coded(frame, bases).items():
            encoded = self.codecs[name].encode(series)
            for column, values in zip(named[name], encoded, strict=True):
                codes.append(pl.Series(column.name, values).cast(code_dtype(column.size)))
        return pl.DataFrame(codes) if codes else pl.DataFrame(height=frame.height)

    def encode_given(
        self, given: pl.DataFrame, stream: Stream, *, start: int = 0
    ) -> NDArray[np.int64]:
        """Encode some of the columns: (rows, code columns), -1 for what is not given.

        Where only one value of a column goes with what is given, it is known as well. What
        a given number nearly follows from is drawn to suit it.

        Args:
            given: Some of the columns.
            stream: Address of the randomness; row ``i`` uses number ``start + i``.
            start: Number of the first row.
        """
        known = self.relations.completed(given, self.schema, stream, start=start)
        codes = self.encode(self.filled_up(known))
        result = np.full((given.height, codes.width), -1, np.int64)
        for place, column in enumerate(self.layout.columns):
            name = column.source
            if name in known.columns:
                result[:, place] = codes[column.name].to_numpy()
            if name in known.columns and name not in given.columns:  # not in every row
                result[known[name].is_null().to_numpy(), place] = -1
        return result

    def filled_up(self, frame: pl.DataFrame) -> pl.DataFrame:
        """Make whole rows of some of the columns: the others are null."""
        others = {name: t for name, t in self.schema.items() if name not in frame.columns}
        blank = pl.DataFrame(schema=others).clear(frame.height)
        return pl.concat([frame, blank], how="horizontal")

    def unseen(self, frame: pl.DataFrame, *, bases: pl.DataFrame | None = None) -> dict[str, int]:
        """Count, per column, the rows whose value the encoder does not know."""
        coded = self.coded(frame, bases)
        for curve in self.relations.curves:  # no distance is known where only the base is missing
            is_open = frame[curve.column].is_not_null() & frame[curve.base].is_null()
            coded[curve.column] = coded[curve.column].filter(~is_open)
        counts = {name: self.codecs[name].unseen(series) for name, series in coded.items()}
        return {name: count for name, count in counts.items() if count}

    def decode(
        self,
        codes: pl.DataFrame,
        stream: Stream,
        *,
        start: int = 0,
        bases: pl.DataFrame | None = None,
        given: pl.DataFrame | None = None,
    ) -> pl.DataFrame:
        """Draw rows for codes.

        Args:
            codes: The code columns, in any order.
            stream: Address of the randomness; row ``i`` uses number ``start + i``.
            start: Number of the first row.
            bases: Has the columns called `bases`, for the same rows.
            given: Columns that are known, for the same rows: they stay as they are, and what
                is computed from them suits them.

        Returns:
            The real columns, in order, of the real dtypes.
        """
        decoded: dict[str, pl.Series] = {}
        codes_of = self._codes()
        for name, codec in self.codecs.items():
            own = [codes[code.name].to_numpy().astype(np.int64) for code in codes_of[name]]
            values = codec.decode(own, stream.child(name), codes.height, start=start)
            decoded[name] = values.alias("")
        place = Place(
            schema=self.schema,
            start=start,
            known=self._known(bases),
            given={} if given is None else {s.name: s.alias("") for s in given},
        )
        columns = self.relations.settled(decoded, stream, place=place)
        named = [series.alias(name) for name, series in columns.items()]
        return pl.DataFrame(named or None, height=codes.height)

    def follow_again(self, frame: pl.DataFrame, changed: Iterable[str]) -> pl.DataFrame:
        """Look up and compute what follows from columns of decoded rows changed since."""
        return self.relations.follow_again(frame, changed, self.schema)

    def coded(self, frame: pl.DataFrame, bases: pl.DataFrame | None) -> dict[str, pl.Series]:
        """Return the columns as they are learned; see `Relations.coded`."""
        _check(frame, self.schema)
        # without their names, which may look like patterns to Polars
        given = {name: frame[name].alias("") for name in self.schema}
        return self.relations.coded(given, self._known(bases))

    def to_dict(self) -> dict[str, object]:
        """Return the encoder as JSON-able data."""
        return {
            "version": _VERSION,
            "columns": [
                [name, dtype_to_dict(self.schema[name]), codec_to_dict(codec)]
                for name, codec in self.codecs.items()
            ],
            "relations": self.relations.to_dict(),
            "notices": list(self.notices),
        }

    @staticmethod
    def from_dict(state: dict) -> TableEncoder:
        """Rebuild an encoder from `to_dict`.

        Raises:
            ModelFileError: The data are of another format.
        """
        try:
            if state["version"] != _VERSION:
                raise ModelFileError(f"the encoder has format {state['version']}, not {_VERSION}")
            columns = state["columns"]
            schema = {name: dtype_from_dict(dtype) for name, dtype, _ in columns}
            return TableEncoder(
                schema=schema,
                codecs={name: codec_from_dict(codec, name) for name, _, codec in columns},
                relations=Relations.from_dict(state["relations"], schema),
                notices=tuple(state["notices"]),
            )
        except (KeyError, TypeError, ValueError) as error:
            raise ModelFileError(f"the encoder is damaged: {error!r}") from error

    def save(self, folder: Path) -> None:
        """Write the encoder to ``encoder.json`` in a folder."""
        folder.mkdir(parents=True, exist_ok=True)
        text = json.dumps(self.to_dict(), ensure_ascii=False)
        (folder / _FILE).write_text(text, encoding="utf-8")

    @staticmethod
    def load(folder: Path) -> TableEncoder:
        """Read an encoder written by `save`.

        Raises:
            ModelFileError: The file is missing, damaged or of another format.
        """
        try:
            state = json.loads((folder / _FILE).read_text(encoding="utf-8"))
        except (OSError, ValueError) as error:
            raise ModelFileError(f"cannot read the encoder in {folder}: {error}") from error
        return TableEncoder.from_dict(state)

    def _known(self, bases: pl.DataFrame | None) -> dict[str, pl.Series]:
        """Return the columns of other tables that are needed."""
        if not self.bases:
            return {}
        frame = pl.DataFrame() if bases is None else bases
        _check(frame, self.bases)
        return {name: frame[name].alias("") for name in self.bases}


def _check(frame: pl.DataFrame, names: Iterable[str]) -> None:
    """Make sure that a frame has the columns to encode."""
    missing = [name for name in names if name not in frame.columns]
    if missing:
        raise ConfigError(
            f"columns to encode are missing: {', '.join(map(repr, missing))}",
            column=missing[0],
            hint=f"the frame has {', '.join(map(repr, frame.columns)) or 'no columns'}",
        )


_FILE = "encoder.json"
_VERSION = 5


def fit_encoder(
    frame: pl.DataFrame,
    columns: Mapping[str, Column],
    *,
    stream: Stream,
    bases: pl.DataFrame | None = None,
    settings: EncodingSettings | None = None,
) -> TableEncoder:
    """Learn how to encode a table.

    Args:
        frame: The real rows, only the columns to encode.
        columns: What is declared of columns, by name; may be empty.
        stream: Address of the randomness that texts are invented with.
        bases: Dates of the same rows that are known before them, such as the parent's, from
            columns that `frame` does not have. Where a date of the table never lies before
            one of them, it never will.
        settings: Numbers of codes and what may be kept verbatim.
    """
    settings = settings or EncodingSettings()
    none = pl.DataFrame(height=frame.height)
    declared = {name: columns.get(name) or Column(name=name) for name in frame.columns}
    relations = find_relations(frame, declared, none if bases is None else bases, settings)
    encoder = TableEncoder(schema=dict(frame.schema), codecs={}, relations=relations)
    coded = encoder.coded(frame, bases)
    codecs: dict[str, Codec] = {}
    notices: list[str] = []
    for name, column in declared.items():
        own = relations.fineness(name, settings)
        codecs[name] = fit_column(coded[name].alias(name), column, stream.child(name), own)
        notices.extend(column_notices(frame[name], column, codecs[name]))
    relations = with_curves(relations, frame, declared, codecs)
    for curve in relations.curves:
        name, here = curve.column, stream.child(curve.column)
        distances = curve.distances(frame[name].alias(""), frame[curve.base].alias(""))
        codecs[name] = fit_column(distances.alias(name), Column(name=name), here, settings)
    return replace(encoder, codecs=codecs, relations=relations, notices=tuple(notices))


def code_dtype(size: int) -> pl.DataType:
    """Return the narrowest unsigned dtype for codes below `size`.

    Examples:
        >>> [str(code_dtype(size)) for size in (2, 256, 257, 65_537)]
        ['UInt8', 'UInt8', 'UInt16', 'UInt32']
    """
    if size <= 1 << 8:
        return pl.UInt8()
    return pl.UInt16() if size <= 1 << 16 else pl.UInt32()
