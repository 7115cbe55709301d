"""The generator's network: what is visible of a row in, logits of what is hidden out.

Small tables are learned by several networks at once, the *members*, each with rows of its
own held out; their distributions are averaged when rows are drawn. All members go
through the same operations as one batch of matrices.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn import functional

from synthohive.models.precision import fast
from synthohive.models.profiles import begin_alike
from synthohive.models.waves import FEWEST_CODES, Waves, wavy

if TYPE_CHECKING:
    from synthohive.encoding.layout import Layout
    from synthohive.models.state import Rows

LOOKED = 100_000
"""Rows that tell, at most, which codes are alike."""


class Affine(nn.Module):
    """An affine map for each member.

    **Shape**: (members, rows, in) to (members, rows, out).

    Examples:
        >>> Affine(2, 3, 5)(torch.zeros(2, 7, 3)).shape
        torch.Size([2, 7, 5])
    """

    def __init__(self, members: int, width_in: int, width_out: int) -> None:
        super().__init__()
        self.weight = nn.Parameter(torch.zeros(members, width_in, width_out))
        self.bias = nn.Parameter(torch.zeros(members, 1, width_out))

    def forward(self, x: Tensor) -> Tensor:
        """Apply each member's map to its rows."""
        return torch.baddbmm(self.bias, x, self.weight)

    def cast(self, dtype: torch.dtype) -> tuple[Tensor, Tensor]:
        """Return weight and bias in another number format."""
        return self.weight.detach().to(dtype), self.bias.detach().to(dtype)


class Block(nn.Module):
    """One residual step: normalise, widen, bend, narrow.

    **Shape**: (members, rows, width) to the same.
    """

    def __init__(self, members: int, width: int) -> None:
        super().__init__()
        self.up = Affine(members, width, 2 * width)
        self.down = Affine(members, 2 * width, width)

    def forward(self, x: Tensor, kept: Tensor | None = None) -> Tensor:
        """Return `x` and what this block adds to it, `kept` thinning it out inside."""
        inner = functional.relu(self.up(normalise(x)), inplace=True)
        if kept is not None:
            inner = inner * kept
        return x + self.down(inner)


class Network(nn.Module):
    """Residual perceptrons over embedded codes.

    Every code of every column has a vector; a hidden column shows a vector of its own
    instead. Context columns are never hidden. CTGAN's conditional vector, "this column
    has that value", is the case of one visible column.

    Args:
        layout: Columns of the table.
        context_layout: Columns a row is generated from.
        members: Number of networks side by side.
        width: Width of the residual stream.
        depth: Number of blocks.
        embedding: Length of a code's vector.
        noise: Length of the noise vector; 0 for none.

    All weights are zero until `initialise` fills them. While it learns, `waves` may help the
    last layer.
    """

    own: Tensor
    others: Tensor
    hidden: Tensor

    def __init__(
        self,
        layout: Layout,
        context_layout: Layout,
        *,
        members: int,
        width: int,
        depth: int,
        embedding: int,
        noise: int = 0,
    ) -> None:
        super().__init__()
        self.shape = {
            "members": members,
            "width": width,
            "depth": depth,
            "embedding": embedding,
            "noise": noise,
        }
        self.members, self.noise = members, noise
        self.context_sizes = context_layout.sizes
        self.columns = (*layout.columns, *context_layout.columns)
        sizes = (*layout.sizes, *context_layout.sizes)
        first = np.cumsum([0, *sizes, len(layout)])
        columns = len(layout)
        # where the vectors of a column begin, in each member's part of the one table
        member = torch.arange(members).view(-1, 1, 1) * int(first[-1])
        own, others = torch.from_numpy(first[:columns]), torch.from_numpy(first[columns:-2])
        hidden = torch.arange(columns) + int(first[-2])
        self.register_buffer("own", own + member, persistent=False)
        self.register_buffer("others", others + member, persistent=False)
        self.register_buffer("hidden", hidden + member, persistent=False)
        self.embed = nn.Parameter(torch.zeros(members * int(first[-1]), embedding))
        self.enter = Affine(members, len(sizes) * embedding + noise, width)
        self.blocks = nn.ModuleList(Block(members, width) for _ in range(depth))
        self.out = Affine(members, width, sum(layout.sizes))
        self.waves: Waves | None = None

    def look(
        self, codes: Tensor, visible: Tensor, context: Tensor, noise: Tensor | None = None
    ) -> Tensor:
        """Return the first layer's outputs: (members, rows, width). Shapes as for `trunk`."""
        ids = torch.where(visible, codes + self.own, self.hidden)
        ids = torch.cat([ids, context + self.others], 2)
        x = _vectors(self.embed, ids).flatten(2)
        if noise is not None:
            x = torch.cat([x, noise.expand(self.members, -1, -1)], 2)
        return self.enter(x)

    def trunk(
        self,
        codes: Tensor,
        visible: Tensor,
        context: Tensor,
        noise: Tensor | None = None,
        kept: Tensor | None = None,
    ) -> Tensor:
        """Return the features that the outputs are read from.

        **Shape**: codes and visible (members or 1, rows, columns), context (members or 1,
        rows, context columns), noise (members or 1, rows, noise), kept (depth, members,
        rows, 2 width); result (members, rows, width).
        """
        x = self.look(codes, visible, context, noise)
        for i, block in enumerate(self.blocks):
            x = block(x, None if kept is None else kept[i])
        return normalise(x)

    def forward(
        self,
        codes: Tensor,
        visible: Tensor,
        context: Tensor,
        noise: Tensor | None = None,
        kept: Tensor | None = None,
    ) -> Tensor:
        """Return all logits: (members, rows, sum of sizes)."""
        return self.read(self.trunk(codes, visible, context, noise, kept))

    def read(self, features: Tensor) -> Tensor:
        """Return the logits of features: (members, rows, sum of sizes)."""
        logits = self.out(features)
        return logits if self.waves is None else logits + self.waves(features)

    def fold_waves(self) -> None:
        """Make the waves part of the last layer, once everything is learned."""
        if self.waves is not None:
            with torch.no_grad():
                self.out.weight.add_(self.waves.weights())
            self.waves = None


