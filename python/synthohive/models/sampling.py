"""Drawing the codes of rows, round by round."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import torch
from torch import Tensor

from synthohive.models.limits import limited_heights
from synthohive.models.outputs import NEVER
from synthohive.models.states import States, all_alike, all_different, tell_apart

if TYPE_CHECKING:
    from synthohive.models.compiled import Round, Sampler

CHUNK_ROWS = 1_024
"""Rows that go through the network together: few enough for a core's own cache, and for memory
that is freed to be kept for the next ones rather than given back to the system."""
WIDE = 2**24
"""Most shares of codes that are looked at together, where columns have many codes."""


@dataclass(slots=True, kw_only=True)
class _Block:
    """Rows being drawn.

    Attributes:
        codes: (rows, columns), anything where nothing is known.
        filled: Which codes are known beforehand, and stay; `None` if none are.
        states: Which rows the network cannot tell apart yet.
        sums: What the first layer says of each state, (members, states, width).
    """

    codes: Tensor
    filled: Tensor | None
    states: States
    sums: Tensor


def draw_rows(
    sampler: Sampler,
    order: tuple[Round, ...],
    known: Tensor,
    context: Tensor,
    uniforms: Tensor,
    noise: Tensor | None = None,
) -> Tensor:
    """Fill in the codes that are not known: (rows, columns).

    Args:
        sampler: The network, made ready for drawing.
        order: The rounds.
        known: What is known, (rows, columns), -1 where there is nothing.
        context: Context codes, (rows, context columns).
        uniforms: One number in [0, 1) per code, (rows, columns); the first columns are for
            the first round.
        noise: The noise of each row, (1, rows, noise).
    """
    block = _begin(sampler, known, context, noise)
    numbers = uniforms.split([len(round_.columns) for round_ in order], 1)
    for i, round_ in enumerate(order):
        if block.states.count * round_.bias.shape[-1] > WIDE:
            _part(block, all_different(len(known)))
        drawn = _draw(sampler, round_, block, numbers[i])
        if block.filled is not None:
            own = block.filled[:, round_.columns]
            drawn = torch.where(own, block.codes[:, round_.columns], drawn)
        block.codes[:, round_.columns] = drawn
        if i + 1 < len(order):
            _show(sampler, round_, block, drawn)
    return block.codes


def _begin(sampler: Sampler, known: Tensor, context: Tensor, noise: Tensor | None) -> _Block:
    codes, filled = known.clamp(min=0), known >= 0
    shown = sampler.outputs.usable(filled)
    is_given = bool(filled.any())
    if noise is not None:
        states = all_different(len(known))
    else:
        states = all_alike(len(known), known.device)
        if is_given or context.shape[1]:
            ids = torch.cat([torch.where(shown, codes + 1, 0), context], 1)
            states = tell_apart(states, ids, sampler.looks)
    seen, visible, others = (states.pick(part)[None] for part in (codes, shown, context))
    return _Block(
        codes=codes,
        filled=filled if is_given else None,
        states=states,
        sums=sampler.network.look(seen, visible, others, noise),
    )


def _draw(sampler: Sampler, round_: Round, block: _Block, uniforms: Tensor) -> Tensor:
    """Draw the columns of a round: (rows, columns of the round)."""
    states = block.states
    rows = max(1, min(CHUNK_ROWS, WIDE // round_.bias.shape[-1]))
    codes = states.pick(block.codes)
    drawn: list[Tensor] = []
    heights: list[list[Tensor]] = []
    for first in range(0, states.count, rows):
        part = slice(first, first + rows)
        found = _heights(sampler, round_, block.sums[:, part], codes[part])
        if states.of is None:
            drawn.append(_reach(round_, found, uniforms[part]))
        else:
            heights.append(found)
    if states.of is not None:
        whole = [torch.cat(parts) for parts in zip(*heights, strict=True)]
        for first in range(0, len(uniforms), rows):
            of = states.of[first : first + rows]
            own = [part.index_select(0, of) for part in whole]
            drawn.append(_reach(round_, own, uniforms[first : first + rows]))
    return torch.cat(drawn)


def _heights(sampler: Sampler, round_: Round, sums: Tensor, codes: Tensor) -> list[Tensor]:
    """Return cumulated weights for each reader: (states, columns, size)."""
    if round_.limits:
        return limited_heights(sampler, round_, sums, codes)
    logits = sampler.logits(round_, sums, codes)
    if len(logits) > 1:
        return [torch.softmax(own, -1).mean(0).cumsum(-1) for _, own in round_.read(logits)]
    # weights of one network need not sum to one, and this is faster than a softmax per column
    logits.clamp_(NEVER, -NEVER).exp_()
    return [own[0].cumsum(-1) for _, own in round_.read(logits)]


def _reach(round_: Round, heights: list[Tensor], uniforms: Tensor) -> Tensor:
    """Return the codes at which each reader's heights reach the uniform numbers."""
    ends = [len(reader.columns) for reader in round_.readers]
    parts = zip(heights, uniforms.split(ends, 1), strict=True)
    return torch.cat([reach(own, numbers) for own, numbers in parts], 1)


def _show(sampler: Sampler, round_: Round, block: _Block, drawn: Tensor) -> None:
    """Show the network what a round has drawn, and known fine codes that now mean something."""
    columns, sizes = round_.columns, round_.sizes
    if block.filled is None:
        looks = drawn
        ids = drawn + sampler.first[..., columns]
    else:
        inside = round_.inside
        coarse = sampler.outputs.coarse[inside]
        late = block.filled[:, inside] & ~block.filled[:, coarse]
        is_new = torch.cat([~block.filled[:, columns], late], 1)
        columns = [*columns, *inside]
        codes = block.codes[:, columns]
        looks, sizes = torch.where(is_new, codes + 1, 0), [size + 1 for size in sizes]
        ids = torch.where(is_new, codes + sampler.first[..., columns], len(sampler.moves) - 1)
    states = tell_apart(block.states, looks, sizes[: looks.shape[1]])
    _part(block, states)
    if states.first is not None:
        ids = ids.index_select(1, states.first)
    for first in range(0, states.count, CHUNK_ROWS):
        rows = slice(first, first + CHUNK_ROWS)
        sampler.show(block.sums[:, rows], ids[:, rows])


def _part(block: _Block, states: States) -> None:
    """Go on with more states."""
    parents = block.states.parents(states)
    if parents is not None:
        block.sums = block.sums.index_select(1, parents)
    block.states = states


def invert(shares: Tensor, uniforms: Tensor) -> Tensor:
    """Return the codes at which cumulated shares reach the uniform numbers.

    Examples:
        >>> invert(torch.tensor([[0.0, 0.5, 0.5, 0.0]]), torch.tensor([0.999]))
        tensor([1])
    """
    return reach(shares.cumsum(-1), uniforms)


def reach(heights: Tensor, uniforms: Tensor) -> Tensor:
    """Return the codes at which cumulated shares reach the uniform numbers.

    A code without a share is never returned: the search is for the first code to reach a
    number above zero.
    """
    heights = heights.contiguous()
    wanted = (1 - uniforms).unsqueeze(-1) * heights[..., -1:]
    return torch.searchsorted(heights, wanted).squeeze(-1)
