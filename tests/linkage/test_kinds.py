"""Kinds: found where siblings are alike beyond what is known, and nowhere else."""

from __future__ import annotations

import numpy as np
import polars as pl
import pytest

from synthohive.encoding.layout import CodeColumn, Layout
from synthohive.linkage.kinds import find_kinds
from synthohive.randomness import Stream

DRIVERS, SIBLINGS = 600, 4
PARENTS = pl.Series(np.repeat(np.arange(DRIVERS), SIBLINGS), dtype=pl.UInt32)
NOTHING = pl.DataFrame(height=DRIVERS)


def layout_of(**sizes: int) -> Layout:
    return Layout(tuple(CodeColumn(name=n, size=size, source=n) for n, size in sizes.items()))


def pair_share(items: np.ndarray, drivers: np.ndarray) -> float:
    """Share of neighbouring siblings with the same item."""
    return float((items[1:] == items[:-1])[drivers[1:] == drivers[:-1]].mean())


def baskets(random: np.random.Generator, taste: np.ndarray) -> np.ndarray:
    """Draw items 0 … 5: two of them by taste, most of the time."""
    tastes = np.repeat(taste, SIBLINGS)
    liked = 2 * tastes + random.integers(0, 2, len(tastes))
    return np.where(random.random(len(tastes)) < 0.8, liked, random.integers(0, 6, len(tastes)))


def find(items: np.ndarray, known: pl.DataFrame = NOTHING, **sizes: int) -> pl.Series | None:
    return find_kinds(
        pl.DataFrame({"item": items}),
        layout_of(item=6),
        PARENTS,
        known,
        layout_of(**sizes),
        Stream(3),
    )


@pytest.mark.parametrize("seed", range(5))
def test_independent_siblings_have_no_kinds(seed):
    items = np.random.default_rng(seed).integers(0, 6, DRIVERS * SIBLINGS)
    assert find(items) is None


def test_children_drawn_by_kind_are_as_alike_as_the_real_ones():
    random = np.random.default_rng(1)
    items = baskets(random, random.integers(0, 3, DRIVERS))
    kinds = find(items)
    assert kinds is not None
    of_child = kinds.to_numpy()[PARENTS.to_numpy()]
    drawn = np.empty_like(items)
    for kind in np.unique(of_child):  # every child drawn by itself, given the kind
        here = of_child == kind
        drawn[here] = random.choice(items[here], here.sum())
    real, chance = pair_share(items, PARENTS.to_numpy()), float((np.bincount(items) ** 2).sum())
    assert real > chance / len(items) ** 2 + 0.1
    assert pair_share(drawn, PARENTS.to_numpy()) == pytest.approx(real, abs=0.04)


def test_what_is_known_of_the_driver_makes_no_kind():
    random = np.random.default_rng(2)
    taste = random.integers(0, 3, DRIVERS)
    items = baskets(random, taste)
    assert find(items, pl.DataFrame({"taste": taste}), taste=3) is None


def test_the_same_seed_gives_the_same_kinds():
    random = np.random.default_rng(4)
    items = baskets(random, random.integers(0, 3, DRIVERS))
    first, second = find(items), find(items)
    assert first is not None
    assert second is not None
    assert first.equals(second)


def test_children_without_a_driver_say_nothing():
    random = np.random.default_rng(5)
    items = baskets(random, random.integers(0, 3, DRIVERS))
    codes = pl.DataFrame({"item": np.concatenate([items, np.zeros(50, items.dtype)])})
    drivers = pl.concat([PARENTS, pl.Series([None] * 50, dtype=pl.UInt32)])
    kinds = find_kinds(codes, layout_of(item=6), drivers, NOTHING, Layout(), Stream(3))
    alone = find(items)
    assert kinds is not None
    assert alone is not None
    assert kinds.equals(alone)


def test_few_drivers_have_no_kinds():
    drivers = pl.Series(np.repeat(np.arange(50), 20), dtype=pl.UInt32)
    codes = pl.DataFrame({"item": (drivers % 2).cast(pl.UInt8)})
    known = pl.DataFrame(height=50)
    assert find_kinds(codes, layout_of(item=2), drivers, known, Layout(), Stream(0)) is None
