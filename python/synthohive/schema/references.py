"""References to columns as text: ``users.id``, ``weather.(origin, hour)``.

A name that has a dot, a quote, a comma or a bracket in it is written in double quotes, as
in SQL: ``"my.table"."the ""id"" column"``.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Sequence

_BARE = r"[^\s.\"(),](?:[^.\"(),]*[^\s.\"(),])?"
_NAME = rf'\s*(?:"(?:[^"]|"")+"|{_BARE})\s*'
_REFERENCE = rf"({_NAME})(?:\.({_NAME})|(?:\.\s*|\s*(?!\('))\(({_NAME}(?:,{_NAME})*)\)\s*)"


def parse_reference(text: str) -> tuple[str, tuple[str, ...]] | None:
    """Read a table and its columns.

    Returns:
        The table and the columns, or `None` if the text is no reference or names several tables.

    Examples:
        >>> parse_reference("users.id")
        ('users', ('id',))
        >>> parse_reference('weather.(origin, "hour.utc")')
        ('weather', ('origin', 'hour.utc'))
        >>> parse_reference("weather(origin, hour)") == parse_reference(
        ...     "weather.origin, weather.hour"
        ... )
        True
        >>> parse_reference("users") is None
        True
    """
    if not re.fullmatch(rf"{_REFERENCE}(?:,{_REFERENCE})*", text):
        return None
    tables: set[str] = set()
    names: list[str] = []
    for table, column, columns in re.findall(_REFERENCE, text):
        tables.add(_unquote(table))
        names += [column] if column else re.findall(_NAME, columns)
    return (tables.pop(), tuple(_unquote(name) for name in names)) if len(tables) == 1 else None


def format_reference(table: str, columns: Sequence[str]) -> str:
    """Write a table and its columns so that `parse_reference` reads them again.

    Examples:
        >>> format_reference("users", ["id"])
        'users.id'
        >>> format_reference("my.table", ["a", 'the "b" one'])
        '"my.table".(a, "the ""b"" one")'
    """
    names = ", ".join(quote_name(column) for column in columns)
    return f"{quote_name(table)}.{names if len(columns) == 1 else f'({names})'}"


def quote_name(name: str) -> str:
    """Return the name as a reference needs it: in quotes only where necessary."""
    return name if re.fullmatch(_BARE, name) else '"' + name.replace('"', '""') + '"'


def _unquote(name: str) -> str:
    name = name.strip()
    return name[1:-1].replace('""', '"') if name.startswith('"') else name
