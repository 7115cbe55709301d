from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from synthohive.schema.references import format_reference, parse_reference

NAMES = st.one_of(
    st.text(min_size=1, max_size=12),
    st.sampled_from(['a"b', "a.b", "a, b", "(x)", " x ", "select", "naïve ü", '"', "\n", "."]),
)


@given(NAMES, st.lists(NAMES, min_size=1, max_size=3))
def test_any_names_survive_writing_and_reading(table: str, columns: list[str]) -> None:
    assert parse_reference(format_reference(table, columns)) == (table, tuple(columns))


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("users.id", ("users", ("id",))),
        (" users . id ", ("users", ("id",))),
        ("order lines.line no", ("order lines", ("line no",))),
        ("weather.(origin, time_hour)", ("weather", ("origin", "time_hour"))),
        ("weather.(origin)", ("weather", ("origin",))),
        ('"a.b"."c""d"', ("a.b", ('c"d',))),
    ],
)
def test_reads(text: str, expected: tuple[str, tuple[str, ...]]) -> None:
    assert parse_reference(text) == expected


@pytest.mark.parametrize(
    "text", ["", "users", "users.", ".id", "a.b.c", "a.()", "a.(b", '"a.b', "a.b,c"]
)
def test_refuses(text: str) -> None:
    assert parse_reference(text) is None
