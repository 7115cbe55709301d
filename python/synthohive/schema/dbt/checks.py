"""Simple check constraints: ``amount >= 0``, ``n between 1 and 9``, ``kind in ('a', 'b')``."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from synthohive.schema.dbt.artifact import unquoted
from synthohive.schema.model import Constraint

if TYPE_CHECKING:
    from collections.abc import Iterator


_COLUMN = r'(?P<column>"(?:[^"]|"")+"|[A-Za-z_]\w*)'
_LITERAL = r"(?:(?:date|timestamp)\s*)?'[^']*'|[-+]?\d+(?:\.\d+)?"
_LITERALS = rf"\s*(?:{_LITERAL})(?:\s*,\s*(?:{_LITERAL}))*\s*"
_SIGN = r"\s*(?P<sign><=|>=|<|>)\s*"
_VALUE = rf"(?P<value>{_LITERAL})"
_RANGE = rf"(?P<low>{_LITERAL})\s+and\s+(?P<high>{_LITERAL})"

_COMPARISON = re.compile(rf"{_COLUMN}{_SIGN}{_VALUE}", re.IGNORECASE)
_REVERSED = re.compile(rf"{_VALUE}{_SIGN}{_COLUMN}", re.IGNORECASE)
_BETWEEN = re.compile(rf"{_COLUMN}\s+between\s+{_RANGE}", re.IGNORECASE)
_IN = re.compile(rf"{_COLUMN}\s+in\s*\((?P<values>{_LITERALS})\)", re.IGNORECASE)
_ONE = re.compile(_LITERAL, re.IGNORECASE)
_AND = re.compile(r"\s+and\s+", re.IGNORECASE)
_MIRROR = {"<": ">", ">": "<", "<=": ">=", ">=": "<="}


def read_check(expression: str, evidence: str) -> Iterator[tuple[str, Constraint]]:
    """Read the limits a check sets; nothing where the expression is not a simple one.

    Examples:
        >>> [(name, c.minimum, c.maximum) for name, c in read_check("n > 0 and n <= 9", "")]
        [('n', 0, None), ('n', None, 9)]
        >>> list(read_check("a < b or c = 1", ""))
        []
    """
    text = _without_brackets(expression.strip())
    whole = _read_one(text, evidence)
    if whole:
        yield whole
        return
    parts = [_read_one(part, evidence) for part in _AND.split(text)]
    if all(parts):
        yield from (part for part in parts if part)


def _without_brackets(text: str) -> str:
    inner = text[1:-1].strip()
    is_wrapped = text.startswith("(") and text.endswith(")") and not re.search(r"[()]", inner)
    return inner if is_wrapped else text


def _read_one(text: str, evidence: str) -> tuple[str, Constraint] | None:
    text = _without_brackets(text)
    if found := _BETWEEN.fullmatch(text):
        limits = Constraint(
            minimum=_value(found["low"]), maximum=_value(found["high"]), evidence=(evidence,)
        )
    elif found := _IN.fullmatch(text):
        values = tuple(_value(item) for item in _ONE.findall(found["values"]))
        limits = Constraint(accepted_values=values, evidence=(evidence,))
    elif found := _COMPARISON.fullmatch(text):
        limits = _bound(found["sign"], _value(found["value"]), evidence)
    elif found := _REVERSED.fullmatch(text):
        limits = _bound(_MIRROR[found["sign"]], _value(found["value"]), evidence)
    else:
        return None
    return unquoted(found["column"]), limits


def _bound(sign: str, value: float | str, evidence: str) -> Constraint:
    if sign.startswith(">"):
        return Constraint(minimum=value, is_minimum_open=sign == ">", evidence=(evidence,))
    return Constraint(maximum=value, is_maximum_open=sign == "<", evidence=(evidence,))


def _value(literal: str) -> int | float | str:
    if literal.endswith("'"):
        return literal[literal.index("'") + 1 : -1]
    return float(literal) if "." in literal else int(literal)
