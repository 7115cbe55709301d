"""A generator's network, made ready for drawing: done once, used for every block.

What does not change from row to row is computed beforehand. The trust in a column is
multiplied into the last layer, priors are added to its bias, and each round has its own
part of it. The first layer is a sum over columns, so what it says of each code is looked up
and added to the sum that is there already. Matrix products work in the fastest number
format; sums, priors and shares stay in ``float32``.
"""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from functools import cache
from typing import TYPE_CHECKING

import torch
from torch.nn import functional

from synthohive.models.limits import with_limits
from synthohive.models.network import Block, normalise
from synthohive.models.precision import fastest_dtype

if TYPE_CHECKING:
    from collections.abc import Mapping

    from torch import Tensor

    from synthohive.models.limits import Limit
    from synthohive.models.network import Network
    from synthohive.models.outputs import Outputs
    from synthohive.models.rounds import Order


@dataclass(frozen=True, slots=True, kw_only=True)
class Reader:
    """Columns of one round and one size.

    Attributes:
        columns: The columns.
        size: Number of codes of each.
        start: Where their logits begin, among those of the round.
        fine: For each fine column among them its place, its coarse column, and its log
            frequencies given each coarse code.
    """

    columns: list[int]
    size: int
    start: int
    fine: tuple[tuple[int, int, Tensor], ...]

    @property
    def stop(self) -> int:
        """Where their logits end."""
        return self.start + len(self.columns) * self.size


@dataclass(frozen=True, slots=True, kw_only=True)
class Round:
    """Columns that are drawn together.

    Attributes:
        columns: The columns, in the order of the readers.
        inside: Fine columns of these: where one is known beforehand, it can be shown as
            soon as its coarse column is drawn.
        sizes: Number of codes of `columns`, then of `inside`.
        readers: How logits fall into columns.
        weight: Their part of the last layer, (members, width, logits).
        bias: Its bias, (members, 1, logits), with the priors of columns that are not fine.
        limits: Columns that may only have some of their codes.
        ahead: Later rounds whose limits count when this one is drawn.
    """

    columns: list[int]
    inside: list[int]
    sizes: list[int]
    readers: tuple[Reader, ...]
    weight: Tensor
    bias: Tensor
    limits: Mapping[int, Limit] = field(default_factory=dict[int, "Limit"])
    ahead: tuple[Round, ...] = ()

    def read(self, logits: Tensor) -> list[tuple[Reader, Tensor]]:
        """Return each reader's part of logits, a view: (members, rows, columns, size)."""
        return [
            (reader, logits[..., reader.start : reader.stop].unflatten(-1, (-1, reader.size)))
            for reader in self.readers
        ]


@dataclass(frozen=True, slots=True, kw_only=True)
class Sampler:
    """All that drawing rows needs.

    Attributes:
        network: The network as it was learned.
        outputs: Its priors.
        looks: For every column and context column, how many looks it can have.
        first: Where each column's codes begin among `moves`, (members, 1, columns).
        moves: What each code changes in the first layer's sum when it is shown, (codes,
            width); the last one, of what stays hidden, is zero.
        blocks: Weight and bias up, weight and bias down.
        orders: Orders to draw rows in, the rounds of each.
    """

    network: Network
    outputs: Outputs
    looks: list[int]
    first: Tensor
    moves: Tensor
    blocks: tuple[tuple[Tensor, Tensor, Tensor, Tensor], ...]
    orders: tuple[tuple[Round, ...], ...]

    def features(self, sums: Tensor) -> Tensor:
        """Return what the last layer reads: (members, rows, width)."""
        x = sums.to(self.blocks[0][0].dtype)
        for up, up_bias, down, down_bias in self.blocks:
            inner = _bend(torch.baddbmm(up_bias, normalise(x), up))
            x = (x + down_bias).baddbmm_(inner, down)
        return normalise(x)

    def logits(self, round_: Round, sums: Tensor, codes: Tensor) -> Tensor:
        """Return the logits of a round: (members, rows, logits).

        **Shape**: sums (members, rows, width), codes (rows, columns), of which the coarse
        ones of fine columns are looked at.
        """
        result = torch.bmm(self.features(sums), round_.weight).float().add_(round_.bias)
        for reader, own in round_.read(result):
            for place, coarse, prior in reader.fine:
                own[..., place, :] += functional.embedding(codes[:, coarse], prior)
        return result

    def show(self, sums: Tensor, ids: Tensor) -> None:
        """Add to the first layer's sums, in place, what codes change in it when shown.

        **Shape**: sums (members, rows, width), ids of `moves` (members, rows, codes).
        """
        moves = functional.embedding_bag(ids.flatten(0, 1), self.moves, mode="sum")
        sums += moves.view_as(sums)


