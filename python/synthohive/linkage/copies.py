"""Columns that repeat a column of a parent, such as an order's customer name.

A generator can learn that two columns go together, but not that they are the same, least of
all for names and other values it never sees. So such columns are found in the real rows and
filled from the parent once every row has one.
"""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING

import numpy as np
import polars as pl

if TYPE_CHECKING:
    from collections.abc import Iterator

    from synthohive.randomness import Stream

MIN_ROWS = 20
MIN_KAPPA = 0.95
"""Least agreement beyond chance (Cohen 1960) that makes a column a copy."""
SAMPLE = 10_000


@dataclass(frozen=True, slots=True, kw_only=True)
class Copy:
    """A child column that repeats a parent column.

    Attributes:
        column: The child's column.
        parent_column: The parent's column.
        share: Share of the real rows in which both are equal, nulls included.
    """

    column: str
    parent_column: str
    share: float

    def to_dict(self) -> dict[str, object]:
        """Return the copy as JSON-able values; rebuild with ``Copy(**state)``."""
        return asdict(self)

    def fill(self, own: pl.Series, parents: pl.Series, stream: Stream, start: int = 0) -> pl.Series:
        """Replace a generated column by its parent's, as often as in the real rows.

        Args:
            own: The child's generated column; ``(N,)``.
            parents: The parent's column, gathered for each row; ``(N,)``.
            stream: Where the random numbers come from.
            start: Position of the first row in its table.
        """
        copied = parents.cast(own.dtype, strict=False).alias(own.name)
        if self.share >= 1:
            return copied
        keeps_own = stream.uniform(len(own), start=start) >= self.share
        return own.zip_with(keeps_own, copied)


def find_copies(children: pl.DataFrame, parents: pl.DataFrame, rows: pl.Series) -> list[Copy]:
    """Find the child columns that repeat a column of one parent.

    Args:
        children: Columns of the real children that might be copies, so no keys; ``N`` rows.
        parents: Columns of the real parents that might be copied; ``P`` rows.
        rows: Position of each child's parent, null for none; ``UInt32 (N,)``.

    Returns:
        At most one copy per child column, the best. Values that agree by chance, as in two
        columns that are nearly always zero, make no copy.

    Examples:
        >>> products = pl.DataFrame({"price": [5, 7, 9], "weight": [1, 2, 1]})
        >>> rows = pl.Series([0, 1, 2] * 10, dtype=pl.UInt32)
        >>> lines = pl.DataFrame({"unit_price": [5, 7, 9] * 10, "quantity": [1] * 30})
        >>> find_copies(lines, products, rows)
        [Copy(column='unit_price', parent_column='price', share=1.0)]
    """
    linked = rows.is_not_null()
    children, rows = children.filter(linked), rows.filter(linked)
    if len(rows) < MIN_ROWS:
        return []
    sample = np.linspace(0, len(rows) - 1, min(SAMPLE, len(rows))).astype(np.uint32)
    best: dict[str, tuple[float, Copy]] = {}
    for name, parent_name in _comparable(children, parents):
        parent = _plain(parents[parent_name])
        own, above = _plain(children[name]), parent.gather(rows)
        if _kappa(own.gather(sample), above.gather(sample))[0] < MIN_KAPPA:
            continue
        kappa, share = _kappa(own, above)
        if kappa >= MIN_KAPPA and kappa > best.get(name, (0.0, None))[0]:
            best[name] = kappa, Copy(column=name, parent_column=parent_name, share=share)
    return [copy for _, copy in best.values()]


def _comparable(children: pl.DataFrame, parents: pl.DataFrame) -> Iterator[tuple[str, str]]:
    """Yield the pairs of columns that could hold the same values."""
    for name, dtype in children.schema.items():
        for parent_name, parent_dtype in parents.schema.items():
            if _family(dtype) is not None and _family(dtype) == _family(parent_dtype):
                yield name, parent_name


def _family(dtype: pl.DataType) -> str | None:
    if dtype.is_numeric():
        return "number"
    if isinstance(dtype, pl.String | pl.Categorical | pl.Enum):
        return "text"
    return str(dtype) if dtype.is_temporal() else None


def _plain(values: pl.Series) -> pl.Series:
    values = values.alias("")  # a name may look like a pattern to Polars
    is_text = isinstance(values.dtype, pl.Categorical | pl.Enum)
    return values.cast(pl.String) if is_text else values


def _kappa(own: pl.Series, above: pl.Series) -> tuple[float, float]:
    """Measure agreement beyond chance, and agreement; two nulls agree."""
    share = float((own.eq_missing(above)).mean())  # type: ignore[arg-type]
    if share < MIN_KAPPA:
        return 0.0, share
    pair = (own, above) if own.dtype == above.dtype else (s.cast(pl.Float64) for s in (own, above))
    counts = [s.alias("value").value_counts(name="count") for s in pair]
    both = counts[0].join(counts[1], on="value", nulls_equal=True)
    chance = float((both["count"].cast(pl.Float64) * both["count_right"]).sum()) / len(own) ** 2
    return (share - chance) / (1 - chance) if chance < 1 else 0.0, share
