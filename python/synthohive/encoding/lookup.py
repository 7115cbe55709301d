"""Columns that another one of the same row decides.

A city lies in one country, a product has one name, a district one number of people. A
generator learns such a relation nearly, and Paris comes to lie in Spain. So it is found here,
and the value is looked up when rows are decoded. It is learned all the same, for a country
teaches what cities are too rare to teach one by one; but only coarsely, for what is fine in
it is looked up anyway.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import polars as pl

from synthohive.encoding.dtypes import dtype_from_dict, dtype_to_dict
from synthohive.encoding.hexes import find_alphabets

if TYPE_CHECKING:
    from numpy.typing import NDArray

_LOOK = 20_000  # rows that candidates are tried on before all rows are
_SURPRISES = 30  # rows that would break the relation, were it chance
_NARROW = 0.9  # of the rows, where what is fine in a column need not be learned


@dataclass(frozen=True, slots=True, kw_only=True)
class Lookup:
    """One column whose value follows from another column's.

    Attributes:
        column: What follows.
        base: What it follows from.
        keys: Values of the base that enough rows share, all different.
        values: The column's value for each of them.
        decides_null: Nulls follow as well; otherwise they are learned, and stay.
        is_enough: Nearly all rows have one of the keys.
        is_twin: Hardly two keys have the same value, and there are many.

    Examples:
        >>> frame = pl.DataFrame({"city": ["Bonn", "Lyon", "Nice"] * 30})
        >>> frame = frame.with_columns(country=frame["city"].replace({"Bonn": "DE"}))
        >>> frame = frame.with_columns(frame["country"].replace(["Lyon", "Nice"], ["FR", "FR"]))
        >>> [(found.column, found.base) for found in find_lookups(frame, min_rows=5, many=32)]
        [('country', 'city')]
    """

    column: str
    base: str
    keys: pl.Series
    values: pl.Series
    decides_null: bool
    is_enough: bool
    is_twin: bool

    def apply(self, drawn: pl.Series, base: pl.Series) -> pl.Series:
        """Return the column: looked up where the base is a key, else as it was drawn."""
        table = pl.DataFrame({"base": self.keys, "value": self.values.cast(drawn.dtype)})
        rows = pl.DataFrame({"drawn": drawn, "base": base.cast(self.keys.dtype)})
        rows = rows.join(
            table.with_columns(is_key=True), on="base", how="left", maintain_order="left"
        )
        is_open = pl.col("is_key").is_null()
        if not self.decides_null:
            is_open |= pl.col("drawn").is_null()
        return rows.select(pl.when(is_open).then("drawn").otherwise("value")).to_series()

    def only_keys(self, values: pl.Series) -> pl.Series:
        """Return the base of each value that only one key has, null for the others."""
        pairs = pl.DataFrame({"value": self.values, "key": self.keys}).drop_nulls()
        known = pairs.filter(pl.col("value").is_unique())
        asked = pl.DataFrame({"value": values.cast(self.values.dtype)})
        return asked.join(known, on="value", how="left", maintain_order="left")["key"]

    def to_dict(self) -> dict[str, object]:
        """Return the lookup as JSON-able data."""
        return {
            "column": self.column,
            "base": self.base,
            "keys": _plain(self.keys),
            "key_type": dtype_to_dict(self.keys.dtype),
            "values": _plain(self.values),
            "value_type": dtype_to_dict(self.values.dtype),
            "decides_null": self.decides_null,
            "is_enough": self.is_enough,
            "is_twin": self.is_twin,
        }

    @staticmethod
    def from_dict(state: dict) -> Lookup:
        """Rebuild a lookup from `to_dict`."""
        return Lookup(
            column=state["column"],
            base=state["base"],
            keys=_series(state["keys"], dtype_from_dict(state["key_type"])),
            values=_series(state["values"], dtype_from_dict(state["value_type"])),
            decides_null=state["decides_null"],
            is_enough=state["is_enough"],
            is_twin=state["is_twin"],
        )


def _plain(series: pl.Series) -> list[object]:
    if series.dtype.is_temporal():
        return series.to_physical().to_list()
    return (series.cast(pl.String) if series.dtype.is_decimal() else series).to_list()


def _series(values: list[object], dtype: pl.DataType) -> pl.Series:
    if dtype.is_temporal():
        return pl.Series(values, dtype=pl.Int64).cast(dtype)
    return pl.Series(values, dtype=pl.String if dtype.is_decimal() else dtype).cast(dtype)


def find_lookups(frame: pl.DataFrame, *, min_rows: int, many: int) -> tuple[Lookup, ...]:
    """Find the columns that follow from another one in every row.

    Where several columns decide one, the one with the fewest values is taken, if it can be
    without nulls: the country follows from the state, which follows from the city. Of two that
    decide each other, the second follows from the first.

    Args:
        frame: Real rows.
        min_rows: Rows that must share a value before it may be kept as it is.
        many: Values from which on a column has many.

    Returns:
        At most one lookup per column, each after the lookups of its base.
    """
    # without their names, which may look like patterns to Polars
    named = {name: frame[name].alias("") for name in frame.columns}
    columns = {name: column for name, column in named.items() if _may_follow(column)}
    step = -(-max(1, frame.height) // _LOOK)
    codes = {name: _codes(column.gather_every(step)) for name, column in columns.items()}
    sizes = {name: int(known.max(initial=-1)) + 1 for name, known in codes.items()}
    # a column has no more values than what decides it
    names = sorted((name for name in columns if sizes[name] > 1), key=lambda name: -sizes[name])
    has_null = {name: bool((known < 0).any()) for name, known in codes.items()}
    found: list[Lookup] = []
    for place, name in enumerate(names):
        fewest_first = names[:place][::-1]
        for base in sorted(fewest_first, key=has_null.__getitem__):
            if columns[base].dtype.is_float() or not _may_decide(codes[base], codes[name]):
                continue
            lookup = _lookup(name, columns[name], base, columns[base], min_rows, many)
            if lookup is not None:
                found.append(lookup)
                break
    return tuple(found)


def _may_follow(series: pl.Series) -> bool:
    """Tell whether a column's values are kept as they are at all, where many rows share them."""
    dtype = series.dtype
    if isinstance(dtype, pl.String):
        return find_alphabets(series.drop_nulls().unique()) is None
    is_text = isinstance(dtype, (pl.Boolean, pl.Enum, pl.Categorical))
    return is_text or dtype.is_numeric() or dtype.is_temporal()


