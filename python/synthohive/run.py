"""The whole job on a database: read, check, learn, generate, land.

Command line, dbt macro and scripts all come through here.
"""

from __future__ import annotations

import shutil
import time
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING

from synthohive.errors import ConfigError, did_you_mean
from synthohive.events import Notice, OnEvent, StageStarted, ignore
from synthohive.landing.audit import new_run
from synthohive.landing.catalogue import column_types, real_name, with_enumerations
from synthohive.landing.land import land
from synthohive.landing.read import read_tables
from synthohive.landing.sources_file import check_sources_file, why_unwritable
from synthohive.landing.stage import Stage
from synthohive.landing.target import check_target, check_writable, find_target
from synthohive.planning.plan import Plan, plan
from synthohive.synthesis.capacity import check_data_capacity
from synthohive.synthesis.request import check_root
from synthohive.synthesis.synthesizer import Synthesizer

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    import duckdb

    from synthohive.landing.land import Landing
    from synthohive.options import SynthesizeOptions
    from synthohive.schema.metadata import Metadata
    from synthohive.schema.model import Table
    from synthohive.synthesis.fitted import Fitted

_SHOWN = 5


@dataclass(frozen=True, slots=True, kw_only=True)
class Prepared:
    """A schema that is ready to be learned.

    Attributes:
        metadata: The selected tables that are in the database, with their column types.
        plan: Their generation plan.
        notices: What the user should know before training begins.
    """

    metadata: Metadata
    plan: Plan
    notices: tuple[str, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class TableSummary:
    """What became of one table.

    Attributes:
        name: The table.
        rows: Synthetic rows landed.
        real_rows: Rows of the real table.
        seconds: Time it took to learn it.
        held_out_loss: Loss on rows not trained on, nats per row; `None` if nothing was
            learned.
        orphans: Synthetic rows whose parent is missing.
        duplicates: Synthetic rows that repeat a key.
    """

    name: str
    rows: int
    real_rows: int
    seconds: float
    held_out_loss: float | None
    orphans: int
    duplicates: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Summary:
    """What a run did.

    Attributes:
        run_id: The run's name in the audit tables.
        schema: Where the tables landed.
        tables: The tables in generation order.
        seconds: Time the whole run took.
        sources_path: The sources file written, if any.
        notices: What the user should know.
    """

    run_id: str
    schema: str
    tables: tuple[TableSummary, ...]
    seconds: float
    sources_path: Path | None
    notices: tuple[str, ...]


def prepare(
    con: duckdb.DuckDBPyConnection, metadata: Metadata, options: SynthesizeOptions
) -> Prepared:
    """Select tables, take their types from the database, and plan; nothing is trained.

    Raises:
        ConfigError: A selected table is unknown, or none is left.
        SchemaValidationError: The schema cannot be generated; every problem is listed.
        LandingError: Landing would overwrite something that is no synthetic table, or no
            sources file of ours.
    """
    _check_files(options)
    wanted = _selected(metadata, options)
    types = column_types(con, {name: metadata.tables[name] for name in wanted})
    absent = {name: metadata.tables[name] for name in wanted if name not in types}
    notices = [
        f"{name} is declared but not in the database: left out;"
        f" to copy it, build {real_name(con, table)} first"
        for name, table in absent.items()
    ]
    present = [name for name in wanted if name in types]
    if not present:
        raise _nothing_to_copy(con, absent)
    chosen = metadata.select(present).with_column_types(types)
    for name, table in chosen.tables.items():
        chosen.tables[name] = with_enumerations(con, table)
    if options.on_orphans is not None:
        for name, table in chosen.tables.items():
            chosen.tables[name] = replace(table, on_orphans=options.on_orphans)
    chosen.validate_schema()
    check_target(con, find_target(con, options.schema_), present, chosen.tables)
    order = plan(chosen)
    for name in options.rows or {}:
        check_root(order, "rows", name)
    return Prepared(
        metadata=chosen,
        plan=order,
        notices=(*notices, *chosen.notices, *order.notices),
    )


def synthesize(
    con: duckdb.DuckDBPyConnection,
    metadata: Metadata,
    options: SynthesizeOptions,
    *,
    on_event: OnEvent = ignore,
) -> Summary:
    """Learn the real tables of a database and land a synthetic copy beside them.

    Args:
        con: A connection to the database; only cursors of it are used.
        metadata: The declared schema.
        options: What to do.
        on_event: Receives progress.

    Returns:
        What was landed.

    Raises:
        SynthoHiveError: Something is wrong; the previous synthetic tables are untouched.
    """
    started = time.perf_counter()
    record = new_run(seed=options.seed, scale=options.scale)
    check_writable(con, find_target(con, options.schema_))
    prepared = prepare(con, metadata, options)
    for notice in prepared.notices:
        on_event(Notice(message=notice))
    hive = _learned(con, prepared, options, on_event)
    fitted = hive.fitted
    run = replace(
        record,
        real_rows={name: table.rows for name, table in fitted.tables.items()},
        held_out_losses=_losses(fitted),
    )
    with Stage() as stage:
        blocks = hive.stream(
            scale=options.scale, rows=options.rows, seed=options.seed, first_key=options.first_key
        )
        for name, frame in blocks:
            stage.write(name, frame)
        on_event(StageStarted(stage="land", detail=options.schema_))
        landing = land(
            stage,
            con,
            schema=options.schema_,
            metadata=prepared.metadata,
            source_name=options.source_name,
            sources_path=options.sources_file,
            run=run,
        )
    seconds = time.perf_counter() - started
    return _summary(fitted, landing, prepared.notices, seconds)


def _check_files(options: SynthesizeOptions) -> None:
    """Refuse files that could not be written once everything is learned."""
    if options.sources_file is not None:
        check_sources_file(Path(options.sources_file))
    if options.model is None or options.reuse:
        return
    reason = why_unwritable(Path(options.model) / "model.json")
    if reason is not None:
        raise ConfigError(
            f"the model folder {options.model!r} cannot be written: {reason}",
            hint="name another folder with model",
        )


def _nothing_to_copy(con: duckdb.DuckDBPyConnection, absent: Mapping[str, Table]) -> ConfigError:
    if not absent:
        return ConfigError(
            "there is no table to synthesize",
            hint="declare sources or seeds, give models config.meta.synthohive,"
            " or check select and exclude",
        )
    places = [real_name(con, table) for table in absent.values()]
    more = ", …" if len(places) > _SHOWN else ""
    return ConfigError(
        f"none of the selected tables is in the database: {', '.join(places[:_SHOWN])}{more}",
        hint="build the real tables first (for a dbt project: dbt build), or check `select`",
    )


def _selected(metadata: Metadata, options: SynthesizeOptions) -> list[str]:
    """Return the tables to synthesize, in the order of the metadata."""
    for argument, names in (("select", options.select), ("exclude", options.exclude)):
        _check_known(metadata, argument, names or ())
    chosen = set(options.select or metadata.tables) - set(options.exclude or ())
    return [name for name in metadata.tables if name in chosen]


def _check_known(metadata: Metadata, argument: str, names: Iterable[str]) -> None:
    for name in names:
        if name not in metadata.tables:
            raise ConfigError(
                f"{argument} names the unknown table {name!r}",
                table=name,
                hint=did_you_mean(name, metadata.tables),
            )


def _learned(
    con: duckdb.DuckDBPyConnection,
    prepared: Prepared,
    options: SynthesizeOptions,
    on_event: OnEvent,
) -> Synthesizer:
    """Fit the real tables, or take the model that was saved."""
    if options.reuse and options.model is not None:
        return Synthesizer.load(options.model, threads=options.threads, on_event=on_event)
    on_event(StageStarted(stage="read", detail=f"{len(prepared.metadata.tables)} tables"))
    tables = read_tables(con, prepared.metadata, on_event=on_event)
    check_data_capacity(
        prepared.metadata,
        prepared.plan,
        tables,
        scale=options.scale,
        rows=options.rows,
        first_key=options.first_key,
    )
    hive = Synthesizer(
        prepared.metadata,
        seed=options.seed,
        ctgan=options.ctgan,
        threads=options.threads,
        on_event=on_event,
    )
    if options.model is None:
        return hive.fit(tables)
    checkpoints = Path(f"{options.model}.checkpoints")
    hive.fit(tables, checkpoints=checkpoints).save(options.model)
    shutil.rmtree(checkpoints, ignore_errors=True)
    return hive


def _losses(fitted: Fitted) -> dict[str, float]:
    return {
        name: table.held_out_loss
        for name, table in fitted.tables.items()
        if table.held_out_loss is not None
    }


def _summary(fitted: Fitted, landing: Landing, notices: tuple[str, ...], seconds: float) -> Summary:
    tables = tuple(
        TableSummary(
            name=landed.name,
            rows=landed.rows,
            real_rows=fitted.tables[landed.name].rows,
            seconds=fitted.tables[landed.name].fit_seconds,
            held_out_loss=fitted.tables[landed.name].held_out_loss,
            orphans=landed.orphans,
            duplicates=landed.duplicate_keys,
        )
        for landed in landing.tables
    )
    return Summary(
        run_id=landing.run_id,
        schema=landing.schema,
        tables=tables,
        seconds=seconds,
        sources_path=landing.sources_path,
        notices=(*notices, *landing.notices),
    )
