"""The guide's LinkageModel on frames."""

from __future__ import annotations

import numpy as np
import polars as pl
import pytest

from synthohive.errors import IntegrityError, NotFittedError, SchemaError
from synthohive.linkage.linkage_model import LinkageModel

MEANS = {"basic": 1.3, "plus": 4.0, "pro": 10.3}


def users(rows, seed):
    generator = np.random.default_rng(seed)
    return pl.DataFrame(
        {
            "user id": np.arange(rows) * 7 + 3,
            "segment": generator.choice(list(MEANS), rows),
            "age": generator.integers(18, 80, rows),
        }
    )


def orders_of(parents, seed=1):
    means = parents["segment"].replace_strict(MEANS).to_numpy()
    counts = np.random.default_rng(seed).poisson(means)
    return pl.DataFrame({"user": np.repeat(parents["user id"].to_numpy(), counts)})


def fitted(method="conditional"):
    parents = users(2000, 0)
    linkage = LinkageModel(method=method, seed=5)
    return linkage.fit(parents, orders_of(parents), fk_col="user", pk_col="user id")


def test_counts_follow_the_segment():
    new = users(2000, 8)
    counts = fitted().sample_counts(new)
    assert counts.dtype == pl.UInt32
    frame = new.with_columns(count=counts)
    means = dict(frame.group_by("segment").agg(pl.col("count").mean()).iter_rows())
    assert means == {name: pytest.approx(mean, rel=0.15) for name, mean in MEANS.items()}
    within = frame.select(
        ((pl.col("count") - pl.col("count").mean().over("segment")) ** 2).sum()
    ).item()
    total = ((frame["count"] - frame["count"].mean()) ** 2).sum()
    assert 1 - within / total >= 0.6


def test_seeds_decide():
    linkage, new = fitted(), users(300, 8)
    assert linkage.sample_counts(new).equals(linkage.sample_counts(new, seed=5))
    assert not linkage.sample_counts(new).equals(linkage.sample_counts(new, seed=6))


@pytest.mark.parametrize("method", ["empirical", "negbinom"])
def test_other_methods_need_no_attributes(method):
    new = users(2000, 8).select("user id")
    assert fitted(method).sample_counts(new).mean() == pytest.approx(5.2, rel=0.1)


def test_context_columns_can_be_chosen():
    parents = users(2000, 0)
    linkage = LinkageModel().fit(
        parents, orders_of(parents), fk_col="user", pk_col="user id", context_cols=["age"]
    )
    assert linkage.sample_counts(users(2000, 8).select("age")).mean() == pytest.approx(5.2, rel=0.1)


def test_composite_keys_and_null_references():
    parents = pl.DataFrame({"a": [1, 1, 2], "b": ["x", "y", "x"]})
    children = pl.DataFrame({"fa": [1, 1, 2, None], "fb": ["x", "x", "x", "x"]})
    linkage = LinkageModel("empirical").fit(
        parents, children, fk_col=["fa", "fb"], pk_col=["a", "b"]
    )
    assert set(linkage.sample_counts(pl.DataFrame(height=200))) == {0, 1, 2}


def test_orphans_are_counted_and_shown():
    parents = pl.DataFrame({"id": [1, 2]})
    children = pl.DataFrame({"parent": [1, 8, 9, 8]})
    with pytest.raises(IntegrityError, match=r"3 of 4 children .* parent: 8, 9"):
        LinkageModel().fit(parents, children, fk_col="parent", pk_col="id")


def test_unknown_columns_are_told():
    parents = pl.DataFrame({"id": [1], "region": ["n"]})
    children = pl.DataFrame({"parent": [1]})
    with pytest.raises(SchemaError, match="did you mean 'parent'"):
        LinkageModel().fit(parents, children, fk_col="parnt", pk_col="id")
    with pytest.raises(SchemaError, match="'regin'"):
        LinkageModel().fit(parents, children, fk_col="parent", pk_col="id", context_cols=["regin"])
    with pytest.raises(SchemaError, match="'age'"):
        fitted().sample_counts(users(5, 1).drop("age"))


def test_sampling_needs_a_fit():
    with pytest.raises(NotFittedError):
        LinkageModel().sample_counts(pl.DataFrame({"id": [1]}))


def test_no_children_and_no_parents():
    parents = users(20, 0)
    none = LinkageModel().fit(parents, orders_of(parents)[:0], fk_col="user", pk_col="user id")
    assert none.sample_counts(parents).sum() == 0
    assert none.sample_counts(parents[:0]).len() == 0
