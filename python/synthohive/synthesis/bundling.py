"""Find parents for rows whose key would otherwise occur twice, all keys at once.

Rows are looked at one by one, so this is for the few that nothing simpler helps. Among the
rows of one driver row the search is exhaustive: it fails only if there are too few keys.
"""

from __future__ import annotations

from functools import cached_property
from math import prod
from typing import TYPE_CHECKING, NoReturn

import numpy as np

from synthohive.linkage.bundles import GROUP, Choice, bundles
from synthohive.synthesis.capacity import too_few_parents
from synthohive.synthesis.keys import key_frame
from synthohive.synthesis.links import ladder_names
from synthohive.synthesis.spool import ABSENT

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from numpy.typing import NDArray

    from synthohive.linkage.assignment import Ladder
    from synthohive.randomness import Stream
    from synthohive.schema.model import ForeignKey
    from synthohive.synthesis.fitted import FittedTable
    from synthohive.synthesis.generation import Generation
    from synthohive.synthesis.web import Web

    Rows = Mapping[ForeignKey, NDArray[np.uint32]]


class Bundler:
    """Deals out the bundles of parents that the rows of a table can have.

    Args:
        generation: The database being generated.
        table: The table.
        web: The keys to make distinct, and those that hang together with them.
        ladders: The parents of each key that may change.
    """

    def __init__(
        self,
        generation: Generation,
        table: FittedTable,
        web: Web,
        ladders: Mapping[ForeignKey, Ladder],
    ) -> None:
        self.generation = generation
        self.table = table
        self.web = web
        self.ladders = ladders

    @cached_property
    def choices(self) -> dict[ForeignKey, Choice]:
        """The parents that each free key chooses from."""
        found: dict[ForeignKey, Choice] = {}
        for fk in self.web.free:
            groups = self.generation.spool.read(fk.parent, ladder_names(self.table, fk)[0])
            values = {**self.web.values[fk], GROUP: groups.astype(np.int64)}
            found[fk] = Choice(values=values, weights=self.ladders[fk].quotas())
        return found

    def check_room(self, rows: Rows, present: NDArray[np.bool_], start: int) -> None:
        """Refuse rows that cannot all be distinct, whoever their parents are.

        Args:
            rows: Parents of a window of rows, by key.
            present: Rows with all parents; ``(N,)``.
            start: Position of the first row in its table.

        Raises:
            CapacityError: There are too few combinations of parents.
        """
        at, driver, heights = np.flatnonzero(present), self.web.driver, self.generation.heights
        room = prod(heights[fk.parent] for fk in self.web.keys if fk != driver)
        if not len(at):
            return
        drivers = np.zeros(len(at), np.uint32) if driver is None else rows[driver][at]
        _, first, counts = np.unique(drivers, return_index=True, return_counts=True)
        most = int(counts.argmax())
        if counts[most] > room:
            self._refuse(int(counts[most]), room, start + int(at[first[most]]))

    def deal(
        self,
        rows: dict[ForeignKey, NDArray[np.uint32]],
        present: NDArray[np.bool_],
        stuck: NDArray[np.intp],
        start: int,
        stream: Stream,
    ) -> None:
        """Give rows a bundle of parents of their own, of the groups they had if possible.

        Args:
            rows: Parents of a window of rows, by key; changed in place.
            present: Rows with all parents; ``(N,)``.
            stuck: Rows that need another bundle.
            start: Position of the first row in its table.
            stream: Where the random numbers come from.

        Raises:
            CapacityError: There is none left.
        """
        keys, turns = self.web.keys, stream.child("turn").uniform(len(stuck)).to_list()
        taken = set(
            zip(*(rows[fk][self._rivals(rows, present, stuck)] for fk in keys), strict=True)
        )
        spent: set[tuple[object, ...]] = set()
        for row, turn in zip(stuck.tolist(), turns, strict=True):
            bundle = self._find(rows, row, turn, taken, spent)
            if bundle is None:
                self._refuse(*self._room(rows, row), start + row)
            for fk, parent in bundle.items():
                rows[fk][row] = parent
            taken.add(tuple(rows[fk][row] for fk in keys))

    def _rivals(
        self, rows: Rows, present: NDArray[np.bool_], stuck: NDArray[np.intp]
    ) -> NDArray[np.intp]:
        """Return the rows whose keys the stuck ones could repeat."""
        near = present.copy()
        near[stuck] = False
        for fk in self.web.keys:
            if fk in self.web.stay:
                near &= np.isin(rows[fk], rows[fk][stuck])
        return np.flatnonzero(near)

    def _find(
        self,
        rows: Rows,
        row: int,
        turn: float,
        taken: set[tuple[np.uint32, ...]],
        spent: set[tuple[object, ...]],
    ) -> dict[ForeignKey, int] | None:
        """Find a bundle for one row; `spent` remembers searches that found nothing."""
        free = self._free(rows, row)
        fixed = self._fixed(rows, row)
        held = tuple(int(rows[fk][row]) for fk in self.web.keys if fk in self.web.stay)
        choices = [self.choices[fk] for fk in free]
        for groups in (self._groups(rows, row, free), [None] * len(free)):
            search = (*held, *fixed.items(), *free, *groups)
            if search in spent:
                continue
            for parents in bundles(choices, fixed, groups, turn):
                bundle = dict(zip(free, parents, strict=True))
                if self._key(rows, row, bundle) not in taken:
                    return bundle
            spent.add(search)
        return None

    def _key(
        self, rows: Rows, row: int, bundle: Mapping[ForeignKey, int]
    ) -> tuple[np.uint32 | int, ...]:
        return tuple(bundle[fk] if fk in bundle else rows[fk][row] for fk in self.web.keys)

    def _free(self, rows: Rows, row: int) -> list[ForeignKey]:
        """Return the keys a row may change: those of the key, others if they are not null."""
        return [fk for fk in self.web.free if fk in self.web.keys or rows[fk][row] != ABSENT]

    def _fixed(self, rows: Rows, row: int) -> dict[str, int]:
        """Return the values that keys which stay fix for a row."""
        fixed: dict[str, int] = {}
        for fk in self.web.stay:
            if rows[fk][row] != ABSENT:
                values = self.web.values[fk]
                fixed.update({name: int(some[rows[fk][row]]) for name, some in values.items()})
        return fixed

    def _groups(self, rows: Rows, row: int, free: Sequence[ForeignKey]) -> list[int | None]:
        """Return the groups of the parents a row had."""
        return [
            None if rows[fk][row] == ABSENT else int(self.choices[fk].values[GROUP][rows[fk][row]])
            for fk in free
        ]

    def _room(self, rows: Rows, row: int) -> tuple[int, int]:
        """Count the rows that compete with one row, and the keys there are for them."""
        held = [fk for fk in self.web.keys if fk in self.web.stay]
        fixed, free = self._fixed(rows, row), self._free(rows, row)
        rivals = np.ones(len(rows[self.web.keys[0]]), np.bool_)
        for fk in self.web.stay:
            own = rows[fk][row]
            if fk in held:
                rivals &= rows[fk] == own
            elif own != ABSENT:
                at = np.where(rows[fk] == ABSENT, own, rows[fk])
                for values in self.web.values[fk].values():
                    rivals &= values[at] == values[own]
        choices = [self.choices[fk] for fk in free]
        found = bundles(choices, fixed, [None] * len(free), 0.0)
        count = sum(fk in self.web.keys for fk in free)  # these come first
        return int(np.sum(rivals)), len({parents[:count] for parents in found})

    def _refuse(self, wanted: int, room: int, row: int) -> NoReturn:
        """Say that rows need more keys than there are."""
        name = self.table.name
        columns = list(dict.fromkeys(column for fk in self.web.keys for column in fk.columns))
        held = [
            column
            for fk in self.web.stay
            for column in fk.columns
            if fk in self.web.keys or column in self.web.values[fk]
        ]
        where = self._where(list(dict.fromkeys(held)), row)
        parents = {fk.parent for fk in self.web.keys if fk not in self.web.stay}
        raise too_few_parents(
            name, columns, parents, wanted=f"{wanted:,} rows{where}", room=f"{room:,}"
        )

    def _where(self, columns: Sequence[str], row: int) -> str:
        """Show the values that a row shares with its rivals."""
        if not columns:
            return ""
        at = np.array([row], np.uint32)
        values = key_frame(self.generation, self.table, columns, at).row(0)
        shown = (f"{column} = {value}" for column, value in zip(columns, values, strict=True))
        return f" with {', '.join(shown)}"
