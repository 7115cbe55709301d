"""What a parent row's child counts may depend on, and the linkage learned from it.

A parent's features are its own codes, the codes of its ancestors that its own rows are
generated from, and how many children of other tables it has. The counts of one parent are
learned one after another, each given the ones before, so that they belong together.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import polars as pl

from synthohive.encoding.layout import CodeColumn, Layout
from synthohive.linkage.counts import CountModel, fit_counts
from synthohive.synthesis.fitted import context_layout

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from synthohive.linkage.counts import Method
    from synthohive.planning.plan import Plan
    from synthohive.schema.model import ForeignKey
    from synthohive.synthesis.fitted import ContextCode
    from synthohive.synthesis.real import RealTables

Edge = tuple[str, "ForeignKey"]
"""A child table and one of its foreign keys."""

COUNT_CODES = 16
"""Child counts enter other counts as codes; larger ones share the last code."""


def count_name(edge: Edge) -> str:
    """Name the column of a parent's child counts."""
    child, fk = edge
    return f"#children {child}({', '.join(fk.columns)})"


def edges_into(plan: Plan, parent: str) -> list[Edge]:
    """List the foreign keys into a table in the order their counts are drawn.

    Drivers come first: their counts decide rows, the others' only who is chosen.
    """
    drivers: list[Edge] = []
    others: list[Edge] = []
    for step in plan.steps:
        if step.driver is not None and step.driver.parent == parent:
            drivers.append((step.table, step.driver))
        links = (fk for fk in (*step.secondary, *step.deferred) if fk.parent == parent)
        others.extend((step.table, fk) for fk in links)
    return drivers + others


def feature_layout(own: Layout, context: Sequence[ContextCode], earlier: Iterable[Edge]) -> Layout:
    """Return the layout of a parent's features."""
    counts = tuple(
        CodeColumn(name=count_name(edge), size=COUNT_CODES, source="#", is_ordered=True)
        for edge in earlier
    )
    return own + context_layout(context) + Layout(counts)


def count_codes(counts: pl.Series) -> pl.Series:
    """Turn child counts into feature codes; ``UInt8``."""
    return counts.clip(upper_bound=COUNT_CODES - 1).cast(pl.UInt8)


def fit_linkage(
    real: RealTables, contexts: dict[str, tuple[ContextCode, ...]], *, method: Method
) -> dict[Edge, CountModel]:
    """Learn child counts for every foreign key, self references excepted."""
    models: dict[Edge, CountModel] = {}
    for step in real.plan.steps:
        parent, context = step.table, contexts[step.table]
        features = pl.concat(
            [real.codes[parent], real.context_codes(parent, context)], how="horizontal"
        )
        edges = edges_into(real.plan, parent)
        for place, edge in enumerate(edges):
            counts = real.child_counts(*edge)
            models[edge] = fit_counts(
                counts,
                method=method,
                codes=features,
                layout=feature_layout(real.layouts[parent], context, edges[:place]),
            )
            features = features.with_columns(count_codes(counts).alias(count_name(edge)))
    return models
