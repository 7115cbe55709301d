"""Learn a database: every table, how many children each parent has, who goes with whom.

Stages, each over all tables: parent rows, encoders, links and levels, kinds, context,
counts, generators. All models are fitted on real rows with their real parents, so that tables do
not wait for each other: generators are trained side by side.
"""

from __future__ import annotations

import time
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import numpy as np
import polars as pl

from synthohive import kernels
from synthohive.encoding.keys import fit_key_format
from synthohive.encoding.layout import CodeColumn, Layout
from synthohive.encoding.relevance import select_context
from synthohive.encoding.table import fit_encoder
from synthohive.events import Notice, StageStarted
from synthohive.linkage.copies import find_copies
from synthohive.linkage.hierarchy import fit_hierarchy
from synthohive.linkage.kinds import find_kinds
from synthohive.linkage.matching import fit_matching
from synthohive.synthesis.features import fit_linkage
from synthohive.synthesis.fitted import (
    IDENTITY,
    LEVEL,
    ContextCode,
    Fitted,
    FittedCopy,
    FittedDriver,
    FittedHierarchy,
    FittedLink,
    FittedTable,
    base_name,
    context_layout,
)
from synthohive.synthesis.parallel import ordered_map
from synthohive.synthesis.real import RealTables, read_real
from synthohive.synthesis.roles import key_roles
from synthohive.synthesis.siblings import SiblingCodes, sibling_order, sibling_places

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from numpy.typing import NDArray

    from synthohive.events import OnEvent
    from synthohive.linkage.counts import CountModel, Method
    from synthohive.linkage.matching import Matching
    from synthohive.models.generator import Generator
    from synthohive.models.settings import CTGANSettings
    from synthohive.planning.plan import Plan, Step
    from synthohive.randomness import Stream
    from synthohive.schema.metadata import Metadata
    from synthohive.schema.model import ForeignKey

IDENTITY_LIMIT = 512
"""Rows of a kept table up to which what refers to it may depend on the very row."""

CONTEXT_LIMIT = 16
"""Most ancestor code columns a table is generated from when none are asked for."""


@dataclass(frozen=True, slots=True, kw_only=True)
class FitSettings:
    """Settings of learning.

    Attributes:
        ctgan: Settings of the generators.
        counts: Method of the linkage: ``conditional``, ``empirical`` or ``negbinom``.
        threads: Worker threads.
        checkpoints: Folder that interrupted training is resumed from, and checkpoints are
            written to; none when `None`.
    """

    ctgan: CTGANSettings
    counts: Method = "conditional"
    threads: int = 1
    checkpoints: Path | None = None


def fit(
    metadata: Metadata,
    plan: Plan,
    frames: dict[str, pl.DataFrame],
    *,
    stream: Stream,
    settings: FitSettings,
    on_event: OnEvent,
) -> Fitted:
    """Learn all tables of a validated schema.

    Args:
        metadata: The schema.
        plan: Its generation plan.
        frames: One frame per table, keys valid.
        stream: Where randomness comes from.
        settings: Settings of learning.
        on_event: Receives progress.

    Returns:
        Everything needed to generate, real rows of kept tables included, others not.
    """
    on_event(StageStarted(stage="encode", detail=f"{len(frames)} tables"))
    real = read_real(metadata, plan, frames)
    _encode(real, stream)
    for encoder in real.encoders.values():
        for notice in encoder.notices:
            on_event(Notice(message=notice))
    hierarchies = {step.table: _hierarchy(real, step) for step in plan.steps}
    matchings = {step.table: _match(real, step) for step in plan.steps}
    for step in reversed(plan.steps):  # kinds of children may depend on their own children's
        _tell_kinds(real, step, stream)
    contexts = {step.table: _context(real, step) for step in plan.steps}
    linkage = fit_linkage(real, contexts, method=settings.counts)
    drivers = {step.table: _driver(real, step, contexts, linkage) for step in plan.steps}
    on_event(StageStarted(stage="learn", detail=f"{len(frames)} tables"))
    generators = _train_all(real, drivers, stream, settings, on_event)
    tables: dict[str, FittedTable] = {}
    for step in plan.steps:
        name = step.table
        links = tuple(
            FittedLink(fk=fk, matching=matching, quotas=linkage[name, fk], name=_group_name(fk))
            for fk, matching in matchings[name].items()
        )
        tables[name] = _fitted_table(
            real, step, drivers[name], links, hierarchies[name], generators[name], stream
        )
    return Fitted(metadata=metadata, plan=plan, tables=tables, seed=stream.seed)


