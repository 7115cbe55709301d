"""How large a network and how many steps a table is worth."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING, TypeVar

from synthohive.models.split import fold_count

if TYPE_CHECKING:
    from synthohive.models.settings import CTGANSettings


MANY = 1_500
"""Rows from which on one network is enough, and Muon trains it."""
AMPLE = 3_000
"""Rows from which on a network is as wide as there is much to tell apart."""
PLENTY = 14_000
"""Rows from which on a step takes as many of them as it may."""
STEPS_PER_ROW = 0.7
"""Steps that one network takes for a row, from `MANY` to `PLENTY` of them."""
STEPS = (1_500, 4_400)
"""The fewest and the most steps that it takes then."""

_Number = TypeVar("_Number", int, float)


@dataclass(frozen=True, slots=True, kw_only=True)
class Plan:
    """Sizes that follow from the settings and the number of rows.

    Attributes:
        members: Networks side by side.
        has_muon: Whether Muon trains the matrices between layers: where rows are few, it
            learns what is chance in them.
        width: Width of the network.
        depth: Blocks of the network.
        dropout: Share of inner activations dropped in training.
        batch: Rows per step.
        steps: Most steps.
        epoch_steps: Steps that take as many rows as there are.
        evaluate_every: Steps between two evaluations; whole epochs where these are counted.
        held_out: Rows not trained on.
    """

    members: int
    has_muon: bool
    width: int
    depth: int
    dropout: float
    batch: int
    steps: int
    epoch_steps: int
    evaluate_every: int
    held_out: int


def plan_training(rows: int, codes: int, settings: CTGANSettings) -> Plan:
    """Return sizes for a table of this many rows, with so many codes in all columns together.

    Examples:
        >>> from synthohive.models.settings import CTGANSettings
        >>> plan_training(26_000, 320, CTGANSettings()).width
        128
    """
    members = 1 if settings.is_classic else settings.members or _below(rows, {MANY: 8}, 1)
    held_out = 0 if settings.is_classic else _held_out(rows)
    fewest = rows - (held_out if members == 1 else -(-rows // fold_count(members)))
    widest = _below(rows, {600: 64, AMPLE: 128, PLENTY: 256}, settings.batch_size)
    batch = max(1, min(settings.batch_size, widest, fewest))
    epoch_steps = math.ceil(max(fewest, 1) / batch)
    steps = settings.epochs * epoch_steps if settings.epochs is not None else _steps(rows)
    steps = max(1, min(steps, settings.max_steps or steps))
    evaluate_every = min(100, max(10, steps // 20))
    if settings.epochs is not None:
        epochs = 1 if settings.is_classic else math.ceil(evaluate_every / epoch_steps)
        evaluate_every = epochs * epoch_steps
    return Plan(
        members=members,
        has_muon=rows >= MANY and not settings.is_classic,
        width=settings.width or _width(rows, codes),
        depth=settings.depth or _below(rows, {MANY: 1}, 2),
        dropout=settings.dropout,
        batch=batch,
        steps=steps,
        epoch_steps=epoch_steps,
        evaluate_every=min(evaluate_every, steps),
        held_out=held_out,
    )


def _held_out(rows: int) -> int:
    """Return how many rows are not learned from: enough to judge by, of few rows a tenth."""
    return min(4_000, max(rows // 25, min(rows // 10, 500), min(rows // 4, 200)))


def _steps(rows: int) -> int:
    """Return the most steps: the more rows there are, the more can be told from chance."""
    if MANY <= rows < PLENTY:
        fewest, most = STEPS
        return min(most, max(fewest, int(STEPS_PER_ROW * rows)))
    return int(min(5_000, 3_100 * (max(rows, 1) / 26_000) ** 0.45))


def _width(rows: int, codes: int) -> int:
    """Return the width of a network: wide where there is much to tell apart, and to learn from."""
    large = _below(codes * math.sqrt(rows / 26_000), {350: 128, 1_000: 192}, 256)
    return _below(rows, {MANY: 96, AMPLE: 64}, large)


def _below(number: float, limits: dict[int, _Number], otherwise: _Number) -> _Number:
    """Return the value of the first limit that a number is below."""
    return next((value for limit, value in limits.items() if number < limit), otherwise)
