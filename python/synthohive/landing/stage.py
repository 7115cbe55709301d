"""A folder of Parquet parts in which synthetic tables wait to be landed.

Generation writes rows block by block; landing reads them all in one transaction. Between
the two nothing of a table needs to be in memory.
"""

from __future__ import annotations

import shutil
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING, Self

import polars as pl

from synthohive.errors import LandingError

if TYPE_CHECKING:
    from collections.abc import Mapping
    from types import TracebackType


class Stage:
    """Synthetic tables on disk, in parts; use as a context manager.

    Args:
        parent: The folder in which to make the temporary one; the system's when not given.

    Examples:
        >>> with Stage() as stage:
        ...     stage.write("users", pl.DataFrame({"id": [1, 2]}))
        ...     stage.write("users", pl.DataFrame({"id": [3]}))
        ...     stage.empty("orders", {"id": pl.Int64()})
        ...     {name: stage.rows(name) for name in stage.tables}
        {'users': 3, 'orders': 0}
    """

    def __init__(self, parent: str | Path | None = None) -> None:
        self._folder = Path(tempfile.mkdtemp(prefix="synthohive-", dir=parent))
        self._parts: dict[str, list[Path]] = {}
        self._schemas: dict[str, dict[str, pl.DataType]] = {}
        self._rows: dict[str, int] = {}

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.close()

    def close(self) -> None:
        """Remove the folder."""
        shutil.rmtree(self._folder, ignore_errors=True)

    @property
    def tables(self) -> tuple[str, ...]:
        """Names of the tables, in the order of their first part."""
        return tuple(self._schemas)

    def rows(self, table: str) -> int:
        """Return the number of rows written so far."""
        return self._rows[table]

    def schema(self, table: str) -> dict[str, pl.DataType]:
        """Return the types of a table's columns, as written."""
        return dict(self._schemas[table])

    def parts(self, table: str) -> tuple[Path, ...]:
        """Return a table's files, in order.

        Columns are called ``c0``, ``c1``, … in them, so that no name can be
        misunderstood by whoever reads them.
        """
        return tuple(self._parts[table])

    def write(self, table: str, frame: pl.DataFrame) -> None:
        """Append rows to a table.

        Raises:
            LandingError: The frame has other columns or types than the rows before it.
        """
        schema = dict(frame.schema)
        known = self._schemas.setdefault(table, schema)
        if schema != known:
            raise LandingError(
                f"table {table!r}: a part has columns {_shown(schema)}, earlier ones had "
                f"{_shown(known)}",
                table=table,
                hint="write every part of a table with the same columns and types",
            )
        parts = self._parts.setdefault(table, [])
        if frame.height or not parts:
            position = self.tables.index(table)
            path = self._folder / f"{position:05}-{len(parts):07}.parquet"
            _portable(frame).write_parquet(path, compression="lz4", statistics=False)
            parts.append(path)
        self._rows[table] = self._rows.get(table, 0) + frame.height

    def empty(self, table: str, schema: Mapping[str, pl.DataType]) -> None:
        """Make a table exist, with no rows yet."""
        self.write(table, pl.DataFrame(schema=schema))


def _portable(frame: pl.DataFrame) -> pl.DataFrame:
    """Name columns by position and store every type so that DuckDB reads it."""
    columns = [_plain(column).alias(f"c{n}") for n, column in enumerate(frame.get_columns())]
    return pl.DataFrame(columns)


def _plain(column: pl.Series) -> pl.Series:
    dtype = column.dtype
    if isinstance(dtype, pl.Duration):
        return column.dt.total_microseconds()
    if isinstance(dtype, pl.Datetime) and dtype.time_zone is not None:
        return column.dt.convert_time_zone("UTC")
    if isinstance(dtype, pl.Null | pl.Categorical | pl.Enum | pl.Int128):
        return column.cast(pl.String)
    return column


def _shown(schema: Mapping[str, pl.DataType]) -> str:
    return ", ".join(f"{name} {dtype}" for name, dtype in schema.items()) or "none"
