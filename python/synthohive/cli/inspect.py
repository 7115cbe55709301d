"""``synthohive inspect``."""

from __future__ import annotations

import sys
from dataclasses import asdict
from typing import TYPE_CHECKING

from synthohive.cli.output import print_json, print_view
from synthohive.cli.project import Format, Names, Project, Switch

if TYPE_CHECKING:
    from synthohive.options import SynthesizeOptions

_HERE = Project()


def inspect(
    project: Project = _HERE,
    *,
    select: Names = None,
    exclude: Names = None,
    schema: str = "synthetic",
    data: Switch = False,
    format: Format = "text",  # noqa: A002  # the name of the option
) -> None:
    """Show tables, keys and the order of generation, and what would be refused.

    Example: synthohive inspect --project-dir shop --database shop.duckdb --data

    Args:
        project: Where the project and its data are.
        select: Tables to look at; all when not given.
        exclude: Tables to leave out.
        schema: Where a run would land.
        data: Read the real rows, too, and check their keys.
        format: text for people, json for programs.
    """
    from synthohive.options import parse_options  # noqa: PLC0415

    names = {"select": select, "exclude": exclude, "schema": schema}
    options = parse_options({name: value for name, value in names.items() if value is not None})
    show_inspection(project, options, check_rows=data, form=format)


def show_inspection(
    project: Project, options: SynthesizeOptions, *, check_rows: bool, form: Format
) -> None:
    """Inspect a project and print what was found."""
    from synthohive.inspection import inspect as inspected  # noqa: PLC0415
    from synthohive.landing.connection import connected  # noqa: PLC0415
    from synthohive.terminal.progress import shown_progress  # noqa: PLC0415
    from synthohive.terminal.tables import inspection_view  # noqa: PLC0415

    metadata = project.metadata(options.select)
    with (
        connected(project.database_file(), read_only=True) as con,
        shown_progress(sys.stderr) as on_event,
    ):
        found = inspected(con, metadata, options, check_rows=check_rows, on_event=on_event)
    if form == "json":
        print_json(asdict(found))
    else:
        print_view(inspection_view(found))
