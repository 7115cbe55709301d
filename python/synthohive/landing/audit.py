"""The record of runs that lies beside the synthetic tables."""

from __future__ import annotations

import secrets
from dataclasses import dataclass, field
from datetime import UTC, datetime
from importlib.metadata import PackageNotFoundError, version
from typing import TYPE_CHECKING

from synthohive.landing.identifiers import qualified

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    import duckdb

    from synthohive.landing.integrity import Integrity

RUNS = "_synthohive_runs"
TABLES = "_synthohive_tables"

_RUN_COLUMNS = {
    "run_id": "VARCHAR",
    "started_at": "TIMESTAMPTZ",
    "finished_at": "TIMESTAMPTZ",
    "seed": "HUGEINT",
    "scale": "DOUBLE",
    "tables": "INTEGER",
    "synthohive_version": "VARCHAR",
    "duckdb_version": "VARCHAR",
    "polars_version": "VARCHAR",
    "torch_version": "VARCHAR",
}
_TABLE_COLUMNS = {
    "run_id": "VARCHAR",
    "table_name": "VARCHAR",
    "rows": "BIGINT",
    "real_rows": "BIGINT",
    "held_out_loss": "DOUBLE",
    "orphans": "BIGINT",
    "duplicate_keys": "BIGINT",
}


@dataclass(frozen=True, slots=True, kw_only=True)
class RunRecord:
    """What is written down about a run.

    Attributes:
        run_id: Names the run; later runs sort after earlier ones.
        started_at: When the run began, with time zone.
        seed: The seed of the run.
        scale: Synthetic rows per real row.
        real_rows: Rows of the real tables.
        held_out_losses: Loss on rows not trained on, nats per row, of the tables learned.
    """

    run_id: str
    started_at: datetime
    seed: int | None = None
    scale: float | None = None
    real_rows: Mapping[str, int] = field(default_factory=dict[str, int])
    held_out_losses: Mapping[str, float] = field(default_factory=dict[str, float])


def new_run(*, seed: int | None = None, scale: float | None = None) -> RunRecord:
    """Begin the record of a run that starts now.

    The run's name is no part of the data: two runs with one seed give the same tables
    under two names.
    """
    now = datetime.now(UTC)
    run_id = f"{now:%Y%m%dT%H%M%S.%fZ}-{secrets.token_hex(2)}"
    return RunRecord(run_id=run_id, started_at=now, seed=seed, scale=scale)


def write_audit(
    con: duckdb.DuckDBPyConnection,
    database: str,
    schema: str,
    *,
    run: RunRecord,
    rows: Mapping[str, int],
    integrity: Mapping[str, Integrity],
) -> None:
    """Append a run and its tables to the audit tables, making them if need be."""
    runs, tables = qualified(database, schema, RUNS), qualified(database, schema, TABLES)
    _create(con, runs, _RUN_COLUMNS)
    _create(con, tables, _TABLE_COLUMNS)
    finished = datetime.now(UTC)
    versions = [_version(name) for name in ("synthohive", "duckdb", "polars", "torch")]
    values = [run.run_id, run.started_at, finished, run.seed, run.scale, len(rows), *versions]
    _insert(con, runs, _RUN_COLUMNS, values)
    for name, number in rows.items():
        found = integrity.get(name)
        loss = run.held_out_losses.get(name)
        keys = [found.orphans, found.duplicate_keys] if found else [None, None]
        record = [run.run_id, name, number, run.real_rows.get(name), loss, *keys]
        _insert(con, tables, _TABLE_COLUMNS, record)


def _create(con: duckdb.DuckDBPyConnection, name: str, columns: Mapping[str, str]) -> None:
    con.execute(
        f"CREATE TABLE IF NOT EXISTS {name} ({', '.join(f'{c} {t}' for c, t in columns.items())})"
    )


def _insert(
    con: duckdb.DuckDBPyConnection, name: str, columns: Mapping[str, str], values: Sequence[object]
) -> None:
    places = ", ".join("?" for _ in columns)
    con.execute(f"INSERT INTO {name} ({', '.join(columns)}) VALUES ({places})", values)


def _version(package: str) -> str | None:
    try:
        return version(package)
    except PackageNotFoundError:
        return None
