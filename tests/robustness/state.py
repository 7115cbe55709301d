"""What a project looks like from outside: its tables, hashed by SQL, and its files."""

from __future__ import annotations

from typing import TYPE_CHECKING

import duckdb

if TYPE_CHECKING:
    from pathlib import Path

State = dict[str, object]


def state_of(folder: Path, *, database: str, sources: Path) -> State:
    """Return everything a run may change: relations with their rows, and the sources file."""
    with duckdb.connect(str(folder / database), read_only=True) as con:
        relations = con.execute(
            "SELECT schema_name, table_name, coalesce(comment, '') FROM duckdb_tables()"
            " WHERE database_name = current_database() ORDER BY ALL"
        ).fetchall()
        found: State = {
            f"{schema}.{table}": (comment, _fingerprint(con, schema, table))
            for schema, table, comment in relations
        }
    path = folder / sources
    found["files"] = sorted(file.name for file in path.parent.iterdir())
    found["sources file"] = path.read_bytes() if path.exists() else None
    return found


def _fingerprint(con: duckdb.DuckDBPyConnection, schema: str, table: str) -> tuple[object, ...]:
    """Count and hash the rows of a table, their order included."""
    quoted = ".".join('"' + name.replace('"', '""') + '"' for name in (schema, table))
    sql = f"SELECT count(*), sum(hash(whole, whole.rowid)::HUGEINT) FROM {quoted} AS whole"
    return con.execute(sql).fetchall()[0]
