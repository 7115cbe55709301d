"""The dbt-duckdb plugin behind the ``synthesize`` macro.

dbt imports this module for every command of a project that names it, so it imports nothing
heavy; all work is imported when the macro calls `Plugin.store`.
"""

from __future__ import annotations

import sys
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any, cast

from dbt.adapters.duckdb.plugins import BasePlugin
from dbt_common.events.base_types import EventLevel
from dbt_common.events.functions import fire_event
from dbt_common.events.types import Note
from dbt_common.exceptions import DbtRuntimeError

if TYPE_CHECKING:
    from collections.abc import Generator, Mapping, MutableMapping

    import duckdb
    from dbt.adapters.duckdb.utils import TargetConfig

    from synthohive.events import OnEvent

PROTOCOL = 1
"""What the macro and this plugin have agreed on; raised when the request changes."""


class Plugin(BasePlugin):
    """Runs a synthesis on dbt's own database connection."""

    def initialize(self, plugin_config: dict[str, Any]) -> None:  # noqa: ARG002  # dbt-duckdb's name
        """Begin without a connection."""
        self._root: duckdb.DuckDBPyConnection | None = None

    def configure_connection(self, conn: duckdb.DuckDBPyConnection) -> None:
        """Remember the connection of the process; dbt opens a new one after an error."""
        self._root = conn

    def store(self, target_config: TargetConfig) -> None:
        """Do what a macro asked for.

        Args:
            target_config: Its ``config`` is the request, the very object the macro made;
                the answer goes into it under ``result``.

        Raises:
            DbtRuntimeError: Something is wrong; the synthetic tables are as they were.
        """
        request = cast("MutableMapping[str, Any]", target_config.config)
        if request.get("protocol") != PROTOCOL:
            raise DbtRuntimeError(
                "synthohive: the dbt package and the Python package are of different versions;"
                " install the dbt package that `synthohive dbt-path` names, and run dbt deps"
            )
        if self._root is None:
            raise DbtRuntimeError("synthohive: dbt has not opened a database connection")
        cursor = self._root.cursor()
        try:
            with _dbt_errors():
                request["result"] = _answer(cursor, request)
        finally:
            cursor.close()


def _answer(con: duckdb.DuckDBPyConnection, request: Mapping[str, Any]) -> dict[str, Any]:
    from synthohive.dbt.request import answer  # noqa: PLC0415
    from synthohive.landing.identifiers import quote  # noqa: PLC0415
    from synthohive.terminal.interrupt import interruptible  # noqa: PLC0415

    con.execute(f"USE {quote(str(request['database']))}")
    with _progress(request) as show, interruptible(show) as on_event:
        result, lines = answer(con, request, on_event)
    for line in lines:
        _say(line)
    return result


@contextmanager
def _dbt_errors() -> Generator[None]:
    """Turn every error into one of dbt's, which it prints without a traceback."""
    from synthohive.errors import SynthoHiveError  # noqa: PLC0415

    try:
        yield
    except KeyboardInterrupt:
        raise DbtRuntimeError("synthohive: interrupted; no synthetic table was changed") from None
    except SynthoHiveError as error:
        raise DbtRuntimeError(f"synthohive: {error}") from error
    except (SystemExit, GeneratorExit):
        raise
    except BaseException as error:  # a panic of Rust code is no Exception
        raise DbtRuntimeError(
            f"synthohive: internal error {type(error).__name__}: {error} "
            "(traceback in logs/dbt.log)"
        ) from error


@contextmanager
def _progress(request: Mapping[str, Any]) -> Generator[OnEvent]:
    """Show progress as bars on a terminal, else as lines of dbt's log."""
    from synthohive.terminal.lines import EventLines  # noqa: PLC0415
    from synthohive.terminal.progress import shown_progress  # noqa: PLC0415

    is_silent = bool(request.get("quiet")) or request.get("log_format") == "json"
    if is_silent or not sys.stderr.isatty():
        yield EventLines(_say)
        return
    with shown_progress(sys.stderr) as on_event:
        yield on_event


def _say(line: str) -> None:
    fire_event(Note(msg=line), level=EventLevel.INFO)
