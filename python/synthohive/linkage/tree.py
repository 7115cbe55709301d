"""A regression tree on integer codes: which attributes explain a target, and how.

The leaf of a row is a function of its codes alone. That is what makes trees right for
linkage: a synthetic parent falls into the same leaf as the real parents it resembles.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, cast

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    import polars as pl
    from numpy.typing import NDArray


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class CodeTree:
    """A fitted tree, as flat arrays over its nodes; node 0 is the root.

    Attributes:
        sizes: Number of codes of each column.
        feature: Column a node splits by, -1 for a leaf.
        left: Node of the rows that go left, -1 for a leaf.
        right: Node of the other rows, -1 for a leaf.
        leaf: Number of the leaf, -1 for an inner node.
        is_left: Per node, for every code of its column, whether it goes left.
    """

    sizes: tuple[int, ...]
    feature: NDArray[np.int32]
    left: NDArray[np.int32]
    right: NDArray[np.int32]
    leaf: NDArray[np.int32]
    is_left: tuple[NDArray[np.bool_], ...]

    @property
    def size(self) -> int:
        """Number of leaves."""
        return int(self.leaf.max()) + 1

    @property
    def used(self) -> tuple[int, ...]:
        """Columns the tree splits by, ascending."""
        return tuple(int(f) for f in np.unique(self.feature[self.feature >= 0]))

    def leaves(self, codes: NDArray[np.integer]) -> NDArray[np.int32]:
        """Return the leaf of every row; codes ``(N, C)`` → ``int32 (N,)``.

        A code the tree was not fitted on goes with the bigger half of a nominal split,
        and by its rank in an ordered one.
        """
        result = np.zeros(len(codes), np.int32)
        if self.size == 1:
            return result
        waiting = [(0, np.arange(len(codes)))]
        while waiting:
            node, rows = waiting.pop()
            if self.feature[node] < 0:
                result[rows] = self.leaf[node]
                continue
            side = self._goes_left(node, codes[rows, self.feature[node]])
            waiting.append((int(self.left[node]), rows[side]))
            waiting.append((int(self.right[node]), rows[~side]))
        return result

    def _goes_left(self, node: int, codes: NDArray[np.integer]) -> NDArray[np.bool_]:
        table = self.is_left[node]
        return table[np.minimum(codes, len(table) - 1)]

    def descend(self) -> Iterator[tuple[int, int, int]]:
        """Yield ``(node, left, right)`` of every inner node, parents before children."""
        for node in np.flatnonzero(self.feature >= 0):
            yield int(node), int(self.left[node]), int(self.right[node])

    def to_dict(self) -> dict[str, object]:
        """Return the tree as JSON-able values."""
        return {
            "sizes": list(self.sizes),
            "feature": self.feature.tolist(),
            "left": self.left.tolist(),
            "right": self.right.tolist(),
            "leaf": self.leaf.tolist(),
            "is_left": ["".join("01"[int(b)] for b in table) for table in self.is_left],
        }

    @classmethod
    def from_dict(cls, state: Mapping[str, object]) -> CodeTree:
        """Rebuild a tree from `to_dict`."""
        numbers = {
            name: np.asarray(state[name], np.int32) for name in ("feature", "left", "right", "leaf")
        }
        tables = cast("list[str]", state["is_left"])
        return cls(
            sizes=tuple(cast("list[int]", state["sizes"])),
            is_left=tuple(np.array([c == "1" for c in table], np.bool_) for table in tables),
            **numbers,
        )


def code_matrix(codes: pl.DataFrame, names: Sequence[str]) -> NDArray[np.integer]:
    """Return some code columns as one array, each column contiguous; ``(N, C)``."""
    if not names:
        return np.zeros((codes.height, 0), np.uint8)
    return codes[list(names)].to_numpy(order="fortran")
