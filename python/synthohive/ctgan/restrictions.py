"""Columns that may only have some values: which codes that leaves, and how they are drawn."""

from __future__ import annotations

import warnings
from dataclasses import dataclass
from typing import TYPE_CHECKING

import polars as pl

from synthohive.ctgan.asked import Asked, Between, NotNull, OneOf
from synthohive.ctgan.conditions import code_frame, column_codes, not_learned, places
from synthohive.ctgan.typed import typed
from synthohive.encoding.category import CategoryCodec
from synthohive.encoding.wanted import Wanted
from synthohive.errors import ConfigError, UnseenContextWarning

if TYPE_CHECKING:
    from collections.abc import Mapping

    import numpy as np

    from synthohive.ctgan.fitted import FittedTable
    from synthohive.encoding.table import TableEncoder
    from synthohive.encoding.wanted import Allowed
    from synthohive.randomness import Stream


@dataclass(frozen=True, slots=True, kw_only=True)
class Restriction:
    """What one column may be, as values and as codes."""

    wanted: Wanted
    allowed: Allowed


def split(
    given: Mapping[str, object] | pl.DataFrame | None,
) -> tuple[Mapping[str, object] | pl.DataFrame | None, dict[str, Asked]]:
    """Tell given values from what else is asked of columns."""
    if given is None or isinstance(given, pl.DataFrame):
        return given, {}
    asked = {
        name: value for name, value in given.items() if isinstance(value, Between | OneOf | NotNull)
    }
    return {name: value for name, value in given.items() if name not in asked} or None, asked


def restrict(
    fitted: FittedTable, asked: Mapping[str, Asked], *, known: set[str]
) -> dict[str, Restriction]:
    """Return what columns may be.

    Args:
        fitted: The model.
        asked: What is asked of columns.
        known: Columns whose values are given.

    Raises:
        ConfigError: A column is not learned, or never had such a value.
    """
    encoder, table = fitted.encoder, fitted.table.name
    result: dict[str, Restriction] = {}
    for name, what in (_with_bases(encoder, asked, known)).items():
        if name not in encoder.schema:
            raise not_learned(fitted, name)
        codec = encoder.codecs[name]
        wanted = typed(what, codec, encoder.schema[name], table=table, column=name)
        if not wanted.is_any:
            _refuse_distances(encoder, name, table)
        allowed = codec.allow(wanted)
        if not _is_possible(fitted, name, allowed):
            raise ConfigError(
                f"no row of {table!r} was learned from in which {name!r} is {what!r}",
                table=table,
                column=name,
                hint=f"the column has {allowed.learned}" if allowed.learned else None,
            )
        if allowed.missing:
            warnings.warn(
                f"given {table}.{name} is {what!r}, but {allowed.missing} of these values were"
                " not learned from: no row gets them",
                UnseenContextWarning,
                stacklevel=4,
            )
        result[name] = Restriction(wanted=wanted, allowed=allowed)
    return result


def _with_bases(
    encoder: TableEncoder, asked: Mapping[str, Asked], known: set[str]
) -> dict[str, Asked]:
    """Add what columns are computed from: it must not be null where they must not be."""
    relations = encoder.relations
    distances = [order for order in relations.orders if order.is_offset]
    steps = (*relations.curves, *relations.calendar, *distances)
    base_of = {step.column: step.base for step in steps}
    result = dict(asked)
    for name in asked:
        base = base_of.get(name)
        while base is not None and base in encoder.schema and base not in known:
            result.setdefault(base, NotNull())
            base = base_of.get(base)
    return result


def _refuse_distances(encoder: TableEncoder, name: str, table: str) -> None:
    """Refuse a range of a column that is learned as the distance from another one."""
    for order in encoder.relations.orders:
        if order.is_offset and order.column == name:
            raise ConfigError(
                f"{name!r} is learned as the time since {order.base!r}",
                table=table,
                column=name,
                hint=f"give values of both, or a range of {order.base!r}",
            )
    for curve in encoder.relations.curves:
        if curve.column == name:
            raise ConfigError(
                f"{name!r} is learned as the distance from a curve along {curve.base!r}",
                table=table,
                column=name,
                hint=f"give a range of {curve.base!r}, or a value of {name!r}",
            )


