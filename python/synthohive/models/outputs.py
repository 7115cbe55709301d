"""From the numbers a network puts out to distributions over codes, column by column.

Columns with equally many codes stand side by side in the output (a *bucket*), so that one
softmax serves them all and no column is padded to the width of another.

The network puts out only what differs from a *prior*: a column's own frequencies, or,
for a fine code, its frequencies given the coarse code. Codes never seen have none. What
it puts out is scaled by the *trust* in each column, chosen on rows held out: a column
that depends on nothing, or on nothing that few rows can tell, stays with its prior.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn import functional

if TYPE_CHECKING:
    from synthohive.encoding.layout import Layout

TRUSTS = (0.0, 0.25, 0.5, 0.75, 1.0)
"""How far a column may leave its prior: not at all, up to as far as the network says."""

NEVER = -80.0
"""Log weight of a code that never occurred: as good as impossible, and finite."""


@dataclass(frozen=True, slots=True)
class Bucket:
    """Columns with equally many codes.

    Attributes:
        columns: Positions of the columns in the layout.
        size: Number of codes of each.
        start: Where their outputs begin.
        prior_start: Where their rows in the bucket's prior begin, one per column.
    """

    columns: tuple[int, ...]
    size: int
    start: int
    prior_start: tuple[int, ...]

    @property
    def stop(self) -> int:
        """Where their outputs end."""
        return self.start + len(self.columns) * self.size

    @property
    def key(self) -> str:
        """Name of the bucket's prior among the buffers."""
        return f"prior_{self.size}"


def coarse_positions(layout: Layout) -> list[int]:
    """Return for each column the position of its coarse column, or -1."""
    position = {name: i for i, name in enumerate(layout.names)}
    return [position.get(column.coarse or "", -1) for column in layout.columns]


class Outputs(nn.Module):
    """Reads distributions over codes off a network's outputs.

    Args:
        layout: The columns.
        priors: Log frequencies per column, each of shape (1, size), or (coarse size,
            size) for a fine column; `None` to allocate them for loading.
    """

    coarse: Tensor
    """Position of each column's coarse column, or -1."""
    first: Tensor
    """Where each column's outputs begin."""
    order: Tensor
    """The columns as their outputs stand side by side."""
    trust: Tensor
    """How far each column may leave its prior."""

    def __init__(self, layout: Layout, priors: list[np.ndarray] | None = None) -> None:
        super().__init__()
        sizes, coarse = layout.sizes, coarse_positions(layout)
        heights = [sizes[c] if c >= 0 else 1 for c in coarse]
        self.buckets = _buckets(sizes, heights)
        self.sizes, self.width = sizes, sum(sizes)
        self._coarse = coarse
        for bucket in self.buckets:
            height = sum(heights[c] for c in bucket.columns)
            prior = torch.zeros(height, bucket.size)
            if priors is not None:
                prior = torch.tensor(np.concatenate([priors[c] for c in bucket.columns]))
            self.register_buffer(bucket.key, prior.float())
        first = torch.zeros(len(layout), dtype=torch.long)
        for bucket in self.buckets:
            places = torch.arange(len(bucket.columns)) * bucket.size
            first[list(bucket.columns)] = bucket.start + places
        self._order = [c for bucket in self.buckets for c in bucket.columns]
        self._fine = [(int(first[c]), c) for c in self._order if coarse[c] >= 0]
        self._tables = {
            c: (bucket.key, start, start + heights[c])
            for bucket in self.buckets
            for c, start in zip(bucket.columns, bucket.prior_start, strict=True)
        }
        self.register_buffer("first", first, persistent=False)
        order = torch.tensor(self._order, dtype=torch.long)
        self.register_buffer("order", order, persistent=False)
        self.register_buffer("trust", torch.ones(len(layout)))
        self.register_buffer("coarse", torch.tensor(coarse, dtype=torch.long), persistent=False)

    def usable(self, filled: Tensor) -> Tensor:
        """Return which codes can be shown: a fine one only with its coarse one."""
        return filled & ((self.coarse < 0) | filled[..., self.coarse.clamp(min=0)])

    def part(self, column: int) -> slice:
        """Return where a column's outputs stand."""
        first = int(self.first[column])
        return slice(first, first + self.sizes[column])

    def prior_table(self, column: int) -> Tensor:
        """Return a column's prior: (1, size), or (coarse size, size) for a fine column."""
        key, start, stop = self._tables[column]
        return self.get_buffer(key)[start:stop]

    def add_priors(self, outputs: Tensor, codes: Tensor) -> Tensor:
        """Return the sum of outputs and priors: (..., width)."""
        flat: list[Tensor] = []
        for c in self._order:
            table = self.prior_table(c)
            flat.append(table[0] if self._coarse[c] < 0 else table.new_zeros(self.sizes[c]))
        result = outputs + torch.cat(flat)
        for first, c in self._fine:
            prior = functional.embedding(codes[..., self._coarse[c]], self.prior_table(c))
            result[..., first : first + self.sizes[c]] += prior
        return result

    def losses(self, outputs: Tensor, codes: Tensor, weights: Tensor) -> Tensor:
        """Return the weighted losses of each column at each trust: (trusts, columns)."""
        result = outputs.new_zeros(len(TRUSTS), codes.shape[-1])
        for i, trust in enumerate(TRUSTS):
            logits = self.add_priors(outputs * trust, codes)
            for bucket in self.buckets:
                columns = list(bucket.columns)
                own = logits[..., bucket.start : bucket.stop].unflatten(-1, (-1, bucket.size))
                logp = torch.log_softmax(own, -1)
                picked = logp.gather(-1, codes[..., columns].unsqueeze(-1)).squeeze(-1)
                result[i, columns] = -(picked * weights[..., columns]).flatten(0, -2).sum(0)
        return result

    def loss(self, outputs: Tensor, codes: Tensor, weights: Tensor) -> Tensor:
        """Return minus the weighted sum of the codes' log probabilities, to learn from."""
        return _WeightedLoss.apply(outputs, codes, weights, self)  # pyright: ignore[reportReturnType]


