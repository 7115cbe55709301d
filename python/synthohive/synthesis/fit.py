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

from synthohive.encoding.key_fit import fit_key_format
from synthohive.encoding.layout import Layout
from synthohive.events import Notice, StageStarted
from synthohive.linkage.balance import fit_balance
from synthohive.linkage.copies import find_copies
from synthohive.parallel import ordered_map
from synthohive.synthesis.capacity import null_shares
from synthohive.synthesis.coding import (
    choose_context,
    encode_tables,
    group_name,
    learn_hierarchy,
    match_parents,
    tell_kinds,
)
from synthohive.synthesis.features import fit_linkage
from synthohive.synthesis.fitted import (
    ContextCode,
    Fitted,
    FittedCopy,
    FittedDriver,
    FittedHierarchy,
    FittedLink,
    FittedTable,
)
from synthohive.synthesis.memory import give_back
from synthohive.synthesis.real import RealTables, read_real
from synthohive.synthesis.siblings import SiblingCodes, sibling_order, sibling_places

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from numpy.typing import NDArray

    from synthohive.encoding.keys import KeyFormat
    from synthohive.events import OnEvent
    from synthohive.linkage.counts import CountModel, Method
    from synthohive.models.generator import Generator
    from synthohive.models.settings import CTGANSettings
    from synthohive.planning.plan import Plan, Step
    from synthohive.randomness import Stream
    from synthohive.schema.metadata import Metadata
    from synthohive.schema.model import ForeignKey


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
    encode_tables(real, stream)
    for encoder in real.encoders.values():
        for notice in encoder.notices:
            on_event(Notice(message=notice))
    formats = {step.table: _formats(real, step.table, stream) for step in plan.steps}
    hierarchies = {step.table: learn_hierarchy(real, step) for step in plan.steps}
    matchings = {step.table: match_parents(real, step) for step in plan.steps}
    for step in reversed(plan.steps):  # kinds of children may depend on their own children's
        tell_kinds(real, step, stream)
    contexts = {step.table: choose_context(real, step) for step in plan.steps}
    linkage = fit_linkage(real, contexts, method=settings.counts)
    drivers = {step.table: _driver(real, step, contexts, linkage) for step in plan.steps}
    on_event(StageStarted(stage="learn", detail=f"{len(frames)} tables"))
    generators = _train_all(real, drivers, stream, settings, on_event)
    give_back()
    tables: dict[str, FittedTable] = {}
    for step in plan.steps:
        name = step.table
        links = tuple(
            FittedLink(fk=fk, matching=matching, quotas=linkage[name, fk], name=group_name(fk))
            for fk, matching in matchings[name].items()
        )
        tables[name] = _fitted_table(
            real, step, drivers[name], links, hierarchies[name], generators[name], formats[name]
        )
    return Fitted(metadata=metadata, plan=plan, tables=tables, seed=stream.seed)


def _copies(real: RealTables, step: Step) -> Iterator[FittedCopy]:
    """Find attributes that repeat a parent's attribute; the first key that explains one wins."""
    found: set[str] = set()
    keys = (step.driver, *step.secondary)
    for fk in (fk for fk in keys if fk is not None):
        free = [name for name in real.encoders[step.table].schema if name not in found]
        known = list(real.encoders[fk.parent].schema)
        if not (free and known):  # no names would select no rows, and all columns
            continue
        children, parents = real.frames[step.table][free], real.frames[fk.parent][known]
        for copy in find_copies(children, parents, real.parents[step.table, fk]):
            found.add(copy.column)
            yield FittedCopy(fk=fk, copy=copy)


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
        counts=_balanced(real, name, fk, contexts, linkage[name, fk]),
        context=contexts[name],
        siblings=SiblingCodes(most=most, has_absent=absent > 0),
        absent_share=absent / max(1, real.rows(name)),
    )


def _balanced(
    real: RealTables,
    name: str,
    fk: ForeignKey,
    contexts: dict[str, tuple[ContextCode, ...]],
    counts: CountModel,
) -> CountModel:
    """Let the counts know what the driver rows are like that a table hangs on, if few.

    In the columns that something is generated from; in all of them if nothing is.
    """
    # the other methods promise counts that depend on nothing
    if counts.method != "conditional" or not counts.hangs_on_few(real.rows(fk.parent)):
        return counts
    layout = real.layouts[fk.parent]
    wanted = _wanted(real, name, contexts) or set(layout.names)
    balance = fit_balance(
        real.codes[fk.parent],
        layout.select(column for column in layout.names if column in wanted),
        real.child_counts(name, fk),
    )
    return replace(counts, balance=balance)


def _wanted(real: RealTables, name: str, contexts: dict[str, tuple[ContextCode, ...]]) -> set[str]:
    """Name the code columns of a table's driver that it, or what hangs on it, is generated from."""
    found: set[str] = set()
    for table, context in contexts.items():
        above, steps = table, 1
        while above != name and (driver := real.steps[above].driver) is not None:
            above, steps = driver.parent, steps + 1
        if above == name:
            found.update(code.column.name for code in context if code.steps == steps)
    return found


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
        threads=settings.threads,
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


def _formats(real: RealTables, name: str, stream: Stream) -> dict[str, KeyFormat]:
    """Learn how a table's numbered key columns are written; what can't be is found early."""
    declared = real.metadata.tables[name]
    numbered = () if real.steps[name].is_kept else tuple(real.roles[name].numbered)
    return {
        column: fit_key_format(
            real.frames[name][column],
            pii=declared.column(column).pii,
            limits=declared.column(column).constraint,
            stream=stream.child(name, column),
            table=name,
        )
        for column in numbered
    }


def _fitted_table(
    real: RealTables,
    step: Step,
    driver: FittedDriver | None,
    links: tuple[FittedLink, ...],
    hierarchy: FittedHierarchy | None,
    trained: tuple[Generator | None, float],
    formats: dict[str, KeyFormat],
) -> FittedTable:
    name = step.table
    frame, roles = real.frames[name], real.roles[name]
    generator, seconds = trained
    return FittedTable(
        name=name,
        schema=dict(frame.schema),
        rows=frame.height,
        roles=roles,
        formats=formats,
        null_shares=null_shares(real.metadata, name, formats, frame),
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
