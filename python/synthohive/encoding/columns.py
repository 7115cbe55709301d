"""Which codec a column gets, and how codecs are saved."""

from __future__ import annotations

from typing import TYPE_CHECKING

import polars as pl

from synthohive.encoding.blurred import BlurredCodec, fit_blurred
from synthohive.encoding.category import CategoryCodec, fit_category, no_values
from synthohive.encoding.constraints import accepted_series
from synthohive.encoding.dtypes import dtype_from_dict, dtype_to_dict
from synthohive.encoding.moment import MomentCodec, fit_moment
from synthohive.encoding.number import NumberCodec, fit_number
from synthohive.encoding.personal import PersonalCodec, fit_personal
from synthohive.encoding.written import WrittenCodec, find_writing, fit_written

if TYPE_CHECKING:
    from collections.abc import Iterator

    from synthohive.encoding.settings import EncodingSettings
    from synthohive.randomness import Stream
    from synthohive.schema.model import Column

Codec = NumberCodec | MomentCodec | CategoryCodec | PersonalCodec | BlurredCodec | WrittenCodec

_OTHERS = {
    "number": NumberCodec,
    "category": CategoryCodec,
    "personal": PersonalCodec,
    "blurred": BlurredCodec,
    "written": WrittenCodec,
}
_KINDS = {codec: kind for kind, codec in _OTHERS.items()} | {MomentCodec: "moment"}
_LOOK = 1_000
_EMAIL = r"^[^@\s]+@[^@\s]+\.[a-zA-Z]+$"


def codec_to_dict(codec: Codec) -> dict[str, object]:
    """Return a codec as JSON-able data."""
    dtype = dtype_to_dict(codec.dtype)
    return {"kind": _KINDS[type(codec)], "dtype": dtype, "state": codec.to_dict()}


def codec_from_dict(state: dict, name: str) -> Codec:
    """Rebuild a column's codec from `codec_to_dict`."""
    dtype = dtype_from_dict(state["dtype"])
    if isinstance(dtype, pl.Datetime) and state["kind"] == "moment":
        return MomentCodec.from_dict(state["state"], name=name, dtype=dtype)
    return _OTHERS[state["kind"]].from_dict(state["state"], name=name, dtype=dtype)


def fit_column(
    series: pl.Series, column: Column, stream: Stream, settings: EncodingSettings
) -> Codec:
    """Choose and fit the codec of one column."""
    dtype, name = series.dtype, series.name
    if not _is_supported(dtype):
        return no_values(name, dtype)
    is_ordered = dtype.is_numeric() or dtype.is_temporal()
    if column.pii is not None:
        return fit_blurred(series) if is_ordered else fit_personal(series, column.pii, stream)
    values = column.constraint.accepted_values if column.constraint else None
    accepted = None if values is None else accepted_series(values, dtype, name=name)
    if dtype == pl.String and accepted is None:
        return _fit_text(series, stream, settings)
    if isinstance(dtype, pl.Datetime):
        return fit_moment(series, settings)
    if is_ordered:
        return fit_number(series, settings, is_public=accepted is not None)
    if isinstance(dtype, pl.Enum):
        accepted = dtype.categories if accepted is None else accepted
    return fit_category(series, settings, stream, allowed=accepted)


def _fit_text(series: pl.Series, stream: Stream, settings: EncodingSettings) -> Codec:
    """Fit the codec of text: numbers and dates written out are learned as what they are."""
    codec = fit_category(series, settings, stream)
    if codec.rare is None:
        return codec
    writing = find_writing(series.alias("").drop_nulls().unique())
    return codec if writing is None else fit_written(series, writing, settings)


def _is_supported(dtype: pl.DataType) -> bool:
    return not (dtype.is_nested() or dtype.base_type() in (pl.Binary, pl.Object, pl.Null))


def column_notices(series: pl.Series, column: Column, codec: Codec) -> Iterator[str]:
    """Say what becomes of a column, where that may surprise."""
    name, series = series.name, series.alias("")
    if not _is_supported(series.dtype):
        if series.null_count() < len(series):
            yield f"{name!r} is of type {series.dtype} and stays null in the synthetic table"
    elif column.pii is None and series.dtype == pl.String:
        known = series.drop_nulls().head(_LOOK)
        if len(known) and known.str.contains(_EMAIL).all():
            yield f"{name!r} holds e-mail addresses; declare it as pii: email"
    if column.constraint is not None and column.constraint.accepted_values is not None:
        count = codec.unseen(series)
        if count:
            yield f"{name!r} has {count} rows that are none of its accepted values"
