"""From what people write about a table to a `Table`.

Misspelled options are refused at once. A reference that makes no sense is kept as a
problem instead, so that validation can report all of them together.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping
from dataclasses import replace
from datetime import date
from typing import TYPE_CHECKING, cast

from synthohive.errors import ConfigError, did_you_mean
from synthohive.schema.model import (
    DTYPES,
    PII_KINDS,
    Bound,
    Column,
    Constraint,
    ForeignKey,
    Scalar,
    Table,
)
from synthohive.schema.references import format_reference, parse_reference

if TYPE_CHECKING:
    from collections.abc import Sequence
    from typing import Literal

LIMITS = ("dtype", "min", "max", "accepted_values", "mode")
MODES = ("clip", "enforce")


def read_names(value: object, where: str) -> tuple[str, ...]:
    """Read one name or a sequence of names.

    Raises:
        ConfigError: Something else was given, or a name twice.
    """
    items = (value,) if isinstance(value, str) else value
    if items is None:
        return ()
    if not isinstance(items, Iterable) or isinstance(items, Mapping):
        raise ConfigError(f"{where} must be a name or a list of names, not {value!r}")
    names = tuple(cast("Iterable[object]", items))
    if not all(isinstance(name, str) and name for name in names):
        raise ConfigError(f"{where} must be a name or a list of names, not {value!r}")
    if len(set(names)) < len(names):
        raise ConfigError(f"{where} names a column twice: {value!r}")
    return cast("tuple[str, ...]", names)


def read_key_sets(value: object, where: str) -> tuple[tuple[str, ...], ...]:
    """Read unique keys: a name, names (one key each), or lists of names.

    Examples:
        >>> read_key_sets(["email", ["order_id", "line_no"]], "unique")
        (('email',), ('order_id', 'line_no'))
    """
    items = [value] if isinstance(value, str) else value
    if items is None:
        return ()
    if not isinstance(items, Iterable) or isinstance(items, Mapping):
        raise ConfigError(f"{where} must be a list of columns or of column lists, not {value!r}")
    return tuple(read_names(item, where) for item in cast("Iterable[object]", items))


def read_foreign_keys(
    declared: Mapping[object, object], table: str, evidence: str
) -> tuple[list[ForeignKey], list[str]]:
    """Read ``{column: "parent.column"}``; see `Metadata.add_table` for every form.

    Returns:
        The keys, and a problem for each reference that could not be read.
    """
    keys: list[ForeignKey] = []
    problems: list[str] = []
    for columns, target in declared.items():
        names = read_names(columns, f"fk of table {table!r}")
        parsed = _read_target(target, len(names))
        if parsed is None or not names:
            problems.append(malformed_reference(table, names, target))
            continue
        parent, parent_columns = parsed
        keys.append(
            ForeignKey(
                columns=names,
                parent=parent,
                parent_columns=parent_columns,
                evidence=(evidence,),
            )
        )
    return keys, problems


def malformed_reference(table: str, columns: Sequence[str], target: object) -> str:
    """Describe a reference that could not be read."""
    return (
        f"{format_reference(table, columns) if columns else table}: {target!r} is no reference"
        " to a parent column; write 'parent.column' or 'parent.(column, column)' or, for any"
        " name, ('parent', 'column') or ('parent', ['column', 'column'])"
    )


def _read_target(target: object, width: int) -> tuple[str, tuple[str, ...]] | None:
    """Read a parent and its columns, for a key of some columns."""
    if isinstance(target, str):
        return parse_reference(target)
    match target:
        case [*parts] if width > 1 and (parsed := _read_parts(parts, width)):
            return parsed
        case (str(parent), str(column)) if parent and column:
            return parent, (column,)
        case (str(parent), [*columns]) if parent and columns:
            if all(isinstance(column, str) and column for column in columns):
                return parent, tuple(columns)
        case _:
            pass
    return None


def _read_parts(parts: Sequence[object], width: int) -> tuple[str, tuple[str, ...]] | None:
    """Read one text for each column of a key, or a parent followed by its columns."""
    texts = [part for part in parts if isinstance(part, str) and part]
    if len(texts) < len(parts):
        return None
    if len(texts) == width + 1:
        return texts[0], tuple(texts[1:])
    whole = parse_reference(", ".join(texts)) if len(texts) == width else None
    return whole if whole is not None and len(whole[1]) == width else None


def read_constraint(declared: Mapping[str, object], where: str, evidence: str) -> Constraint:
    """Read ``{"dtype", "min", "max", "accepted_values", "mode"}``.

    Raises:
        ConfigError: A setting is unknown or of the wrong type.
    """
    for key in declared:
        if key not in LIMITS:
            raise ConfigError(f"{where}: unknown setting {key!r}; {did_you_mean(key, LIMITS)}")
    mode = _one_of(declared.get("mode") or "clip", MODES, f"{where}, mode")
    dtype = declared.get("dtype")
    return Constraint(
        dtype=None if dtype is None else _one_of(dtype, DTYPES, f"{where}, dtype"),
        minimum=_read_bound(declared.get("min"), f"{where}, min"),
        maximum=_read_bound(declared.get("max"), f"{where}, max"),
        accepted_values=_read_values(declared.get("accepted_values"), where),
        mode=cast('Literal["clip", "enforce"]', mode),
        evidence=(evidence,),
    )


def _one_of(value: object, known: Sequence[str], where: str) -> str:
    if value in known:
        return str(value)
    raise ConfigError(f"{where} is {value!r}; {did_you_mean(str(value), known)}")


def _read_bound(value: object, where: str) -> Bound | None:
    if isinstance(value, date):
        return value.isoformat()
    if isinstance(value, bool) or not isinstance(value, int | float | str | None):
        raise ConfigError(f"{where} must be a number or a date, not {value!r}")
    if isinstance(value, float) and not math.isfinite(value):
        raise ConfigError(f"{where} must be finite, not {value!r}")
    return value


def _read_values(value: object, where: str) -> tuple[Scalar, ...] | None:
    if value is None:
        return None
    if isinstance(value, str | Mapping) or not isinstance(value, Iterable):
        raise ConfigError(f"{where}: accepted_values must be a list, not {value!r}")
    values = [
        item.isoformat() if isinstance(item, date) else item
        for item in cast("Iterable[object]", value)
        if item is not None
    ]
    wrong = [item for item in values if not isinstance(item, str | int | float | bool)]
    if wrong:
        raise ConfigError(f"{where}: accepted_values has {wrong[0]!r}, which is no plain value")
    return tuple(cast("list[Scalar]", values))


def read_pii(value: object, where: str) -> dict[str, str]:
    """Read ``{"mail": "email"}`` or ``["email", "notes"]``.

    A column given without a kind has the kind of its own name, if that is one, else ``text``.
    """
    if isinstance(value, Mapping):
        kinds = cast("Mapping[str, object]", value)
        return {name: kind for name in kinds if (kind := pii_kind(name, kinds[name])) is not None}
    return {name: pii_kind(name, True) or "text" for name in read_names(value, where)}


def pii_kind(column: str, value: object) -> str | None:
    """Return the kind of personal value a setting asks for.

    Examples:
        >>> pii_kind("email", True), pii_kind("notes", True), pii_kind("notes", False)
        ('email', 'text', None)
    """
    if value is None or value is False:
        return None
    if value is True:
        return column.lower() if column.lower() in PII_KINDS else "text"
    return str(value)


def read_columns(
    table: str,
    constraints: Mapping[str, Mapping[str, object]],
    pii: Mapping[str, str | bool] | Sequence[str],
    not_null: Sequence[str] | None,
    evidence: str,
) -> dict[str, Column]:
    """Read what is declared of single columns, from the arguments of `Metadata.add_table`."""
    limits = {
        name: read_constraint(declared, format_reference(table, [name]), evidence)
        for name, declared in constraints.items()
    }
    kinds = read_pii(pii, f"pii of table {table!r}")
    required = read_names(not_null, f"not_null of table {table!r}")
    return {
        name: Column(
            name=name,
            is_not_null=name in required,
            pii=kinds.get(name),
            constraint=limits.get(name),
        )
        for name in dict.fromkeys([*limits, *kinds, *required])
    }


def read_context(columns: object, table: str) -> tuple[str, ...] | None:
    """Read context columns: ``region``, ``users.region`` or ``("users", "region")``."""
    if columns is None:
        return None
    if isinstance(columns, list | tuple):
        columns = [_context_text(item) for item in cast("Sequence[object]", columns)]
    return read_names(columns, f"parent_context_cols of table {table!r}")


def _context_text(item: object) -> object:
    match item:
        case (str(parent), str(column)):
            return format_reference(parent, [column])
        case _:
            return item


def normalised(table: Table) -> Table:
    """Bring a table into the one form in which equal declarations are equal objects.

    Foreign keys are sorted; primary key columns are not null; a unique key is neither
    repeated nor the primary key; columns of which nothing is declared are left out.
    """
    columns = dict(table.columns)
    for name in table.primary_key:
        columns[name] = replace(table.column(name), is_not_null=True)
    unique = dict.fromkeys(
        key for key in table.unique_keys if key and set(key) != set(table.primary_key)
    )
    keys = sorted(table.foreign_keys, key=lambda fk: (fk.columns, fk.parent, fk.parent_columns))
    return replace(
        table,
        columns={name: column for name, column in columns.items() if column != Column(name=name)},
        unique_keys=tuple(sorted(unique)),
        foreign_keys=tuple(keys),
    )
