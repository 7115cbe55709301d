"""Classes of parents below the leaves: differences no attribute explains.

A table of regions may hold nothing but names, and yet every region has its own customers.
Parents of one leaf are parted further where their *children* differ by more than chance.
Synthetic parents can hardly be recognised as one class or another, so classes are dealt to
them in the real proportions; from then on each behaves as its class does.
"""

from __future__ import annotations

import heapq
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, cast

import numpy as np

from synthohive.linkage.dealing import BLOCK, MAX_CODES, deal, likeness
from synthohive.linkage.splits import Split, Spread, best_split

if TYPE_CHECKING:
    from collections.abc import Mapping

    import polars as pl
    from numpy.typing import NDArray

    from synthohive.encoding.layout import Layout
    from synthohive.linkage.embedding import Embedding
    from synthohive.randomness import Stream

MIN_CHILDREN = 20
"""Fewest children in a class."""
ALPHA = 0.01
"""Chance of parting parents that do not differ."""
MIN_GAIN = 1e-3
"""Least share of all differences between children that a split must explain."""


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Classes:
    """Numbers of the groups: those of leaf 0 first.

    Attributes:
        leaf_of_group: Leaf each group is a part of, ascending; ``(G,)``.
        shares: Share of its leaf's parents in each group; ``(G,)``.
        names: Code columns that tell the groups of a leaf apart to some degree.
        likeness: Log likelihood ratio of their codes per group; ``(G, size)`` each.
    """

    leaf_of_group: NDArray[np.int32]
    shares: NDArray[np.float64]
    names: tuple[str, ...] = ()
    likeness: tuple[NDArray[np.float64], ...] = ()

    def deal(
        self, leaves: NDArray[np.int32], codes: pl.DataFrame, stream: Stream
    ) -> NDArray[np.uint32]:
        """Deal groups to parents whose leaves are known, in the real proportions.

        Args:
            leaves: Leaf of every parent of a table; ``(P,)``.
            codes: Codes of the same parents.
            stream: Where the random numbers come from.

        Returns:
            The group of every parent; ``(P,)``.
        """
        result = np.searchsorted(self.leaf_of_group, leaves).astype(np.uint32)
        for leaf in np.flatnonzero(np.bincount(self.leaf_of_group) > 1):
            groups = np.flatnonzero(self.leaf_of_group == leaf)
            rows = np.flatnonzero(leaves == leaf)
            for block, start in enumerate(range(0, len(rows), BLOCK)):
                some = rows[start : start + BLOCK]
                own = stream.child(int(leaf), block)
                scores = self._scores(codes[some], groups, own)
                offset = float(own.child("offset").uniform(1)[0])
                result[some] = groups[deal(scores, self.shares[groups], offset)]
        return result

    def _scores(
        self, codes: pl.DataFrame, groups: NDArray[np.intp], stream: Stream
    ) -> NDArray[np.float64]:
        """Score each group for each row: likelihood and Gumbel noise; ``(N, K)``."""
        size = (codes.height, len(groups))
        uniforms = stream.uniform(size[0] * size[1]).to_numpy().reshape(size)
        scores = -np.log(-np.log(np.clip(uniforms, 1e-12, 1 - 1e-12)))
        for name, table in zip(self.names, self.likeness, strict=True):
            scores += table[groups].T[codes[name].to_numpy()]
        return scores

    def to_dict(self) -> dict[str, object]:
        """Return the classes as JSON-able values."""
        return {
            "leaf_of_group": self.leaf_of_group.tolist(),
            "shares": self.shares.tolist(),
            "names": list(self.names),
            "likeness": [table.round(4).tolist() for table in self.likeness],
        }

    @classmethod
    def from_dict(cls, state: Mapping[str, object]) -> Classes:
        """Rebuild classes from `to_dict`."""
        tables = cast("list[list[list[float]]]", state["likeness"])
        return cls(
            leaf_of_group=np.asarray(state["leaf_of_group"], np.int32),
            shares=np.asarray(cast("list[float]", state["shares"]), np.float64),
            names=tuple(cast("list[str]", state["names"])),
            likeness=tuple(np.asarray(table, np.float64) for table in tables),
        )


def one_class(leaf_count: int) -> Classes:
    """Return the classes where every leaf is one group."""
    return Classes(leaf_of_group=np.arange(leaf_count, dtype=np.int32), shares=np.ones(leaf_count))


