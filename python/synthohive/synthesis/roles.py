"""How every key column of a table comes by its values.

A foreign-key column takes its parent's key. Every other key column is a function of the
row's position, so that a key never has to be looked up: the key of row 17 is computed.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

from synthohive.schema.drivers import value_pairs

if TYPE_CHECKING:
    from collections.abc import Iterable

    from synthohive.planning.plan import Step
    from synthohive.schema.model import ForeignKey, Table


@dataclass(frozen=True, slots=True, kw_only=True)
class KeyRoles:
    """The part each key column of a table plays.

    Attributes:
        numbered: Key columns that are a function of a position: ``row`` for the position
            in the table, ``sibling`` for the position among the driver's children.
        foreign: Columns that take their value from a parent.
        one_to_one: Foreign keys whose parent may be used only once.
        distinct: Sets of foreign keys whose combination may occur only once.
        partial: Columns that may occur only once but are no whole foreign keys, with the
            foreign keys that they take their values from.
    """

    numbered: dict[str, Literal["row", "sibling"]]
    foreign: frozenset[str]
    one_to_one: tuple[ForeignKey, ...]
    distinct: tuple[tuple[ForeignKey, ...], ...]
    partial: tuple[tuple[tuple[str, ...], tuple[ForeignKey, ...]], ...]

    @property
    def columns(self) -> frozenset[str]:
        """All columns that are not learned because a key decides them."""
        return self.foreign | frozenset(self.numbered)

    @property
    def combinations(self) -> tuple[tuple[ForeignKey, ...], ...]:
        """All sets of foreign keys that may occur only once, those of a single key first."""
        return (*((fk,) for fk in self.one_to_one), *self.distinct)

    def within(self, fk: ForeignKey) -> list[tuple[str, ...]]:
        """List what may occur only once and is less than a foreign key."""
        whole = (tuple(name for key in keys for name in key.columns) for keys in self.combinations)
        unique = [*whole, *(columns for columns, _ in self.partial)]
        return [columns for columns in unique if set(columns) < set(fk.columns)]


def key_roles(table: Table, step: Step) -> KeyRoles:
    """Assign a role to every key column.

    Args:
        table: The table's declaration.
        step: The table's place in the plan.

    Returns:
        The roles. A composite key holds because its last column that belongs to no
        foreign key is numbered: among siblings if the driver is part of the key, over
        the whole table otherwise.
    """
    foreign = frozenset(name for fk in table.foreign_keys for name in value_columns(table.name, fk))
    numbered: dict[str, Literal["row", "sibling"]] = {}
    one_to_one: dict[ForeignKey, None] = {}
    distinct: dict[tuple[ForeignKey, ...], None] = {}
    partial: dict[tuple[str, ...], tuple[ForeignKey, ...]] = {}
    for group in sorted(step.unique, key=len):
        own = [name for name in group if name not in foreign]
        if own and any(numbered.get(name) == "row" for name in own):
            continue
        if own:
            holds_driver = step.driver is not None and set(step.driver.columns) <= set(group)
            if not holds_driver or own[-1] not in numbered:
                numbered[own[-1]] = "sibling" if holds_driver else "row"
            continue
        inside = _keys_inside(group, table.foreign_keys)
        if len(inside) == 1:
            one_to_one[inside[0]] = None
        elif inside:
            distinct[inside] = None
        else:
            keys = table.foreign_keys
            partial[group] = tuple(
                fk for fk in keys if set(group) & set(value_columns(table.name, fk))
            )
    return KeyRoles(
        numbered=numbered,
        foreign=foreign,
        one_to_one=tuple(one_to_one),
        distinct=tuple(distinct),
        partial=tuple(partial.items()),
    )


def value_columns(table: str, fk: ForeignKey) -> tuple[str, ...]:
    """Return the columns of a key that take their value from its parent."""
    return tuple(own for own, _ in value_pairs(table, fk))


def fixed_columns(table: str, fk: ForeignKey, others: Iterable[ForeignKey]) -> list[str]:
    """List the columns of a key that have a value without it, those of other keys included."""
    taken = {name for other in others for name in other.columns}
    own = value_columns(table, fk)
    return [name for name in fk.columns if name in taken or name not in own]


def _keys_inside(
    group: tuple[str, ...], foreign_keys: tuple[ForeignKey, ...]
) -> tuple[ForeignKey, ...]:
    """Return the fewest foreign keys that cover a key made of foreign-key columns only."""
    chosen: list[ForeignKey] = []
    missing = set(group)
    for fk in sorted(foreign_keys, key=lambda fk: (-len(fk.columns), fk.columns)):
        if missing & set(fk.columns) and set(fk.columns) <= set(group):
            chosen.append(fk)
            missing -= set(fk.columns)
    return tuple(chosen) if not missing else ()
