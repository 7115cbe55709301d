"""A distribution per leaf of a tree: what a row's attributes say about one code.

Small leaves borrow from the branch they hang on, so that no leaf replays the few rows it
was learned from.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, cast

import numpy as np

from synthohive.linkage.growth import fit_tree
from synthohive.linkage.tree import CodeTree, code_matrix

if TYPE_CHECKING:
    from collections.abc import Mapping

    import polars as pl
    from numpy.typing import NDArray

    from synthohive.encoding.layout import Layout

BORROWED_ROWS = 5.0
"""Weight, in rows, of the branch above when a leaf's distribution is estimated."""


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class LeafTable:
    """A code's distribution given the leaf of the row.

    Attributes:
        tree: Finds the leaf of a row.
        names: The code columns the tree was fitted on.
        shares: Probability of each code per leaf, rows sum to 1; ``(L, V)``.
    """

    tree: CodeTree
    names: tuple[str, ...]
    shares: NDArray[np.float64]

    def leaves(self, codes: pl.DataFrame | None, rows: int) -> NDArray[np.int32]:
        """Return the leaf of each row; without codes there is one leaf only."""
        if codes is None or self.tree.size == 1:
            return np.zeros(rows, np.int32)
        return self.tree.leaves(code_matrix(codes, self.names))

    def draw(
        self, leaves: NDArray[np.int32], uniforms: NDArray[np.float64]
    ) -> tuple[NDArray[np.intp], NDArray[np.float64]]:
        """Draw a code for each row by its inverse distribution function.

        Args:
            leaves: Leaf of each row; ``(N,)``.
            uniforms: One number in [0, 1) per row; ``(N,)``.

        Returns:
            The codes, and where inside its code's share each number fell, again a
            uniform number in [0, 1).
        """
        size = self.shares.shape[1]
        bounds = self.shares.cumsum(axis=1)
        bounds /= bounds[:, -1:]
        # One ascending array for all leaves: leaf number + distribution function.
        ladder = (bounds + np.arange(len(bounds))[:, None]).ravel()
        wanted = leaves + uniforms
        # A number just below 1 may be rounded into the next leaf.
        last = _last_possible(self.shares)[leaves]
        code = np.searchsorted(ladder, wanted, side="right") - leaves.astype(np.intp) * size
        code = np.clip(code, 0, last)
        upper = bounds[leaves, code]
        share = self.shares[leaves, code]
        inside = 1 - (upper - uniforms) / np.where(share > 0, share, 1)
        return code, np.clip(inside, 0, np.nextafter(1, 0))

    def to_dict(self) -> dict[str, object]:
        """Return the table as JSON-able values."""
        return {
            "tree": self.tree.to_dict(),
            "names": list(self.names),
            "shares": self.shares.tolist(),
        }

    @classmethod
    def from_dict(cls, state: Mapping[str, object]) -> LeafTable:
        """Rebuild a table from `to_dict`."""
        return cls(
            tree=CodeTree.from_dict(cast("Mapping[str, object]", state["tree"])),
            names=tuple(cast("list[str]", state["names"])),
            shares=np.asarray(state["shares"], np.float64),
        )


def fit_leaf_table(
    codes: pl.DataFrame,
    layout: Layout,
    targets: NDArray[np.floating],
    values: NDArray[np.integer],
    size: int,
    *,
    max_leaves: int,
    min_leaf: int,
) -> LeafTable:
    """Learn a code's distribution from attributes.

    Args:
        codes: Codes of the attributes; columns of `layout`.
        layout: Names, sizes and order of the attributes.
        targets: What the leaves should tell apart; ``(N, T)``.
        values: The code to learn, below `size`; ``(N,)``.
        size: Number of codes.
        max_leaves: Most leaves.
        min_leaf: Fewest rows in a leaf.
    """
    # A fine code means something only inside its coarse one: nothing to split by.
    features = layout.select(c.name for c in layout.columns if c.coarse is None)
    matrix = code_matrix(codes, features.names)
    tree = fit_tree(
        matrix,
        features.sizes,
        [c.is_ordered for c in features.columns],
        targets,
        max_leaves=max_leaves,
        min_leaf=min_leaf,
    )
    counts = _count(tree.leaves(matrix), values, tree.size, size)
    # Only the columns in use need to be at hand when rows are generated.
    return _slim(LeafTable(tree=tree, names=features.names, shares=_borrow(tree, counts)))


def single_leaf(shares: NDArray[np.float64]) -> LeafTable:
    """Return the table of a code that depends on nothing; shares ``(V,)``."""
    empty = np.zeros(0, np.bool_)
    none = np.array([-1], np.int32)
    tree = CodeTree(sizes=(), feature=none, left=none, right=none, leaf=none + 1, is_left=(empty,))
    return LeafTable(tree=tree, names=(), shares=shares[None, :])


def _count(
    leaves: NDArray[np.int32], values: NDArray[np.integer], leaf_count: int, size: int
) -> NDArray[np.float64]:
    cells = leaves.astype(np.intp) * size + values
    return np.bincount(cells, minlength=leaf_count * size).reshape(leaf_count, size).astype(float)


def _borrow(tree: CodeTree, counts: NDArray[np.float64]) -> NDArray[np.float64]:
    """Estimate shares per leaf, each node borrowing from the one above; ``(L, V)``."""
    nodes = len(tree.feature)
    totals = np.zeros((nodes, counts.shape[1]))
    is_leaf = tree.leaf >= 0
    totals[is_leaf] = counts[tree.leaf[is_leaf]]
    for node, left, right in reversed(list(tree.descend())):
        totals[node] = totals[left] + totals[right]
    shares = np.zeros_like(totals)
    shares[0] = totals[0] / totals[0].sum()
    for node, left, right in tree.descend():
        for below in (left, right):
            rows = totals[below] + BORROWED_ROWS * shares[node]
            shares[below] = rows / rows.sum()
    result = np.zeros_like(counts)
    result[tree.leaf[is_leaf]] = shares[is_leaf]
    return result


def _slim(table: LeafTable) -> LeafTable:
    """Drop the columns the tree does not split by."""
    used = table.tree.used
    place = np.full(max(used, default=-1) + 2, -1, np.int32)
    place[list(used)] = np.arange(len(used))
    feature = np.where(table.tree.feature >= 0, place[table.tree.feature], -1)
    tree = CodeTree(
        sizes=tuple(table.tree.sizes[c] for c in used),
        feature=feature.astype(np.int32),
        left=table.tree.left,
        right=table.tree.right,
        leaf=table.tree.leaf,
        is_left=table.tree.is_left,
    )
    return LeafTable(tree=tree, names=tuple(table.names[c] for c in used), shares=table.shares)


def _last_possible(shares: NDArray[np.float64]) -> NDArray[np.intp]:
    """Return the last code with a positive share, per leaf."""
    return shares.shape[1] - 1 - np.argmax(shares[:, ::-1] > 0, axis=1)