def _codes(series: pl.Series) -> NDArray[np.int64]:
    """Number the values from 0 on, -1 for null."""
    text = series.cast(pl.String) if isinstance(series.dtype, (pl.Enum, pl.Categorical)) else series
    return text.rank("dense").cast(pl.Int64).fill_null(0).to_numpy() - 1


def _may_decide(base: NDArray[np.int64], other: NDArray[np.int64]) -> bool:
    """Tell whether the rows looked at show the relation, and more of it than chance would."""
    both = (base >= 0) & (other >= 0)
    base, other = base[both], other[both]
    if not len(base):
        return False
    first = np.zeros(int(base.max()) + 1, np.int64)
    first[base] = other
    if (first[base] != other).any():
        return False
    shares = np.bincount(other) / len(other)
    repeated = len(base) - np.count_nonzero(np.bincount(base))
    return bool(repeated * (1 - (shares**2).sum()) >= _SURPRISES)


def _lookup(
    column: str, values: pl.Series, base: str, keys: pl.Series, min_rows: int, many: int
) -> Lookup | None:
    """Describe the relation of two columns, if it holds in all rows."""
    pairs = pl.DataFrame({"key": keys, "value": values}).drop_nulls("key")
    per_key = (
        pairs.group_by("key", maintain_order=True)
        .agg(
            pl.len().alias("rows"),
            pl.col("value").null_count().alias("nulls"),
            pl.col("value").drop_nulls().n_unique().alias("distinct"),
            pl.col("value").drop_nulls().first(),
        )
        .sort("key")
    )
    if int(per_key["distinct"].max() or 0) > 1:  # pyright: ignore[reportArgumentType]
        return None
    decides_null = not per_key["nulls"].is_between(0, per_key["rows"], closed="none").any()
    is_kept = (pl.col("rows") if decides_null else pl.col("rows") - pl.col("nulls")) >= min_rows
    kept = per_key.filter(is_kept)
    if not kept.height:
        return None
    distinct = values.drop_nulls().n_unique()
    return Lookup(
        column=column,
        base=base,
        keys=kept["key"].alias(""),
        values=kept["value"].alias(""),
        decides_null=decides_null,
        is_enough=bool(kept["rows"].sum() >= _NARROW * pairs.height),
        is_twin=distinct > max(many, per_key.height / 2),
    )


def completed(given: pl.DataFrame, lookups: tuple[Lookup, ...]) -> pl.DataFrame:
    """Add the bases that follow from what is given, null where none or several do.

    Args:
        given: Some columns of some rows.
        lookups: Those of a table, each after the lookups of its base.
    """
    for lookup in reversed(lookups):
        if lookup.column in given.columns and lookup.base not in given.columns:
            keys = lookup.only_keys(given[lookup.column])
            given = given.with_columns(keys.alias(lookup.base))
    return given
