"""Learning the format of a key column."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np
import polars as pl

from synthohive.encoding.blurred import rounded_range
from synthohive.encoding.key_forms import find_counter, find_form, is_uuid
from synthohive.encoding.key_limits import accepted_texts, counter_within, number_ends, step_ends
from synthohive.encoding.keys import KeyFormat
from synthohive.encoding.personal import FORMED_KINDS, Recipe, fit_writer
from synthohive.encoding.seen import remember
from synthohive.encoding.text import fit_text
from synthohive.errors import ConfigError
from synthohive.randomness import Stream

if TYPE_CHECKING:
    from synthohive.schema.model import Constraint

_TITLE_SHARE = 0.5
_FORM_TEXTS = 5  # so many personal texts must share a form


def fit_key_format(
    values: pl.Series,
    *,
    pii: str | None = None,
    limits: Constraint | None = None,
    stream: Stream | None = None,
    table: str | None = None,
) -> KeyFormat:
    """Learn the format of a key column, or of any other column of unique values.

    Args:
        values: The real keys; nulls are ignored.
        pii: The kind of personal value the column is declared to hold.
        limits: What is declared of the column's values. Keys are accepted ones, or within
            the bounds if they count.
        stream: Address of the randomness that words are invented with.
        table: The table that errors name.

    Raises:
        ConfigError: A key cannot be of this dtype, or limits do not fit it.
    """
    # without its name, which may look like a pattern to Polars
    dtype, known = values.dtype, values.alias("").drop_nulls()
    where = values.name if table is None else f"{table}.{values.name}"
    if dtype.is_nested() or dtype.base_type() in (pl.Object, pl.Null, pl.Binary):
        raise ConfigError(
            f"{where!r} is of type {dtype}, which cannot be a key",
            table=table,
            column=values.name,
            hint="declare a key of numbers, text or dates",
        )
    if limits is not None and limits.accepted_values is not None:
        listed = accepted_texts(dtype, limits, where)
        return KeyFormat(dtype=dtype, kind="listed", listed=listed, column=values.name)
    found = _format(known, dtype, pii, stream or Stream(0))
    return _limited(replace(found, column=values.name), limits, where)


def _limited(keys: KeyFormat, limits: Constraint | None, where: str) -> KeyFormat:
    """Keep keys within their bounds."""
    if limits is None or (limits.minimum is None and limits.maximum is None):
        return keys
    if keys.kind == "number":
        origin, ends = number_ends(keys.dtype, limits, where)
    elif keys.kind == "step":
        origin, ends = step_ends(keys.dtype, limits, where, origin=keys.origin, step=keys.step)
    elif keys.kind == "listed":
        within = replace(limits, accepted_values=keys.listed)
        return replace(keys, listed=accepted_texts(keys.dtype, within, where))
    elif keys.counter is not None and keys.counter.width:
        counter, most = counter_within(keys.counter, limits, where)
        return replace(keys, counter=counter, ends=(0, most))
    else:
        raise ConfigError(
            f"the texts of {where!r} have to be different in every row, and cannot be kept within"
            f" {_bounds(limits)} as well",
            column=keys.column,
            hint="leave min and max out, or list the accepted_values",
        )
    return replace(keys, origin=origin, ends=ends)


def _bounds(limits: Constraint) -> str:
    """Show which bounds there are."""
    both = (("min", limits.minimum), ("max", limits.maximum))
    return " and ".join(f"{name} {bound!r}" for name, bound in both if bound is not None)


def _format(known: pl.Series, dtype: pl.DataType, pii: str | None, stream: Stream) -> KeyFormat:
    """Learn the format of a column without nulls."""
    if dtype.is_numeric():
        return KeyFormat(dtype=dtype, kind="number")
    if dtype.is_temporal():
        return _step_format(known, dtype, is_personal=pii is not None)
    if isinstance(dtype, pl.Enum):
        return KeyFormat(dtype=dtype, kind="listed", listed=tuple(dtype.categories.to_list()))
    if dtype == pl.Boolean:
        return KeyFormat(dtype=dtype, kind="listed", listed=("false", "true"))
    return _text_format(known.cast(pl.String).unique().sort(), dtype, pii, stream)


def _text_format(
    texts: pl.Series, dtype: pl.DataType, pii: str | None, stream: Stream
) -> KeyFormat:
    """Learn the format of a column of text."""
    if pii is not None and pii not in FORMED_KINDS:
        writer = fit_writer(texts, pii, stream)
        if isinstance(writer, Recipe):
            return KeyFormat(dtype=dtype, kind="recipe", recipe=writer)
    if is_uuid(texts):
        return KeyFormat(dtype=dtype, kind="uuid")
    counter = find_counter(texts)
    if counter is not None and pii is None:
        return KeyFormat(dtype=dtype, kind="counter", counter=counter)
    form = find_form(texts) if pii is None or len(texts) >= _FORM_TEXTS else None
    if form is not None:
        seen = None if pii is None else remember(texts)
        return KeyFormat(dtype=dtype, kind="form", form=form, seen=seen)
    text = None
    if len(texts):
        text = fit_text(texts, stream, min_word_texts=None if pii is not None else 5)
    is_title = bool(len(texts)) and float(texts.str.contains(r"^\p{Lu}").mean() or 0) > _TITLE_SHARE  # pyright: ignore[reportArgumentType]
    return KeyFormat(dtype=dtype, kind="words", text=text, is_title=is_title)


def _step_format(known: pl.Series, dtype: pl.DataType, *, is_personal: bool) -> KeyFormat:
    """Learn the first point in time and the most frequent step."""
    units = known.to_physical().cast(pl.Int64).unique().sort().to_numpy()
    if not len(units):
        return KeyFormat(dtype=dtype, kind="step")
    steps, counts = np.unique(np.diff(units), return_counts=True)
    step = int(steps[counts.argmax()]) if len(steps) else 1
    first = int(units[0])
    origin = int(rounded_range(first, int(units[-1]))[0]) if is_personal else first
    return KeyFormat(dtype=dtype, kind="step", origin=origin, step=step)
