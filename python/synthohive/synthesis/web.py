"""Foreign keys that hang together: what one of them may change without breaking another.

Keys that share a column must name parents with the same value in it. Around a key that is
to be distinct, some keys stay (the driver, the self reference), some may change, and narrow
keys that lie within a wide one follow it. Values of shared columns are held for the whole
parent tables, numbered: 8 bytes a value.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import polars as pl

from synthohive import kernels
from synthohive.synthesis.generation import Generation, row_name
from synthohive.synthesis.keys import assignment_order, parent_values

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable, Mapping, Sequence

    import numpy as np
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
    """

    keys: tuple[ForeignKey, ...]
    driver: ForeignKey | None
    stay: tuple[ForeignKey, ...]
    free: tuple[ForeignKey, ...]
    follow: Mapping[ForeignKey, tuple[ForeignKey, NDArray[np.uint32]]]
    values: Mapping[ForeignKey, Mapping[str, NDArray[np.int64]]]

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
) -> Web:
    """Find the keys that hang together with those that are to be distinct.

    Args:
        generation: The database being generated.
        table: Their table, whose rows have all their parents.
        keys: Foreign keys whose combination is to be distinct.
        ladders: Keys that may change.
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
        driver=driver if driver in keys else None,
        stay=tuple(fk for fk in found if fk not in ladders),
        free=tuple(sorted(free, key=lambda fk: fk not in keys)),
        follow=follow,
        values=_numbered_values(generation, table, found),
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
    above, below = (
        pl.DataFrame(
            [
                parent_values(generation, table, fk, column).alias(str(place))
                for place, column in enumerate(narrow.columns)
            ]
        )
        for fk in (wide, narrow)
    )
    return kernels.row_ids(above, below)[0]


def _numbered_values(
    generation: Generation, table: FittedTable, keys: Sequence[ForeignKey]
) -> dict[ForeignKey, dict[str, NDArray[np.int64]]]:
    """Number the values of columns that keys share, for all their parents."""
    result: dict[ForeignKey, dict[str, NDArray[np.int64]]] = {fk: {} for fk in keys}
    for column in table.schema:
        sharing = [fk for fk in keys if column in fk.columns]
        if len(sharing) <= 1:
            continue
        values = [parent_values(generation, table, fk, column) for fk in sharing]
        known = pl.concat(values).unique(maintain_order=True).to_frame()
        for fk, some in zip(sharing, values, strict=True):
            rows, _ = kernels.row_ids(some.to_frame(), known)
            result[fk][column] = rows.cast(pl.Int64).fill_null(-1).to_numpy()
    return result
