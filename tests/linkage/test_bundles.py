"""Bundles of parents that agree in shared columns: all of them, and in any order none twice."""

from __future__ import annotations

from itertools import product

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from synthohive.linkage.bundles import GROUP, Choice, bundles

CODES = st.lists(st.tuples(*[st.integers(0, 2)] * 3), min_size=0, max_size=7)


def choice(rows: list[tuple[int, int, int]], columns: tuple[str, str]) -> Choice:
    table = np.array(rows, np.int64).reshape(-1, 3)
    names = (*columns, GROUP)
    values = {name: table[:, place] for place, name in enumerate(names)}
    return Choice(values=values, weights=np.arange(len(table)))


@settings(max_examples=80, deadline=None)
@given(CODES, CODES, CODES, st.floats(0, 1, exclude_max=True), st.booleans(), st.booleans())
def test_bundles_are_all_parents_that_agree(first, second, third, turn, has_group, has_fixed):
    columns = [("a", "b"), ("b", "c"), ("c", "a")]
    rows = [first, second, third]
    choices = [choice(some, names) for some, names in zip(rows, columns, strict=True)]
    groups = [1 if has_group else None, None, 0 if has_group else None]
    fixed = {"a": 1} if has_fixed else {}
    expected = set()
    for places in product(*(range(len(some)) for some in rows)):
        chosen = [some[place] for some, place in zip(rows, places, strict=True)]
        known: dict[str, set[int]] = {name: {value} for name, value in fixed.items()}
        for row, names in zip(chosen, columns, strict=True):
            for name, value in zip(names, row, strict=False):
                known.setdefault(name, set()).add(value)
        of_group = all(
            group is None or row[2] == group for row, group in zip(chosen, groups, strict=True)
        )
        if of_group and all(len(values) == 1 for values in known.values()):
            expected.add(places)
    found = list(bundles(choices, fixed, groups, turn))
    assert len(found) == len(set(found))
    assert set(found) == expected


def test_the_first_bundle_is_chosen_by_weight():
    parents = Choice(values={"day": np.zeros(3, np.int64)}, weights=np.array([1, 0, 9]))
    turns = (np.arange(1000) + 0.5) / 1000
    first = [next(iter(parents.rows({"day": 0}, turn))) for turn in turns]
    assert np.bincount(first, minlength=3)[[0, 2]].tolist() == [100, 900]
