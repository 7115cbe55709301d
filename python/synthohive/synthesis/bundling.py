"""Find parents for rows whose key would otherwise occur twice, all keys at once.

Rows are looked at one by one, so this is for the few that nothing simpler helps. Among the
rows of one driver row the search is exhaustive: it fails only if there are too few keys.
"""

from __future__ import annotations

from collections import deque
from functools import cached_property
from math import prod
from typing import TYPE_CHECKING, NoReturn, cast

import numpy as np

from synthohive.events import Notice
from synthohive.linkage.bundles import GROUP, Choice, bundles
from synthohive.schema.references import format_reference
from synthohive.synthesis.capacity import too_few_parents
from synthohive.synthesis.keys import key_frame
from synthohive.synthesis.links import ladder_names
from synthohive.synthesis.nulls import choose_null, leave_null
from synthohive.synthesis.spool import ABSENT

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from numpy.typing import NDArray

    from synthohive.linkage.assignment import Ladder
    from synthohive.randomness import Stream
    from synthohive.schema.model import ForeignKey
    from synthohive.synthesis.fitted import FittedTable
    from synthohive.synthesis.generation import Generation
    from synthohive.synthesis.web import Web

    Rows = Mapping[ForeignKey, NDArray[np.uint32]]

_MOST_MOVES = 2_000
"""Keys looked at to make way for one row. Part of the result."""


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
        if not len(at) or self._null is not None:
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
        turns = stream.child("turn").uniform(len(stuck)).to_list()
        near = self._rivals(rows, present, stuck)
        there = self.web.identity({fk: row[near] for fk, row in rows.items()})
        keys = zip(*(some.tolist() for some in there), strict=True)
        taken = dict(zip(keys, near.tolist(), strict=True))
        spent: set[tuple[object, ...]] = set()
        left: list[int] = []
        for row, turn in zip(stuck.tolist(), turns, strict=True):
            bundle = self._find(rows, row, turn, taken, spent)
            if bundle is not None:
                self._give(rows, row, bundle, taken)
                continue
            if self._make_way(rows, row, turn, taken, spent):
                continue
            if self._loosen(rows, row, start):
                bundle = self._find(rows, row, turn, taken, spent)
                if bundle is None:
                    self._refuse(*self._room(rows, row), start + row)
                self._give(rows, row, bundle, taken)
            elif self._null is not None:
                left.append(row)
            else:
                self._refuse(*self._room(rows, row), start + row)
        if left:
            self._leave(rows, np.array(left), start)

    def complete(
        self, rows: dict[ForeignKey, NDArray[np.uint32]], at: NDArray[np.intp], stream: Stream
    ) -> None:
        """Give some rows a bundle of parents, be they distinct or not, if there is one.

        Args:
            rows: Parents of all rows, by key; changed in place.
            at: Rows that lack a parent.
            stream: Where the random numbers come from.
        """
        spent: set[tuple[object, ...]] = set()
        turns = stream.uniform(len(at)).to_list()
        for row, turn in zip(at.tolist(), turns, strict=True):
            bundle = self._find(rows, row, turn, {}, spent)
            if bundle is not None:
                self._give(rows, row, bundle, {})

    def _give(
        self,
        rows: dict[ForeignKey, NDArray[np.uint32]],
        row: int,
        bundle: Mapping[ForeignKey, int],
        taken: dict[tuple[int, ...], int],
    ) -> None:
        for fk, parent in bundle.items():
            rows[fk][row] = parent
        taken[self._key(rows, row, bundle)] = row

    def _make_way(
        self,
        rows: dict[ForeignKey, NDArray[np.uint32]],
        row: int,
        turn: float,
        taken: dict[tuple[int, ...], int],
        spent: set[tuple[object, ...]],
    ) -> bool:
        """Let other rows move on, one for another, until a row has a bundle; tell if it has.

        Breadth first along the rows that hold what is wanted.
        Source: augmenting paths, Berge (1957).
        """
        search = ("way", *self._search(rows, row))
        if search in spent:
            return False
        came: dict[tuple[int, ...], tuple[int, dict[ForeignKey, int]]] = {}
        queue = deque([row])
        while queue and len(came) < _MOST_MOVES:
            mover = queue.popleft()
            for key, bundle in self._options(rows, mover, turn):
                if key in came:
                    continue
                came[key] = mover, bundle
                if key not in taken:
                    self._move_all(rows, key, came, taken, row)
                    return True
                queue.append(taken[key])
        spent.add(search)
        return False

    def _options(
        self, rows: Rows, row: int, turn: float
    ) -> Iterator[tuple[tuple[int, ...], dict[ForeignKey, int]]]:
        """Yield every bundle a row can have, and the key it makes."""
        free = self._free(rows, row)
        choices = [self.choices[fk] for fk in free]
        for parents in bundles(choices, self._fixed(rows, row), [None] * len(free), turn):
            bundle = dict(zip(free, parents, strict=True))
            yield self._key(rows, row, bundle), bundle

    def _move_all(
        self,
        rows: dict[ForeignKey, NDArray[np.uint32]],
        key: tuple[int, ...],
        came: Mapping[tuple[int, ...], tuple[int, dict[ForeignKey, int]]],
        taken: dict[tuple[int, ...], int],
        first: int,
    ) -> None:
        """Give each row on the way the bundle the next one left."""
        while True:
            mover, bundle = came[key]
            before = {fk: row[mover] for fk, row in rows.items()}
            old = self._key(rows, mover, {fk: int(parent) for fk, parent in before.items()})
            self._give(rows, mover, bundle, taken)
            if mover == first:
                return
            key = old

    def _loosen(self, rows: dict[ForeignKey, NDArray[np.uint32]], row: int, start: int) -> bool:
        """Leave a key empty that only hangs together with what is to be distinct, if one can."""
        others = [fk for fk in self._free(rows, row) if fk not in self.web.keys]
        loose = [name for fk in others for name in fk.columns if name not in self.columns]
        column = choose_null(self.generation, self.table, loose)
        if column is None:
            return False
        self._empty(rows, column, np.array([row]), start)
        return True

    def _empty(
        self,
        rows: dict[ForeignKey, NDArray[np.uint32]],
        column: str,
        at: NDArray[np.intp],
        start: int,
    ) -> None:
        leave_null(self.generation, self.table, column, start + at)
        for fk, parents in rows.items():
            if column in fk.columns:
                parents[at] = ABSENT

    @cached_property
    def columns(self) -> tuple[str, ...]:
        """The columns that are to be distinct together."""
        every = dict.fromkeys(column for fk in self.web.keys for column in fk.columns)
        return self.web.columns or tuple(every)

    @cached_property
    def _null(self) -> str | None:
        """The column that may be null in rows for which there is no key left."""
        return choose_null(self.generation, self.table, self.columns)

    def _leave(
        self, rows: dict[ForeignKey, NDArray[np.uint32]], left: NDArray[np.intp], start: int
    ) -> None:
        """Leave rows without the key: with a null in it, they repeat none."""
        column = cast("str", self._null)
        self._empty(rows, column, left, start)
        where = format_reference(self.table.name, self.columns)
        self.generation.on_event(
            Notice(
                message=f"{where} is unique: {len(left):,} rows for which there is no key of"
                f" their own left have no {column}"
            )
        )

    def _rivals(
        self, rows: Rows, present: NDArray[np.bool_], stuck: NDArray[np.intp]
    ) -> NDArray[np.intp]:
        """Return the rows whose keys the stuck ones could repeat."""
        near = present.copy()
        near[stuck] = False
        for fk in () if self.web.columns else self.web.keys:
            if fk in self.web.stay:
                near &= np.isin(rows[fk], rows[fk][stuck])
        return np.flatnonzero(near)

    def _find(
        self,
        rows: Rows,
        row: int,
        turn: float,
        taken: Mapping[tuple[int, ...], int],
        spent: set[tuple[object, ...]],
    ) -> dict[ForeignKey, int] | None:
        """Find a bundle for one row; `spent` remembers searches that found nothing."""
        free = self._free(rows, row)
        fixed = self._fixed(rows, row)
        choices = [self.choices[fk] for fk in free]
        for groups in (self._groups(rows, row, free), [None] * len(free)):
            search = (*self._search(rows, row), *groups)
            if search in spent:
                continue
            for parents in bundles(choices, fixed, groups, turn):
                bundle = dict(zip(free, parents, strict=True))
                if self._key(rows, row, bundle) not in taken:
                    return bundle
            spent.add(search)
        return None

    def _search(self, rows: Rows, row: int) -> tuple[object, ...]:
        """Return what decides which bundles a row can have."""
        held = (int(rows[fk][row]) for fk in self.web.keys if fk in self.web.stay)
        return (*held, *self._fixed(rows, row).items(), *self._free(rows, row))

    def _key(self, rows: Rows, row: int, bundle: Mapping[ForeignKey, int]) -> tuple[int, ...]:
        if not self.web.columns:
            return tuple(int(bundle.get(fk, rows[fk][row])) for fk in self.web.keys)
        parents = {fk: np.array([bundle.get(fk, some[row])]) for fk, some in rows.items()}
        return tuple(int(values[0]) for values in self.web.identity(parents))

    def _free(self, rows: Rows, row: int) -> list[ForeignKey]:
        """Return the keys a row may change: those of the key, others if they are not null."""
        whole = () if self.web.columns else self.web.keys
        return [fk for fk in self.web.free if fk in whole or rows[fk][row] != ABSENT]

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
        if self.web.columns:  # all rows compete, those with other parents by some keys too
            told = self.web.told.values()
            kinds = [{n for some in told for n in some.get(c, ())} for c in self.web.columns]
            return int(self.web.is_whole(rows).sum()), prod(len(some) for some in kinds)
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
        keys = {self._key(rows, row, dict(zip(free, parents, strict=True))) for parents in found}
        return int(np.sum(rivals)), len(keys)

    def _refuse(self, wanted: int, room: int, row: int) -> NoReturn:
        """Say that rows need more keys than there are."""
        name = self.table.name
        held = [
            column
            for fk in (() if self.web.columns else self.web.stay)
            for column in fk.columns
            if fk in self.web.keys or column in self.web.values[fk]
        ]
        where = self._where(list(dict.fromkeys(held)), row)
        parents = {fk.parent for fk in self.web.keys if fk not in self.web.stay}
        raise too_few_parents(
            name, self.columns, parents, wanted=f"{wanted:,} rows{where}", room=f"{room:,}"
        )

    def _where(self, columns: Sequence[str], row: int) -> str:
        """Show the values that a row shares with its rivals."""
        if not columns:
            return ""
        at = np.array([row], np.uint32)
        values = key_frame(self.generation, self.table, columns, at).row(0)
        shown = (f"{column} = {value}" for column, value in zip(columns, values, strict=True))
        return f" with {', '.join(shown)}"
