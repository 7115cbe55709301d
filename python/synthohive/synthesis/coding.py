"""Turn the real tables into codes, and choose what each table is generated from.

Everything that a row is drawn as or from is a code here: its attributes, its level in a self
reference, the group of secondary parent it wants, the kinds of children it has.
"""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np
import polars as pl

from synthohive import kernels
from synthohive.encoding.layout import CodeColumn, Layout
from synthohive.encoding.order import is_day
from synthohive.encoding.relevance import select_context
from synthohive.encoding.table import fit_encoder
from synthohive.linkage.hierarchy import fit_hierarchy
from synthohive.linkage.kinds import find_kinds
from synthohive.linkage.matching import fit_matching
from synthohive.synthesis.fitted import (
    IDENTITY,
    LEVEL,
    ContextCode,
    FittedHierarchy,
    base_name,
    context_layout,
)
from synthohive.synthesis.roles import key_roles

if TYPE_CHECKING:
    from collections.abc import Iterator

    from synthohive.linkage.matching import Matching
    from synthohive.planning.plan import Step
    from synthohive.randomness import Stream
    from synthohive.schema.model import ForeignKey
    from synthohive.synthesis.real import RealTables

IDENTITY_LIMIT = 512
"""Rows of a kept table up to which what refers to it may depend on the very row."""

CONTEXT_LIMIT = 16
"""Most ancestor code columns a table is generated from when none are asked for."""


def encode_tables(real: RealTables, stream: Stream) -> None:
    """Give every table its key roles, its encoder and its attribute codes."""
    for step in real.plan.steps:
        name = step.table
        table, frame = real.metadata.tables[name], real.frames[name]
        real.roles[name] = key_roles(table, step)
        learned = [column for column in frame if column.name not in real.roles[name].columns]
        attributes = pl.DataFrame(learned or None, height=frame.height)
        bases = _dates_above(real, step, attributes)
        encoder = fit_encoder(
            attributes, table.columns, stream=stream.child(name, "encode"), bases=bases
        )
        real.encoders[name] = encoder
        codes = encoder.encode(attributes, bases=bases)
        real.codes[name] = codes if codes.width else pl.DataFrame(height=frame.height)
        real.layouts[name] = encoder.layout
        if step.is_kept and frame.height <= IDENTITY_LIMIT:
            rows = pl.Series(np.arange(frame.height, dtype=np.uint16))
            column = CodeColumn(name=IDENTITY, size=max(1, frame.height), source=IDENTITY)
            _add_codes(real, name, column, rows)


def _dates_above(real: RealTables, step: Step, attributes: pl.DataFrame) -> pl.DataFrame:
    """Return the dates that every row's ancestors along the drivers have.

    None are needed where the rows themselves have none. A column with a null anywhere is left
    out: a row might come to hang on a null.
    """
    dates: list[pl.Series] = []
    if not any(is_day(own) for own in attributes):
        return pl.DataFrame(height=attributes.height)
    for steps in range(1, len(real.steps)):
        ancestor = real.driver_rows(step.table, steps)
        if ancestor is None or ancestor[1].null_count():
            break
        table, rows = ancestor
        above = real.frames[table]
        for name in above.columns:
            is_learned = name in real.encoders[table].schema
            if is_learned and is_day(above[name]) and not above[name].null_count():
                series = kernels.gather(above[[name]], rows).to_series()
                dates.append(series.alias(base_name(steps, name)))
    return pl.DataFrame(dates) if dates else pl.DataFrame(height=attributes.height)


def learn_hierarchy(real: RealTables, step: Step) -> FittedHierarchy | None:
    """Learn the self reference, and add the level to the table's codes."""
    fk, name = step.self_reference, step.table
    if fk is None:
        return None
    encoder = real.encoders[name]
    rows = real.parents[name, fk]
    hierarchy = fit_hierarchy(rows, real.codes[name], encoder.layout)
    column = CodeColumn(name=LEVEL, size=hierarchy.size, source=LEVEL, is_ordered=True)
    _add_codes(real, name, column, hierarchy.level_codes(rows))
    return FittedHierarchy(fk=fk, hierarchy=hierarchy)


