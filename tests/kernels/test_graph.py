from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from synthohive import kernels
from synthohive.errors import CyclicSchemaError, SchemaError, UnknownTableError

NAMES = ['say "hi"', "a b", "é", "orders", "Orders", "", "x.y"]


def test_parents_come_first_and_names_are_sorted_within_a_level() -> None:
    edges = [("items", "orders"), ("orders", "users"), ("items", "products"), ("users", "users")]
    tables = ["items", "products", "orders", "users"]
    assert kernels.generation_levels(tables, edges) == [
        ["products", "users"],
        ["orders"],
        ["items"],
    ]


def test_a_cycle_is_told_whole_and_caught_as_what_it_is() -> None:
    with pytest.raises(CyclicSchemaError, match="a → b → c → a") as caught:
        kernels.generation_levels(["c", "b", "a"], [("a", "b"), ("b", "c"), ("c", "a")])
    assert caught.value.path == ["a", "b", "c", "a"]
    assert isinstance(caught.value, SchemaError)


def test_an_unknown_table_is_named() -> None:
    with pytest.raises(
        UnknownTableError, match=r'names "ghost", which is not among the tables'
    ) as caught:
        kernels.generation_levels(["a"], [("a", "ghost")])
    assert caught.value.table == "ghost"
    with pytest.raises(KeyError):
        kernels.generation_levels(["a"], [("ghost", "a")])


def test_no_tables_have_no_levels() -> None:
    assert kernels.generation_levels([], []) == []


@given(
    st.lists(st.tuples(st.integers(0, 6), st.integers(0, 6)), max_size=15).map(
        lambda pairs: [(max(pair), min(pair)) for pair in pairs]
    ),
    st.permutations(NAMES),
)
def test_every_acyclic_schema_has_an_order(pairs: list[tuple[int, int]], names: list[str]) -> None:
    edges = [(names[child], names[parent]) for child, parent in pairs]
    levels = kernels.generation_levels(names, edges)
    level = {name: at for at, level in enumerate(levels) for name in level}
    assert sorted(level) == sorted(names)
    assert all(child == parent or level[parent] < level[child] for child, parent in edges)
    assert kernels.generation_levels(names[::-1], edges[::-1]) == levels
