"""Foreign keys that hang together: what one of them may change without breaking another.

Keys that share a column must name parents with the same value in it. Around a key that is
to be distinct, some keys stay (the driver, the self reference), some may change, and narrow
keys that lie within a wide one follow it. Values of shared columns are held for the whole
parent tables, numbered: 8 bytes a value.
"""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import polars as pl

from synthohive import kernels
from synthohive.synthesis.generation import Generation, row_name
from synthohive.synthesis.keys import assignment_order, parent_frame, parent_values
from synthohive.synthesis.spool import ABSENT

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable, Mapping, Sequence

    from numpy.typing import NDArray

    from synthohive.schema.model import ForeignKey
    from synthohive.synthesis.fitted import FittedTable


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Web:
    """The foreign keys around one key that is to be distinct.

    Attributes:
        keys: Foreign keys whose combination is to be distinct.
        driver: The driver's key if it is one of `keys`.
        stay: Keys that do not change, those among `keys` included.
        free: Keys that may change, those among `keys` first.
        follow: Keys that lie within a free one, with that one and the row of the follower
            for each of its parents.
        values: Number of the value of each shared column, for every parent of a key.
        columns: What is to be distinct, if that is less than all columns of `keys`.
        told: Number of the value of each of `columns`, for every parent of a key.
    """

    keys: tuple[ForeignKey, ...]
    driver: ForeignKey | None
    stay: tuple[ForeignKey, ...]
    free: tuple[ForeignKey, ...]
    follow: Mapping[ForeignKey, tuple[ForeignKey, NDArray[np.uint32]]]
    values: Mapping[ForeignKey, Mapping[str, NDArray[np.int64]]]
    columns: tuple[str, ...]
    told: Mapping[ForeignKey, Mapping[str, NDArray[np.int64]]]

    def identity(self, rows: Mapping[ForeignKey, NDArray[np.uint32]]) -> list[NDArray[np.integer]]:
        """Return what is to be distinct together: parents, or the values of `columns`.

        Args:
            rows: Parents of some rows by each key, `ABSENT` where there is none; ``(N,)`` each.

        Returns:
            One array per key or column, ``(N,)``; `ABSENT` or -1 where there is none.
        """
        if not self.columns:
            return [rows[fk] for fk in self.keys]
        found: list[NDArray[np.integer]] = []
        for column in self.columns:
            values = np.full(len(rows[self.keys[0]]), -1)
            for fk, told in self.told.items():
                if column in told:
                    new = (values < 0) & (rows[fk] != ABSENT)
                    values[new] = told[column][rows[fk][new]]
            found.append(values)
        return found

    def is_whole(self, rows: Mapping[ForeignKey, NDArray[np.uint32]]) -> NDArray[np.bool_]:
        """Tell which rows have nothing null in what is to be distinct; ``(N,)``."""
        none = -1 if self.columns else ABSENT
        return np.logical_and.reduce([values != none for values in self.identity(rows)])

    @property
    def members(self) -> tuple[ForeignKey, ...]:
        """All keys whose parents are looked at."""
        return (*self.stay, *self.free)

    @property
    def is_tied(self) -> bool:
        """Whether any keys share columns."""
        return any(self.values.values())


def find_web(
    generation: Generation,
    table: FittedTable,
    keys: Sequence[ForeignKey],
    ladders: Collection[ForeignKey],
    columns: Collection[str] = (),
) -> Web:
    """Find the keys that hang together with those that are to be distinct.

    Args:
        generation: The database being generated.
        table: Their table, whose rows have all their parents.
        keys: Foreign keys whose combination is to be distinct.
        ladders: Keys that may change.
        columns: What is to be distinct, if that is less than all columns of `keys`.
    """
    spool = generation.spool
    driver = None if table.driver is None else table.driver.fk
    declared = generation.fitted.metadata.tables[table.name].foreign_keys
    decided = [fk for fk in declared if spool.has(table.name, row_name(fk))]
    follow: dict[ForeignKey, tuple[ForeignKey, NDArray[np.uint32]]] = {}
    for fk in decided:
        wide = [key for key in keys if key in ladders and set(fk.columns) <= set(key.columns)]
        if fk in ladders and fk not in keys and wide:
            rows = _followed(generation, table, wide[0], fk)
            if not rows.has_nulls():
                follow[fk] = wide[0], rows.to_numpy()
    found = _connected([fk for fk in decided if fk not in follow], keys, ladders)
    free = [fk for fk in assignment_order(table, found) if fk in ladders]
    return Web(
        keys=tuple(keys),
        driver=driver if driver in keys and not columns else None,
        stay=tuple(fk for fk in found if fk not in ladders),
        free=tuple(sorted(free, key=lambda fk: fk not in keys)),
        follow=follow,
        values=_numbered_values(generation, table, found, _shared(found)),
        columns=tuple(columns),
        told=_numbered_values(generation, table, keys, columns) if columns else {},
    )


def _connected(
    declared: Iterable[ForeignKey],
    keys: Sequence[ForeignKey],
    ladders: Collection[ForeignKey],
) -> list[ForeignKey]:
    """Add to some keys those that share columns with a key that may change."""
    rest = [fk for fk in declared if fk not in keys]
    found, reached = list(keys), 0
    while reached < len(found):
        fk = found[reached]
        near = [other for other in rest if fk in ladders and set(fk.columns) & set(other.columns)]
        found += near
        rest = [other for other in rest if other not in near]
        reached += 1
    return found


def _followed(
    generation: Generation, table: FittedTable, wide: ForeignKey, narrow: ForeignKey
) -> pl.Series:
    """Return the parent by a narrow key that each parent of a wide one names."""
    above, below = (parent_frame(generation, table, fk, narrow.columns) for fk in (wide, narrow))
    return kernels.row_ids(above, below)[0]


def _shared(keys: Sequence[ForeignKey]) -> list[str]:
    """List the columns that several keys have."""
    counts = Counter(column for fk in keys for column in fk.columns)
    return [column for column, count in counts.items() if count > 1]


def _numbered_values(
    generation: Generation,
    table: FittedTable,
    keys: Sequence[ForeignKey],
    columns: Collection[str],
) -> dict[ForeignKey, dict[str, NDArray[np.int64]]]:
    """Number the values of some columns, for all parents of the keys that have them."""
    result: dict[ForeignKey, dict[str, NDArray[np.int64]]] = {fk: {} for fk in keys}
    for column in (name for name in table.schema if name in columns):
        sharing = [fk for fk in keys if column in fk.columns]
        values = [parent_values(generation, table, fk, column) for fk in sharing]
        known = pl.concat(values).unique(maintain_order=True).to_frame()
        for fk, some in zip(sharing, values, strict=True):
            rows, _ = kernels.row_ids(some.to_frame(), known)
            result[fk][column] = rows.cast(pl.Int64).fill_null(-1).to_numpy()
    return result
