"""Which group of parents a row goes to, given its own codes.

Where a network generates the group with the row, nothing of this is needed. A self
reference is different: the rows are there before anyone knows who reports to whom.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import polars as pl

from synthohive.linkage.leaf_table import LeafTable, fit_leaf_table

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from synthohive.encoding.layout import Layout
    from synthohive.randomness import Stream


def fit_affinity(
    codes: pl.DataFrame, layout: Layout, groups: NDArray[np.integer], size: int
) -> LeafTable:
    """Learn the group of a row's parent from the row's codes.

    Args:
        codes: Codes of the rows that have parents; ``(N, C)``.
        layout: Layout of `codes`.
        groups: Group of each row's parent; ``(N,)``.
        size: Number of groups.
    """
    return fit_leaf_table(
        codes,
        layout,
        np.eye(size)[groups],
        groups,
        size,
        max_leaves=max(16, 2 * size),
        min_leaf=max(2, min(20, len(groups) // 200)),
    )


def draw_groups(
    table: LeafTable, codes: pl.DataFrame, stream: Stream, *, start: int = 0
) -> pl.Series:
    """Draw the group of each row's parent; ``UInt32 (N,)``."""
    uniforms = stream.uniform(codes.height, start=start).to_numpy()
    drawn, _ = table.draw(table.leaves(codes, codes.height), uniforms)
    return pl.Series("group", drawn.astype(np.uint32))
