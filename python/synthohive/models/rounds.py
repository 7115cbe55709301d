"""The rounds in which the columns of a row are drawn.

Columns of one round are drawn independently of each other, given all rounds before, so
those that depend on each other little belong together.
"""

from __future__ import annotations

from itertools import combinations

import numpy as np

MAX_ROWS = 10_000
"""Dependence between columns is measured on at most this many rows."""


def arrange(
    codes: np.ndarray, sizes: tuple[int, ...], coarse: list[int], count: int | None
) -> list[list[int]]:
    """Return the columns of each round, coarse ones before the fine ones inside them.

    Args:
        codes: Shape (rows, columns).
        sizes: Codes per column.
        coarse: Position of each column's coarse column, or -1.
        count: Rounds wanted; one per column when `None`. Two is the least where there
            are fine columns.
    """
    columns = len(sizes)
    order = sorted(range(columns), key=lambda c: (coarse[c] >= 0, c))
    if count is None or count >= columns:
        return [[c] for c in order]
    fine = [c for c in order if coarse[c] >= 0]
    first = [c for c in order if coarse[c] < 0]
    if not fine:
        return _partition(first, dependence(codes, sizes), count)
    for_fine = min(max(1, round(count * len(fine) / columns)), max(1, count - 1))
    between = dependence(codes, sizes)
    return [
        *_partition(first, between, max(1, count - for_fine)),
        *_partition(fine, between, for_fine),
    ]


def dependence(codes: np.ndarray, sizes: tuple[int, ...]) -> np.ndarray:
    """Return the mutual information of every two columns, in nats: (columns, columns)."""
    codes = codes[np.linspace(0, len(codes) - 1, min(len(codes), MAX_ROWS)).astype(np.int64)]
    result = np.zeros((len(sizes), len(sizes)))
    own = [_entropy(codes[:, c], sizes[c]) for c in range(len(sizes))]
    for a, b in combinations(range(len(sizes)), 2):
        both = codes[:, a].astype(np.int64) * sizes[b] + codes[:, b]
        joint = _entropy(np.unique(both, return_inverse=True)[1], len(codes))
        result[a, b] = result[b, a] = max(0.0, own[a] + own[b] - joint)
    return result


def _entropy(codes: np.ndarray, size: int) -> float:
    """Entropy with the Miller-Madow correction for few rows."""
    counts = np.bincount(codes, minlength=size)
    shares = counts[counts > 0] / len(codes)
    return float(-(shares * np.log(shares)).sum() + (len(shares) - 1) / (2 * len(codes)))


def _partition(columns: list[int], between: np.ndarray, count: int) -> list[list[int]]:
    """Split columns into groups of little dependence inside: greedy, strongest first."""
    strength = {c: between[c].sum() for c in columns}
    groups: list[list[int]] = [[] for _ in range(min(count, len(columns)))]
    limit = -(-len(columns) // max(1, len(groups)))
    for c in sorted(columns, key=lambda c: -strength[c]):
        open_groups = [group for group in groups if len(group) < limit]
        min(open_groups, key=lambda group: sum(between[c, other] for other in group)).append(c)
    return groups
