"""From counts of children per parent to the children themselves."""

from __future__ import annotations

import polars as pl

from synthohive import _core
from synthohive.errors import ConfigError
from synthohive.kernels.arguments import check_whole


def child_offsets(counts: pl.Series) -> pl.Series:
    """Tell where the children of each parent begin.

    Args:
        counts: Children per parent row; ``UInt32``, no nulls.

    Returns:
        ``UInt64``; the last entry is the number of children.

    Shape:
        counts ``(P,)`` → ``(P + 1,)``.

    Examples:
        >>> child_offsets(pl.Series([2, 0, 1], dtype=pl.UInt32)).to_list()
        [0, 2, 2, 3]
    """
    return pl.Series(_core.child_offsets(counts))


def parent_rows(counts: pl.Series, *, start: int = 0) -> pl.Series:
    """Name the parent row of every child row.

    Args:
        counts: Children per parent row; ``UInt32``, no nulls.
        start: Position of the first of these parents in its table.

    Returns:
        Parent positions, non-decreasing; ``UInt32``.

    Shape:
        counts ``(P,)`` → ``(N,)`` with ``N == counts.sum()``.

    Raises:
        CapacityError: More than 2**32 - 2 children, or a parent position beyond that.

    Examples:
        >>> parent_rows(pl.Series([2, 0, 1], dtype=pl.UInt32)).to_list()
        [0, 0, 2]
    """
    check_whole(start=start)
    return pl.Series(_core.parent_rows(counts, start))


def sibling_positions(counts: pl.Series) -> pl.Series:
    """Number the children of each parent from zero.

    Args:
        counts: Children per parent row; ``UInt32``, no nulls.

    Returns:
        Positions among siblings; ``UInt32``.

    Shape:
        counts ``(P,)`` → ``(N,)`` with ``N == counts.sum()``.

    Raises:
        CapacityError: More than 2**32 - 2 children.

    Examples:
        >>> sibling_positions(pl.Series([2, 0, 3], dtype=pl.UInt32)).to_list()
        [0, 1, 0, 1, 2]
    """
    return pl.Series(_core.sibling_positions(counts))


def repeat(frame: pl.DataFrame, counts: pl.Series) -> pl.DataFrame:
    """Repeat each row as often as its count says.

    Numbers, dates, times and texts are written as runs; columns of any other type are
    gathered by the parent positions.

    Args:
        frame: Any columns; nulls are kept.
        counts: How often each row is wanted; ``UInt32``, no nulls.

    Returns:
        A frame with the columns and types of ``frame``.

    Shape:
        frame ``(P, columns)``, counts ``(P,)`` → ``(counts.sum(), columns)``.

    Raises:
        ConfigError: The lengths differ.
        CapacityError: More than 2**32 - 2 rows.

    Examples:
        >>> users = pl.DataFrame({"name": ["ann", "bob"], "age": [31, 47]})
        >>> repeat(users, pl.Series([2, 1], dtype=pl.UInt32)).rows()
        [('ann', 31), ('ann', 31), ('bob', 47)]
    """
    if frame.width and frame.height != len(counts):
        raise ConfigError(f"counts: has {len(counts)} entries, but frame has {frame.height} rows")
    # unnamed, because Polars takes a name such as ^a.*$ for a pattern in some of its methods
    unnamed = {column.name: column.alias("") for column in frame if _has_runs(column.dtype)}
    runs = {name: column.to_physical() for name, column in unnamed.items()}
    written = dict(zip(runs, _core.repeat(list(runs.values()), counts), strict=True))
    others = pl.DataFrame([column for column in frame if column.name not in runs])
    if others.width:
        others = gather(others, parent_rows(counts))
    return pl.DataFrame(
        {
            name: pl.Series(written[name]).cast(dtype) if name in written else others[name]
            for name, dtype in frame.schema.items()
        }
    )


def gather(frame: pl.DataFrame, rows: pl.Series) -> pl.DataFrame:
    """Take rows of a frame by position.

    Args:
        frame: Any columns.
        rows: Positions in ``frame``; ``UInt32``. A null position gives a row of nulls.

    Returns:
        A frame with the columns and types of ``frame``.

    Shape:
        frame ``(P, columns)``, rows ``(N,)`` → ``(N, columns)``.

    Examples:
        >>> users = pl.DataFrame({"name": ["ann", "bob"]})
        >>> gather(users, pl.Series([1, None, 1], dtype=pl.UInt32)).to_series().to_list()
        ['bob', None, 'bob']
    """
    return frame.select(pl.all().gather(rows))


def _has_runs(dtype: pl.DataType) -> bool:
    """Whether a column is stored as numbers of 1 to 8 bytes, or as views of bytes."""
    is_wide = isinstance(dtype, (pl.Decimal, pl.Int128, pl.UInt128))
    is_number = (dtype.is_numeric() and not is_wide) or dtype.is_temporal()
    return is_number or isinstance(dtype, (pl.String, pl.Binary))