class _WeightedLoss(torch.autograd.Function):
    """Cross-entropy of many columns whose gradient is written down in the same pass."""

    @staticmethod
    def forward(
        ctx: torch.autograd.function.FunctionCtx,
        outputs: Tensor,
        codes: Tensor,
        weights: Tensor,
        reader: Outputs,
    ) -> Tensor:
        target = codes + reader.first
        shares = reader.add_priors(outputs, codes)
        parts = [
            shares[..., bucket.start : bucket.stop].unflatten(-1, (-1, bucket.size))
            for bucket in reader.buckets
        ]
        for part in parts:
            part.sub_(part.amax(-1, keepdim=True))
        heights = shares.gather(-1, target)
        shares.exp_()
        sums = torch.cat([part.sum(-1) for part in parts], -1)
        ordered = weights.index_select(-1, reader.order)
        total = (sums.log() * ordered).sum() - (heights * weights).sum()
        widths = [len(bucket.columns) for bucket in reader.buckets]
        scales = (ordered / sums).unsqueeze(-1).split(widths, -2)
        for part, scale in zip(parts, scales, strict=True):
            part.mul_(scale)
        gradient = shares.scatter_add_(-1, target, -weights)
        ctx.save_for_backward(gradient)
        return total

    @staticmethod
    def backward(  # pyright: ignore[reportIncompatibleMethodOverride]
        ctx: torch.autograd.function.FunctionCtx, scale: Tensor
    ) -> tuple[Tensor | None, ...]:
        (gradient,) = ctx.saved_tensors  # pyright: ignore[reportAttributeAccessIssue]
        return gradient * scale, None, None, None


def _buckets(sizes: tuple[int, ...], heights: list[int]) -> list[Bucket]:
    buckets: list[Bucket] = []
    start = 0
    for size in sorted(set(sizes)):
        columns = tuple(c for c, s in enumerate(sizes) if s == size)
        ends = np.cumsum([0, *(heights[c] for c in columns)])
        prior_start = tuple(int(end) for end in ends[:-1])
        buckets.append(Bucket(columns, size, start, prior_start))
        start = buckets[-1].stop
    return buckets


def log_frequencies(codes: np.ndarray, layout: Layout) -> list[np.ndarray]:
    """Return the log frequencies of each column's codes, the priors of `Outputs`.

    A fine column's are taken given its coarse code, with one pseudo-row spread over the
    fine codes by how often each occurs at all.

    Args:
        codes: Shape (rows, columns), at least one row.
        layout: The columns.
    """
    coarse = coarse_positions(layout)
    return [
        _log(_counts(codes[:, c], layout.sizes[c]))
        if coarse[c] < 0
        else _log_given(codes[:, coarse[c]], layout.sizes[coarse[c]], codes[:, c], layout.sizes[c])
        for c in range(len(layout))
    ]


def _counts(codes: np.ndarray, size: int) -> np.ndarray:
    return np.bincount(codes, minlength=size)[None].astype(np.float64)


def _log(counts: np.ndarray) -> np.ndarray:
    shares = counts / np.maximum(counts.sum(1, keepdims=True), 1e-9)
    return np.where(counts > 0, np.log(np.maximum(shares, 1e-30)), NEVER)


def _log_given(coarse: np.ndarray, height: int, fine: np.ndarray, size: int) -> np.ndarray:
    pairs = np.bincount(coarse.astype(np.int64) * size + fine, minlength=height * size)
    pairs = pairs.reshape(height, size).astype(np.float64)
    overall = _log(_counts(fine, size))
    # a coarse code without rows can still be given by a caller: fall back on the fine
    # codes of the whole column
    return np.where(pairs.sum(1, keepdims=True) > 0, _log(pairs), overall)
