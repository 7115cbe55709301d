"""Secondary parents: attributes agree, popularity is kept, every key exists."""

from __future__ import annotations

import json

import numpy as np
import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from synthohive.encoding.layout import CodeColumn, Layout
from synthohive.errors import ConfigError, NotFittedError
from synthohive.linkage.counts import fit_counts
from synthohive.linkage.matching import Matching, fit_matching
from synthohive.randomness import Stream

PRODUCTS = Layout(
    (
        CodeColumn(name="category", size=5, source="category"),
        CodeColumn(name="price", size=32, source="price", is_ordered=True),
        CodeColumn(name="noise", size=20, source="noise"),
    )
)
ORDERS = Layout(
    (
        CodeColumn(name="category", size=5, source="category"),
        CodeColumn(name="quantity", size=8, source="quantity", is_ordered=True),
        CodeColumn(name="city", size=80, source="city"),
    )
)


def rows_of(values, is_null=None):
    rows = pl.Series("row", np.asarray(values).astype(np.uint32))
    return rows if is_null is None else rows.set(pl.Series(is_null), None)


def products(generator, rows):
    category = generator.permutation(np.arange(rows) % 5)
    price = np.clip(category * 6 + generator.integers(0, 10, rows), 0, 31)
    noise = generator.integers(0, 20, rows)
    codes = {"category": category, "price": price, "noise": noise}
    return pl.DataFrame({n: c.astype(np.uint8) for n, c in codes.items()})


def shop(seed, parents, rows=6000):
    """Orders of products: an order is of its product's category; a tenth has no product."""
    generator = np.random.default_rng(seed)
    codes = products(generator, parents)
    popularity = generator.pareto(2, parents) + 0.1
    chosen = generator.choice(parents, rows, p=popularity / popularity.sum())
    orders = pl.DataFrame(
        {
            "category": codes["category"].to_numpy()[chosen],
            "quantity": generator.integers(0, 8, rows).astype(np.uint8),
            "city": generator.integers(0, 80, rows).astype(np.uint8),
        }
    )
    return codes, orders, rows_of(chosen, generator.random(rows) < 0.1)


def generated(orders, codes, seed):
    """What a perfect generator makes: a category by its share, and a group given that."""
    generator = np.random.default_rng(seed)
    drawn = generator.integers(0, len(codes), len(codes))
    return orders["category"].to_numpy()[drawn], codes.gather(drawn.astype(np.uint32))


def assign(matching, codes, groups, drawn):
    """Deal out a whole table at once."""
    ladder = matching.ladder(groups.to_numpy(), np.asarray(drawn), Stream(5))
    return ladder.assign(matching.wanted(codes, ladder.sizes))


