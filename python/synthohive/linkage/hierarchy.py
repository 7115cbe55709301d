"""Self references: who reports to whom, in generated rows.

Each row is generated with its level as one more code. Then a row of level ``l`` gets a
parent among the rows of level ``l - 1``, so no cycle can arise. Which one: a row of the
group that such rows report to, each as often as its own number of reports says.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, cast

import numpy as np
import polars as pl

from synthohive.encoding.layout import CodeColumn, Layout
from synthohive.linkage.affinity import draw_groups, fit_affinity
from synthohive.linkage.agreement import Agreement, find_agreement
from synthohive.linkage.assignment import assign_within
from synthohive.linkage.counts import CountModel, fit_counts
from synthohive.linkage.forest import forest
from synthohive.linkage.groups import Matching
from synthohive.linkage.leaf_table import LeafTable
from synthohive.linkage.matching import fit_matching
from synthohive.linkage.spans import Cells, meet_demand

if TYPE_CHECKING:
    from collections.abc import Mapping

    from numpy.typing import NDArray

    from synthohive.randomness import Stream

MAX_LEVELS = 32
"""Rows further down count as being on the last level."""
MAX_GROUPS = 16
LEVEL = "\0level"
"""A name no database column can have."""
ANY = 2**32 - 1
"""A group nobody is in: any parent of the right level will do."""


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Hierarchy:
    """How a table refers to itself.

    Attributes:
        size: Number of level codes; code 0 means root.
        root_share: Share of roots among the real rows.
        is_self_loop_root: Real roots refer to themselves, not to nothing.
        broken_cycles: Cycles in the real data, each cut at its first row.
        counts: Reports per row, given its level and codes.
        agreement: Column in which a row and its parent are equal, if there is one.
        matching: Otherwise, groups of rows by who reports to them, if they differ.
        affinity: Group a row reports to, given its level and codes.
    """

    size: int
    root_share: float
    is_self_loop_root: bool
    broken_cycles: int
    counts: CountModel
    agreement: Agreement | None
    matching: Matching | None
    affinity: LeafTable | None

    def level_codes(self, parent_rows: pl.Series) -> pl.Series:
        """Return the level code of real rows, to be learned with them; ``UInt8 (N,)``."""
        return _codes(forest(parent_rows).levels, self.size)

    def assign(self, level_codes: pl.Series, codes: pl.DataFrame, stream: Stream) -> pl.Series:
        """Choose a parent for every generated row.

        Args:
            level_codes: Generated level of each row of the whole table; ``(N,)``.
            codes: Generated codes of the same rows.
            stream: Where the random numbers come from.

        Returns:
            Parent positions, null for roots; ``UInt32 (N,)``. A row whose upper level
            came out empty moves up to below the deepest level there is. There is at
            least one root if there are rows.
        """
        rows = len(level_codes)
        if not rows:
            return pl.Series("parent", [], dtype=pl.UInt32)
        level = self._levels(level_codes.to_numpy(), stream)
        codes = codes.with_columns(pl.Series(LEVEL, level, dtype=pl.UInt8))
        wanted, groups = self._groups(codes, stream)
        offered = pl.Series(level).cast(pl.UInt32)
        above = (offered.clip(lower_bound=1) - 1).set(offered == 0, None)
        reports = self._reports(codes, Cells.of(above, wanted, offered, groups), stream)
        return assign_within(
            above, offered, wanted, groups, reports, stream.child("parents"), is_whole=True
        ).alias("parent")

    def _groups(self, codes: pl.DataFrame, stream: Stream) -> tuple[pl.Series, pl.Series]:
        """Return the group each row wants its parent to be of, and the group it is of."""
        if self.agreement is not None:
            uniforms = stream.child("equal").uniform(codes.height)
            own = codes[self.agreement.column].alias("").cast(pl.UInt32)
            return own.set(uniforms >= self.agreement.share, ANY), own
        if self.affinity is None or self.matching is None:
            one = pl.Series(np.zeros(codes.height, np.uint32))
            return one, one
        groups = self.matching.groups(codes, stream.child("groups"))
        return draw_groups(self.affinity, codes, stream.child("affinity")), groups

    def _reports(self, codes: pl.DataFrame, cells: Cells, stream: Stream) -> pl.Series:
        """Draw how many reports each row has, so that every row's wish can be met."""
        keys = stream.child("order").uniform(codes.height).to_numpy()
        # Numbers are spread evenly over neighbours: draw cell by cell.
        order = np.lexsort((keys, cells.own)).astype(np.uint32)
        drawn = np.empty((2, codes.height), np.uint32)
        for is_positive in (False, True):
            drawn[int(is_positive), order] = self.counts.sample(
                codes[order], stream.child("reports"), is_positive=is_positive
            )
        return pl.Series(meet_demand(cells.own, cells.demand, drawn[0], drawn[1], keys))

    def _levels(self, codes: NDArray[np.integer], stream: Stream) -> NDArray[np.intp]:
        """Close gaps between the levels, and see to it that there is a root."""
        codes = codes.astype(np.intp)
        if codes.min() > 0:
            uppermost = np.flatnonzero(codes == codes.min())
            keys = stream.child("root").uniform(len(codes)).to_numpy()[uppermost]
            roots = max(1, min(len(uppermost), round(self.root_share * len(codes))))
            codes[uppermost[np.argsort(keys, kind="stable")[:roots]]] = 0
        return np.unique(codes, return_inverse=True)[1].reshape(-1)

    def to_dict(self) -> dict[str, object]:
        """Return the hierarchy as JSON-able values."""
        return {
            "size": self.size,
            "root_share": self.root_share,
            "is_self_loop_root": self.is_self_loop_root,
            "broken_cycles": self.broken_cycles,
            "counts": self.counts.to_dict(),
            "agreement": self.agreement and self.agreement.to_dict(),
            "matching": self.matching and self.matching.to_dict(),
            "affinity": self.affinity and self.affinity.to_dict(),
        }

    @classmethod
    def from_dict(cls, state: Mapping[str, object]) -> Hierarchy:
        """Rebuild a hierarchy from `to_dict`."""
        parts = cast("Mapping[str, dict[str, Any] | None]", state)
        agreement, matching, affinity = (
            parts["agreement"],
            parts["matching"],
            parts["affinity"],
        )
        return cls(
            size=cast("int", state["size"]),
            root_share=cast("float", state["root_share"]),
            is_self_loop_root=cast("bool", state["is_self_loop_root"]),
            broken_cycles=cast("int", state["broken_cycles"]),
            counts=CountModel.from_dict(cast("Mapping[str, object]", state["counts"])),
            agreement=Agreement(**agreement) if agreement else None,
            matching=Matching.from_dict(matching) if matching else None,
            affinity=LeafTable.from_dict(affinity) if affinity else None,
        )


