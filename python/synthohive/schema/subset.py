"""Some tables of a schema, cut free from the rest."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from synthohive.schema.references import format_reference, parse_reference

if TYPE_CHECKING:
    from collections.abc import Collection, Mapping

    from synthohive.schema.model import Table


def selected(
    wanted: Collection[str], tables: Mapping[str, Table]
) -> tuple[dict[str, Table], list[str]]:
    """Take the wanted tables out of all.

    Returns:
        The tables in their order, without references to tables left out, and a notice for
        everything that was dropped.
    """
    result: dict[str, Table] = {}
    notices: list[str] = []
    for name, table in tables.items():
        if name in wanted:
            result[name] = _cut(table, wanted, tables, notices)
    return result, notices


def _cut(
    table: Table, wanted: Collection[str], tables: Mapping[str, Table], notices: list[str]
) -> Table:
    kept = tuple(fk for fk in table.foreign_keys if fk.parent in wanted or fk.parent not in tables)
    dropped = [fk for fk in table.foreign_keys if fk not in kept]
    notices += [
        f"{format_reference(table.name, fk.columns)} refers to {fk.parent}, which is left out:"
        " it becomes a plain attribute"
        for fk in dropped
    ]
    driver = table.driver
    if any(set(fk.columns) == set(driver) for fk in dropped):
        driver = ()
    return replace(
        table, foreign_keys=kept, driver=driver, context=_context(table, wanted, tables, notices)
    )


def _context(
    table: Table, wanted: Collection[str], tables: Mapping[str, Table], notices: list[str]
) -> tuple[str, ...] | None:
    if table.context is None:
        return None
    gone = [text for text in table.context if _table_of(text, tables) not in (None, *wanted)]
    notices += [
        f"{table.name}: context column {text} belongs to a table that is left out, and is ignored"
        for text in gone
    ]
    return tuple(text for text in table.context if text not in gone)


def _table_of(text: str, tables: Mapping[str, Table]) -> str | None:
    parsed = parse_reference(text)
    return parsed[0] if parsed and parsed[0] in tables else None
