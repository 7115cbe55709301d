"""Completing rows: cells that are known stay, and null ones are drawn to suit them."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import polars as pl

from synthohive.ctgan.conditions import code_frame, column_codes, places
from synthohive.encoding.constraints import apply_constraints
from synthohive.encoding.draws import row_bits
from synthohive.encoding.wanted import Wanted
from synthohive.errors import ConfigError, did_you_mean

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable

    from synthohive.ctgan.fitted import FittedTable
    from synthohive.encoding.table import TableEncoder
    from synthohive.encoding.wanted import Allowed
    from synthohive.randomness import Stream


def columns_to_fill(
    fitted: FittedTable, frame: pl.DataFrame, columns: Iterable[str] | None
) -> list[str]:
    """Return the columns whose null cells are to be filled: those that ever had a value.

    Raises:
        ConfigError: A column is not in the frame, or not learned.
    """
    learned = [name for name in frame.columns if name in fitted.encoder.schema]
    asked = learned if columns is None else [columns] if isinstance(columns, str) else list(columns)
    for name in asked:
        if name not in learned:
            raise ConfigError(
                f"{name!r} is to be filled, but is no learned column of {fitted.table.name!r}"
                " in the frame",
                table=fitted.table.name,
                column=name,
                hint=did_you_mean(name, learned),
            )
    return [name for name in asked if _any_value(fitted, name).is_possible]


def weights_to_fill(fitted: FittedTable, fill: Iterable[str]) -> dict[int, np.ndarray]:
    """Return the weights of codes where null is none of them."""
    result: dict[int, np.ndarray] = {}
    for name in fill:
        weights = _any_value(fitted, name).weights
        result |= zip(places(fitted.encoder, name), weights, strict=True)
    return result


def _any_value(fitted: FittedTable, name: str) -> Allowed:
    return fitted.encoder.codecs[name].allow(Wanted())


def with_bases(
    encoder: TableEncoder, frame: pl.DataFrame, fill: Collection[str], stream: Stream
) -> pl.DataFrame:
    """Draw numbers that a known one nearly follows from, where they are to be filled.

    The known number is learned as its distance from a curve along the other one, so that it
    tells the generator nothing while that one is open.
    """
    for curve in reversed(encoder.relations.curves):
        if curve.column in frame.columns and curve.base in fill:
            bits = row_bits(stream.child(curve.base, "curve"), frame.height)
            bases = curve.bases(frame[curve.column].alias(""), bits)
            known = frame[curve.base].alias("")
            mixed = known.zip_with(known.is_not_null(), bases.cast(known.dtype))
            frame = frame.with_columns(mixed.alias(curve.base))
    return frame


def known_codes(encoder: TableEncoder, frame: pl.DataFrame, fill: Collection[str]) -> np.ndarray:
    """Return the codes of known cells, -1 for all others.

    A null that stays is known too, if there were nulls to learn from.
    """
    whole = encoder.filled_up(frame)
    coded, codes = encoder.coded(whole, None), encoder.encode(whole)
    result = np.full((frame.height, codes.width), -1, np.int64)
    for place, column in enumerate(encoder.layout.columns):
        name = column.source
        if name not in frame.columns:
            continue
        is_known = coded[name].is_not_null()
        if name not in fill and _has_null(encoder, name):
            is_known |= frame[name].alias("").is_null()
        at = is_known.to_numpy()
        result[at, place] = codes[column.name].to_numpy()[at]
    return result


def _has_null(encoder: TableEncoder, name: str) -> bool:
    codec = encoder.codecs[name]
    return codec.unseen(pl.Series([None], dtype=codec.dtype)) == 0


def filled(
    fitted: FittedTable,
    frame: pl.DataFrame,
    codes: np.ndarray,
    stream: Stream,
    *,
    start: int,
    fill: Collection[str],
) -> pl.DataFrame:
    """Fill the null cells of rows from their codes.

    What is computed from other columns is computed once these are filled.

    Args:
        fitted: The model.
        frame: Learned columns of the rows.
        codes: Their codes, (rows, code columns).
        stream: Address of the randomness.
        start: Number of the first row.
        fill: The columns to fill.
    """
    encoder = fitted.encoder
    coded = code_frame(encoder, codes)
    late = [name for name in _computed(encoder) if name in frame.columns]
    early = [name for name in frame.columns if name not in late]
    drawn = encoder.decode(coded, stream, start=start)
    done = [_completed(fitted, frame, drawn, name, fill) for name in early]
    for name in late:
        if name in fill and frame[name].null_count():
            drawn = encoder.decode(coded, stream, start=start, given=pl.DataFrame(done))
            own, here = column_codes(encoder, name, codes), stream.child(name)
            alone = encoder.codecs[name].decode(own, here, len(codes), start=start)
            drawn = _without_null(drawn, name, alone)
        done.append(_completed(fitted, frame, drawn, name, fill))
    return pl.DataFrame(done).select(frame.columns)


def _without_null(drawn: pl.DataFrame, name: str, own: pl.Series) -> pl.DataFrame:
    """Take a column's own values where what it is computed from is null."""
    values = drawn[name].alias("")
    if own.dtype != values.dtype:  # learned as a distance, which is nothing without its base
        return drawn
    return drawn.with_columns(values.zip_with(values.is_not_null(), own.alias("")).alias(name))


def _computed(encoder: TableEncoder) -> list[str]:
    """Return the columns that depend on others when they are decoded, in that order."""
    relations = encoder.relations
    bounded = [name for bound in relations.bounds for name in (bound.base, bound.column)]
    steps = (*relations.lookups, *relations.curves, *relations.orders, *relations.calendar)
    names = (
        *(step.column for step in steps),
        *bounded,
        *(formula.column for formula in relations.formulas),
    )
    return list(dict.fromkeys(names))


def _completed(
    fitted: FittedTable, frame: pl.DataFrame, drawn: pl.DataFrame, name: str, fill: Collection[str]
) -> pl.Series:
    """Return a column with its null cells filled."""
    known = frame[name]
    if name not in fill or not known.null_count():
        return known
    own = apply_constraints(drawn.select(pl.nth(drawn.columns.index(name))), fitted.table.columns)
    values = own.to_series().cast(known.dtype)
    return known.alias("").zip_with(known.alias("").is_not_null(), values.alias("")).alias(name)
