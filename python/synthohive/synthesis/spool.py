"""Codes and positions of a database being generated, on disk.

Generation needs every table's codes again later (as context of its children, to match
secondary parents, to decode), at any row range. They are kept as flat files of fixed-width
integers, one per column, so that memory does not grow with the number of rows.
"""

from __future__ import annotations

import itertools
import os
import shutil
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING, Self

import numpy as np

if TYPE_CHECKING:
    from types import TracebackType

    from numpy.typing import DTypeLike, NDArray

ABSENT = np.uint32(2**32 - 1)
"""The row position that stands for "no parent" in a column of positions."""


class Spool:
    """Columns of integers in a temporary folder; use as a context manager.

    Examples:
        >>> with Spool() as spool:
        ...     spool.create("users", "age", np.uint8, 3)
        ...     spool.write("users", "age", 1, np.array([7, 8], np.uint8))
        ...     spool.read("users", "age", 0, 3).tolist()
        [0, 7, 8]
    """

    def __init__(self) -> None:
        self._folder = Path(tempfile.mkdtemp(prefix="synthohive-"))
        self._columns: dict[tuple[str, str], tuple[Path, np.dtype, int]] = {}
        self._numbers = itertools.count()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        shutil.rmtree(self._folder, ignore_errors=True)

    def create(self, table: str, column: str, dtype: DTypeLike, rows: int) -> None:
        """Reserve a column of zeros."""
        path = self._folder / f"{next(self._numbers)}.bin"
        kind = np.dtype(dtype)
        with path.open("wb") as file:
            file.truncate(rows * kind.itemsize)
        self._columns[table, column] = (path, kind, rows)

    def store(self, table: str, column: str, values: NDArray) -> None:
        """Create a column that holds these values."""
        self.create(table, column, values.dtype, len(values))
        self.write(table, column, 0, values)

    def has(self, table: str, column: str) -> bool:
        """Tell whether a column was created."""
        return (table, column) in self._columns

    def rows(self, table: str, column: str) -> int:
        """Return the length of a column."""
        return self._columns[table, column][2]

    def write(self, table: str, column: str, start: int, values: NDArray) -> None:
        """Put values into the rows from `start` on. Threads may write disjoint ranges."""
        path, kind, _ = self._columns[table, column]
        data = np.ascontiguousarray(values, dtype=kind).tobytes()
        descriptor = os.open(path, os.O_WRONLY)
        try:
            os.pwrite(descriptor, data, start * kind.itemsize)
        finally:
            os.close(descriptor)

    def read(self, table: str, column: str, start: int = 0, stop: int | None = None) -> NDArray:
        """Return the rows ``start … stop-1`` of a column."""
        path, kind, rows = self._columns[table, column]
        end = rows if stop is None else stop
        return np.fromfile(path, kind, count=end - start, offset=start * kind.itemsize)

    def view(self, table: str, column: str, *, is_writable: bool = False) -> NDArray:
        """Return a whole column, mapped into memory: read, and written, on demand."""
        path, kind, rows = self._columns[table, column]
        if not rows:
            return np.zeros(0, kind)
        mode = "r+" if is_writable else "r"
        return np.asarray(np.memmap(path, kind, mode=mode, shape=(rows,)))

    def drop(self, table: str, column: str) -> None:
        """Forget a column."""
        self._columns.pop((table, column))[0].unlink()

    def take(self, table: str, column: str, rows: NDArray) -> NDArray:
        """Return a column's values at any row positions."""
        return np.asarray(self.view(table, column)[rows])
