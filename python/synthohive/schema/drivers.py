"""Which foreign key drives a table, and which keys have to wait.

The driver's rows decide that child rows exist. A cycle of foreign keys is broken by
deferring nullable ones: their values are filled in once every table exists.
"""

from __future__ import annotations

from itertools import combinations, pairwise
from math import comb
from typing import TYPE_CHECKING

from synthohive.errors import CyclicSchemaError
from synthohive.schema.references import format_reference

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable, Mapping, Sequence

    from synthohive.schema.model import ForeignKey, Table

Edge = tuple[str, "ForeignKey"]
"""A foreign key with the table it belongs to."""

Deferred = dict[str, tuple["ForeignKey", ...]]

_TRIES = 2_000  # sets of foreign keys looked at before the search for the fewest gives up


def driver_of(table: Table, deferred: Collection[ForeignKey] = ()) -> ForeignKey | None:
    """Return the foreign key that drives a table.

    It is the declared driver, or else the first foreign key by column names. Self
    references and deferred keys never drive; a kept table is not generated at all.
    """
    keys = driver_candidates(table, deferred)
    declared = [fk for fk in keys if table.driver and set(fk.columns) == set(table.driver)]
    return next(iter(declared or keys), None)


def driver_candidates(table: Table, deferred: Collection[ForeignKey] = ()) -> list[ForeignKey]:
    """Return the foreign keys that could drive a table, the default first."""
    if table.keep:
        return []
    return [fk for fk in table.foreign_keys if fk.parent != table.name and fk not in deferred]


def is_not_null(table: Table, fk: ForeignKey) -> bool:
    """Tell whether a column of the key is declared never to be null."""
    return any(table.column(name).is_not_null for name in fk.columns)


def is_required(table: Table, fk: ForeignKey) -> bool:
    """Tell whether no column of the key may ever be null, so that every row needs a parent."""
    return all(table.column(name).is_not_null for name in fk.columns)


def decision_order(
    foreign_keys: Iterable[ForeignKey], driver: ForeignKey | None
) -> list[ForeignKey]:
    """Order foreign keys so that what shares columns is decided by the most telling one.

    The driver is decided first: its rows exist because of it. Then wide keys come before
    narrow ones, whose columns they may already fix.
    """
    return sorted(foreign_keys, key=lambda fk: (fk != driver, -len(fk.columns), fk.columns))


def value_pairs(table: str, fk: ForeignKey) -> list[tuple[str, str]]:
    """Return the columns of a key that take their value from its parent, and the parent's.

    A column of a self reference that refers to itself does not: rows that refer to each other
    have the same value there, wherever it comes from.
    """
    pairs = zip(fk.columns, fk.parent_columns, strict=False)  # may not be checked yet
    return [(own, above) for own, above in pairs if fk.parent != table or own != above]


def deferred_keys(tables: Mapping[str, Table]) -> Deferred:
    """Choose the foreign keys that have to wait, so that no cycle is left.

    The fewest possible keys are deferred (nearly the fewest in a very large cycle), and
    rather a key whose table has another one than the only key of its table. Declared
    drivers and keys that are declared not null are never deferred; keys only some of whose
    columns may be null are if nothing else helps.

    Returns:
        The deferred keys by table; tables without are left out.

    Raises:
        CyclicSchemaError: A cycle has no key that could wait.
    """
    edges = [(table.name, fk) for table in tables.values() for fk in _ordering_keys(table, tables)]
    looping = _on_cycles(edges)
    if not looping:
        return {}
    fixed = [edge for edge in looping if not _can_wait(tables[edge[0]], edge[1])]
    if _on_cycles(fixed):
        partly = [edge for edge in fixed if _can_wait(tables[edge[0]], edge[1], is_partly=True)]
        fixed = [edge for edge in fixed if edge not in partly]
    _refuse_cycle(tables, fixed)
    loose = sorted(
        (edge for edge in looping if edge not in fixed),
        key=lambda edge: (len(driver_candidates(tables[edge[0]])) == 1, edge[0], edge[1].columns),
    )
    result: Deferred = {}
    for name, fk in _fewest(fixed, loose):
        result[name] = (*result.get(name, ()), fk)
    return result


def _ordering_keys(table: Table, tables: Mapping[str, Table]) -> list[ForeignKey]:
    return [fk for fk in table.foreign_keys if fk.parent != table.name and fk.parent in tables]


def _can_wait(table: Table, fk: ForeignKey, *, is_partly: bool = False) -> bool:
    if table.keep:  # nothing is generated, so that the order does not matter
        return True
    is_declared_driver = bool(table.driver) and set(fk.columns) == set(table.driver)
    cannot = is_required if is_partly else is_not_null
    return not is_declared_driver and not cannot(table, fk)


def _fewest(fixed: Sequence[Edge], loose: Sequence[Edge]) -> Sequence[Edge]:
    enough: list[Edge] = []
    kept = list(fixed)
    for edge in reversed(loose):  # from the keys that should stay to those that may go
        if _on_cycles([*kept, edge]):
            enough.append(edge)
        else:
            kept.append(edge)
    for size in range(1, len(enough)):
        if comb(len(loose), size) > _TRIES:
            break
        for choice in combinations(loose, size):
            rest = [edge for edge in loose if edge not in choice]
            if not _on_cycles([*fixed, *rest]):
                return choice
    return sorted(enough, key=loose.index)


def _on_cycles(edges: Iterable[Edge]) -> list[Edge]:
    """Return the edges left when tables without parents or without children are taken away.

    What is left lies on a cycle or between two cycles; nothing is left without a cycle.
    """
    left = list(edges)
    while True:
        children = {name for name, _ in left}
        parents = {fk.parent for _, fk in left}
        inner = [edge for edge in left if edge[1].parent in children and edge[0] in parents]
        if len(inner) == len(left):
            return left
        left = inner


def _refuse_cycle(tables: Mapping[str, Table], edges: Sequence[Edge]) -> None:
    from synthohive import kernels  # noqa: PLC0415  # the extension is loaded when needed

    pairs = [(name, fk.parent) for name, fk in edges]
    try:
        kernels.generation_levels(sorted({name for pair in pairs for name in pair}), pairs)
    except CyclicSchemaError as error:
        hint = _cycle_hint(tables, edges, error.path)
        raise CyclicSchemaError(error.path, hint=hint) from None


def _cycle_hint(tables: Mapping[str, Table], edges: Sequence[Edge], path: Sequence[str]) -> str:
    steps = set(pairwise(path))
    names = [
        format_reference(name, fk.columns)
        + ("" if is_not_null(tables[name], fk) else " (the declared driver)")
        for name, fk in edges
        if (name, fk.parent) in steps
    ]
    return (
        f"let one of {'; '.join(names)} be null and not be the driver,"
        " or leave one of these tables out"
    )