def fit_hierarchy(parent_rows: pl.Series, codes: pl.DataFrame, layout: Layout) -> Hierarchy:
    """Learn how a table refers to itself.

    Args:
        parent_rows: Position of each real row's parent, null for none; ``UInt32 (N,)``.
        codes: Codes of the real rows.
        layout: Layout of `codes`.
    """
    shape = forest(parent_rows)
    parents = shape.parents
    size = min(MAX_LEVELS, int(cast("int", shape.levels.max() or 0)) + 1)
    agreement = find_agreement(codes, layout, parents, shape.levels)
    own = layout + Layout((CodeColumn(name=LEVEL, size=size, source=LEVEL, is_ordered=True),))
    own_codes = codes.with_columns(_codes(shape.levels, size).alias(LEVEL))
    matching = affinity = None
    if agreement is None:
        # Children are described without their level, which is their parent's plus one.
        matching = fit_matching(
            own_codes, own, codes, parents, child_layout=layout, max_groups=MAX_GROUPS
        )
        affinity = _affinity(matching, parents, own_codes, own)
    reports = np.bincount(parents.drop_nulls().to_numpy(), minlength=codes.height)
    return Hierarchy(
        size=size,
        root_share=parents.null_count() / max(1, codes.height),
        is_self_loop_root=shape.self_loops * 2 > parents.null_count(),
        broken_cycles=shape.broken_cycles,
        counts=fit_counts(pl.Series(reports.astype(np.uint32)), codes=own_codes, layout=own),
        agreement=agreement,
        matching=matching,
        affinity=affinity,
    )


def _affinity(
    matching: Matching, parents: pl.Series, codes: pl.DataFrame, layout: Layout
) -> LeafTable | None:
    if matching.group_count < 2:  # noqa: PLR2004 - nothing to choose
        return None
    linked = parents.is_not_null()
    groups = matching.child_codes(parents).filter(linked).to_numpy()
    return fit_affinity(codes.filter(linked), layout, groups, matching.group_count)


def _codes(levels: pl.Series, size: int) -> pl.Series:
    return levels.clip(upper_bound=size - 1).cast(pl.UInt8)