def top_share(rows, parents):
    used = np.sort(np.bincount(rows.drop_nulls().to_numpy(), minlength=parents))[::-1]
    return used[: parents // 10].sum() / used.sum()


@pytest.mark.parametrize("parents", [60, 1000])
def test_category_agrees_with_the_product_s(parents):
    real, orders, rows = shop(1, parents)
    matching = fit_matching(real, PRODUCTS, orders, rows, child_layout=ORDERS)
    category, codes = generated(orders, matching.child_codes(rows), 2)
    synthetic = products(np.random.default_rng(3), parents)
    counts = np.bincount(rows.drop_nulls().to_numpy(), minlength=parents).astype(np.uint32)
    quotas = fit_counts(pl.Series(counts), method="empirical").sample(parents, Stream(2))
    groups = matching.groups(synthetic, Stream(4))
    assigned = assign(matching, codes, groups, quotas)
    linked = assigned.is_not_null().to_numpy()
    own = synthetic["category"].to_numpy()[assigned.fill_null(0).to_numpy()]
    assert (own == category)[linked].mean() >= 0.9
    assert linked.mean() == pytest.approx(0.9, abs=0.03)
    assert top_share(assigned, parents) == pytest.approx(top_share(rows, parents), abs=0.05)


def test_nothing_to_match_is_one_group():
    generator = np.random.default_rng(0)
    for parents in (50, 200, 3000):
        real, orders, rows = shop(1, parents)
        shuffled = rows.gather(generator.permutation(len(rows)).astype(np.uint32))
        matching = fit_matching(real, PRODUCTS, orders, shuffled, child_layout=ORDERS)
        assert matching.group_count == 1


def test_groups_need_no_child_layout():
    real, orders, rows = shop(1, 200)
    assert fit_matching(real, PRODUCTS, orders, rows).group_count >= 5


def test_a_table_of_names_only_has_classes():
    """Regions without attributes, each with its own cities."""
    generator = np.random.default_rng(0)
    regions = generator.integers(0, 12, 5000)
    cities = pl.DataFrame({"city": (regions * 4 + generator.integers(0, 4, 5000)).astype(np.uint8)})
    names = pl.DataFrame(height=12)
    matching = fit_matching(names, Layout(), cities, rows_of(regions))
    assert matching.group_count == 12
    dealt = matching.groups(12, Stream(1))
    assert sorted(dealt) == list(range(12))
    assert not dealt.equals(matching.groups(12, Stream(2)))
    codes = matching.child_codes(rows_of(regions))
    quotas = rows_of(np.ones(12))
    assigned = assign(matching, codes, dealt, quotas).to_numpy()
    pairs = set(zip(assigned.tolist(), (cities["city"].to_numpy() // 4).tolist(), strict=True))
    assert len(pairs) == 12


def test_hidden_kinds_of_parents_are_classes_below_leaves():
    """Half of the shops sell by night, which no attribute of a shop tells."""
    generator = np.random.default_rng(0)
    shops = pl.DataFrame({"size": generator.integers(0, 4, 400).astype(np.uint8)})
    layout = Layout((CodeColumn(name="size", size=4, source="size", is_ordered=True),))
    by_night = generator.random(400) < 0.5
    rows = generator.integers(0, 400, 12_000)
    hour = np.where(by_night[rows], 22, 10) + generator.integers(0, 2, 12_000)
    sales = pl.DataFrame({"hour": hour.astype(np.uint8)})
    matching = fit_matching(shops, layout, sales, rows_of(rows))
    groups = matching.child_codes(rows_of(rows)).to_numpy()
    assert matching.group_count == 2
    assert len(np.unique(groups[by_night[rows]])) == 1
    assert matching.groups(shops, Stream(1)).mean() == pytest.approx(groups.mean(), abs=0.1)


def test_kept_rows_are_groups_of_their_own():
    real, orders, rows = shop(1, 40)
    matching = fit_matching(real, PRODUCTS, orders, rows, is_kept=True)
    assert matching.group_count == 40
    groups = matching.groups(real, Stream(1))
    quotas = rows_of(np.zeros(40))
    assigned = assign(matching, matching.child_codes(rows), groups, quotas)
    assert assigned.equals(rows, check_names=False)


def test_the_most_popular_of_many_kept_rows_are_groups_of_their_own():
    real, orders, rows = shop(1, 500)
    matching = fit_matching(
        real, PRODUCTS, orders, rows, child_layout=ORDERS, is_kept=True, max_groups=64
    )
    groups = matching.groups(real, Stream(1))
    assert groups.n_unique() == matching.group_count <= 64
    best = rows.drop_nulls().value_counts(sort=True)["row"][:20]
    codes = matching.child_codes(rows)
    assigned = assign(matching, codes, groups, rows_of(np.ones(500)))
    popular = rows.is_in(best.implode()).fill_null(value=False)
    assert assigned.filter(popular).equals(rows.filter(popular), check_names=False)


def test_a_group_nobody_is_in_is_served_by_its_like():
    real, orders, rows = shop(1, 200)
    matching = fit_matching(real, PRODUCTS, orders, rows, child_layout=ORDERS)
    synthetic = products(np.random.default_rng(3), 200).filter(pl.col("category") != 2)
    groups = matching.groups(synthetic, Stream(4))
    assert groups.n_unique() < matching.group_count
    codes = matching.child_codes(rows)
    assigned = assign(matching, codes, groups, rows_of(np.ones(160)))
    assert assigned.null_count() == rows.null_count()


def test_without_parents_all_is_null():
    real, orders, rows = shop(1, 60)
    matching = fit_matching(real, PRODUCTS, orders, rows)
    groups = matching.groups(real[:0], Stream(1))
    assigned = assign(matching, matching.child_codes(rows), groups, rows_of([]))
    assert assigned.null_count() == len(rows)


@pytest.mark.parametrize("is_kept", [True, False])
@pytest.mark.parametrize("parents", [0, 1, 7])
def test_hardly_any_rows(parents, is_kept):
    real = products(np.random.default_rng(0), 10)[:parents]
    orders = shop(1, 60)[1][:5]
    rows = rows_of(np.zeros(5), [True] * 5 if not parents else [False] * 4 + [True])
    matching = fit_matching(real, PRODUCTS, orders, rows, is_kept=is_kept)
    codes = matching.child_codes(rows)
    assert codes.max() == matching.size - 1
    groups = matching.groups(real, Stream(1))
    assigned = assign(matching, codes, groups, rows_of(np.ones(parents)))
    assert assigned.is_null().equals(rows.is_null(), check_names=False)


@settings(max_examples=25, deadline=None)
@given(
    st.integers(0, 10_000),
    st.tuples(st.integers(1, 80), st.integers(0, 300)),
    st.integers(1, 20),
    st.booleans(),
)
def test_assigned_parents_exist_and_nulls_are_kept(seed, sizes, max_groups, is_kept):
    parents, children = sizes
    real, orders, rows = shop(seed, parents, children)
    matching = fit_matching(
        real, PRODUCTS, orders, rows, child_layout=ORDERS, max_groups=max_groups, is_kept=is_kept
    )
    matching_again = Matching.from_dict(json.loads(json.dumps(matching.to_dict())))
    codes = matching.child_codes(rows)
    assert matching.group_count <= max_groups
    assert codes.null_count() == 0
    assert children == 0 or codes.max() < matching.size
    synthetic = real if is_kept else products(np.random.default_rng(seed), parents + seed % 7)
    groups = matching_again.groups(synthetic, Stream(seed))
    assert groups.dtype == pl.UInt32
    assert groups.max() < matching.group_count
    quotas = rows_of(np.random.default_rng(seed).integers(0, 4, synthetic.height))
    assigned = assign(matching_again, codes, groups, quotas)
    assert assigned.is_null().equals(rows.is_null(), check_names=False)
    assert assigned.dtype == pl.UInt32
    assert (assigned.drop_nulls() < synthetic.height).all()


def test_blocks_of_parents_keep_the_proportions_of_classes():
    """Rows come in blocks; each block is dealt classes in the real proportions."""
    generator = np.random.default_rng(0)
    regions = generator.integers(0, 12, 5000)
    cities = pl.DataFrame({"city": (regions * 4 + generator.integers(0, 4, 5000)).astype(np.uint8)})
    matching = fit_matching(pl.DataFrame(height=12), Layout(), cities, rows_of(regions))
    parts = [matching.groups(60, Stream(1), start=start) for start in (0, 60, 120)]
    for part in parts:
        assert np.bincount(part.to_numpy(), minlength=12) == pytest.approx(5, abs=1)
    assert not parts[0].equals(parts[1])


def test_kept_rows_keep_their_groups_in_blocks():
    real, orders, rows = shop(1, 40)
    matching = fit_matching(real, PRODUCTS, orders, rows, is_kept=True)
    whole = matching.groups(real, Stream(1))
    parts = [matching.groups(real[a : a + 15], Stream(2), start=a) for a in range(0, 40, 15)]
    assert whole.equals(pl.concat(parts))


def test_a_loaded_matching_knows_no_real_rows():
    real, orders, rows = shop(1, 60)
    matching = fit_matching(real, PRODUCTS, orders, rows)
    with pytest.raises(NotFittedError):
        Matching.from_dict(matching.to_dict()).child_codes(rows)
    full = fit_matching(real, PRODUCTS, orders, rows.fill_null(0))
    with pytest.raises(ConfigError, match="without parent"):
        full.child_codes(rows)


def test_many_parents_are_described_all(monkeypatch):
    """Directions come from a sample of the parents; their classes from every one's children."""
    monkeypatch.setattr("synthohive.linkage.embedding.MAX_PARENTS", 100)
    monkeypatch.setattr("synthohive.linkage.embedding.MAX_CHILDREN", 2500)
    monkeypatch.setattr("synthohive.linkage.features.BLOCK", 1000)
    test_hidden_kinds_of_parents_are_classes_below_leaves()
