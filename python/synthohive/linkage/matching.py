"""Learn groups of secondary parents from real rows."""

from __future__ import annotations

from typing import TYPE_CHECKING, cast

import numpy as np

from synthohive.encoding.layout import CodeColumn, Layout
from synthohive.linkage.classes import Classes, fit_classes, one_class
from synthohive.linkage.embedding import Embedding, embed_parents
from synthohive.linkage.groups import Matching
from synthohive.linkage.growth import fit_tree
from synthohive.linkage.leaf_table import single_leaf
from synthohive.linkage.popularity import fit_popularity
from synthohive.linkage.tree import CodeTree, code_matrix
from synthohive.randomness import Stream

if TYPE_CHECKING:
    import polars as pl
    from numpy.typing import NDArray

ALPHA = 0.05
"""Evidence needed before an attribute parts parents that differ. It may be weak: where no
attribute decides, the draw does."""

__all__ = ["Matching", "fit_matching"]


def fit_matching(
    parent_codes: pl.DataFrame,
    parent_layout: Layout,
    child_codes: pl.DataFrame,
    parent_rows: pl.Series,
    *,
    child_layout: Layout | None = None,
    max_groups: int = 64,
    is_kept: bool = False,
) -> Matching:
    """Part the rows of a secondary parent by what explains their children.

    Args:
        parent_codes: Codes of the real parents' attributes; ``P`` rows.
        parent_layout: Layout of `parent_codes`.
        child_codes: Codes of the real children and of what they are generated from, so
            that agreement with their other parents counts as well; ``N`` rows.
        parent_rows: Position of the secondary parent of each child, null for none;
            ``UInt32 (N,)``.
        child_layout: Layout of `child_codes`; all codes are nominal when not given.
        max_groups: Most groups.
        is_kept: The generated parent table is the real one, row by row.

    Returns:
        The matching; one group where parents do not differ by their children.

    Examples:
        Blue children have blue parents:

        >>> import polars as pl
        >>> layout = Layout((CodeColumn(name="colour", size=2, source="colour"),))
        >>> parents = pl.DataFrame({"colour": [0, 1] * 20})
        >>> rows = pl.Series(list(range(40)) * 10, dtype=pl.UInt32)
        >>> children = pl.DataFrame({"colour": [0, 1] * 200})
        >>> matching = fit_matching(parents, layout, children, rows)
        >>> matching.size, matching.child_codes(rows[:2]).n_unique()
        (2, 2)
    """
    layout = child_layout or _nominal(child_codes)
    linked = parent_rows.is_not_null()
    rows = parent_rows.drop_nulls().to_numpy().astype(np.intp)
    embedding = embed_parents(child_codes.filter(linked), layout, rows)
    children = np.bincount(rows, minlength=parent_codes.height)
    most = max_groups // 2 if is_kept else max_groups
    tree, classes, centres, groups = _parted(parent_codes, parent_layout, embedding, most)
    if is_kept:
        groups = _singled_out(groups, children, max_groups)
        classes = one_class(int(groups.max(initial=0)) + 1)
        centres = np.zeros((len(classes.shares), 1))
    return Matching(
        names=_features(parent_layout).names,
        tree=tree,
        classes=classes,
        centres=centres,
        popularity=fit_popularity(groups, children, len(centres)),
        has_nulls=len(rows) < len(parent_rows),
        kept=groups if is_kept else None,
        real=groups,
    )


def _features(layout: Layout) -> Layout:
    """Leave out fine codes, which mean something only inside their coarse ones."""
    return layout.select(c.name for c in layout.columns if c.coarse is None)


def _nominal(codes: pl.DataFrame) -> Layout:
    sizes = {name: int(cast("int", codes[name].max() or 0)) + 1 for name in codes.columns}
    return Layout(tuple(CodeColumn(name=n, size=s, source=n) for n, s in sizes.items()))


def _parted(
    codes: pl.DataFrame, layout: Layout, embedding: Embedding | None, max_groups: int
) -> tuple[CodeTree, Classes, NDArray[np.float64], NDArray[np.uint32]]:
    """Part parents by leaves and classes; also returns each group's mean child."""
    features = _features(layout)
    matrix = code_matrix(codes, features.names)
    if embedding is None:
        nothing = np.zeros(len(matrix), np.uint32)
        return single_leaf(np.ones(1)).tree, one_class(1), np.zeros((1, 1)), nothing
    tree = _fit_leaves(matrix, features, embedding, max_groups)
    leaves = tree.leaves(matrix)
    described = embedding.rows
    classes, own = fit_classes(
        embedding,
        leaves[described],
        codes[described],
        features,
        leaf_count=tree.size,
        max_groups=max_groups,
    )
    groups = classes.deal(leaves, codes, Stream(0, ("without children",)))
    groups[described] = own
    return tree, classes, _centres(embedding, own, len(classes.shares)), groups


def _singled_out(
    groups: NDArray[np.uint32], children: NDArray[np.intp], max_groups: int
) -> NDArray[np.uint32]:
    """Make the most popular rows groups of their own; the others stay together."""
    singles = max_groups - int(groups.max(initial=0)) - 1
    if len(groups) <= max_groups:
        singles = len(groups)
    own = np.argsort(-children, kind="stable")[:singles]
    numbers = groups + np.uint32(len(own))
    numbers[own] = np.arange(len(own))
    return np.unique(numbers, return_inverse=True)[1].reshape(-1).astype(np.uint32)


def _fit_leaves(
    matrix: NDArray[np.integer], features: Layout, embedding: Embedding, max_groups: int
) -> CodeTree:
    """Grow the tree that finds a parent's leaf from its codes."""
    return fit_tree(
        matrix[embedding.rows],
        features.sizes,
        [c.is_ordered for c in features.columns],
        embedding.means,
        max_leaves=max_groups,
        alpha=ALPHA,
        min_leaf=max(2, min(20, len(embedding.rows) // 200)),
        weights=embedding.reliability(np.zeros_like(embedding.means)) + 1e-9,
    )


def _centres(embedding: Embedding, groups: NDArray[np.uint32], count: int) -> NDArray[np.float64]:
    """Mean child of each group; ``(G, T)``."""
    rows = np.bincount(groups, embedding.children, count)
    sums = [np.bincount(groups, embedding.children * m, count) for m in embedding.means.T]
    return np.stack(sums, axis=1) / np.maximum(rows, 1)[:, None]
