"""Which of the parents that are due to have many children get them.

The linkage says how counts depend on what is known of a parent; among parents it cannot tell
apart, any may have the large count. Where few parents have most children, that chance decides
what the whole child table looks like: three airports of a thousand have all the weather, and
those that come to have it may be alike by chance. Among parents of one leaf, counts are
therefore dealt so that the parents of all children are distributed as those of real children
are. Rows of parents stay what they are, and so do the counts of every leaf.

How far the two distributions are apart is measured by their energy distance. With a distance
of rows that is a sum over columns, it is a sum over columns as well, so that how the real
children's parents are distributed in each column is all there is to know: none of them is kept.

Source: Székely and Rizzo (2013), "Energy statistics: a class of statistics based on
distances"; Deville and Tillé (2004), "Efficient balanced sampling: the cube method", for the
aim of samples that agree with known totals.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Self, cast

import numpy as np

from synthohive.linkage.assignment import members_of

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    import polars as pl
    from numpy.typing import NDArray

    from synthohive.encoding.layout import CodeColumn, Layout

LARGE = 512
"""Counts that are dealt, at most: the largest. The others do not matter beside them."""
ROUNDS = 4
"""Times that every large count may change its parent."""
LEAST = 1e-12
"""Least change of the distance for which a count moves; smaller ones are rounding."""


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Margin:
    """How the children's parents are distributed in one column.

    Attributes:
        names: The code column; or a coarse one and the fine one inside it.
        sizes: Number of codes of each.
        is_ordered: Neighbouring codes stand for neighbouring values.
        shares: Share of the real children whose parent has each code, or each pair; ``(V,)``.
    """

    names: tuple[str, ...]
    sizes: tuple[int, ...]
    is_ordered: bool
    shares: NDArray[np.float64]

    @property
    def scale(self) -> float:
        """Return half the mean distance of the parents of two real children."""
        heights = self.heights(self.shares)
        return float((heights * (1 - heights)).sum())

    def places(self, codes: pl.DataFrame) -> NDArray[np.intp]:
        """Return the code, or the number of the pair of codes, of each row."""
        place = np.zeros(codes.height, np.intp)
        for name, size in zip(self.names, self.sizes, strict=True):
            place = place * size + codes[name].to_numpy()
        return place

    def heights(self, shares: NDArray[np.float64]) -> NDArray[np.float64]:
        """Return what is compared of two distributions: shares, summed up if ordered."""
        return shares.cumsum() if self.is_ordered else shares

    def pulls(self, gap: NDArray[np.float64]) -> NDArray[np.float64]:
        """Return by how much a child more of each code widens a gap in `heights`; ``(V,)``."""
        summed = gap[::-1].cumsum()[::-1] if self.is_ordered else gap
        return summed / self.scale

    def apart(self, place: int, places: NDArray[np.intp]) -> NDArray[np.float64]:
        """Return how far codes are from a code."""
        steps = np.abs(places - place) if self.is_ordered else 2 * (places != place)
        return steps / self.scale


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Balance:
    """How the parents of real children are distributed, column by column."""

    margins: tuple[Margin, ...]

    def deal(
        self, counts: NDArray[np.int64], leaves: NDArray[np.integer], codes: pl.DataFrame
    ) -> NDArray[np.int64]:
        """Let parents of one leaf exchange counts, so that the children's parents fit.

        Args:
            counts: Children drawn for each parent; ``(P,)``.
            leaves: Which parents may exchange counts; ``(P,)``.
            codes: Codes of the parents; ``P`` rows.

        Returns:
            The same counts in another order, those of each leaf among themselves; ``(P,)``.

        Examples:
            Two of six shops have all orders. By chance they are of one town:

            >>> import polars as pl
            >>> from synthohive.encoding.layout import CodeColumn, Layout
            >>> layout = Layout((CodeColumn(name="town", size=2, source="town"),))
            >>> shops = pl.DataFrame({"town": [0, 0, 0, 1, 1, 1]})
            >>> balance = fit_balance(shops, layout, pl.Series([90, 0, 0, 0, 90, 0]))
            >>> drawn, alike = np.array([90, 90, 0, 0, 0, 0]), np.zeros(6, int)
            >>> balance.deal(drawn, alike, shops).tolist()
            [0, 90, 0, 90, 0, 0]
        """
        total = max(1, int(counts.sum()))
        dealt = counts.copy()
        places = np.array([margin.places(codes) for margin in self.margins])
        peers = dict(members_of(leaves))
        pulls = self._pulls(places, dealt / total)
        for _ in range(ROUNDS):
            before = dealt.copy()
            for row in _largest(dealt):
                others = peers[int(leaves[row])]
                moved = (dealt[row] - dealt[others]) / total
                changes = 2 * moved * (pulls[others] - pulls[row])
                hopeful = changes < -LEAST  # what follows is never negative
                if not hopeful.any():
                    continue
                others, moved, changes = others[hopeful], moved[hopeful], changes[hopeful]
                changes += moved**2 * self._apart(places, row, others)
                best = int(changes.argmin())
                if changes[best] < -LEAST:
                    other = others[best]
                    dealt[row], dealt[other] = dealt[other], dealt[row]
                    pulls = self._pulls(places, dealt / total)
            if (dealt == before).all():
                break
        return dealt

    def _pulls(self, places: NDArray[np.intp], weights: NDArray[np.float64]) -> NDArray[np.float64]:
        """Return by how much a child more of each parent widens the distance; ``(P,)``."""
        result = np.zeros(len(weights))
        for margin, place in zip(self.margins, places, strict=True):
            shares = np.zeros_like(margin.shares)
            shares += np.bincount(place, weights, minlength=len(shares))
            result += margin.pulls(margin.heights(shares) - margin.heights(margin.shares))[place]
        return result

    def _apart(
        self, places: NDArray[np.intp], row: int, others: NDArray[np.intp]
    ) -> NDArray[np.float64]:
        """Return how far parents are from a parent; ``(len(others),)``."""
        result = np.zeros(len(others))
        for margin, place in zip(self.margins, places, strict=True):
            result += margin.apart(int(place[row]), place[others])
        return result

    def to_dict(self) -> list[dict[str, object]]:
        """Return the distribution as JSON-able values."""
        return [
            {
                "names": list(margin.names),
                "sizes": list(margin.sizes),
                "is_ordered": margin.is_ordered,
                "shares": margin.shares.tolist(),
            }
            for margin in self.margins
        ]

    @classmethod
    def from_dict(cls, state: list[Mapping[str, object]]) -> Self:
        """Rebuild from `to_dict`."""
        return cls(
            margins=tuple(
                Margin(
                    names=tuple(cast("list[str]", margin["names"])),
                    sizes=tuple(cast("list[int]", margin["sizes"])),
                    is_ordered=bool(margin["is_ordered"]),
                    shares=np.asarray(margin["shares"], np.float64),
                )
                for margin in state
            )
        )


def fit_balance(codes: pl.DataFrame, layout: Layout, counts: pl.Series) -> Balance | None:
    """Learn what the parents of real children are like.

    Args:
        codes: Codes of the real parents; ``P`` rows.
        layout: Layout of those of the columns that matter.
        counts: Children of each real parent; ``(P,)``.

    Returns:
        The distribution; `None` if the parents of all children are the same.
    """
    refined = {column.coarse for column in layout.columns}
    margins: list[Margin] = []
    for column in layout.columns:
        if column.name in refined:
            continue  # its fine column says it too
        coarse = [known for known in layout.columns if known.name == column.coarse]
        margin = _margin([*coarse, column], codes, counts.to_numpy())
        if margin.scale > LEAST:
            margins.append(margin)
    return Balance(margins=tuple(margins)) if margins else None


def _margin(
    columns: Sequence[CodeColumn], codes: pl.DataFrame, counts: NDArray[np.integer]
) -> Margin:
    sizes = tuple(column.size for column in columns)
    margin = Margin(
        names=tuple(column.name for column in columns),
        sizes=sizes,
        is_ordered=all(column.is_ordered for column in columns),
        shares=np.zeros(int(np.prod(sizes))),
    )
    children = np.bincount(margin.places(codes), counts, minlength=len(margin.shares))
    return replace(margin, shares=children / max(1, counts.sum()))


def _largest(counts: NDArray[np.int64]) -> NDArray[np.intp]:
    """Return the parents with the largest counts, the largest first, childless ones left out."""
    order = np.argsort(-counts, kind="stable")[:LARGE]
    return order[counts[order] > 0]
