"""Quoting of SQL identifiers and literals: the only place where names become SQL."""

from __future__ import annotations


def quote(name: str) -> str:
    """Quote an identifier so that any name the database allows is safe.

    Examples:
        >>> print(quote('order "items" here'))
        "order ""items"" here"
    """
    return '"' + name.replace('"', '""') + '"'


def literal(text: str) -> str:
    """Write a string as an SQL literal.

    Examples:
        >>> print(literal("it's"))
        'it''s'
    """
    return "'" + text.replace("'", "''") + "'"


def qualified(*parts: str) -> str:
    """Join the parts of a relation's name, each quoted.

    Examples:
        >>> print(qualified("shop", "raw", "orders"))
        "shop"."raw"."orders"
    """
    return ".".join(quote(part) for part in parts)
