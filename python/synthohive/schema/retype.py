"""Bring declarations together with the columns that a table really has."""

from __future__ import annotations

import math
from dataclasses import replace
from typing import TYPE_CHECKING

from synthohive.schema.declare import normalised
from synthohive.schema.families import decimal_scale, sql_family
from synthohive.schema.references import format_reference, parse_reference

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from synthohive.schema.families import Family
    from synthohive.schema.model import Bound, Column, Constraint, ForeignKey, Scalar, Table

Types = dict[str, dict[str, str]]
"""SQL types by table and column, columns in the table's order."""


def with_column_types(tables: Mapping[str, Table], types: Types) -> dict[str, Table]:
    """Give the tables the columns and types that the database tells.

    Declared names are matched to real columns without regard to case, as SQL does; limits
    are adapted to the type. Declared columns that do not exist stay, for validation to
    report them.
    """
    return {
        name: _retyped(_renamed(table, types), types[name])
        if name in types
        else _renamed(table, types)
        for name, table in tables.items()
    }


def _renamed(table: Table, types: Types) -> Table:
    """Spell column names as the tables do."""
    real = _speller(types.get(table.name, {}))

    def names(given: Sequence[str]) -> tuple[str, ...]:
        return tuple(real(name) for name in given)

    columns: dict[str, Column] = {}
    for name, column in table.columns.items():
        columns[real(name)] = _merged(columns.get(real(name)), replace(column, name=real(name)))
    keys: dict[tuple[tuple[str, ...], str, tuple[str, ...]], ForeignKey] = {}
    for fk in table.foreign_keys:
        parent = _speller(types.get(fk.parent, {}))
        parent_columns = tuple(parent(name) for name in fk.parent_columns)
        key = replace(fk, columns=names(fk.columns), parent_columns=parent_columns)
        keys.setdefault((key.columns, key.parent, key.parent_columns), key)
    return replace(
        table,
        columns=columns,
        primary_key=names(table.primary_key),
        unique_keys=tuple(names(key) for key in table.unique_keys),
        foreign_keys=tuple(keys.values()),
        driver=names(table.driver),
        order_by=None if table.order_by is None else real(table.order_by),
        context=None if table.context is None else _context_names(table.context, types),
    )


def _speller(columns: Mapping[str, str]) -> Callable[[str], str]:
    folded: dict[str, str] = {}
    for name in columns:
        folded.setdefault(name.casefold(), name)
    return lambda name: name if name in columns else folded.get(name.casefold(), name)


def _context_names(context: Sequence[str], types: Types) -> tuple[str, ...]:
    """Respell ``table.column``; a plain name is found later, in whichever parent has it."""
    result: list[str] = []
    for text in context:
        parsed = parse_reference(text)
        if parsed and parsed[0] in types:
            real = _speller(types[parsed[0]])
            result.append(format_reference(parsed[0], [real(name) for name in parsed[1]]))
        else:
            result.append(text)
    return tuple(result)


def _merged(first: Column | None, second: Column) -> Column:
    if first is None:
        return second
    return replace(
        first,
        dtype=first.dtype or second.dtype,
        is_not_null=first.is_not_null or second.is_not_null,
        pii=first.pii or second.pii,
        constraint=first.constraint or second.constraint,
    )


def _retyped(table: Table, types: Mapping[str, str]) -> Table:
    columns: dict[str, Column] = {}
    for name, dtype in types.items():
        column = table.column(name)
        limits = column.constraint and fitted_limits(column.constraint, dtype)
        columns[name] = replace(column, dtype=dtype, constraint=limits)
    missing = {name: column for name, column in table.columns.items() if name not in types}
    return normalised(replace(table, columns={**columns, **missing}, column_order=tuple(types)))


def fitted_limits(limits: Constraint, dtype: str) -> Constraint:
    """Adapt limits to a column's type: open bounds become closed, text becomes numbers.

    Examples:
        >>> from synthohive.schema.model import Constraint
        >>> fitted_limits(Constraint(minimum=0, is_minimum_open=True), "DECIMAL(10,2)").minimum
        0.01
    """
    family = sql_family(dtype)
    low, high = (_as_number(bound, family) for bound in (limits.minimum, limits.maximum))
    if limits.is_minimum_open:
        low = _beyond(low, family, dtype, 1)
    if limits.is_maximum_open:
        high = _beyond(high, family, dtype, -1)
    is_open_still = family not in ("int", "float", "decimal")
    return replace(
        limits,
        minimum=low,
        maximum=high,
        is_minimum_open=limits.is_minimum_open and is_open_still,
        is_maximum_open=limits.is_maximum_open and is_open_still,
        accepted_values=_as_values(limits.accepted_values, family),
    )


def _beyond(bound: Bound | None, family: Family, dtype: str, direction: int) -> Bound | None:
    """Return the next value of the type, above or below a bound that is itself excluded."""
    if bound is None or isinstance(bound, str):
        return bound
    if family == "int":
        return math.floor(bound) + 1 if direction > 0 else math.ceil(bound) - 1
    if family == "decimal":
        scale = decimal_scale(dtype)
        return round(bound + direction * 10.0**-scale, scale)
    return math.nextafter(bound, direction * math.inf) if family == "float" else bound


def _as_number(bound: Bound | None, family: Family) -> Bound | None:
    if not isinstance(bound, str) or family not in ("int", "float", "decimal"):
        return bound
    try:
        return int(bound) if family == "int" else float(bound)
    except ValueError:
        return bound


def _as_values(values: tuple[Scalar, ...] | None, family: Family) -> tuple[Scalar, ...] | None:
    """Turn accepted values that were written as text into what the column holds."""
    convert = _CONVERSIONS.get(family)
    if values is None or convert is None:
        return values
    try:
        return tuple(convert(value) for value in values)
    except (ValueError, KeyError):
        return values  # no such value can be in the column; the data will tell


_TRUTH = {"true": True, "false": False, "t": True, "f": False, "1": True, "0": False}
_CONVERSIONS: dict[Family, Callable[[Scalar], Scalar]] = {
    "int": int,
    "float": float,
    "decimal": float,
    "bool": lambda value: _TRUTH[str(value).lower()],
    "text": str,
    "date": str,
    "datetime": str,
}
