"""Frequencies as in the real rows, in every round of every order.

A network that has learned from a limited number of rows errs, at each set of visible columns,
by a few percent in how often each code is due. Rows are drawn in a few orders only, so the sets
that they meet are known: in each, real rows are shown to the network as far as the order has
come, and the mean of what it says of the next columns is brought to what these rows have.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import torch

from synthohive.models.compiled import build_sampler
from synthohive.models.pinned import pinned_torch
from synthohive.models.sampling import CHUNK_ROWS
from synthohive.models.states import all_alike, tell_apart
from synthohive.parallel import ordered_map

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from torch import Tensor

    from synthohive.models.compiled import Reader, Round, Sampler
    from synthohive.models.network import Network
    from synthohive.models.outputs import Outputs
    from synthohive.models.rounds import Order
    from synthohive.models.states import States

MOST_ROWS = 8_000
"""Rows shown for one order, at most."""
FEWEST_ROWS = 2_000
"""Rows shown for one order even where there are very many columns."""
WORK = 1_000_000
"""Passes of a row through the network, about, for all rounds of all orders together."""
WIDE = 2**22
"""Most logits looked at together: fewer rows are where there are more, of many codes or
several networks."""
ITERATIONS = 4
DOUBT = 100.0
"""A code is corrected by half of what so many rows of it say, by more where there are more."""


def calibrate(
    network: Network,
    outputs: Outputs,
    orders: list[Order],
    codes: Tensor,
    context: Tensor,
    *,
    threads: int = 1,
    on_order: Callable[[], None] = lambda: None,
) -> Tensor:
    """Return what is to be added to the logits of each order's rounds: (orders, outputs).

    Args:
        network: The network as it was learned; it takes no noise.
        outputs: Its priors and trust.
        orders: The orders that rows will be drawn in.
        codes: The real rows, (rows, columns).
        context: Their context, (rows, context columns).
        threads: Orders calibrated at the same time; they do not influence each other.
        on_order: Called when an order is done.
    """
    rounds = max(len(order) for order in orders)
    rows = min(MOST_ROWS, max(FEWEST_ROWS, WORK // (len(orders) * rounds)), len(codes))
    shares = _shares(codes, outputs)
    with pinned_torch(), torch.inference_mode():
        sampler = build_sampler(network, outputs, orders)

    def work(number: int) -> Tensor:
        places = _places(len(codes), rows, (number + 0.5) / len(orders)).to(codes.device)
        with pinned_torch(), torch.inference_mode():
            order = sampler.orders[number]
            return _calibrate_order(sampler, order, codes[places], context[places], shares)

    offsets: list[Tensor] = []
    for done in ordered_map(work, range(len(orders)), threads=threads):
        offsets.append(done)
        on_order()
    return torch.stack(offsets)


def _places(count: int, some: int, shift: float) -> Tensor:
    """Return some of so many places, evenly spread.

    Every order has a shift of its own, and with it other rows: what is chance in an order's
    rows is then not the same in all of them.

    Examples:
        >>> [_places(10, 5, shift).tolist() for shift in (0.25, 0.75)]
        [[0, 2, 4, 6, 8], [1, 3, 5, 7, 9]]
    """
    return ((torch.arange(some, dtype=torch.float64) + shift) * (count / some)).long()


def _shares(codes: Tensor, outputs: Outputs) -> Tensor:
    """Return the share of each code among all rows: (outputs,)."""
    counts = torch.bincount((codes + outputs.first).flatten(), minlength=outputs.width)
    return counts.float() / len(codes)


def _calibrate_order(
    sampler: Sampler, order: tuple[Round, ...], codes: Tensor, context: Tensor, shares: Tensor
) -> Tensor:
    """Show an order's columns of real rows one round after the other: (outputs,)."""
    result = torch.zeros_like(shares)
    alike = all_alike(len(codes), codes.device)
    states = tell_apart(alike, context, sampler.network.context_sizes)
    seen, others = states.pick(codes)[None], states.pick(context)[None]
    sums = sampler.network.look(seen, torch.zeros_like(seen, dtype=torch.bool), others)
    for round_ in order:
        for reader, own, known in _said(sampler, round_, states, sums, codes):
            for place, column in enumerate(reader.columns):
                part = sampler.outputs.part(column)
                is_fine = sampler.outputs.coarse[column] >= 0
                wanted = None if is_fine else shares[part]
                result[part] = _offsets(own[..., place, :], known[:, column], wanted)
        columns = round_.columns
        later = tell_apart(states, codes[:, columns], round_.sizes[: len(columns)])
        parents = states.parents(later)
        sums, states = sums if parents is None else sums.index_select(1, parents), later
        ids = states.pick(codes)[:, columns] + sampler.first[..., columns]
        for first in range(0, states.count, CHUNK_ROWS):
            chunk = slice(first, first + CHUNK_ROWS)
            sampler.show(sums[:, chunk], ids[:, chunk])
    return result


def _said(
    sampler: Sampler, round_: Round, states: States, sums: Tensor, codes: Tensor
) -> Iterator[tuple[Reader, Tensor, Tensor]]:
    """Yield what the network says to each reader of a round, of some rows, and these rows.

    Rows that look alike so far are looked at once.
    """
    stride = -(-len(codes) * round_.bias.numel() // WIDE)
    known, of = codes[::stride], states.of
    if of is not None and stride > 1:  # there may be more states than rows that are looked at
        sums, of = sums.index_select(1, of[::stride]), None
    elif of is None:
        sums = sums[:, ::stride]
    logits = sampler.logits(round_, sums, known if of is None else states.pick(codes))
    for reader, own in round_.read(logits):
        yield reader, own if of is None else own.index_select(1, of), known


def _offsets(logits: Tensor, codes: Tensor, shares: Tensor | None) -> Tensor:
    """Return what brings the mean shares of a column's codes to those wanted: (size,).

    **Shape**: logits (members, rows, size), codes (rows,), shares among all rows (size,), if
    these rows are to stand for all.
    """
    rows, size = logits.shape[1:]
    weights = torch.softmax(logits, -1)
    wanted = torch.bincount(codes, minlength=size).float()
    if shares is not None:
        # what columns shown do not tell does not depend on the rows that happen to be looked at
        told = _told(weights.mean(0))
        wanted = told * wanted + (1 - told) * shares * rows
    offsets = torch.zeros_like(wanted)
    for _ in range(ITERATIONS):
        scaled = weights * offsets.exp()
        said = scaled.div_(scaled.sum(-1, keepdim=True)).mean(0).sum(0)
        offsets += torch.log((wanted + 1) / (said + 1))
    return offsets * wanted / (wanted + DOUBT)


def _told(shares: Tensor) -> Tensor:
    """Return the share of a column's variance that the network explains."""
    mean = shares.mean(0)
    explained, whole = (shares - mean).square().mean(0).sum(), (mean * (1 - mean)).sum()
    return (explained / whole.clamp(min=1e-9)).clamp(0, 1)
