"""How often the parents of a group are chosen: few often, many hardly ever.

Counts drawn for each parent alone would let chance decide whether the most popular genre
falls into the class that most tracks ask for. Here every group keeps the popularity curve
of its real members; the counts drawn decide who stands where on the curve.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, cast

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Mapping

    from numpy.typing import NDArray

POINTS = 64
"""Points of a curve, evenly over the members, and again as many towards the top."""


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Popularity:
    """Children of the real members of each group, least popular first.

    Attributes:
        places: Places on the curve of each group, ascending; the first is 0.
        counts: Children of the member at each place.
    """

    places: tuple[NDArray[np.int64], ...]
    counts: tuple[NDArray[np.int64], ...]

    def spread(self, groups: NDArray[np.integer], drawn: NDArray[np.integer]) -> NDArray[np.uint32]:
        """Give each parent a count from its group's curve.

        Args:
            groups: Group of every parent; ``(P,)``.
            drawn: A count drawn for every parent, which ranks it within its group; equal
                ones are ranked by an order that has nothing to do with their place.

        Returns:
            How often each parent should be chosen, in proportion to its group; ``(P,)``.
        """
        shuffled = np.random.default_rng(0).permutation(len(groups))
        order = shuffled[np.lexsort((drawn[shuffled], groups[shuffled]))]
        sizes = np.bincount(groups, minlength=len(self.places))
        result = np.zeros(len(groups), np.uint32)
        end = 0
        for size, places, counts in zip(sizes, self.places, self.counts, strict=False):
            start, end = end, end + int(size)
            wanted = (np.arange(size) + 0.5) / max(1, size) * (places[-1] + 1) - 0.5
            result[order[start:end]] = np.rint(np.interp(wanted, places, counts))
        return result

    def to_dict(self) -> dict[str, object]:
        """Return the curves as JSON-able values."""
        return {
            "places": [places.tolist() for places in self.places],
            "counts": [counts.tolist() for counts in self.counts],
        }

    @classmethod
    def from_dict(cls, state: Mapping[str, object]) -> Popularity:
        """Rebuild curves from `to_dict`."""
        lists = cast("Mapping[str, list[list[int]]]", state)
        return cls(
            places=tuple(np.asarray(places, np.int64) for places in lists["places"]),
            counts=tuple(np.asarray(counts, np.int64) for counts in lists["counts"]),
        )


def fit_popularity(
    groups: NDArray[np.integer], children: NDArray[np.integer], group_count: int
) -> Popularity:
    """Record the popularity curve of every group.

    Args:
        groups: Group of each real parent; ``(P,)``.
        children: Children of each real parent; ``(P,)``.
        group_count: Number of groups.

    Examples:
        >>> curves = fit_popularity(np.array([0, 0, 1, 0]), np.array([5, 0, 7, 2]), 2)
        >>> curves.spread(np.array([0, 1, 0, 0]), np.array([1, 1, 9, 4])).tolist()
        [0, 7, 5, 2]
    """
    order = np.lexsort((children, groups))
    sizes = np.bincount(groups, minlength=group_count)
    places: list[NDArray[np.int64]] = []
    counts: list[NDArray[np.int64]] = []
    for members in np.split(children[order].astype(np.int64), np.cumsum(sizes)[:-1]):
        place = _places(max(1, len(members)))
        places.append(place)
        counts.append(members[place] if len(members) else np.zeros(1, np.int64))
    return Popularity(places=tuple(places), counts=tuple(counts))


def _places(members: int) -> NDArray[np.int64]:
    """Choose the places to record: all of few, denser towards the top of many."""
    evenly = np.linspace(0, members - 1, POINTS)
    from_top = members - np.geomspace(1, members, POINTS)
    return np.unique(np.rint(np.concatenate([evenly, from_top])).astype(np.int64))