def initialise(network: Network, rows: Rows, random: torch.Generator) -> None:
    """Fill the weights from `random`, and vectors so that codes that are alike begin alike.

    The outputs stay at zero, that is at the prior. What is alike, each member is told by the rows
    that it learns from.
    """
    sizes, ends = _places(network)
    with torch.no_grad():
        vectors = torch.empty_like(network.embed, device="cpu").normal_(0, 0.5, generator=random)
        for column, size in enumerate(sizes):
            if network.columns[column].is_ordered and size >= FEWEST_CODES:
                for end in ends[:, column].tolist():
                    vectors[end - size : end] = wavy(vectors[end - size : end], random)
        for member, last in enumerate(ends.tolist()):
            parts = [vectors[end - size : end] for size, end in zip(sizes, last, strict=True)]
            shown = torch.cat(rows.some_of(member, LOOKED), 1).cpu()
            alike = begin_alike(parts, shown, network.columns)
            for part, vector in zip(parts, alike, strict=True):
                part.copy_(vector)
        network.embed.copy_(vectors)
        for module in network.modules():
            if isinstance(module, Affine) and module is not network.out:
                fill_evenly(module.weight, module.weight.shape[1], random)


def average_unseen(network: Network, codes: Tensor, context: Tensor) -> None:
    """Give codes that no row had the mean vector of those that rows had.

    A new parent may show a code that none of the real children's parents did.

    **Shape**: codes (rows, columns), context (rows, context columns).
    """
    sizes, ends = _places(network)
    with torch.no_grad():
        for column, values in enumerate(torch.cat([codes, context], 1).T):
            size = sizes[column]
            counts = torch.bincount(values, minlength=size)
            for end in ends[:, column].tolist():
                vectors = network.embed[end - size : end]
                mean = (vectors * counts.unsqueeze(1)).sum(0) / counts.sum()
                vectors[counts == 0] = mean


def _places(network: Network) -> tuple[list[int], Tensor]:
    """Return the number of vectors of each column, and where each member's end."""
    first = torch.cat([network.own, network.others, network.hidden[..., :1]], 2)[:, 0].cpu()
    return (first[0, 1:] - first[0, :-1]).tolist(), first[:, 1:]


def fill_evenly(weights: Tensor, inputs: int, random: torch.Generator) -> None:
    """Fill the weights of a map evenly, the narrower the more inputs it has."""
    bound = inputs**-0.5
    drawn = torch.empty_like(weights, device="cpu")
    with torch.no_grad():
        weights.copy_(drawn.uniform_(-bound, bound, generator=random))


def _vectors(table: Tensor, ids: Tensor) -> Tensor:
    """Look up vectors, in the way whose gradient is fast on a CPU, or repeatable on a GPU."""
    if table.device.type == "cpu":
        return table.index_select(0, ids.flatten()).view(*ids.shape, -1)
    return functional.embedding(ids, table)


def read_fast(
    network: Network,
    codes: Tensor,
    visible: Tensor,
    context: Tensor,
    noise: Tensor | None = None,
    kept: Tensor | None = None,
) -> Tensor:
    """Return all logits: features in the fastest number format, the last layer in ``float32``.

    **Shape**: as for `Network.forward`.
    """
    with fast(codes.device):
        features = network.trunk(codes, visible, context, noise, kept)
    return network.read(features.float())


def draw_noise(network: Network, rows: int, random: torch.Generator) -> Tensor | None:
    """Draw each row's noise, the same for all members; `None` if the network takes none."""
    if not network.noise:
        return None
    noise = torch.randn(1, rows, network.noise, generator=random)
    return noise.to(network.out.weight.device)


def normalise(x: Tensor) -> Tensor:
    """Shift and scale each row to mean 0 and variance 1."""
    return functional.layer_norm(x, x.shape[-1:])