def _is_possible(fitted: FittedTable, name: str, allowed: Allowed) -> bool:
    """Tell whether there is a code that may be, among those that rows had."""
    if not allowed.is_possible:
        return False
    columns = places(fitted.encoder, name)
    for place, weights in zip(columns, allowed.weights, strict=True):
        only = int(fitted.generator.constants[place])
        if only >= 0 and not weights[:, only].any():
            return False
    return True


def weights_of(
    fitted: FittedTable, restrictions: Mapping[str, Restriction], *, known: set[str]
) -> dict[int, np.ndarray]:
    """Return the weights of the code columns that are restricted, by their places.

    Where a restricted column follows from another one, that one is restricted to suit it.
    """
    result = {
        place: weights
        for name, restriction in restrictions.items()
        for place, weights in zip(
            places(fitted.encoder, name), restriction.allowed.weights, strict=True
        )
    }
    for name, excluded in _excluded(fitted.encoder, restrictions).items():
        codec, columns = fitted.encoder.codecs[name], places(fitted.encoder, name)
        if name not in known and columns and isinstance(codec, CategoryCodec):
            [out] = codec.allow(Wanted(values=excluded)).weights
            [place] = columns
            weights = result.get(place, 1.0) * (1.0 - out)
            if weights.any():
                result[place] = weights
    return result


def _excluded(
    encoder: TableEncoder, restrictions: Mapping[str, Restriction]
) -> dict[str, pl.Series]:
    """Return values from which would follow what may not be."""
    result: dict[str, pl.Series] = {}
    for lookup in reversed(encoder.relations.lookups):
        dtype = encoder.schema[lookup.column]
        values, out = (
            lookup.values.cast(dtype),
            pl.repeat(value=False, n=len(lookup.keys), eager=True),
        )
        restriction = restrictions.get(lookup.column)
        if restriction is not None:
            out |= pl.Series(~restriction.wanted.holds(values))
        if lookup.column in result:
            out |= values.is_in(result[lookup.column].implode()).fill_null(value=False)
        if out.any():
            keys = lookup.keys.filter(out).cast(encoder.schema[lookup.base])
            before = result.get(lookup.base)
            result[lookup.base] = keys if before is None else before.append(keys).unique()
    return result


def decode_around(
    encoder: TableEncoder,
    codes: np.ndarray,
    stream: Stream,
    *,
    start: int,
    fixed: pl.DataFrame | None,
    restrictions: Mapping[str, Restriction],
) -> pl.DataFrame:
    """Draw rows for codes that suit the values given, within what is asked.

    A column that follows from others is computed from them, and drawn from its own codes
    where that is not as asked.
    """
    relations = encoder.relations
    steps = (*relations.lookups, *relations.calendar, *relations.formulas)
    computed = {step.column for step in steps}
    known = pl.DataFrame(height=len(codes)) if fixed is None else fixed
    own = {
        name: _own(encoder, name, codes, stream, start, restriction)
        for name, restriction in restrictions.items()
    }
    direct = [
        own[name].alias(name)
        for name, restriction in restrictions.items()
        if not restriction.wanted.is_any and name not in computed
    ]
    known = known.with_columns(direct)
    coded = code_frame(encoder, codes)
    rows = encoder.decode(coded, stream, start=start, given=known)
    mended = [
        _mended(rows[name].alias(""), own[name], restriction.wanted).alias(name)
        for name, restriction in restrictions.items()
        if name not in known.columns and not restriction.wanted.holds(rows[name].alias("")).all()
    ]
    if mended:
        rows = encoder.decode(coded, stream, start=start, given=known.with_columns(mended))
    return rows


def _own(
    encoder: TableEncoder,
    name: str,
    codes: np.ndarray,
    stream: Stream,
    start: int,
    restriction: Restriction,
) -> pl.Series:
    """Draw a column from its own codes."""
    drawing = restriction.allowed.drawing
    draw = encoder.codecs[name].decode if drawing is None else drawing.draw
    own = column_codes(encoder, name, codes)
    return draw(own, stream.child(name), len(codes), start=start).alias("")


def _mended(values: pl.Series, own: pl.Series, wanted: Wanted) -> pl.Series:
    """Return values, another one's where they are not as wanted."""
    if own.dtype != values.dtype:  # learned as a distance
        return values
    return own.zip_with(pl.Series(~wanted.holds(values)), values)
