"""What rows are generated from: context and given values, checked and encoded."""

from __future__ import annotations

import warnings
from typing import TYPE_CHECKING

import numpy as np
import polars as pl

from synthohive.errors import ConfigError, ContextError, UnseenContextWarning, did_you_mean

if TYPE_CHECKING:
    from collections.abc import Mapping

    from synthohive.ctgan.fitted import FittedTable
    from synthohive.encoding.table import TableEncoder
    from synthohive.randomness import Stream


def matrix(codes: pl.DataFrame) -> np.ndarray:
    """Return codes as an array: (rows, columns)."""
    return codes.cast(pl.Int64).to_numpy().reshape(codes.height, codes.width)


def code_frame(encoder: TableEncoder, codes: np.ndarray) -> pl.DataFrame:
    """Return an array of codes as a frame, the inverse of `matrix`."""
    columns = [pl.Series(name, codes[:, i]) for i, name in enumerate(encoder.layout.names)]
    return pl.DataFrame(columns or None, height=len(codes))


def places(encoder: TableEncoder, name: str) -> list[int]:
    """Return where the code columns of a column are."""
    return [i for i, column in enumerate(encoder.layout.columns) if column.source == name]


def column_codes(encoder: TableEncoder, name: str, codes: np.ndarray) -> list[np.ndarray]:
    """Return the codes of one column, an array for each of its code columns."""
    return [codes[:, place].astype(np.int64) for place in places(encoder, name)]


def not_learned(fitted: FittedTable, name: str) -> ConfigError:
    """Return the error of asking for a column that is not learned."""
    return ConfigError(
        f"given names {name!r}, which is no learned column of {fitted.table.name!r}",
        table=fitted.table.name,
        column=name,
        hint=did_you_mean(name, fitted.encoder.schema),
    )


def context_codes(fitted: FittedTable, n: int, context: pl.DataFrame | None) -> np.ndarray | None:
    """Check and encode the context of `n` rows to generate."""
    name, encoder = fitted.table.name, fitted.context_encoder
    if encoder is None:
        if context is not None and context.width:
            raise ContextError(f"the model of {name!r} was fitted without context", table=name)
        return None
    expected = ", ".join(map(repr, encoder.schema))
    if context is None:
        raise ContextError(
            f"{n} rows of {name!r} were asked for without context",
            table=name,
            hint=f"give {n} rows with the columns {expected}",
        )
    if context.height != n:
        raise ContextError(
            f"context has {context.height} rows, but {n} rows of {name!r} were asked for",
            table=name,
        )
    for column in encoder.schema:
        if column not in context.columns:
            raise ContextError(
                f"context of {name!r} lacks the column {column!r}",
                table=name,
                column=column,
                hint=did_you_mean(column, context.columns),
            )
    _warn_of_unseen(encoder, context[list(encoder.schema)], list(encoder.schema), "context")
    return matrix(encoder.encode(context))


def given_frame(
    fitted: FittedTable, n: int, given: Mapping[str, object] | pl.DataFrame | None
) -> pl.DataFrame | None:
    """Return the given columns with the fitted dtypes, `n` rows."""
    if given is None:
        return None
    if isinstance(given, pl.DataFrame) and given.height != n:
        raise ConfigError(f"given has {given.height} rows, but {n} rows were asked for")
    schema, table = fitted.encoder.schema, fitted.table.name
    columns: list[pl.Series] = []
    for name in given.columns if isinstance(given, pl.DataFrame) else given:
        if name not in schema:
            raise not_learned(fitted, name)
        try:
            values = given[name] if isinstance(given, pl.DataFrame) else pl.Series([given[name]])
            values = values.cast(schema[name]).alias(name)
        except pl.exceptions.PolarsError as error:
            raise ConfigError(
                f"given {table}.{name} is not of the type {schema[name]}: {error}",
                table=table,
                column=name,
            ) from error
        columns.append(values if len(values) == n else values.new_from_index(0, n))
    return pl.DataFrame(columns, height=n)


def given_codes(fitted: FittedTable, fixed: pl.DataFrame, stream: Stream) -> np.ndarray:
    """Return the codes of given columns, -1 for all others."""
    encoder = fitted.encoder
    for order in encoder.relations.orders:
        if order.is_offset and order.column in fixed.columns and order.base not in fixed.columns:
            raise ConfigError(
                f"{order.column!r} is learned as the time since {order.base!r}",
                column=order.column,
                hint=f"give {order.base!r} as well",
            )
    _warn_of_unseen(encoder, encoder.filled_up(fixed), fixed.columns, "given")
    return encoder.encode_given(fixed, stream.child("given"))


def _warn_of_unseen(
    encoder: TableEncoder, frame: pl.DataFrame, names: list[str], what: str
) -> None:
    unseen = {name: count for name, count in encoder.unseen(frame).items() if name in names}
    if unseen:
        listed = ", ".join(f"{name!r} in {count} rows" for name, count in unseen.items())
        warnings.warn(
            f"{what} has values that were not learned from ({listed} of {frame.height}):"
            " the nearest known ones stand in for them",
            UnseenContextWarning,
            stacklevel=4,
        )
