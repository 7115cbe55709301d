"""Rows held out of training, to know when to stop."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import torch

FEW_CONTEXTS = 50
"""Below this many different contexts, single rows are held out instead of whole groups."""

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


def split_rows(
    rows: int, members: int, count: int, context: np.ndarray, random: torch.Generator
) -> Split:
    """Choose the rows that each member learns from.

    One member: `count` rows are held out. Several: each holds out another fold, so that
    together they learn from, and are judged on, all rows. Rows with the same context
    (children of one parent, most of the time) stay together: what is to be judged is how
    new parents are served.

    Args:
        rows: Number of rows.
        members: Number of networks.
        count: Rows to hold out of a single member.
        context: Context codes, (rows, context columns).
        random: Where the numbers come from.
    """
    groups = _groups(rows, context)
    order = torch.randperm(int(groups.max()) + 1, generator=random).numpy()
    place = np.argsort(order)[groups]
    if members == 1:
        sizes = np.bincount(place)
        held_groups = max(int((np.cumsum(sizes) <= count).sum()), min(count, 1))
        folds = [np.flatnonzero(place < held_groups)]
    else:
        folds = [np.flatnonzero(place % members == member) for member in range(members)]
    everything = np.arange(rows)
    learned = tuple(np.setdiff1d(everything, fold, assume_unique=True) for fold in folds)
    if any(len(part) == 0 for part in learned):
        return Split(learned=(everything,) * members, held=(everything[:0],) * members)
    return Split(learned=learned, held=tuple(folds))


def _groups(rows: int, context: np.ndarray) -> np.ndarray:
    if context.shape[1]:
        # an odd factor per column: rows as one number each sort much faster than rows
        factors = np.arange(1, context.shape[1] + 1, dtype=np.uint64) * np.uint64(_MIX) | np.uint64(1)
        keys = (context.astype(np.uint64) * factors).sum(1, dtype=np.uint64)
        distinct, inverse = np.unique(keys, return_inverse=True)
        if len(distinct) >= FEW_CONTEXTS:
            return inverse.reshape(-1)
    return np.arange(rows)