def match_parents(real: RealTables, step: Step) -> dict[ForeignKey, Matching]:
    """Group the secondary parents' rows, and add the wanted group to the child's codes.

    The ancestors' codes count as well, so that parents of one child that go with each other
    are seen to.
    """
    name = step.table
    child_codes, child_layout = _with_ancestors(
        real, step, real.attribute_codes(name), real.encoders[name].layout
    )
    matchings: dict[ForeignKey, Matching] = {}
    for fk in (*step.secondary, *step.deferred):
        rows = real.parents[name, fk]
        matching = fit_matching(
            real.attribute_codes(fk.parent),
            real.encoders[fk.parent].layout,
            child_codes,
            rows,
            child_layout=child_layout,
            is_kept=real.steps[fk.parent].is_kept,
        )
        column = CodeColumn(name=group_name(fk), size=matching.size, source=group_name(fk))
        _add_codes(real, name, column, matching.child_codes(rows))
        matchings[fk] = matching
    return matchings


def _with_ancestors(
    real: RealTables, step: Step, codes: pl.DataFrame, layout: Layout
) -> tuple[pl.DataFrame, Layout]:
    """Add to some codes of a table those of its ancestors, fine codes excepted."""
    ancestors = tuple(c for c in _ancestor_codes(real, step) if c.column.coarse is None)
    above = real.context_codes(step.table, ancestors)
    parts = [part for part in (codes, above) if part.width]
    both = pl.concat(parts, how="horizontal") if parts else codes
    return both, layout + context_layout(ancestors)


def group_name(fk: ForeignKey) -> str:
    """Name the code column of the group of parents that a row wants."""
    return f"#group {', '.join(fk.columns)}"


def tell_kinds(real: RealTables, step: Step, stream: Stream) -> None:
    """Give the driver's rows a kind, where the rows of one driver row are alike."""
    fk, name = step.driver, step.table
    if fk is None or real.steps[fk.parent].is_kept or step.is_kept:
        return
    known, known_layout = _with_ancestors(
        real, real.steps[fk.parent], real.codes[fk.parent], real.layouts[fk.parent]
    )
    kinds = find_kinds(
        real.codes[name],
        real.layouts[name],
        real.parents[name, fk],
        known,
        known_layout,
        stream.child(name, "kinds"),
    )
    if kinds is not None:
        kind = _kind_name(name, fk)
        size = int(str(kinds.max())) + 1
        _add_codes(real, fk.parent, CodeColumn(name=kind, size=size, source=kind), kinds)


def _kind_name(child: str, fk: ForeignKey) -> str:
    return f"#kind {child}({', '.join(fk.columns)})"


def choose_context(real: RealTables, step: Step) -> tuple[ContextCode, ...]:
    """Take the context asked for, or the ancestors' columns that tell most about the table.

    The kind of the driver's row belongs to it in any case: it is there for this table.
    """
    candidates = tuple(_ancestor_codes(real, step))
    if step.context is not None:
        wanted = {(column.table, column.column) for column in step.context}
        if step.driver is not None:
            wanted.add((step.driver.parent, _kind_name(step.table, step.driver)))
        return tuple(code for code in candidates if (code.table, code.column.source) in wanted)
    targets = real.codes[step.table]
    if not candidates or not targets.width or not targets.height:
        return ()
    frame = real.context_codes(step.table, candidates)
    names = select_context(frame, targets, limit=CONTEXT_LIMIT)
    return tuple(code for code in candidates if code.name in names)


def _ancestor_codes(real: RealTables, step: Step) -> Iterator[ContextCode]:
    """Yield the own code columns of all ancestors along the drivers, nearest first."""
    has_absent = False
    for steps in range(1, len(real.steps)):
        ancestor = real.driver_rows(step.table, steps)
        if ancestor is None:
            return
        table, rows = ancestor
        has_absent = has_absent or rows.null_count() > 0
        for column in real.layouts[table].columns:
            wide = replace(column, size=column.size + has_absent)
            yield ContextCode(steps=steps, table=table, column=wide)


def _add_codes(real: RealTables, table: str, column: CodeColumn, codes: pl.Series) -> None:
    real.codes[table] = real.codes[table].with_columns(codes.alias(column.name))
    real.layouts[table] = real.layouts[table] + Layout((column,))
