"""Landing: all synthetic tables, their audit record and their sources file, or nothing."""

from __future__ import annotations

from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import duckdb

from synthohive.errors import LandingError
from synthohive.landing.audit import new_run, write_audit
from synthohive.landing.catalogue import column_types
from synthohive.landing.connection import connected
from synthohive.landing.identifiers import qualified
from synthohive.landing.insert import create_table
from synthohive.landing.integrity import check_integrity
from synthohive.landing.memory import in_little_memory
from synthohive.landing.sources import sources_yaml
from synthohive.landing.sources_file import draft_sources, put_in_place
from synthohive.landing.stage import Stage
from synthohive.landing.target import check_target, find_target, made_tables, mark_as_made
from synthohive.schema.model import Table

if TYPE_CHECKING:
    from collections.abc import Generator, Mapping

    import polars as pl

    from synthohive.landing.audit import RunRecord
    from synthohive.landing.catalogue import ColumnTypes
    from synthohive.landing.integrity import Integrity
    from synthohive.landing.target import Target
    from synthohive.schema.metadata import Metadata


@dataclass(frozen=True, slots=True, kw_only=True)
class LandedTable:
    """One synthetic table in the database.

    Attributes:
        name: Its name, the same as in the metadata.
        rows: Its number of rows.
        orphans: Rows without a parent by a foreign key that holds for some rows only.
        duplicate_keys: Rows that repeat a unique key other than the primary key.
    """

    name: str
    rows: int
    orphans: int = 0
    duplicate_keys: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class Landing:
    """What a landing left in the database.

    Attributes:
        run_id: Names the run in the audit tables.
        schema: The schema that holds the tables.
        tables: The tables, in the order given.
        dropped: Tables of an earlier run that this one did not make again.
        sources_path: The dbt sources file, if one was written.
        notices: What the reader should know.
    """

    run_id: str
    schema: str
    tables: tuple[LandedTable, ...]
    dropped: tuple[str, ...] = ()
    sources_path: Path | None = None
    notices: tuple[str, ...] = ()


def land(
    tables: Mapping[str, pl.DataFrame] | Stage,
    database: duckdb.DuckDBPyConnection | str | Path,
    *,
    schema: str = "synthetic",
    metadata: Metadata | None = None,
    source_name: str = "synthetic",
    sources_path: str | Path | None = None,
    run: RunRecord | None = None,
) -> Landing:
    """Write synthetic tables into a schema of a DuckDB database, all or nothing.

    One transaction creates every table with the column types of its real table, drops the
    tables of the earlier run, checks all keys by SQL and appends to the audit tables. If
    anything fails, or the process dies, the earlier tables are as they were.

    Args:
        tables: Frames by table, or a stage that holds them.
        database: A connection, whose own transaction is not touched, or a file path.
        schema: Where to land; made if it does not exist. Never a schema of real tables.
        metadata: Keys to check and to declare as tests; none are checked without it.
        source_name: The name of the dbt source.
        sources_path: The dbt sources file to write; none when not given. A file that
            SynthoHive did not write is not overwritten.
        run: What to write down about the run.

    Returns:
        What was landed.

    Raises:
        LandingError: A key does not hold, a value does not fit its column, or something
            that is no synthetic table would be overwritten. Nothing was changed.

    Examples:
        >>> import duckdb, polars as pl
        >>> con = duckdb.connect()
        >>> landing = land({"users": pl.DataFrame({"id": [1, 2]})}, con)
        >>> con.execute("SELECT count(*) FROM synthetic.users").fetchall()
        [(2,)]
        >>> landing.tables
        (LandedTable(name='users', rows=2, orphans=0, duplicate_keys=0),)
    """
    declared = dict(metadata.tables) if metadata else {}
    record = run or new_run()
    with _staged(tables) as stage, connected(database, must_exist=False) as con:
        target = find_target(con, schema)
        check_target(con, target, stage.tables, declared)
        job = _Job(
            con=con,
            stage=stage,
            target=target,
            declared={name: declared.get(name) or Table(name=name) for name in stage.tables},
            real_types=column_types(con, declared),
            run=record,
        )
        path = None if sources_path is None else Path(sources_path)
        try:
            columns = max((len(stage.schema(name)) for name in stage.tables), default=0)
            return in_little_memory(con, columns, lambda: _land(job, source_name, path))
        except duckdb.Error as error:
            raise LandingError(
                f"the database refused: {str(error).splitlines()[0]}",
                hint="nothing was landed; the synthetic tables are as they were",
            ) from error