def _bend(x: Tensor) -> Tensor:
    """Set negative numbers to zero, in place."""
    if x.dtype == torch.bfloat16:
        # a number's sign is that of the integer in its place; integers are four times as fast
        x.view(torch.int16).clamp_(min=0)
        return x
    return x.relu_()


def build_sampler(
    network: Network,
    outputs: Outputs,
    orders: list[Order],
    offsets: Tensor | None = None,
    *,
    limits: Mapping[int, Limit] | None = None,
    ahead: bool = False,
) -> Sampler:
    """Make a network ready for drawing.

    Args:
        network: The network.
        outputs: Its priors and trust.
        orders: The orders to draw rows in.
        offsets: What is added to the logits in each order, (orders, outputs).
        limits: Columns that may only have some of their codes.
        ahead: Whether columns drawn early are weighted by the chance that later ones are
            within their limits.
    """
    dtype = fastest_dtype(network.out.weight.device)
    blocks = [block for block in network.blocks if isinstance(block, Block)]

    @cache  # orders have rounds in common
    def round_of(columns: tuple[int, ...]) -> Round:
        return _round(network, outputs, list(columns), dtype)

    def rounds_of(order: Order, offset: Tensor | None) -> list[Round]:
        rounds = [_moved(round_of(tuple(columns)), outputs, offset) for columns in order]
        return with_limits(rounds, limits, ahead=ahead) if limits else rounds

    first, moves = _moves(network, outputs.sizes)
    return Sampler(
        network=network,
        outputs=outputs,
        looks=[*(size + 1 for size in outputs.sizes), *network.context_sizes],
        first=first,
        moves=moves,
        blocks=tuple((*block.up.cast(dtype), *block.down.cast(dtype)) for block in blocks),
        orders=tuple(
            tuple(rounds_of(order, None if offsets is None else offsets[i]))
            for i, order in enumerate(orders)
        ),
    )


def _moves(network: Network, sizes: tuple[int, ...]) -> tuple[Tensor, Tensor]:
    length = network.embed.shape[1]
    enter = network.enter.weight.detach()[:, : length * len(sizes)].unflatten(1, (-1, length))
    moves: list[Tensor] = []
    for member in range(network.members):
        for column, size in enumerate(sizes):
            start = int(network.own[member, 0, column])
            hidden = network.embed[network.hidden[member, 0, column]]
            steps = network.embed[start : start + size].detach() - hidden.detach()
            moves.append(steps @ enter[member, column])
    moves.append(torch.zeros_like(moves[0][:1]))
    ends = torch.tensor([len(part) for part in moves[:-1]]).cumsum(0)
    first = torch.cat([ends.new_zeros(1), ends[:-1]]).view(network.members, 1, -1)
    return first.to(network.own.device), torch.cat(moves)


def _round(network: Network, outputs: Outputs, columns: list[int], dtype: torch.dtype) -> Round:
    readers: list[Reader] = []
    weights: list[Tensor] = []
    biases: list[Tensor] = []
    start = 0
    for size in sorted({outputs.sizes[c] for c in columns}):
        own = [c for c in columns if outputs.sizes[c] == size]
        fine = tuple(
            (place, int(outputs.coarse[c]), outputs.prior_table(c))
            for place, c in enumerate(own)
            if outputs.coarse[c] >= 0
        )
        readers.append(Reader(columns=own, size=size, start=start, fine=fine))
        start = readers[-1].stop
        for column in own:
            part = outputs.part(column)
            trust = outputs.trust[column]
            prior = outputs.prior_table(column) if outputs.coarse[column] < 0 else 0
            weights.append(network.out.weight[..., part] * trust)
            biases.append(network.out.bias[..., part] * trust + prior)
    ordered = [c for reader in readers for c in reader.columns]
    inside = [f for c in ordered for f in torch.nonzero(outputs.coarse == c).flatten().tolist()]
    return Round(
        columns=ordered,
        inside=inside,
        sizes=[outputs.sizes[c] for c in (*ordered, *inside)],
        readers=tuple(readers),
        weight=torch.cat(weights, 2).to(dtype),
        bias=torch.cat(biases, 2),
    )


def _moved(round_: Round, outputs: Outputs, offsets: Tensor | None) -> Round:
    """Add an order's offsets to a round's bias."""
    if offsets is None:
        return round_
    own = [offsets[outputs.part(column)] for column in round_.columns]
    return replace(round_, bias=round_.bias + torch.cat(own))
