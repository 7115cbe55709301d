"""The rounds in which the columns of a row are drawn, and in which order.

Columns of one round are drawn independently of each other, given all rounds before, so
those that depend on each other little belong together. Any order of the rounds is as good
as another, but each errs in its own way, and errors that are the same in every row show:
rows are drawn in many orders.

A round costs a pass through the network for every state that rows are in (`states`), not for
every row. So where few passes are wanted, columns that leave most rows alike come first, each
in a round of its own at next to no cost; only the others share rounds.
"""

from __future__ import annotations

from dataclasses import dataclass
from itertools import combinations
from typing import TYPE_CHECKING

import numpy as np
import torch

from synthohive.models.settings import BLOCK_ROWS
from synthohive.models.states import WORTH, States, all_alike, all_different, tell_apart

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from torch import Tensor

MAX_ROWS = 10_000
"""Dependence between columns is measured on at most this many rows."""
TRIALS = 128
"""Orders that are tried where passes are limited, each from another start."""
ORDER_ROWS = 1_024
"""Rows drawn in one order; part of the result."""
ORDER_ROWS_IN_ROUNDS = BLOCK_ROWS
"""The same where a number of rounds was asked for, as speed is wanted: the more rows are
drawn in one order, the more of them look alike at first."""
ORDERS = 16
"""Orders of the rounds, at most: every one takes a copy of the last layer."""
MOST_CODES = 2**16
"""Codes of all columns and orders together, at most."""
ALIKE = (0.1, WORTH)
"""Columns stop being drawn alone when states per row reach a number between these."""
LEAST = 1.25
"""Passes that a row may cost in any case: a quarter more than one is worth its time."""
STRAY = 2.0
"""Most nats by which columns drawn alone stray from an order of rising entropy."""

Order = list[list[int]]
"""The columns of each round, in the order of the rounds."""


