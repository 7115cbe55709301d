"""Self references: who reports to whom, in generated rows.

Each row is generated with its level as one more code. Then a row of level ``l`` gets a
parent among the rows of level ``l - 1``, so no cycle can arise. Which one: a row of the
group that such rows report to, each as often as its own number of reports says.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING, Any, cast

import numpy as np
import polars as pl

from synthohive.encoding.layout import CodeColumn, Layout
from synthohive.linkage.affinity import draw_groups, fit_affinity
from synthohive.linkage.agreement import Agreement, find_agreement
from synthohive.linkage.counts import CountModel, fit_counts
from synthohive.linkage.forest import forest, rooted_levels
from synthohive.linkage.groups import Matching
from synthohive.linkage.leaf_table import LeafTable
from synthohive.linkage.matching import fit_matching
from synthohive.linkage.spans import share_out
from synthohive.linkage.staffing import ANY, Cells, block_slices

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from numpy.typing import NDArray

    from synthohive.linkage.staffing import Block, NewArray
    from synthohive.randomness import Stream

MAX_LEVELS = 32
"""Rows further down count as being on the last level."""
MAX_GROUPS = 16
LEVEL = "\0level"
"""A name no database column can have."""
GROUP_ROWS = 1 << 16
"""Rows whose groups are dealt together. Part of the result."""


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

    def assign(
        self,
        level_codes: NDArray[np.integer],
        codes: Mapping[str, NDArray[np.integer]],
        stream: Stream,
        *,
        new: NewArray | None = None,
    ) -> Iterator[NDArray[np.uint32]]:
        """Choose a parent for every generated row.

        Args:
            level_codes: Generated level of each row of the whole table; ``(N,)``, may be
                mapped from a file.
            codes: Generated codes of the same rows; ``(N,)`` each, may be mapped.
            stream: Where the random numbers come from.
            new: Makes arrays for what lies between the steps, 20 bytes a row; they are in
                memory when not given.

        Yields:
            Parent positions of one block of rows after the other, `NONE` for roots. A row
            whose upper level came out empty moves up to below the deepest level there is.
            There is at least one root if there are rows.
        """
        rows = len(level_codes)
        if not rows:
            return
        new = new or partial(np.zeros, rows)
        blocks = self._blocks(level_codes, codes, stream)
        cells = Cells.of(blocks, self.size, self._width(codes), new)
        order = cells.lay_out(stream.child("order"), new)
        ends = self._ends(cells, order, codes, stream.child("reports"), new)
        yield from cells.serve(order, ends, stream.child("parents"))

    def _blocks(
        self,
        level_codes: NDArray[np.integer],
        codes: Mapping[str, NDArray[np.integer]],
        stream: Stream,
    ) -> Iterator[Block]:
        """Yield level, group and wanted group of the rows, block by block."""
        shape = self.size, self.root_share
        start = 0
        for level in rooted_levels(level_codes, *shape, stream.child("root"), block=GROUP_ROWS):
            rows = slice(start, start + len(level))
            wanted, groups = self._groups(_frame(codes, rows, level), stream, start)
            yield level, groups.to_numpy(), wanted.to_numpy()
            start = rows.stop

    def _width(self, codes: Mapping[str, NDArray[np.integer]]) -> int:
        """Return the number of groups."""
        if self.agreement is not None:
            return int(codes[self.agreement.column].max()) + 1
        return 1 if self.affinity is None or self.matching is None else self.matching.group_count

    def _groups(
        self, codes: pl.DataFrame, stream: Stream, start: int
    ) -> tuple[pl.Series, pl.Series]:
        """Return the group each row wants its parent to be of, and the group it is of."""
        if self.agreement is not None:
            uniforms = stream.child("equal").uniform(codes.height, start=start)
            own = codes[self.agreement.column].alias("").cast(pl.UInt32)
            return own.set(uniforms >= self.agreement.share, int(ANY)), own
        if self.affinity is None or self.matching is None:
            one = pl.Series(np.zeros(codes.height, np.uint32))
            return one, one
        groups = self.matching.groups(codes, stream.child("groups"), start=start)
        wanted = draw_groups(self.affinity, codes, stream.child("affinity"), start=start)
        return wanted, groups

    def _ends(
        self,
        cells: Cells,
        order: NDArray[np.uint32],
        codes: Mapping[str, NDArray[np.integer]],
        stream: Stream,
        new: NewArray,
    ) -> NDArray[np.uint64]:
        """Draw how many reports each row has, so that every row's wish can be met.

        Numbers are spread evenly over neighbours, which is why rows come cell by cell. Where
        those drawn do not suffice, rows that drew none get some after all.

        Returns:
            Reports summed up along `order`; ``(N,)``.
        """
        ends, needed = new(np.uint64), cells.needed()
        taken = np.zeros_like(needed)
        known = {name: codes[name] for name in self.counts.names if name != LEVEL}

        def draw(some: slice, own: NDArray[np.uint32], *, is_positive: bool) -> NDArray:
            frame = _frame(known, order[some], own // cells.sizes.shape[1])
            reports = self.counts.sample(
                frame, stream, start=some.start, total=len(order), is_positive=is_positive
            )
            return reports.to_numpy()

        for some in block_slices(len(order)):
            own = cells.own[order[some]]
            ends[some] = share_out(draw(some, own, is_positive=False), own, needed, taken)
        is_short, total = taken < needed, 0
        for some in block_slices(len(order)):
            own, quotas = cells.own[order[some]], ends[some].astype(np.int64)
            spare = is_short[own] & (quotas == 0)
            if spare.any():
                more = np.where(spare, draw(some, own, is_positive=True), 0)
                quotas += share_out(more, own, needed, taken)
            ends[some] = total + np.cumsum(quotas)
            total += int(quotas.sum())
        return ends

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


def _frame(
    codes: Mapping[str, NDArray[np.integer]],
    rows: slice | NDArray[np.integer],
    level: NDArray[np.integer],
) -> pl.DataFrame:
    """Return the codes of some rows, their level with them."""
    columns = {name: column[rows] for name, column in codes.items()}
    return pl.DataFrame({**columns, LEVEL: level.astype(np.uint8)})


def _codes(levels: pl.Series, size: int) -> pl.Series:
    return levels.clip(upper_bound=size - 1).cast(pl.UInt8)