@dataclass(frozen=True, slots=True, kw_only=True)
class _Job:
    """What a landing works with."""

    con: duckdb.DuckDBPyConnection
    stage: Stage
    target: Target
    declared: dict[str, Table]
    real_types: ColumnTypes
    run: RunRecord


def _land(job: _Job, source_name: str, path: Path | None) -> Landing:
    draft = None
    job.con.execute("BEGIN TRANSACTION")
    try:
        landing = _write(job, path)
        if path is not None:
            draft = draft_sources(path, _sources(job, source_name))
        job.con.execute("COMMIT")
    except BaseException:  # an interrupt, too, leaves everything as it was
        if draft is not None:
            draft.unlink(missing_ok=True)
        _roll_back(job.con)
        raise
    if path is not None and draft is not None:
        # the one step after the commit: should the process die here, the next run repeats it
        put_in_place(draft, path)
    return landing


def _write(job: _Job, path: Path | None) -> Landing:
    con, target = job.con, job.target
    con.execute(f"CREATE SCHEMA IF NOT EXISTS {qualified(target.database, target.schema)}")
    earlier = made_tables(con, target)
    names = {name: target.name(name) for name in job.stage.tables}
    notices: list[str] = []
    for name, quoted in names.items():
        types = job.real_types.get(name)
        notices += create_table(con, quoted, job.stage, job.declared[name], types)
        mark_as_made(con, target, name, job.run.run_id)
    kept = {name.lower() for name in names}
    dropped = tuple(name for name in earlier if name.lower() not in kept)
    for name in dropped:
        con.execute(f"DROP TABLE {target.name(name)}")
    integrity = check_integrity(con, job.declared, names)
    rows = {name: job.stage.rows(name) for name in names}
    write_audit(con, target.database, target.schema, run=job.run, rows=rows, integrity=integrity)
    return Landing(
        run_id=job.run.run_id,
        schema=target.schema,
        tables=tuple(_landed(name, rows[name], integrity[name]) for name in names),
        dropped=dropped,
        sources_path=path,
        notices=tuple(notices),
    )


def _landed(name: str, rows: int, integrity: Integrity) -> LandedTable:
    return LandedTable(
        name=name,
        rows=rows,
        orphans=integrity.orphans,
        duplicate_keys=integrity.duplicate_keys,
    )


def _sources(job: _Job, source_name: str) -> str:
    """Write the sources file's text from the tables as they now are."""
    types = {
        name: {
            str(row[0]): str(row[1])
            for row in job.con.execute(f"DESCRIBE {job.target.name(name)}").fetchall()
        }
        for name in job.stage.tables
    }
    return sources_yaml(job.declared, types, schema=job.target.schema, source_name=source_name)


def _roll_back(con: duckdb.DuckDBPyConnection) -> None:
    # a commit that failed has already ended the transaction
    with suppress(duckdb.TransactionException):
        con.execute("ROLLBACK")


@contextmanager
def _staged(tables: Mapping[str, pl.DataFrame] | Stage) -> Generator[Stage]:
    """Give a stage that holds the tables; one that was passed in stays open."""
    if isinstance(tables, Stage):
        yield tables
        return
    with Stage() as stage:
        for name, frame in tables.items():
            stage.write(name, frame)
        yield stage
