"""The one code of columns whose values are invented: whether there is a value."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from synthohive.encoding.layout import CodeColumn

if TYPE_CHECKING:
    import polars as pl
    from numpy.typing import NDArray


def presence_columns(name: str, *, has_null: bool) -> tuple[CodeColumn, ...]:
    """Return the code column: null or not, if there are nulls."""
    return (CodeColumn(name=name, size=2, source=name),) if has_null else ()


def presence_codes(series: pl.Series, *, has_null: bool) -> tuple[NDArray[np.int64], ...]:
    """Return 0 for a value and 1 for null, if there are nulls."""
    return (series.is_null().to_numpy().astype(np.int64),) if has_null else ()


def new_nulls(series: pl.Series, *, has_null: bool) -> int:
    """Count nulls where there were none."""
    return 0 if has_null else series.null_count()
