"""Junction tables: no pair of parents twice."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import polars as pl

from synthohive import kernels
from synthohive.linkage.assignment import assign_parents

if TYPE_CHECKING:
    from synthohive.randomness import Stream

ATTEMPTS = 4
"""Times a duplicate is drawn again within its group, before any partner will do."""


def assign_pairs(
    left: pl.Series,
    child_groups: pl.Series,
    parent_groups: pl.Series,
    quotas: pl.Series,
    stream: Stream,
) -> pl.Series:
    """Choose the second parent of every row of a junction table, all pairs distinct.

    Args:
        left: First parent of each row, null for none; ``UInt32 (N,)``.
        child_groups: Group wanted of the second parent, null for none; ``UInt32 (N,)``.
        parent_groups: Group of each possible second parent; ``UInt32 (P,)``.
        quotas: How often each should be chosen, in proportion; ``UInt32 (P,)``.
        stream: Where the random numbers come from.

    Returns:
        Second parents, ``UInt32 (N,)``. Of the right group where the group still has
        partners that the first parent does not have; any other partner otherwise.

    Raises:
        CapacityError: A first parent has more rows than there are second parents.
    """
    right = assign_parents(child_groups, parent_groups, quotas, stream.child("first"))
    for attempt in range(ATTEMPTS):
        again = _duplicates(left, right)
        if not again.any():
            return right
        redrawn = assign_parents(
            child_groups.set(~again, None),
            parent_groups,
            quotas,
            stream.child("again", attempt),
            is_whole=False,
        )
        right = right.zip_with(~again, redrawn)
    repair = stream.child("repair")
    return kernels.distinct_pairs(
        left, right, len(parent_groups), seed=repair.seed, stream=repair.id
    )


def _duplicates(left: pl.Series, right: pl.Series) -> pl.Series:
    """Tell which rows repeat the pair of an earlier row."""
    complete = left.is_not_null() & right.is_not_null()
    pairs = left.cast(pl.UInt64).fill_null(0) * np.uint64(2**32) + right.fill_null(0)
    frame = pl.DataFrame({"pair": pairs.set(~complete, None)})
    return ~frame["pair"].is_first_distinct() & complete
