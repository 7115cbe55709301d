"""Grow a regression tree on integer codes, best split first."""

from __future__ import annotations

import heapq
from dataclasses import dataclass
from typing import TYPE_CHECKING, cast

import numpy as np

from synthohive.errors import ConfigError
from synthohive.linkage.splits import Split, best_split, spread
from synthohive.linkage.tree import CodeTree

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

CELLS = 40_000_000
"""Rows x columns x targets looked at; beyond that, a fixed sample of the rows."""


def fit_tree(
    codes: NDArray[np.integer],
    sizes: Sequence[int],
    is_ordered: Sequence[bool],
    targets: NDArray[np.floating],
    *,
    max_leaves: int = 64,
    min_leaf: int = 20,
    alpha: float = 0.01,
    weights: NDArray[np.floating] | None = None,
) -> CodeTree:
    """Grow a tree, best split first, until nothing but noise is left to split.

    Args:
        codes: Codes of the attributes; ``(N, C)``.
        sizes: Number of codes per column; ``(C,)``.
        is_ordered: Whether neighbouring codes are alike; ``(C,)``.
        targets: What the leaves should tell apart; ``(N, T)`` or ``(N,)``.
        max_leaves: Most leaves to grow.
        min_leaf: Fewest rows in a leaf.
        alpha: Chance of splitting a set of rows in which no attribute means anything.
        weights: How much each row counts, all positive; equal when not given.

    Returns:
        The tree; a single leaf when the attributes explain nothing.

    Raises:
        ConfigError: A code is not below its column's size, or lengths differ.

    Examples:
        >>> codes = np.repeat(np.arange(4), 50)[:, None]
        >>> tree = fit_tree(codes, [4], [False], (codes[:, 0] == 2).astype(float))
        >>> tree.size, len(np.unique(tree.leaves(np.array([[0], [1], [3]]))))
        (2, 1)
    """
    targets = np.asarray(targets, np.float64)
    targets = targets[:, None] if targets.ndim == 1 else targets
    _check(codes, sizes, targets)
    weights = np.ones(len(codes)) if weights is None else np.asarray(weights, np.float64)
    rows = _sample(len(codes), codes.shape[1] * (2 + targets.shape[1]))
    grower = _Grower(
        columns=[np.ascontiguousarray(codes[rows, c], np.intp) for c in range(codes.shape[1])],
        sizes=tuple(sizes),
        is_ordered=tuple(is_ordered),
        targets=targets[rows],
        weights=weights[rows],
        min_leaf=min_leaf,
        alpha=alpha,
        rounding=1e-9 * float(weights[rows] @ (targets[rows] ** 2).sum(axis=1)),
    )
    return _grow(grower, max_leaves)


def _check(codes: NDArray[np.integer], sizes: Sequence[int], targets: NDArray[np.float64]) -> None:
    if codes.shape[1] != len(sizes) or len(targets) != len(codes):
        raise ConfigError(
            f"codes {codes.shape}, {len(sizes)} sizes and targets {targets.shape} do not match"
        )
    for c, size in enumerate(sizes):
        if len(codes) and int(codes[:, c].max()) >= size:
            raise ConfigError(
                f"code column {c} holds {int(codes[:, c].max())}, but has {size} codes only"
            )


