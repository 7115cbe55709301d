"""Rows held out of training, to know when to stop."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import torch

FEW_GROUPS = 50
"""With fewer groups than this, single rows are held out instead of whole groups."""

_MIX = 0x9E3779B97F4A7C15  # 2**64 / golden ratio: its multiples spread evenly


@dataclass(frozen=True, slots=True, kw_only=True)
class Split:
    """Which rows a member of the ensemble learns from, and which are held out of it.

    Attributes:
        learned: Positions of rows, per member.
        held: Positions of rows, per member; empty arrays if nothing is held out.
    """

    learned: tuple[np.ndarray, ...]
    held: tuple[np.ndarray, ...]


def split_rows(groups: np.ndarray, members: int, count: int, random: torch.Generator) -> Split:
    """Choose the rows that each member learns from.

    One member: `count` rows are held out. Several: each holds out another fold, so that
    together they learn from, and are judged on, all rows. A group is held out as a whole.

    Args:
        groups: The group of each row, see `group_rows`.
        members: Number of networks.
        count: Rows to hold out of a single member.
        random: Where the numbers come from.
    """
    order = torch.randperm(int(groups.max()) + 1, generator=random).numpy()
    place = np.argsort(order)[groups]
    if members == 1:
        sizes = np.bincount(place)
        held_groups = max(int((np.cumsum(sizes) <= count).sum()), min(count, 1))
        folds = [np.flatnonzero(place < held_groups)]
    else:
        folds = [np.flatnonzero(place % members == member) for member in range(members)]
    everything = np.arange(len(groups))
    learned = tuple(np.setdiff1d(everything, fold, assume_unique=True) for fold in folds)
    if any(len(part) == 0 for part in learned):
        return Split(learned=(everything,) * members, held=(everything[:0],) * members)
    return Split(learned=learned, held=tuple(folds))


def group_rows(context: np.ndarray, groups: np.ndarray | None) -> np.ndarray:
    """Number the groups that rows are held out by, from 0 without gaps.

    Rows with the same context, or in the same group if groups are known (children of one
    parent), stay together: what is to be judged is how new parents are served.

    Args:
        context: Context codes, (rows, context columns).
        groups: The group of each row, any integers; negative for a row on its own.
    """
    rows = len(context)
    if groups is not None:
        keys = np.where(groups < 0, np.arange(rows) + groups.max(initial=0) + 1, groups)
    else:
        # an odd factor per column: rows as one number each sort much faster than rows
        factors = np.arange(1, context.shape[1] + 1, dtype=np.uint64) * np.uint64(_MIX)
        keys = (context.astype(np.uint64) * (factors | np.uint64(1))).sum(1, dtype=np.uint64)
    distinct, inverse = np.unique(keys, return_inverse=True)
    return inverse.reshape(-1) if len(distinct) >= FEW_GROUPS else np.arange(rows)