def _encode(real: RealTables, stream: Stream) -> None:
    """Give every table its key roles, its encoder and its attribute codes."""
    for step in real.plan.steps:
        name = step.table
        table, frame = real.metadata.tables[name], real.frames[name]
        real.roles[name] = key_roles(table, step)
        attributes = frame[[c for c in frame.columns if c not in real.roles[name].columns]]
        bases = _dates_above(real, step)
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


def _dates_above(real: RealTables, step: Step) -> pl.DataFrame:
    """Return the dates that every row's ancestors along the drivers have.

    A column with a null anywhere is left out: a row might come to hang on a null.
    """
    dates: list[pl.Series] = []
    for steps in range(1, len(real.steps)):
        ancestor = real.driver_rows(step.table, steps)
        if ancestor is None or ancestor[1].null_count():
            break
        table, rows = ancestor
        above = real.frames[table]
        for name in above.columns:
            is_date = above[name].dtype == pl.Date or isinstance(above[name].dtype, pl.Datetime)
            if is_date and name in real.encoders[table].schema and not above[name].null_count():
                series = kernels.gather(above[[name]], rows).to_series()
                dates.append(series.alias(base_name(steps, name)))
    return pl.DataFrame(dates) if dates else pl.DataFrame(height=real.rows(step.table))


def _hierarchy(real: RealTables, step: Step) -> FittedHierarchy | None:
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


def _match(real: RealTables, step: Step) -> dict[ForeignKey, Matching]:
    """Group the secondary parents' rows, and add the wanted group to the child's codes."""
    name = step.table
    child_codes, child_layout = _codes_with_ancestors(real, step)
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
        column = CodeColumn(name=_group_name(fk), size=matching.size, source=_group_name(fk))
        _add_codes(real, name, column, matching.child_codes(rows))
        matchings[fk] = matching
    return matchings


def _codes_with_ancestors(real: RealTables, step: Step) -> tuple[pl.DataFrame, Layout]:
    """Return a child's attribute codes and its ancestors', fine codes excepted.

    With the ancestors' codes, parents of one child that go with each other are seen to.
    """
    layout = real.encoders[step.table].layout
    codes = real.attribute_codes(step.table)
    ancestors = tuple(c for c in _ancestor_codes(real, step) if c.column.coarse is None)
    above = real.context_codes(step.table, ancestors)
    if not above.width:
        return codes, layout
    both = above if not codes.width else pl.concat([codes, above], how="horizontal")
    return both, layout + context_layout(ancestors)


def _group_name(fk: ForeignKey) -> str:
    return f"#group {', '.join(fk.columns)}"


def _copies(real: RealTables, step: Step) -> Iterator[FittedCopy]:
    """Find attributes that repeat a parent's attribute; the first key that explains one wins."""
    found: set[str] = set()
    keys = (step.driver, *step.secondary)
    for fk in (fk for fk in keys if fk is not None):
        free = [name for name in real.encoders[step.table].schema if name not in found]
        children = real.frames[step.table][free]
        parents = real.frames[fk.parent][list(real.encoders[fk.parent].schema)]
        for copy in find_copies(children, parents, real.parents[step.table, fk]):
            found.add(copy.column)
            yield FittedCopy(fk=fk, copy=copy)


def _tell_kinds(real: RealTables, step: Step, stream: Stream) -> None:
    """Give the driver's rows a kind, where the rows of one driver row are alike."""
    fk, name = step.driver, step.table
    if fk is None or real.steps[fk.parent].is_kept or step.is_kept:
        return
    known, known_layout = _known_of(real, real.steps[fk.parent])
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


def _known_of(real: RealTables, step: Step) -> tuple[pl.DataFrame, Layout]:
    """Return the own codes of a table's rows and those of all their ancestors."""
    ancestors = tuple(_ancestor_codes(real, step))
    parts = [real.codes[step.table], real.context_codes(step.table, ancestors)]
    parts = [part for part in parts if part.width]
    known = pl.concat(parts, how="horizontal") if parts else real.codes[step.table]
    return known, real.layouts[step.table] + context_layout(ancestors)


def _kind_name(child: str, fk: ForeignKey) -> str:
    return f"#kind {child}({', '.join(fk.columns)})"


def _add_codes(real: RealTables, table: str, column: CodeColumn, codes: pl.Series) -> None:
    real.codes[table] = real.codes[table].with_columns(codes.alias(column.name))
    real.layouts[table] = real.layouts[table] + Layout((column,))


def _context(real: RealTables, step: Step) -> tuple[ContextCode, ...]:
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


