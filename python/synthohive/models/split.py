"""Rows held out of training, to know when to stop."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import torch

FOLDS = 8
"""Parts that rows are cut into, at least: a member learns from all but one of them."""
FEW_GROUPS = 50
"""With fewer groups than this, single rows are held out instead of whole groups."""


def fold_count(members: int) -> int:
    """Return in how many folds rows are cut, each held out of one of several members."""
    return max(members, FOLDS)


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

    One member: `count` rows are held out. Several: each holds out another fold. A group is
    held out as a whole.

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
        fold = place % fold_count(members)
        folds = [np.flatnonzero(fold == member) for member in range(members)]
    everything = np.arange(len(groups))
    learned = tuple(np.setdiff1d(everything, fold, assume_unique=True) for fold in folds)
    if any(len(part) == 0 for part in (*learned, *folds)):
        return Split(learned=(everything,) * members, held=(everything[:0],) * members)
    return Split(learned=learned, held=tuple(folds))


def group_rows(rows: int, groups: np.ndarray | None) -> np.ndarray:
    """Number the groups that rows are held out by, from 0 without gaps.

    Rows of one group (children of one parent) stay together: what is to be judged is how
    new parents are served. If there are few groups, rows are held out one by one.

    Args:
        rows: Number of rows.
        groups: The group of each row, any integers; negative for a row on its own.
    """
    if groups is None:
        return np.arange(rows)
    alone = np.arange(rows) + groups.max(initial=0) + 1
    distinct, inverse = np.unique(np.where(groups < 0, alone, groups), return_inverse=True)
    return inverse.reshape(-1) if len(distinct) >= FEW_GROUPS else np.arange(rows)
