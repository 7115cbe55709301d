"""Looking at a schema and its plan without learning anything."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from synthohive.events import Notice, StageStarted, ignore
from synthohive.landing.catalogue import row_counts
from synthohive.landing.read import read_tables
from synthohive.planning.describe import describe
from synthohive.run import prepare

if TYPE_CHECKING:
    import duckdb

    from synthohive.events import Event, OnEvent
    from synthohive.options import SynthesizeOptions
    from synthohive.planning.describe import TableRow
    from synthohive.schema.metadata import Metadata


@dataclass(frozen=True, slots=True, kw_only=True)
class Inspection:
    """What a run would work on.

    Attributes:
        tables: One description per table, in generation order.
        notices: What the user should know.
    """

    tables: tuple[TableRow, ...]
    notices: tuple[str, ...]


def inspect(
    con: duckdb.DuckDBPyConnection,
    metadata: Metadata,
    options: SynthesizeOptions,
    *,
    check_rows: bool = False,
    on_event: OnEvent = ignore,
) -> Inspection:
    """Describe what a run with these options would do; nothing is trained or written.

    Args:
        con: A connection to the database.
        metadata: The declared schema.
        options: The options of the run.
        check_rows: Read all real rows, too, and check their keys, as a run would.
        on_event: Told about the reading of rows.

    Raises:
        SchemaValidationError: A run would refuse the schema or its rows; all problems are
            listed.
    """
    prepared = prepare(con, metadata, options)
    notices = list(prepared.notices)

    def listen(event: Event) -> None:
        if isinstance(event, Notice):
            notices.append(event.message)
        else:
            on_event(event)

    if check_rows:
        on_event(StageStarted(stage="check", detail=f"{len(prepared.metadata.tables)} tables"))
        tables = read_tables(con, prepared.metadata, on_event=listen)
        prepared.metadata.validate_schema(tables)
    rows = describe(prepared.metadata, prepared.plan, row_counts(con, prepared.metadata.tables))
    return Inspection(tables=tuple(rows), notices=tuple(dict.fromkeys(notices)))
