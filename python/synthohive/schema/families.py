"""Families of types: what can be compared with what, told from SQL or from Polars types."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Literal

if TYPE_CHECKING:
    import polars as pl

Family = Literal[
    "int",
    "float",
    "decimal",
    "text",
    "bool",
    "date",
    "datetime",
    "time",
    "duration",
    "nested",
    "binary",
    "unknown",
]

_SQL: dict[str, Family] = {
    **dict.fromkeys(
        (
            *("TINYINT", "SMALLINT", "INTEGER", "INT", "BIGINT", "HUGEINT", "LONG", "SHORT"),
            *("UTINYINT", "USMALLINT", "UINTEGER", "UBIGINT", "UHUGEINT", "BIGNUM", "SIGNED"),
            *("INT1", "INT2", "INT4", "INT8", "INT16", "INT32", "INT64", "INT128"),
            *("UINT8", "UINT16", "UINT32", "UINT64", "UINT128"),
        ),
        "int",
    ),
    **dict.fromkeys(("FLOAT", "FLOAT4", "FLOAT8", "REAL", "DOUBLE", "DOUBLE PRECISION"), "float"),
    **dict.fromkeys(("DECIMAL", "NUMERIC", "DEC"), "decimal"),
    **dict.fromkeys(
        ("VARCHAR", "TEXT", "STRING", "CHAR", "BPCHAR", "CHARACTER VARYING", "ENUM", "UUID"),
        "text",
    ),
    **dict.fromkeys(("BOOLEAN", "BOOL", "LOGICAL"), "bool"),
    "DATE": "date",
    **dict.fromkeys(
        (
            *("TIMESTAMP", "DATETIME", "TIMESTAMPTZ", "TIMESTAMP WITH TIME ZONE"),
            *("TIMESTAMP_S", "TIMESTAMP_MS", "TIMESTAMP_US", "TIMESTAMP_NS"),
        ),
        "datetime",
    ),
    **dict.fromkeys(("TIME", "TIMETZ", "TIME WITH TIME ZONE", "TIME_NS"), "time"),
    "INTERVAL": "duration",
    **dict.fromkeys(("STRUCT", "MAP", "UNION", "LIST", "ARRAY", "ROW", "JSON"), "nested"),
    **dict.fromkeys(("BLOB", "BYTEA", "BINARY", "VARBINARY", "BIT", "BITSTRING"), "binary"),
}

_NUMBERS = ("int", "float", "decimal")


def sql_family(dtype: str) -> Family:
    """Return the family of a type as DuckDB or a dbt property file writes it.

    Examples:
        >>> sql_family("decimal(10, 2)"), sql_family("INTEGER[]"), sql_family("GEOMETRY")
        ('decimal', 'nested', 'unknown')
    """
    name = " ".join(dtype.upper().split())
    if name.endswith("]"):
        return "nested"
    return _SQL.get(re.sub(r" ?\(.*\)", "", name), "unknown")


def polars_family(dtype: pl.DataType) -> Family:
    """Return the family of a Polars type."""
    if dtype.is_integer():
        return "int"
    if dtype.is_float():
        return "float"
    if dtype.is_decimal():
        return "decimal"
    if dtype.is_nested():
        return "nested"
    families: dict[str, Family] = {
        "String": "text",
        "Categorical": "text",
        "Enum": "text",
        "Boolean": "bool",
        "Date": "date",
        "Datetime": "datetime",
        "Time": "time",
        "Duration": "duration",
        "Binary": "binary",
    }
    return families.get(str(dtype.base_type()), "unknown")  # Null: a column without any value


def are_comparable(left: Family, right: Family) -> bool:
    """Tell whether a key of one family can refer to a key of the other.

    Numbers of any width compare, as an integer column with nulls often arrives as a float.
    """
    return "unknown" in (left, right) or left == right or (left in _NUMBERS and right in _NUMBERS)


def decimal_scale(dtype: str) -> int:
    """Return the digits after the point of a decimal SQL type; DuckDB's 3 if not given."""
    digits = [int(number) for number in re.findall(r"\d+", dtype)]
    if len(digits) > 1:
        return digits[1]
    return 0 if digits else 3
