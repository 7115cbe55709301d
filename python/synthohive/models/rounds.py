"""The rounds in which the columns of a row are drawn, and in which order.

Columns of one round are drawn independently of each other, given all rounds before, so
those that depend on each other little belong together. Any order of the rounds is as good
as another, but each errs in its own way, and errors that are the same in every row show:
rows are drawn in many orders.
"""

from __future__ import annotations

from itertools import combinations

import numpy as np

MAX_ROWS = 10_000
"""Dependence between columns is measured on at most this many rows."""
RESTARTS = 40
"""Searches for a good arrangement, each from another start."""
KEPT = 8
"""Arrangements kept, the best ones."""
ORDERS = 16
"""Orders of the rounds, at most: every one takes a copy of the last layer."""
MOST_CODES = 2**16
"""Codes of all columns and orders together, at most."""

Order = list[list[int]]
"""The columns of each round, in the order of the rounds."""


def arrange(
    codes: np.ndarray, sizes: tuple[int, ...], coarse: list[int], count: int | None
) -> list[Order]:
    """Return orders to draw rows in, coarse columns before the fine ones inside them.

    Args:
        codes: Shape (rows, columns).
        sizes: Codes per column.
        coarse: Position of each column's coarse column, or -1.
        count: Rounds wanted; one per column when `None`. Two is the least where there
            are fine columns.

    Returns:
        Different orders, at least one.
    """
    number = max(1, min(ORDERS, MOST_CODES // max(1, sum(sizes))))
    grouped = _grouped(codes, sizes, coarse, count)
    orders: list[Order] = []
    for place in range(number):
        random = np.random.default_rng(place)
        order = _shuffled(grouped[place % len(grouped)], coarse, random)
        if order not in orders:
            orders.append(order)
    return orders


def _grouped(
    codes: np.ndarray, sizes: tuple[int, ...], coarse: list[int], count: int | None
) -> list[Order]:
    """Return the columns that are drawn together, the best arrangements of them."""
    columns = len(sizes)
    if count is None or count >= columns:
        return [[[c] for c in range(columns)]]
    count = max(count, 1 + (max(coarse) >= 0))
    between = dependence(codes, sizes)
    settled = [
        _settle(between, coarse, count, np.random.default_rng(start)) for start in range(RESTARTS)
    ]
    settled.sort(key=lambda places: _inside(between, places))
    found: list[Order] = []
    for places in settled:
        rounds = [np.flatnonzero(places == place).tolist() for place in range(count)]
        rounds = [columns for columns in rounds if columns]
        if rounds not in found:
            found.append(rounds)
    return found[:KEPT]


def _shuffled(rounds: Order, coarse: list[int], random: np.random.Generator) -> Order:
    """Put rounds in a random order that has every coarse column before its fine one."""
    result: Order = []
    done: set[int] = {-1}
    left = list(rounds)
    while left:
        ready = [i for i, columns in enumerate(left) if done.issuperset(coarse[c] for c in columns)]
        result.append(left.pop(ready[int(random.integers(len(ready)))]))
        done.update(result[-1])
    return result


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


def _inside(between: np.ndarray, places: np.ndarray) -> float:
    """Return the dependence between columns of the same round."""
    return float(between[places[:, None] == places].sum())


def _settle(
    between: np.ndarray, coarse: list[int], count: int, random: np.random.Generator
) -> np.ndarray:
    """Return each column's round: from a random start, columns move while that helps."""
    fine = {c: [f for f, of in enumerate(coarse) if of == c] for c in range(len(coarse))}
    places = np.array(
        [random.integers(count - 1) if fine[c] else count - 1 for c in range(len(coarse))]
    )
    moved = True
    while moved:
        moved = False
        for c in random.permutation(len(coarse)):
            low = places[coarse[c]] + 1 if coarse[c] >= 0 else 0
            high = min((places[f] for f in fine[c]), default=count)
            crowd = np.bincount(places, weights=between[c], minlength=count)[low:high]
            better = low + int(crowd.argmin())
            if crowd.min() < crowd[places[c] - low] - _GAIN:
                places[c], moved = better, True
    return places


_GAIN = 1e-9  # a move must help by more than rounding