def fit_classes(
    embedding: Embedding,
    leaves: NDArray[np.int32],
    codes: pl.DataFrame,
    layout: Layout,
    *,
    leaf_count: int,
    max_groups: int,
) -> tuple[Classes, NDArray[np.uint32]]:
    """Part the parents of each leaf by what their children say.

    Args:
        embedding: Parents described by their children.
        leaves: Leaf of each parent described; ``(Q,)``.
        codes: Codes of the parents described; ``Q`` rows.
        layout: Layout of `codes`.
        leaf_count: Number of leaves, those without a described parent included.
        max_groups: Most groups over all leaves.

    Returns:
        The classes, and the group of each parent described; ``(Q,)``.
    """
    cells = _cells(embedding, leaves, leaf_count)
    members = [np.flatnonzero(leaves == leaf) for leaf in range(leaf_count)]
    parts = [[rows] for rows in members]
    queue: list[tuple[float, int, int, Split]] = []
    least = MIN_GAIN * float(embedding.children @ (embedding.means**2).sum(axis=1))
    least += MIN_GAIN * float(embedding.scatter.sum())

    def consider(leaf: int, part: int) -> None:
        split = _split(cells, embedding, parts[leaf][part])
        if split and split.gain > least:
            heapq.heappush(queue, (-split.gain, leaf, part, split))

    for leaf in range(leaf_count):
        consider(leaf, 0)
    for _ in range(max_groups - leaf_count):
        if not queue:
            break
        _, leaf, part, split = heapq.heappop(queue)
        rows = parts[leaf][part]
        parts[leaf][part] = rows[split.is_left]
        parts[leaf].append(rows[~split.is_left])
        consider(leaf, part)
        consider(leaf, len(parts[leaf]) - 1)
    classes, groups = _numbered(parts, len(leaves))
    return _with_likeness(classes, leaves, groups, codes, layout), groups


def _with_likeness(
    classes: Classes,
    leaves: NDArray[np.int32],
    groups: NDArray[np.uint32],
    codes: pl.DataFrame,
    layout: Layout,
) -> Classes:
    """Learn by what codes the groups of a leaf can be told apart."""
    count = len(classes.shares)
    if classes.leaf_of_group[-1] + 1 == count:
        return classes
    columns = [c for c in layout.columns if c.coarse is None and 1 < c.size <= MAX_CODES]
    return replace(
        classes,
        names=tuple(column.name for column in columns),
        likeness=tuple(
            likeness(
                codes[column.name].to_numpy(),
                leaves,
                groups,
                count,
                size=column.size,
                is_ordered=column.is_ordered,
            )
            for column in columns
        ),
    )


def _numbered(
    parts: list[list[NDArray[np.intp]]], parents: int
) -> tuple[Classes, NDArray[np.uint32]]:
    groups = np.zeros(parents, np.uint32)
    leaf_of_group: list[int] = []
    shares: list[float] = []
    for leaf, leaf_parts in enumerate(parts):
        total = sum(len(rows) for rows in leaf_parts)
        for rows in leaf_parts:
            groups[rows] = len(shares)
            leaf_of_group.append(leaf)
            shares.append(len(rows) / total if total else 1.0)
    return (
        Classes(leaf_of_group=np.array(leaf_of_group, np.int32), shares=np.array(shares)),
        groups,
    )


def _cells(embedding: Embedding, leaves: NDArray[np.int32], leaf_count: int) -> NDArray[np.float64]:
    """Count children and sum their vectors per parent, as `best_split` takes them.

    Vectors are deviations from the parent's leaf. Means of few children are mostly chance,
    so they are drawn to the leaf; ``(Q, 2 + T)``.
    """
    children = embedding.children
    sums = [np.bincount(leaves, children * m, leaf_count) for m in embedding.means.T]
    rows = np.bincount(leaves, children, leaf_count)
    centres = (np.stack(sums, axis=1) / np.maximum(rows, 1)[:, None])[leaves]
    trusted = embedding.reliability(centres) * children
    return np.column_stack([children, children, (embedding.means - centres) * trusted[:, None]])


def _split(
    cells: NDArray[np.float64], embedding: Embedding, parents: NDArray[np.intp]
) -> Split | None:
    """Part some parents in two, if their children differ by more than chance."""
    if len(parents) < 2:  # noqa: PLR2004 - nothing to part
        return None
    own = cells[parents]
    rows = float(own[:, 0].sum())
    centre = own[:, 2:].sum(0) / rows
    between = ((own[:, 2:] / own[:, :1] - centre) ** 2).sum(1) @ own[:, 0]
    total = float(between + embedding.scatter[parents].sum())
    # One dimension: on the safe side, and right where one direction is all the noise.
    around = Spread(rows=rows, total=total, dims=1.0, noise_dims=embedding.noise_dims)
    return best_split(
        own, around, feature=0, features=1, is_ordered=False, min_leaf=MIN_CHILDREN, alpha=ALPHA
    )
