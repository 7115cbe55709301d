"""Which SQL types are learned, how they are read, and how they get back.

A column travels as a Polars column of a plain type. Types without one are carried by a
neighbour (a UUID as text, an interval as a duration) and cast back when they land. Types
that cannot be learned at all (lists, structs, blobs, …) are read as nulls.
"""

from __future__ import annotations

import re
from typing import Literal

Carrier = Literal["plain", "wide_integer", "text", "interval", "time_zone_time", "nothing"]
"""How the values of a type are carried: as they are, or by which other type."""

_PLAIN = re.compile(
    r"(BOOLEAN|U?(TINY|SMALL|BIG)?INT(EGER)?|FLOAT|DOUBLE|DECIMAL\(.*\)|VARCHAR|DATE"
    r"|TIME|TIME_NS|TIMESTAMP|TIMESTAMP_S|TIMESTAMP_MS|TIMESTAMP_NS|TIMESTAMP WITH TIME ZONE)"
)
_TEMPORAL = re.compile(r"DATE|TIMESTAMP.*")
_NESTED = re.compile(r"(STRUCT|MAP|UNION)\b.*|.*\]", re.DOTALL)
_NUMBER_OR_BOOLEAN = re.compile(
    r"(BOOLEAN|U?(TINY|SMALL|BIG|HUGE)?INT(EGER)?|FLOAT|DOUBLE|DECIMAL\(.*\)|BIGNUM|VARINT)"
)


def carrier(sql_type: str) -> Carrier:
    """Say how values of an SQL type are carried.

    Args:
        sql_type: The type as DuckDB's ``DESCRIBE`` writes it.

    Examples:
        >>> carrier("DECIMAL(10,2)"), carrier("UUID"), carrier("INTEGER[]"), carrier("HUGEINT")
        ('plain', 'text', 'nothing', 'wide_integer')
    """
    if _NESTED.fullmatch(sql_type):
        return "nothing"
    if _PLAIN.fullmatch(sql_type):
        return "plain"
    if sql_type in {"HUGEINT", "UHUGEINT", "BIGNUM", "VARINT"}:
        return "wide_integer"
    if sql_type in {"UUID", "JSON"} or is_enum(sql_type):
        return "text"
    if sql_type == "INTERVAL":
        return "interval"
    return "time_zone_time" if sql_type == "TIME WITH TIME ZONE" else "nothing"


def is_enum(sql_type: str) -> bool:
    """Say whether a type is an enumeration of texts.

    Examples:
        >>> is_enum("ENUM('small', 'large')"), is_enum("ENUM('a')[]")
        (True, False)
    """
    return sql_type.startswith("ENUM(") and sql_type.endswith(")")


def has_infinity(sql_type: str) -> bool:
    """Say whether a type has the values ``infinity`` and ``-infinity`` outside the calendar.

    Examples:
        >>> has_infinity("DATE"), has_infinity("TIMESTAMP WITH TIME ZONE"), has_infinity("TIME")
        (True, True, False)
    """
    return _TEMPORAL.fullmatch(sql_type) is not None


def is_quoted(sql_type: str) -> bool:
    """Say whether values of a type stand in quotes in SQL.

    Examples:
        >>> is_quoted("VARCHAR"), is_quoted("DATE"), is_quoted("BIGINT"), is_quoted("BOOLEAN")
        (True, True, False, False)
    """
    return _NUMBER_OR_BOOLEAN.fullmatch(sql_type) is None