def _driver(
    real: RealTables,
    step: Step,
    contexts: dict[str, tuple[ContextCode, ...]],
    linkage: dict[tuple[str, ForeignKey], CountModel],
) -> FittedDriver | None:
    """Describe how a table's rows come from its driver."""
    fk, name = step.driver, step.table
    if fk is None:
        return None
    absent = real.parents[name, fk].null_count()
    most = int(str(real.child_counts(name, fk).max() or 0))
    return FittedDriver(
        fk=fk,
        counts=linkage[name, fk],
        context=contexts[name],
        siblings=SiblingCodes(most=most, has_absent=absent > 0),
        absent_share=absent / max(1, real.rows(name)),
    )


def _train_all(
    real: RealTables,
    drivers: dict[str, FittedDriver | None],
    stream: Stream,
    settings: FitSettings,
    on_event: OnEvent,
) -> dict[str, tuple[Generator | None, float]]:
    """Train every table's generator, the largest first; returns models and seconds."""

    def work(name: str) -> tuple[Generator | None, float]:
        started = time.perf_counter()
        generator = _train(real, name, drivers[name], stream, settings, on_event)
        return generator, time.perf_counter() - started

    def size(name: str) -> int:
        return real.rows(name) * len(real.layouts[name])

    names = sorted((step.table for step in real.plan.steps), key=size, reverse=True)
    return dict(zip(names, ordered_map(work, names, threads=settings.threads), strict=True))


def _train(
    real: RealTables,
    name: str,
    driver: FittedDriver | None,
    stream: Stream,
    settings: FitSettings,
    on_event: OnEvent,
) -> Generator | None:
    """Train one table's generator, or return `None` if there is nothing to draw."""
    codes, layout = real.codes[name], real.layouts[name]
    if not len(layout) or not codes.height or real.steps[name].is_kept:
        return None
    from synthohive.models.training import train  # noqa: PLC0415  (torch takes seconds to import)

    return train(
        codes.to_numpy(),
        layout,
        context=None if driver is None else _context_matrix(real, name, driver),
        context_layout=Layout() if driver is None else driver.layout,
        groups=None if driver is None else _groups(real.parents[name, driver.fk]),
        settings=settings.ctgan,
        stream=stream.child(name, "train"),
        label=name,
        on_event=on_event,
        checkpoint=_checkpoint(real, name, settings),
    )


def _groups(drivers: pl.Series) -> NDArray:
    """Return the driver row of each row, -1 for none: siblings are held out together."""
    return drivers.cast(pl.Int64).fill_null(-1).to_numpy()


def _checkpoint(real: RealTables, name: str, settings: FitSettings) -> Path | None:
    """Return a table's own folder; a table's name may be no name for a folder."""
    if settings.checkpoints is None:
        return None
    return settings.checkpoints / f"table {list(real.steps).index(name)}"


def _context_matrix(real: RealTables, name: str, driver: FittedDriver) -> NDArray:
    """Return the context codes of every real row, ``(N, K)``."""
    rows = real.parents[name, driver.fk]
    ancestors = real.context_codes(name, driver.context)
    has_driver = rows.is_not_null().to_numpy()
    place = driver.siblings.absent(len(rows))
    frame = real.frames[name]
    order = sibling_order(real.metadata.tables[name], frame)
    position, count = sibling_places(rows, None if order is None else frame[order])
    place[has_driver] = driver.siblings.encode(position[has_driver], count[has_driver])
    parts = [place] if not ancestors.width else [ancestors.to_numpy(), place]
    return np.concatenate([part.astype(np.int64) for part in parts], axis=1)


def _fitted_table(
    real: RealTables,
    step: Step,
    driver: FittedDriver | None,
    links: tuple[FittedLink, ...],
    hierarchy: FittedHierarchy | None,
    trained: tuple[Generator | None, float],
    stream: Stream,
) -> FittedTable:
    name = step.table
    frame, roles = real.frames[name], real.roles[name]
    generator, seconds = trained
    declared = real.metadata.tables[name]
    return FittedTable(
        name=name,
        schema=dict(frame.schema),
        rows=frame.height,
        roles=roles,
        formats={
            column: fit_key_format(
                frame[column], pii=declared.column(column).pii, stream=stream.child(name, column)
            )
            for column in roles.numbered
        },
        null_shares={
            column: frame[column].null_count() / max(1, frame.height)
            for column in roles.numbered
            if not declared.column(column).is_not_null and (column,) not in real.referenced(name)
        },
        encoder=real.encoders[name],
        layout=real.layouts[name],
        generator=generator,
        driver=driver,
        links=links,
        hierarchy=hierarchy,
        copies=() if step.is_kept else tuple(_copies(real, step)),
        kept=frame if step.is_kept else None,
        held_out_loss=None if generator is None else generator.held_out_loss,
        fit_seconds=seconds,
    )
