"""Which columns of a row are visible, and which are asked for, while learning."""

from __future__ import annotations

import torch
from torch import Tensor


def draw_visible(shape: tuple[int, int], coarse: Tensor, random: torch.Generator) -> Tensor:
    """Draw visible columns: (members, rows, columns), Boolean.

    Each row has a threshold, evenly spread over a member's rows, so the number of visible
    columns is uniform from none to all; a fine column is visible only where its coarse
    one is.

    Args:
        shape: Members and rows.
        coarse: Position of each column's coarse column, or -1.
        random: Where the numbers come from.
    """
    keys = torch.rand(*shape, len(coarse), generator=random)
    keys = torch.where(coarse >= 0, torch.maximum(keys, keys[..., coarse.clamp(min=0)]), keys)
    steps = torch.arange(shape[1]).unsqueeze(-1)
    return keys < (steps + torch.rand(*shape, 1, generator=random)) / shape[1]


def ask(visible: Tensor, coarse: Tensor) -> Tensor:
    """Return the weights of the columns to predict: (..., columns).

    All hidden columns are asked for, but a fine one only where its coarse code is visible.
    A row's weights sum to the number of columns, so the expected loss is what a whole row
    costs, in nats, when its columns are drawn one by one in random order.
    """
    asked = ~visible & ((coarse < 0) | visible[..., coarse.clamp(min=0)])
    weights = asked.float()
    return weights * (len(coarse) / weights.sum(-1, keepdim=True).clamp(min=1))
