"""Classes are dealt in exact proportions, and popularity follows the group."""

from __future__ import annotations

import json
from itertools import pairwise

import numpy as np
import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from synthohive.encoding.layout import CodeColumn, Layout
from synthohive.linkage.dealing import deal, likeness
from synthohive.linkage.matching import fit_matching
from synthohive.linkage.popularity import Popularity, build_ladder, fit_popularity
from synthohive.randomness import Stream


def u32(values):
    return pl.Series(np.asarray(values).astype(np.uint32))


@settings(max_examples=60, deadline=None)
@given(
    st.integers(0, 10_000),
    st.integers(0, 200),
    st.integers(1, 12),
    st.floats(0, 1, exclude_max=True),
)
def test_every_class_gets_its_share(seed, rows, classes, offset):
    generator = np.random.default_rng(seed)
    shares = generator.dirichlet(np.ones(classes))
    dealt = deal(generator.normal(size=(rows, classes)), shares, offset)
    counts = np.bincount(dealt, minlength=classes)
    assert counts.sum() == rows
    assert (np.abs(counts - shares * rows) <= 1 + 1e-9).all()


@settings(max_examples=40, deadline=None)
@given(st.integers(0, 10_000), st.integers(1, 40))
def test_no_row_and_class_would_rather_swap(seed, rows):
    generator = np.random.default_rng(seed)
    scores = generator.normal(size=(rows, 4))
    dealt = deal(scores.copy(), np.array([0.4, 0.3, 0.2, 0.1]), 0.5)
    for row in range(rows):
        for other in range(rows):
            gains = scores[row, dealt[other]] > scores[row, dealt[row]]
            displaces = scores[row, dealt[other]] > scores[other, dealt[other]]
            assert not (gains and displaces)


def test_likeness_favours_what_a_group_is_made_of():
    generator = np.random.default_rng(0)
    groups = np.repeat([0, 1], 100)
    codes = np.where(groups == 0, generator.integers(0, 8, 200), generator.integers(8, 16, 200))
    leaves = np.zeros(200, int)
    table = likeness(codes, leaves, groups, 2, size=16, is_ordered=True)
    assert table[0, :6].min() > 0.5
    assert table[0, 10:].max() < -1
    noise = likeness(generator.permutation(codes), leaves, groups, 2, size=16, is_ordered=True)
    assert np.abs(noise).mean() < 0.25 * np.abs(table).mean()


def test_dealing_follows_the_attributes_a_tree_cannot_be_sure_of():
    """Thirty places, their children at a distance: near ones must stay near ones."""
    generator = np.random.default_rng(0)
    layout = Layout((CodeColumn(name="km", size=40, source="km", is_ordered=True),))
    real = np.sort(generator.integers(0, 40, 30))
    rows = generator.integers(0, 30, 6000)
    minutes = np.clip(real[rows] + generator.integers(-1, 2, 6000), 0, 40)
    children = pl.DataFrame({"minutes": minutes.astype(np.uint8)})
    child_layout = Layout((CodeColumn(name="minutes", size=41, source="m", is_ordered=True),))
    parents = pl.DataFrame({"km": real.astype(np.uint8)})
    matching = fit_matching(parents, layout, children, u32(rows), child_layout=child_layout)
    new = np.sort(generator.integers(0, 40, 30))
    synthetic = pl.DataFrame({"km": new.astype(np.uint8)})
    groups = matching.groups(synthetic, Stream(1))
    ladder = matching.ladder(groups.to_numpy(), np.ones(30, np.uint32), Stream(2))
    assigned = ladder.assign(matching.wanted(matching.child_codes(u32(rows)), ladder.sizes))
    correlation = np.corrcoef(minutes, new[assigned.to_numpy()])[0, 1]
    assert matching.group_count > 10
    assert correlation > 0.9


def test_the_big_genre_stays_big():
    """Genres without attributes: one has most of the tracks, and its own length."""
    generator = np.random.default_rng(0)
    genres = generator.choice(25, 5000, p=[0.5, *[0.5 / 24] * 24])
    length = np.where(genres == 0, 5, generator.integers(0, 5, 5000))
    tracks = pl.DataFrame({"length": length.astype(np.uint8)})
    matching = fit_matching(pl.DataFrame(height=25), Layout(), tracks, u32(genres))
    groups = matching.groups(25, Stream(1))
    ladder = matching.ladder(groups.to_numpy(), generator.integers(0, 1000, 25), Stream(2))
    assigned = ladder.assign(matching.wanted(matching.child_codes(u32(genres)), ladder.sizes))
    used = np.sort(np.bincount(assigned.to_numpy(), minlength=25))
    real = np.sort(np.bincount(genres, minlength=25))
    assert used == pytest.approx(real, abs=30)


def quotas_of(curves, groups, drawn):
    rows, ends = np.empty(len(groups), np.uint32), np.empty(len(groups), np.uint64)
    return build_ladder(groups, drawn, curves, Stream(1), rows=rows, ends=ends).quotas()


@settings(max_examples=40, deadline=None)
@given(st.integers(0, 10_000), st.integers(1, 300), st.integers(0, 300), st.integers(1, 5))
def test_quotas_follow_the_curve_and_the_rank(seed, parents, new, groups):
    generator = np.random.default_rng(seed)
    group = generator.integers(0, groups, parents)
    children = np.floor(generator.pareto(1.0, parents) * 3).astype(int)
    curves = fit_popularity(group, children, groups)
    curves = Popularity.from_dict(json.loads(json.dumps(curves.to_dict())))
    again = quotas_of(curves, group, children)
    if parents <= 64:
        assert again.tolist() == children.tolist()
    assert again.sum() == pytest.approx(children.sum(), rel=0.1, abs=2 * parents)
    new_group, drawn = generator.integers(0, groups, new), generator.integers(0, 9, new)
    quotas = quotas_of(curves, new_group, drawn)
    for one in range(groups):
        members = new_group == one
        order = np.argsort(drawn[members], kind="stable")
        ranked = quotas[members][order]
        limits = np.unique(drawn[members][order], return_index=True)[1]
        parts = np.split(ranked, limits[1:])
        assert all(a.max() <= b.min() for a, b in pairwise(parts))
        assert not len(ranked) or ranked.max() <= children[group == one].max(initial=0)
