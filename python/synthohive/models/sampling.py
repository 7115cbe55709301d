"""Drawing the codes of rows, round by round."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import torch
from torch import Tensor

if TYPE_CHECKING:
    from synthohive.models.network import Network
    from synthohive.models.outputs import Bucket, Outputs


@dataclass(frozen=True, slots=True)
class Reader:
    """The part of the last layer that some columns of one size need.

    Attributes:
        bucket: Where the columns stand.
        columns: The columns, in the bucket's order.
        weight: Their part of the last layer's weight, (members, width, columns x size).
        bias: Their part of its bias.
    """

    bucket: Bucket
    columns: tuple[int, ...]
    weight: Tensor
    bias: Tensor


def readers(network: Network, outputs: Outputs, columns: list[int]) -> list[Reader]:
    """Cut the last layer down to the columns of one round."""
    result: list[Reader] = []
    for bucket in outputs.buckets:
        wanted = tuple(c for c in bucket.columns if c in columns)
        if wanted:
            places = [bucket.columns.index(c) for c in wanted]
            grid = torch.arange(bucket.start, bucket.stop).view(-1, bucket.size)
            part = grid[places].flatten().to(network.out.weight.device)
            weight, bias = network.out.weight[..., part], network.out.bias[..., part]
            result.append(Reader(bucket, wanted, weight.detach(), bias.detach()))
    return result


def draw_rows(
    network: Network,
    outputs: Outputs,
    rounds: list[list[Reader]],
    *,
    codes: Tensor,
    filled: Tensor,
    context: Tensor,
    uniforms: Tensor,
    noise: Tensor | None = None,
) -> Tensor:
    """Fill in the columns that are not filled: (rows, columns) of codes.

    Args:
        network: The generator's network.
        outputs: Reads distributions off its outputs.
        rounds: The columns of each round.
        codes: What is known, (rows, columns); anything where not `filled`.
        filled: Which codes are known, and stay.
        context: Context codes, (rows, context columns).
        uniforms: One number in [0, 1) per code, (rows, columns).
        noise: The noise of each row, (rows, noise).
    """
    codes, filled = codes.clone(), filled.clone()
    for columns in rounds:
        x = network.trunk(codes[None], outputs.usable(filled)[None], context[None], noise)
        for reader in columns:
            own = list(reader.columns)
            logits = torch.baddbmm(reader.bias, x, reader.weight)
            logits = logits.unflatten(-1, (-1, reader.bucket.size))
            logits = logits * outputs.trust[own].unsqueeze(-1)
            logits = logits + outputs.prior(reader.bucket, codes, reader.columns)
            shares = torch.softmax(logits, -1).mean(0)
            drawn = invert(shares, uniforms[:, own])
            known = filled[:, own]
            codes[:, own] = torch.where(known, codes[:, own], drawn)
        for reader in columns:
            filled[:, list(reader.columns)] = True
    return codes


def invert(shares: Tensor, uniforms: Tensor) -> Tensor:
    """Return the codes at which cumulated shares reach the uniform numbers.

    A code without a share is never returned: the search is for the first code to reach a
    number above zero.

    Examples:
        >>> invert(torch.tensor([[0.0, 0.5, 0.5, 0.0]]), torch.tensor([0.999]))
        tensor([1])
    """
    heights = shares.cumsum(-1).contiguous()
    wanted = (1 - uniforms).unsqueeze(-1) * heights[..., -1:]
    return torch.searchsorted(heights, wanted).squeeze(-1)
