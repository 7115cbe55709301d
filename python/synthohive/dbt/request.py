"""Answering a macro's request: from Jinja's plain values to a run, and back."""

from __future__ import annotations

from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Any

from synthohive.dbt.project import sources_path
from synthohive.inspection import inspect
from synthohive.options import parse_options
from synthohive.run import synthesize
from synthohive.schema.metadata import Metadata
from synthohive.terminal.lines import remembering
from synthohive.terminal.tables import as_lines, inspection_view, summary_view

if TYPE_CHECKING:
    from collections.abc import Mapping

    import duckdb

    from synthohive.events import OnEvent
    from synthohive.options import SynthesizeOptions


def answer(
    con: duckdb.DuckDBPyConnection, request: Mapping[str, Any], on_event: OnEvent
) -> tuple[dict[str, Any], list[str]]:
    """Do what a macro asked for.

    Args:
        con: A cursor of dbt's database.
        request: The arguments, dbt's ``graph`` and the project's folder.
        on_event: Receives progress.

    Returns:
        The result as plain values, and the lines to print.
    """
    options = project_options(request["args"], request["project_dir"])
    metadata = Metadata.from_dbt(request["graph"], select=options.select)
    if options.dry_run:
        inspection = inspect(con, metadata, options, check_rows=True, on_event=on_event)
        return asdict(inspection), as_lines(inspection_view(inspection))
    listen, told = remembering(on_event)
    summary = synthesize(con, metadata, options, on_event=listen)
    lines = as_lines(summary_view(summary, told))
    if summary.sources_path is not None:
        lines.append(f"Check it      dbt test --select source:{options.source_name}")
    return plain(asdict(summary)), lines


def project_options(given: Mapping[str, Any], project_dir: str | Path) -> SynthesizeOptions:
    """Check the options of a run in a dbt project, where a sources file is written.

    Args:
        given: Options by name. A ``sources_file`` is relative to the project; without one
            the file goes to the first model path, and `None` means no file.
        project_dir: The project's folder.

    Raises:
        ConfigError: An option is unknown or has a wrong value.
    """
    options = parse_options(given)
    if options.sources_file is not None:
        path = Path(project_dir) / options.sources_file
    elif "sources_file" in given:
        return options
    else:
        path = sources_path(project_dir)
    return options.model_copy(update={"sources_file": str(path)})


def plain(value: Any) -> Any:
    """Write paths as text, so that Jinja and JSON take a result."""
    if isinstance(value, dict):
        return {key: plain(item) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [plain(item) for item in value]
    return str(value) if isinstance(value, Path) else value
