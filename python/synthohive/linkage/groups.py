"""Groups of secondary parents: which parent rows go with which child rows.

Parent rows are parted into groups by what explains their children. A child is generated
with the group of its secondary parent as one more code; afterwards an actual parent of
that group is assigned, each as often as its own share of children says. Keys stay valid,
popularity and the agreement of attributes survive, at a cost of O(rows).

    parent codes ─tree─► leaf ─class─► group ◄─generated─ child
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, cast

import numpy as np
import polars as pl

from synthohive.errors import ConfigError, NotFittedError
from synthohive.linkage.classes import Classes
from synthohive.linkage.popularity import Popularity, build_ladder
from synthohive.linkage.tree import CodeTree, code_matrix

if TYPE_CHECKING:
    from collections.abc import Mapping

    from numpy.typing import NDArray

    from synthohive.linkage.assignment import Ladder
    from synthohive.randomness import Stream


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Matching:
    """Groups of the rows of a secondary parent.

    Attributes:
        names: Code columns of the parent that decide its leaf.
        tree: Leaf of a parent row.
        classes: Classes below each leaf, and so the numbers of the groups.
        centres: Mean child of each group, to find a stand-in for a group nobody is in.
        popularity: How often the real members of each group are chosen.
        has_nulls: Some real children have no parent here.
        kept: Group of each row of a parent table that is kept as it is.
        real: Group of each real parent row; known to the fitted object only, not saved.
    """

    names: tuple[str, ...]
    tree: CodeTree
    classes: Classes
    centres: NDArray[np.float64]
    popularity: Popularity
    has_nulls: bool
    kept: NDArray[np.uint32] | None
    real: NDArray[np.uint32] | None

    @property
    def group_count(self) -> int:
        """Number of groups."""
        return len(self.centres)

    @property
    def size(self) -> int:
        """Number of codes of a child: the groups, and null where that occurs."""
        return self.group_count + int(self.has_nulls)

    def groups(self, parents: pl.DataFrame | int, stream: Stream, *, start: int = 0) -> pl.Series:
        """Return the group of parent rows; ``UInt32 (P,)``.

        Args:
            parents: Codes of the rows, or their number if the table has no code columns.
            stream: Where the random numbers come from.
            start: Position of the first of these rows in its table.

        The leaf follows from the codes; the class below the leaf, which no attribute
        explains, is dealt in the real proportions among the rows that come together.
        """
        codes = pl.DataFrame(height=parents) if isinstance(parents, int) else parents
        if self.kept is not None:
            return pl.Series("group", self.kept[start : start + codes.height])
        here = stream.child(start)
        return pl.Series("group", self.classes.deal(self._leaves(codes), codes, here))

    def ladder(
        self,
        groups: NDArray[np.integer],
        drawn: NDArray[np.integer],
        stream: Stream,
        *,
        rows: NDArray[np.uint32] | None = None,
        ends: NDArray[np.uint64] | None = None,
    ) -> Ladder:
        """Lay out a whole parent table for its children to choose from.

        Each group has the popularity curve of its real members, along which rows are
        ranked by what was drawn for them.

        Args:
            groups: Group of every row of the parent table, from `groups`; ``(P,)``.
            drawn: Count drawn for every row by a model of its children here; ``(P,)``.
            stream: Where the random numbers come from.
            rows: Where to put the rows, ``(P,)``; a new array when not given.
            ends: Where to put the ends of their quotas, ``(P,)``.
        """
        height = len(groups)
        return build_ladder(
            groups,
            drawn,
            self.popularity,
            stream,
            rows=np.empty(height, np.uint32) if rows is None else rows,
            ends=np.empty(height, np.uint64) if ends is None else ends,
        )

    def child_codes(self, parent_rows: pl.Series) -> pl.Series:
        """Return the code of every real child: the group of its parent, or null's code.

        Args:
            parent_rows: Position of the secondary parent of each child; ``UInt32 (N,)``.

        Raises:
            NotFittedError: The matching was loaded; it knows no real rows any more.
            ConfigError: A row has no parent, but none had when the matching was fitted.
        """
        if self.real is None:
            raise NotFittedError("a loaded matching knows the groups, but no real rows")
        if parent_rows.null_count() and not self.has_nulls:
            raise ConfigError(f"{parent_rows.null_count()} rows without parent, 0 when fitted")
        groups = pl.Series("group", self.real).gather(parent_rows)
        return groups.fill_null(self.group_count)

    def child_groups(self, codes: pl.Series) -> pl.Series:
        """Turn generated codes into groups, null where there is to be no parent."""
        groups = codes.cast(pl.UInt32)
        return groups.set(groups >= self.group_count, None)

    def wanted(self, codes: pl.Series, sizes: NDArray[np.integer]) -> pl.Series:
        """Turn generated codes into groups that have parents; null for no parent.

        Args:
            codes: Generated codes of children; ``(N,)``.
            sizes: Parents in each group. A group without any is stood in for by the group
                most like it; ``(G,)``.

        Returns:
            Groups; ``UInt32 (N,)``.
        """
        return pl.Series("group", self._stand_ins(sizes)).gather(self.child_groups(codes))

    def _leaves(self, codes: pl.DataFrame) -> NDArray[np.int32]:
        if not self.names:
            return np.zeros(codes.height, np.int32)
        return self.tree.leaves(code_matrix(codes, self.names))

    def _stand_ins(self, sizes: NDArray[np.integer]) -> NDArray[np.uint32]:
        """Return for each group itself, or the most similar group that has rows."""
        present = np.flatnonzero(sizes)
        result = np.arange(self.group_count, dtype=np.uint32)
        if not len(present):
            return result
        leaf = self.classes.leaf_of_group
        for group in np.setdiff1d(result, present):
            distance = ((self.centres[present] - self.centres[group]) ** 2).sum(axis=1)
            is_other = leaf[present] != leaf[group]
            result[group] = present[np.lexsort((distance, is_other))[0]]
        return result

    def to_dict(self) -> dict[str, object]:
        """Return the matching as JSON-able values, without the real rows."""
        return {
            "names": list(self.names),
            "tree": self.tree.to_dict(),
            "classes": self.classes.to_dict(),
            "centres": self.centres.tolist(),
            "popularity": self.popularity.to_dict(),
            "has_nulls": self.has_nulls,
            "kept": None if self.kept is None else self.kept.tolist(),
        }

    @classmethod
    def from_dict(cls, state: Mapping[str, object]) -> Matching:
        """Rebuild a matching from `to_dict`."""
        kept = state["kept"]
        return cls(
            names=tuple(cast("list[str]", state["names"])),
            tree=CodeTree.from_dict(cast("Mapping[str, object]", state["tree"])),
            classes=Classes.from_dict(cast("Mapping[str, object]", state["classes"])),
            centres=np.asarray(state["centres"], np.float64),
            popularity=Popularity.from_dict(cast("Mapping[str, object]", state["popularity"])),
            has_nulls=cast("bool", state["has_nulls"]),
            kept=None if kept is None else np.asarray(kept, np.uint32),
            real=None,
        )
