"""Drawing some columns from some of their codes only.

The codes that a column may have keep the weights that the network gives them, and the others
none. For the rest of a row to suit what is asked, the columns that are limited are drawn
before those that are free. A row's chance of what is asked of a later column is then part of
the weights of an earlier one: every code of it is shown to the network, which says how likely
the later column is to be as asked.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import torch
from torch import Tensor
from torch.nn import functional

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from synthohive.models.compiled import Round, Sampler
    from synthohive.models.outputs import Outputs
    from synthohive.models.rounds import Order

MOST_AHEAD = 512
"""Codes of a column that are each looked ahead from, at most."""
AHEAD_ROWS = 4_096
"""Rows that go through the network together when it looks ahead."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Limit:
    """What one column may be.

    Attributes:
        coarse: The column whose code decides which row of `logs` is due, or -1.
        logs: Logarithms of the weights of its codes, (1, size), or (coarse size, size) for
            a fine column; minus infinity for what may not be.
    """

    coarse: int
    logs: Tensor

    def rows(self, codes: Tensor) -> Tensor:
        """Return the logarithms that are due: (1, size) or (rows, size)."""
        if self.coarse < 0:
            return self.logs
        return functional.embedding(codes[:, self.coarse], self.logs)

    @property
    def allowed(self) -> Tensor:
        """The codes of a column that is not fine that may be."""
        return torch.nonzero(self.logs[0] > -torch.inf).squeeze(1)


def limited_first(orders: list[Order], limits: Mapping[int, Limit]) -> list[Order]:
    """Return the orders with the limited columns in front, each in a round of its own.

    Those of fewest allowed codes come first, fine columns last of all.
    """
    front = sorted(
        limits, key=lambda c: (limits[c].coarse >= 0, int((limits[c].logs > -torch.inf).sum()), c)
    )
    rest = [[[c for c in columns if c not in limits] for columns in order] for order in orders]
    return [[*([c] for c in front), *(columns for columns in order if columns)] for order in rest]


def nearest_offsets(
    orders: list[Order], moved: list[Order], offsets: Tensor, outputs: Outputs
) -> Tensor:
    """Return the offsets of moved orders: (orders, outputs).

    A column's are taken from the order in which most nearly the same columns are visible
    when it is drawn.
    """
    seen = [_visible(order) for order in orders]
    result = offsets.clone()
    for i, order in enumerate(moved):
        for column, visible in _visible(order).items():
            distance = [len(visible ^ known[column]) for known in seen]
            nearest = min(range(len(seen)), key=lambda j: (distance[j], j != i, j))
            part = outputs.part(column)
            result[i, part] = offsets[nearest, part]
    return result


def _visible(order: Order) -> dict[int, set[int]]:
    """Return which columns are visible when each one is drawn."""
    visible: dict[int, set[int]] = {}
    done: set[int] = set()
    for columns in order:
        visible |= {column: set(done) for column in columns}
        done.update(columns)
    return visible


def limited_heights(sampler: Sampler, round_: Round, sums: Tensor, codes: Tensor) -> list[Tensor]:
    """Return cumulated weights for each reader of a limited round: (states, columns, size)."""
    logs = _limited(round_, sampler.logits(round_, sums, codes), codes)
    if round_.ahead:
        logs[0][:, :, 0] += _chances(sampler, round_, sums, codes)
    return [(own - own.amax((0, -1), keepdim=True)).exp().mean(0).cumsum(-1) for own in logs]


def _limited(round_: Round, logits: Tensor, codes: Tensor) -> list[Tensor]:
    """Return log shares with the limits in them: (members, rows, columns, size) per reader."""
    result: list[Tensor] = []
    for reader, own in round_.read(logits):
        logs = torch.log_softmax(own, -1)
        for place, column in enumerate(reader.columns):
            limit = round_.limits.get(column)
            if limit is not None:
                logs[..., place, :] += limit.rows(codes)
        result.append(logs)
    return result


def _chances(sampler: Sampler, round_: Round, sums: Tensor, codes: Tensor) -> Tensor:
    """Return the log chance that later columns are as asked, from each code: (states, size)."""
    [column] = round_.columns
    limit = round_.limits[column]
    allowed = limit.allowed
    result = torch.zeros(len(codes), limit.logs.shape[1], device=codes.device)
    together = max(1, AHEAD_ROWS // len(allowed))
    for first in range(0, len(codes), together):
        part = slice(first, first + together)
        rows = len(codes[part])
        shown = sums[:, part].repeat_interleave(len(allowed), 1)
        ids = allowed.repeat(rows)[None, :, None] + sampler.first[..., column, None]
        sampler.show(shown, ids)
        known = codes[part].repeat_interleave(len(allowed), 0)
        known[:, column] = allowed.repeat(rows)
        total = shown.new_zeros(len(known))
        for later in round_.ahead:
            [logs] = _limited(later, sampler.logits(later, shown, known), known)
            total += logs[:, :, 0].exp().sum(-1).mean(0).clamp(min=1e-30).log()
        result[part, allowed] = total.view(rows, -1)
    return result


def with_limits(order: list[Round], limits: Mapping[int, Limit], *, ahead: bool) -> list[Round]:
    """Return the rounds of an order with the limits of their columns.

    Args:
        order: The rounds.
        limits: Limits by column.
        ahead: Whether earlier columns look ahead to later ones.
    """
    result: list[Round] = []
    later: tuple[Round, ...] = ()
    for round_ in reversed(order):
        own = {c: limits[c] for c in round_.columns if c in limits}
        changed = replace(round_, limits=own) if own else round_
        if ahead and _is_coarse(own) and len(round_.columns) == 1:
            [limit] = own.values()
            if later and len(limit.allowed) <= MOST_AHEAD:
                changed = replace(changed, ahead=later)
            later = (*later, changed)
        result.append(changed)
    return result[::-1]


def _is_coarse(own: Mapping[int, Limit]) -> bool:
    return bool(own) and all(limit.coarse < 0 for limit in own.values())


def live_limits(
    weights: Mapping[int, Tensor],
    coarse_of: Mapping[int, int],
    constants: Sequence[int],
    outputs: Outputs,
) -> dict[int, Limit]:
    """Return the limits of the columns a network sees, by their place among these.

    Args:
        weights: Weights of each limited column's codes: (1, size), or (coarse size, size).
        coarse_of: The coarse column of each fine one.
        constants: For every column its only code, or -1.
        outputs: Its priors tell what share of a coarse code's rows its fine codes have.
    """
    only = constants
    place = {column: i for i, column in enumerate(c for c, code in enumerate(only) if code < 0)}
    tables = dict(weights)
    for fine, table in weights.items():
        coarse = coarse_of.get(fine, -1)
        if coarse < 0:
            continue
        if fine in place:
            shares = outputs.prior_table(place[fine]).cpu().exp()
            inside = (table * shares / shares.sum(-1, keepdim=True)).sum(-1)
        else:
            inside = table[:, only[fine]]
        tables[coarse] = tables[coarse] * inside
    limits: dict[int, Limit] = {}
    for column, table in tables.items():
        if column not in place:
            continue
        coarse = coarse_of.get(column, -1)
        own = table
        if coarse >= 0 and only[coarse] >= 0:
            own, coarse = table[only[coarse]][None], -1
        # from a coarse code that may not be, any fine code will do
        own = torch.where(own.sum(-1, keepdim=True) > 0, own, 1.0)
        if bool((own == own.flatten()[0]).all()):
            continue
        logs = own.float().log().to(outputs.trust.device)
        limits[place[column]] = Limit(coarse=place.get(coarse, -1), logs=logs)
    return limits
