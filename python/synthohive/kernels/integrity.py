"""Whether keys hold: orphans, duplicates, and the parent row of every child."""

from __future__ import annotations

from dataclasses import dataclass

import polars as pl

from synthohive import _core
from synthohive.errors import ConfigError
from synthohive.kernels.arguments import check_whole
from synthohive.kernels.comparable import comparable

_SAMPLES = 5


@dataclass(frozen=True, slots=True, kw_only=True)
class KeyCheck:
    """What a check of a key found.

    Attributes:
        rows: Rows checked.
        nulls: Rows with a null in any key column; they are neither orphans nor duplicates.
        orphans: Rows whose key is not in the parent; zero in a check for uniqueness.
        duplicates: Rows that repeat the key of an earlier row; zero in a check of a foreign
            key.
        orphan_rows: Positions of the first five orphans.
        duplicate_rows: Positions of the first five duplicates.
    """

    rows: int
    nulls: int
    orphans: int = 0
    duplicates: int = 0
    orphan_rows: tuple[int, ...] = ()
    duplicate_rows: tuple[int, ...] = ()

    @property
    def holds(self) -> bool:
        """Whether there is neither an orphan nor a duplicate."""
        return not self.orphans and not self.duplicates


def row_ids(child: pl.DataFrame, parent: pl.DataFrame) -> tuple[pl.Series, pl.Series]:
    """Find the parent row of every child row.

    Key columns are matched by their order, not by name, and by value: whole numbers of any
    width, signed or not, equal decimals and floats of the same value; dates equal midnights;
    categories equal their text. If the parent repeats a key, its first row is found.

    Args:
        child: Key columns of the child.
        parent: Key columns of the parent, as many.

    Returns:
        ``(rows, orphan)``: the parent positions, ``UInt32``, null where a key column is null
        or the parent lacks the key; and whether it is the latter, ``Boolean``.

    Shape:
        child ``(N, K)``, parent ``(P, K)`` → ``(N,)``, ``(N,)``.

    Raises:
        ConfigError: The number of columns differs or is zero, or two columns cannot be
            compared.

    Examples:
        >>> users = pl.DataFrame({"id": [10, 20]})
        >>> orders = pl.DataFrame({"user_id": [20, None, 30]})
        >>> rows, orphan = row_ids(orders, users)
        >>> rows.to_list(), orphan.to_list()
        ([1, None, None], [False, False, True])
    """
    pairs = _paired(child, parent)
    rows = pl.Series(_core.find_rows([pair[0] for pair in pairs], [pair[1] for pair in pairs]))
    return rows, rows.is_null() & ~_any_null(child)


def check_foreign_key(child: pl.DataFrame, parent: pl.DataFrame) -> KeyCheck:
    """Count the child rows whose key the parent lacks.

    Args:
        child: Key columns of the child.
        parent: Key columns of the parent, matched as in ``row_ids``.

    Returns:
        Rows, nulls and orphans.

    Raises:
        ConfigError: As ``row_ids``.

    Examples:
        >>> users = pl.DataFrame({"id": [10, 20]})
        >>> check_foreign_key(pl.DataFrame({"user_id": [20, None, 30]}), users).orphan_rows
        (2,)
    """
    rows, orphan = row_ids(child, parent)
    orphans, orphan_rows = _sampled(orphan)
    return KeyCheck(
        rows=len(rows),
        nulls=rows.null_count() - orphans,
        orphans=orphans,
        orphan_rows=orphan_rows,
    )


def check_unique(frame: pl.DataFrame) -> KeyCheck:
    """Count the rows that repeat an earlier key.

    Args:
        frame: Key columns.

    Returns:
        Rows, nulls and duplicates.

    Raises:
        ConfigError: There are no columns, or one of a type that cannot be compared.

    Examples:
        >>> check_unique(pl.DataFrame({"id": [1, 2, None, 1, None]}))
        KeyCheck(rows=5, nulls=2, orphans=0, duplicates=1, orphan_rows=(), duplicate_rows=(3,))
    """
    columns = [pair[0] for pair in _paired(frame, frame)]
    duplicates, duplicate_rows = _core.repeated_rows(columns, _SAMPLES)
    return KeyCheck(
        rows=frame.height,
        nulls=int(_any_null(frame).sum()),
        duplicates=duplicates,
        duplicate_rows=tuple(duplicate_rows),
    )


def children_per_parent(rows: pl.Series, parents: int) -> pl.Series:
    """Count the children of each parent.

    Args:
        rows: Parent position of each child; ``UInt32``, nulls are not counted.
        parents: Number of parents.

    Returns:
        ``UInt32`` counts, zeros included.

    Shape:
        rows ``(N,)`` → ``(parents,)``.

    Raises:
        ConfigError: A position is not below ``parents``.

    Examples:
        >>> children_per_parent(pl.Series([2, 0, None, 2], dtype=pl.UInt32), 3).to_list()
        [1, 0, 2]
    """
    check_whole(parents=parents)
    return pl.Series(_core.children_per_parent(rows, parents))


def _paired(child: pl.DataFrame, parent: pl.DataFrame) -> list[tuple[pl.Series, pl.Series]]:
    if child.width != parent.width or not child.width:
        raise ConfigError(
            f"a key of {child.width} columns {child.columns} cannot be looked up in one of "
            f"{parent.width} columns {parent.columns}",
            hint="name at least one column on each side, and as many on both",
        )
    return [comparable(*columns) for columns in zip(child, parent, strict=True)]


def _any_null(frame: pl.DataFrame) -> pl.Series:
    return frame.select(pl.any_horizontal(pl.all().is_null())).to_series()


def _sampled(mask: pl.Series) -> tuple[int, tuple[int, ...]]:
    """How many rows are marked, and the first few."""
    count = int(mask.sum())
    return count, tuple(mask.arg_true().head(_SAMPLES)) if count else ()