def _sample(rows: int, cells_per_row: int) -> NDArray[np.intp]:
    """Choose the rows to learn from: all, or always the same ones."""
    limit = max(1_000, CELLS // max(1, cells_per_row))
    if rows <= limit:
        return np.arange(rows)
    return np.sort(np.random.default_rng(0).choice(rows, limit, replace=False))


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class _Grower:
    """What does not change while a tree grows."""

    columns: list[NDArray[np.intp]]
    sizes: tuple[int, ...]
    is_ordered: tuple[bool, ...]
    targets: NDArray[np.float64]
    weights: NDArray[np.float64]
    min_leaf: int
    alpha: float
    rounding: float
    """Sum of squares that is nothing but rounding."""

    def histograms(self, rows: NDArray[np.intp]) -> list[NDArray[np.float64]]:
        """Count rows, weight and weighted targets per code, for every column."""
        weight = self.weights[rows]
        sums = [np.ones(len(rows)), weight, *(self.targets[rows] * weight[:, None]).T]
        result: list[NDArray[np.float64]] = []
        for column, size in zip(self.columns, self.sizes, strict=True):
            code = column[rows]
            counted = [np.bincount(code, s, size).astype(np.float64) for s in sums]
            result.append(np.stack(counted, axis=1))
        return result

    def split(self, rows: NDArray[np.intp], histograms: list[NDArray[np.float64]]) -> Split | None:
        """Return the best split of some rows, if any is worth it."""
        if len(rows) < 2 * self.min_leaf:
            return None
        around = spread(self.targets[rows], self.weights[rows])
        if around.total <= self.rounding:
            return None
        found = [
            best_split(
                histogram,
                around,
                feature=c,
                features=len(self.columns),
                is_ordered=self.is_ordered[c],
                min_leaf=self.min_leaf,
                alpha=self.alpha,
            )
            for c, histogram in enumerate(histograms)
        ]
        return max((s for s in found if s), key=lambda s: s.gain, default=None)


@dataclass(slots=True, eq=False)
class _Node:
    """A node while the tree grows."""

    rows: NDArray[np.intp]
    histograms: list[NDArray[np.float64]]
    split: Split | None
    left: int = -1
    right: int = -1


def _grow(grower: _Grower, max_leaves: int) -> CodeTree:
    nodes: list[_Node] = []
    queue: list[tuple[float, int]] = []

    def add(rows: NDArray[np.intp], histograms: list[NDArray[np.float64]]) -> int:
        nodes.append(_Node(rows, histograms, grower.split(rows, histograms)))
        split = nodes[-1].split
        if split:
            heapq.heappush(queue, (-split.gain, len(nodes) - 1))
        return len(nodes) - 1

    everything = np.arange(len(grower.weights))
    add(everything, grower.histograms(everything))
    for _ in range(max_leaves - 1):
        if not queue:
            break
        node = nodes[heapq.heappop(queue)[1]]
        split = cast("Split", node.split)
        side = split.is_left[grower.columns[split.feature][node.rows]]
        left, right = _part(grower, node, side)
        node.left, node.right = add(*left), add(*right)
        node.histograms = []
    return _frozen(nodes, grower.sizes)


def _part(
    grower: _Grower, node: _Node, side: NDArray[np.bool_]
) -> list[tuple[NDArray[np.intp], list[NDArray[np.float64]]]]:
    """Part a node's rows; only the smaller half is counted, the other by subtraction."""
    halves = [node.rows[side], node.rows[~side]]
    small = int(len(halves[1]) < len(halves[0]))
    counted = grower.histograms(halves[small])
    rest = [whole - part for whole, part in zip(node.histograms, counted, strict=True)]
    both = [counted, rest] if small == 0 else [rest, counted]
    return list(zip(halves, both, strict=True))


def _frozen(nodes: list[_Node], sizes: tuple[int, ...]) -> CodeTree:
    is_leaf = np.array([node.left < 0 for node in nodes])
    empty = np.zeros(0, np.bool_)
    return CodeTree(
        sizes=sizes,
        feature=np.array(
            [-1 if n.left < 0 or n.split is None else n.split.feature for n in nodes], np.int32
        ),
        left=np.array([node.left for node in nodes], np.int32),
        right=np.array([node.right for node in nodes], np.int32),
        leaf=np.where(is_leaf, np.cumsum(is_leaf) - 1, -1).astype(np.int32),
        is_left=tuple(empty if n.left < 0 or n.split is None else n.split.is_left for n in nodes),
    )
