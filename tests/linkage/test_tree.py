"""A tree finds what is there, and nothing where nothing is."""

from __future__ import annotations

import json

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from synthohive.errors import ConfigError
from synthohive.linkage.growth import fit_tree
from synthohive.linkage.splits import f_score
from synthohive.linkage.tree import CodeTree


def noise_codes(generator, rows):
    sizes = [2, 10, 40, 300, 2, 10, 40, 300]
    codes = np.stack([generator.integers(0, size, rows) for size in sizes], axis=1)
    return codes, sizes, [False] * 4 + [True] * 4


def test_finds_the_subset_of_a_nominal_column():
    generator = np.random.default_rng(0)
    codes, sizes, is_ordered = noise_codes(generator, 2000)
    special = np.isin(codes[:, 2], [3, 17, 31, 39])
    tree = fit_tree(codes, sizes, is_ordered, special + generator.normal(0, 0.1, 2000))
    assert tree.used == (2,)
    assert tree.size == 2
    leaves = tree.leaves(codes)
    assert len(np.unique(leaves[special])) == len(np.unique(leaves[~special])) == 1


def test_finds_an_interaction_of_ordered_columns():
    generator = np.random.default_rng(1)
    codes = generator.integers(0, 20, (4000, 3))
    target = np.where(codes[:, 0] < 7, codes[:, 1] > 12, 2.0) + generator.normal(0, 0.2, 4000)
    tree = fit_tree(codes, [20] * 3, [True] * 3, target)
    leaves = tree.leaves(codes)
    assert tree.used == (0, 1)
    for region in (codes[:, 0] >= 7, (codes[:, 0] < 7) & (codes[:, 1] > 12)):
        assert len(np.unique(leaves[region])) == 1


def test_several_targets_are_told_apart_at_once():
    generator = np.random.default_rng(2)
    codes = generator.integers(0, 6, (600, 2))
    targets = np.eye(6)[codes[:, 1]]
    tree = fit_tree(codes, [6, 6], [False, False], targets)
    assert tree.size == 6
    assert len(np.unique(np.stack([tree.leaves(codes), codes[:, 1]]), axis=1).T) == 6


@pytest.mark.parametrize("rows", [30, 200, 2000])
def test_noise_does_not_split(rows):
    splits = 0
    for seed in range(40):
        generator = np.random.default_rng([rows, seed])
        codes, sizes, is_ordered = noise_codes(generator, rows)
        target = generator.negative_binomial(0.5, 0.1, rows)
        splits += fit_tree(codes, sizes, is_ordered, np.log1p(target), min_leaf=5).size > 1
    assert splits <= 3


def test_weights_decide():
    codes = np.tile([0, 1], 200)[:, None]
    target = np.where(np.arange(400) < 200, codes[:, 0], 1 - codes[:, 0]).astype(float)
    target += np.random.default_rng(0).normal(0, 0.01, 400)
    weights = np.where(np.arange(400) < 200, 1.0, 1e-6)
    assert fit_tree(codes, [2], [False], target).size == 1
    assert fit_tree(codes, [2], [False], target, weights=weights).size == 2


def test_survives_json():
    generator = np.random.default_rng(3)
    codes = generator.integers(0, 9, (900, 4))
    tree = fit_tree(codes, [9] * 4, [True, False] * 2, codes[:, 0] * (codes[:, 1] % 3), min_leaf=5)
    again = CodeTree.from_dict(json.loads(json.dumps(tree.to_dict())))
    assert tree.size > 4
    assert np.array_equal(again.leaves(codes), tree.leaves(codes))


def test_rejects_a_code_beyond_its_size():
    with pytest.raises(ConfigError, match="holds 3, but has 3"):
        fit_tree(np.array([[3], [0]]), [3], [False], np.zeros(2))


@pytest.mark.parametrize("rows", [0, 1, 2])
def test_hardly_any_rows_are_one_leaf(rows):
    codes = np.zeros((rows, 2), np.uint8)
    tree = fit_tree(codes, [1, 4], [False, True], np.arange(rows, dtype=float))
    assert tree.size == 1
    assert tree.leaves(codes).tolist() == [0] * rows


@settings(max_examples=30, deadline=None)
@given(st.integers(0, 10_000), st.integers(1, 300), st.integers(1, 12), st.integers(1, 30))
def test_leaves_are_in_range_and_not_too_small(seed, rows, max_leaves, min_leaf):
    generator = np.random.default_rng(seed)
    codes = generator.integers(0, 5, (rows, 3))
    tree = fit_tree(
        codes,
        [5] * 3,
        [True, False, True],
        codes[:, 0] * 1.0,
        max_leaves=max_leaves,
        min_leaf=min_leaf,
    )
    leaves = tree.leaves(codes)
    sizes = np.bincount(leaves, minlength=tree.size)
    assert tree.size <= max_leaves
    assert tree.size == 1 or sizes.min() >= min_leaf
    other = tree.leaves(generator.integers(0, 5, (50, 3)))
    assert other.min() >= 0
    assert other.max() < tree.size


def test_rows_may_come_in_any_blocks():
    generator = np.random.default_rng(5)
    codes = generator.integers(0, 5, (500, 3))
    tree = fit_tree(codes, [5] * 3, [True] * 3, codes[:, 0] * 1.0)
    parts = [tree.leaves(codes[a : a + 77]) for a in range(0, 500, 77)]
    assert np.array_equal(np.concatenate(parts), tree.leaves(codes))


def test_f_score_is_standard_normal_under_chance():
    generator = np.random.default_rng(6)
    above = 0
    for _ in range(2000):
        numbers = generator.normal(size=(4, 8))
        means = numbers.mean(axis=1)
        between = 8 * ((means - means.mean()) ** 2).sum()
        rest = ((numbers - means[:, None]) ** 2).sum()
        above += f_score(between, rest, 3, 28) > 1.645
    assert 70 <= above <= 130
