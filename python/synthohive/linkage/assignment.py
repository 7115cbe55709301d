"""Give every child row a parent row of the group it was generated for."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import polars as pl

from synthohive import kernels

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from synthohive.randomness import Stream


def assign_parents(
    child_groups: pl.Series,
    parent_groups: pl.Series,
    quotas: pl.Series,
    stream: Stream,
    *,
    start: int = 0,
    is_whole: bool = True,
) -> pl.Series:
    """Choose a parent row of the right group for every child.

    Args:
        child_groups: Group wanted by each child, null for no parent; ``UInt32 (N,)``.
        parent_groups: Group of each parent row; ``UInt32 (P,)``.
        quotas: Children each parent should have, in proportion; ``UInt32 (P,)``.
        stream: Where the random numbers come from; child ``i`` is child ``start + i``.
        start: Position of the first child in its table.
        is_whole: All children of the table are here, so that quotas can be met as nearly
            as whole rows allow. Otherwise every child draws for itself, and any split of
            the table into blocks gives the same rows.

    Returns:
        Parent positions, ``UInt32 (N,)``; null where wanted, and everywhere when there
        are no parents. A group nobody is in is served by all parents.
    """
    if is_whole:
        return kernels.draw_quota(
            child_groups, parent_groups, quotas, seed=stream.seed, stream=stream.id
        )
    return kernels.draw_grouped(
        child_groups,
        parent_groups,
        quotas.cast(pl.Float64),
        seed=stream.seed,
        stream=stream.id,
        start=start,
    )


def assign_within(
    child_fixed: pl.Series,
    parent_fixed: pl.Series,
    child_groups: pl.Series,
    parent_groups: pl.Series,
    weights: pl.Series,
    stream: Stream,
    *,
    start: int = 0,
    is_whole: bool = False,
) -> pl.Series:
    """Choose a parent row among those that share what is already fixed.

    Overlapping foreign keys share columns: once one key is set, only parents with the
    same value in the shared column are left for the other.

    Args:
        child_fixed: Identifier of the fixed value of each child; ``UInt32 (N,)``.
        parent_fixed: Identifier of the same value of each parent; ``UInt32 (P,)``.
        child_groups: Group wanted by each child, null for no parent; ``UInt32 (N,)``.
        parent_groups: Group of each parent row; ``UInt32 (P,)``.
        weights: How often each parent should be chosen, in proportion; ``(P,)``.
        stream: Where the random numbers come from.
        start: Position of the first child in its table.
        is_whole: All children are here: meet weights as quotas.

    Returns:
        Parent positions, ``UInt32 (N,)``: of the fixed value and the group wanted, else
        of the fixed value, else null.
    """
    wanted = child_groups.is_not_null() & child_fixed.is_not_null()
    fixed = child_fixed.fill_null(0).to_numpy().astype(np.uint64)
    groups = child_groups.fill_null(0).to_numpy().astype(np.uint64)
    parent_fixed_ids = parent_fixed.to_numpy().astype(np.uint64)
    exact_parents = parent_fixed_ids << np.uint64(32) | parent_groups.to_numpy().astype(np.uint64)
    exact = _rank_among(fixed << np.uint64(32) | groups, exact_parents)
    loose = _rank_among(fixed, parent_fixed_ids)
    is_wanted = wanted.to_numpy()
    has_exact = is_wanted & (exact[0] >= 0)
    has_loose = is_wanted & ~has_exact & (loose[0] >= 0)
    first = _choose(exact, has_exact, weights, stream.child("exact"), start, is_whole=is_whole)
    if not has_loose.any():
        return first
    second = _choose(loose, has_loose, weights, stream.child("loose"), start, is_whole=is_whole)
    return first.zip_with(first.is_not_null(), second)


def _rank_among(
    wanted: NDArray[np.uint64], offered: NDArray[np.uint64]
) -> tuple[NDArray[np.int64], NDArray[np.intp]]:
    """Number the values on offer; -1 for a wanted value nobody offers."""
    known, numbers = np.unique(offered, return_inverse=True)
    if not len(known):
        return np.full(len(wanted), -1), numbers
    place = np.minimum(np.searchsorted(known, wanted), len(known) - 1)
    return np.where(known[place] == wanted, place, -1), numbers.reshape(-1)


def _choose(
    ranks: tuple[NDArray[np.int64], NDArray[np.intp]],
    chosen: NDArray[np.bool_],
    weights: pl.Series,
    stream: Stream,
    start: int,
    *,
    is_whole: bool,
) -> pl.Series:
    wanted, offered = ranks
    groups = pl.Series(np.maximum(wanted, 0).astype(np.uint32))
    return assign_parents(
        groups.set(~pl.Series(chosen), None),
        pl.Series(offered.astype(np.uint32)),
        weights,
        stream,
        start=start,
        is_whole=is_whole,
    )