def arrange(
    codes: np.ndarray,
    sizes: tuple[int, ...],
    coarse: list[int],
    passes: int | None,
    context: np.ndarray | None = None,
) -> list[Order]:
    """Return orders to draw rows in, coarse columns before the fine ones inside them.

    Args:
        codes: Shape (rows, columns).
        sizes: Codes per column.
        coarse: Position of each column's coarse column, or -1.
        passes: Most passes through the network per row. When `None` there is a round for
            every column. Two is the least where no rows look alike and there are fine
            columns.
        context: Context codes, shape (rows, context columns); `None` where no rows look
            alike to the network, as it takes noise.

    Returns:
        Different orders, at least one.
    """
    number = max(1, min(ORDERS, MOST_CODES // max(1, sum(sizes))))
    if passes is None or passes >= len(sizes):
        alone = [[c] for c in range(len(sizes))]
        return _distinct(
            _shuffled(alone, coarse, np.random.default_rng(place)) for place in range(number)
        )
    return _best(_tried(codes, sizes, coarse, max(passes, LEAST), context), number)


def _tried(
    codes: np.ndarray,
    sizes: tuple[int, ...],
    coarse: list[int],
    passes: float,
    context: np.ndarray | None,
) -> list[Order]:
    """Return orders of so many passes, those with the least dependence inside rounds first."""
    between, some = dependence(codes, sizes), _spread(len(codes), ORDER_ROWS_IN_ROUNDS)
    rows = _Rows(
        codes=torch.from_numpy(codes[some].astype(np.int64)),
        sizes=sizes,
        coarse=coarse,
        alike=all_different(len(some)) if context is None else _alike(context[some]),
        between=between,
        entropy=np.array([_entropy(codes[some, c]) for c in range(len(sizes))]),
    )
    tried = _distinct(_try(rows, passes, np.random.default_rng(trial)) for trial in range(TRIALS))
    costs = [_cost(rows, order) for order in tried]
    most = max(passes, min(costs))
    found = [order for order, cost in zip(tried, costs, strict=True) if cost <= most]
    return sorted(found, key=lambda order: _inside(between, order))


def _best(orders: list[Order], number: int) -> list[Order]:
    """Return the first orders, but none that shares rounds like another before all that do not.

    What columns lose by sharing a round is the same in every row drawn in that order.
    """
    shared = [frozenset(tuple(c) for c in order if len(c) > 1) for order in orders]
    turns = [shared[:place].count(own) for place, own in enumerate(shared)]
    places = sorted(range(len(orders)), key=lambda place: turns[place])
    return [orders[place] for place in places[:number]]


def _alike(context: np.ndarray) -> States:
    """Return the states of rows of which only the context is known."""
    shown = torch.from_numpy(context.astype(np.int64))
    alike = all_alike(len(shown), shown.device)
    return tell_apart(alike, shown, (shown.amax(0) + 1).tolist())


def _distinct(orders: Iterable[Order]) -> list[Order]:
    found: list[Order] = []
    for order in orders:
        if order not in found:
            found.append(order)
    return found


@dataclass(frozen=True, slots=True, kw_only=True)
class _Rows:
    """Rows to try orders on: as many as are drawn in one order.

    Attributes:
        codes: Shape (rows, columns).
        sizes: Codes per column.
        coarse: Position of each column's coarse column, or -1.
        alike: The states of rows before anything is drawn.
        between: Mutual information of every two columns, in nats.
        entropy: Entropy of each column, in nats.
    """

    codes: Tensor
    sizes: tuple[int, ...]
    coarse: list[int]
    alike: States
    between: np.ndarray
    entropy: np.ndarray

    def show(self, states: States, columns: Sequence[int]) -> States:
        """Return the states of rows that now show further columns."""
        return tell_apart(states, self.codes[:, columns], [self.sizes[c] for c in columns])


def _share(states: States) -> float:
    """Return the passes per row of a round that finds rows in these states."""
    return 1.0 if states.of is None else (int(states.of.max()) + 1) / len(states.of)


def _try(rows: _Rows, passes: float, random: np.random.Generator) -> Order:
    """Return an order of about so many passes."""
    columns = len(rows.sizes)
    stray = random.uniform(0, STRAY) * random.normal(size=columns)
    most = random.uniform(*ALIKE)
    unknown = rows.entropy + stray  # nats that the columns drawn so far leave open, about
    order: Order = []
    left = set(range(columns))
    states, cost = rows.alike, 0.0
    while left:
        ready = [c for c in sorted(left) if rows.coarse[c] not in left]
        column = min(ready, key=lambda c: unknown[c])
        later, own = rows.show(states, [column]), _share(states)
        if _share(later) > min(most, passes - 1 - cost - own):
            break  # or the others would not find their rounds, one of them for all rows
        cost += own
        states = later
        order.append([column])
        left.remove(column)
        unknown = np.minimum(unknown, rows.entropy + stray - rows.between[column])
    count = 1 + max(0, int(passes - cost - _share(states)))
    return order + _grouped(rows, sorted(left), count, random)


def _cost(rows: _Rows, order: Order) -> float:
    """Return the passes per row of an order."""
    states, cost = rows.alike, 0.0
    for columns in order:
        cost += _share(states)
        states = rows.show(states, columns)
    return cost


def _inside(between: np.ndarray, order: Order) -> float:
    """Return the dependence between columns of the same round."""
    return sum(float(between[a, b]) for columns in order for a, b in combinations(columns, 2))


def _grouped(rows: _Rows, left: list[int], count: int, random: np.random.Generator) -> Order:
    """Return columns in rounds, of little dependence inside each, in some order."""
    coarse = [left.index(c) if c in left else -1 for c in (rows.coarse[c] for c in left)]
    count = max(count, 1 + any(c >= 0 for c in coarse))
    if count >= len(left):
        grouped = [[c] for c in range(len(left))]
    else:
        places = _settle(rows.between[np.ix_(left, left)], coarse, count, random)
        rounds = [np.flatnonzero(places == place).tolist() for place in range(count)]
        grouped = [columns for columns in rounds if columns]
    return [[left[c] for c in columns] for columns in _shuffled(grouped, coarse, random)]


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
    codes = codes[_spread(len(codes), MAX_ROWS)]
    result = np.zeros((len(sizes), len(sizes)))
    own = [_entropy(codes[:, c]) for c in range(len(sizes))]
    for a, b in combinations(range(len(sizes)), 2):
        both = codes[:, a].astype(np.int64) * sizes[b] + codes[:, b]
        if sizes[a] * sizes[b] > MAX_ROWS:  # sort rather than count what mostly is not there
            both = np.unique(both, return_inverse=True)[1]
        result[a, b] = result[b, a] = max(0.0, own[a] + own[b] - _entropy(both))
    return result


def _spread(rows: int, most: int) -> np.ndarray:
    """Return places of at most so many rows, evenly spread."""
    return np.linspace(0, rows - 1, min(rows, most)).astype(np.int64)


def _entropy(codes: np.ndarray) -> float:
    """Entropy with the Miller-Madow correction for few rows."""
    counts = np.bincount(codes)
    shares = counts[counts > 0] / len(codes)
    return float(-(shares * np.log(shares)).sum() + (len(shares) - 1) / (2 * len(codes)))


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
