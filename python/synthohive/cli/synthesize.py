"""``synthohive synthesize``."""

from __future__ import annotations

import sys
from dataclasses import asdict
from pathlib import Path  # noqa: TC003  # cyclopts reads annotations
from typing import TYPE_CHECKING, Any, Literal

from synthohive.cli.inspect import show_inspection
from synthohive.cli.output import print_json, print_view
from synthohive.cli.project import Format, Names, Project, Switch
from synthohive.errors import ConfigError

if TYPE_CHECKING:
    from synthohive.options import SynthesizeOptions

_HERE = Project()


def synthesize(
    project: Project = _HERE,
    *,
    select: Names = None,
    exclude: Names = None,
    scale: float | None = None,
    rows: Names = None,
    seed: int | None = None,
    schema: str | None = None,
    source_name: str | None = None,
    sources_file: Path | None = None,
    no_sources: Switch = False,
    epochs: int | None = None,
    max_steps: int | None = None,
    rounds: int | None = None,
    device: Literal["auto", "cpu", "cuda"] | None = None,
    threads: int | None = None,
    on_orphans: Literal["error", "drop", "null"] | None = None,
    first_key: int | None = None,
    model: Path | None = None,
    reuse: Switch = False,
    dry_run: Switch = False,
    format: Format = "text",  # noqa: A002  # the name of the option
) -> None:
    """Learn the real tables and land a synthetic copy of all of them beside them.

    Example: synthohive synthesize --seed 7 --scale 0.5 --rows customers=500

    Args:
        project: Where the project and its data are.
        select: Tables to synthesize; all when not given.
        exclude: Tables to leave out.
        scale: Synthetic rows per real row of tables without a driver; 1 when not given.
        rows: Rows of single tables without a driver, as in customers=500.
        seed: Decides every random number; 0 when not given.
        schema: Where to land; synthetic when not given.
        source_name: Name of the dbt source; synthetic when not given.
        sources_file: The dbt sources file to write, in place of the one in the project.
        no_sources: Write no dbt sources file.
        epochs: Most passes over a table's rows; training stops by itself when not given.
        max_steps: Most optimiser steps per table.
        rounds: Most rounds through the network per row; fewer are faster, less faithful.
        device: Where to train; auto, which takes a GPU where there is one, when not given.
        threads: Threads to use; all cores when not given.
        on_orphans: What to do about real rows without a parent; each table's own setting when
            not given.
        first_key: First number of generated keys; 1 when not given.
        model: Folder to save the fitted model to, or to load it from.
        reuse: Load the model in place of fitting it.
        dry_run: Check and plan everything, and stop before training.
        format: text for people, json for programs.
    """
    given = {
        "select": select,
        "exclude": exclude,
        "scale": scale,
        "rows": _row_numbers(rows),
        "seed": seed,
        "schema": schema,
        "source_name": source_name,
        "epochs": epochs,
        "max_steps": max_steps,
        "rounds": rounds,
        "device": device,
        "threads": threads,
        "on_orphans": on_orphans,
        "first_key": first_key,
        "model": None if model is None else str(model),
        "reuse": reuse,
        "dry_run": dry_run,
    }
    known = {name: value for name, value in given.items() if value is not None}
    options = _options(project, known, sources_file, is_wanted=not no_sources)
    if options.dry_run:
        show_inspection(project, options, check_rows=True, form=format)
    else:
        _run(project, options, format)


def _options(
    project: Project, given: dict[str, Any], sources_file: Path | None, *, is_wanted: bool
) -> SynthesizeOptions:
    from synthohive.dbt.request import project_options  # noqa: PLC0415

    if sources_file is not None:
        given["sources_file"] = str(sources_file.absolute())
    elif not is_wanted or not project.has_project_file:
        given["sources_file"] = None
    return project_options(given, project.project_dir)


def _run(project: Project, options: SynthesizeOptions, form: Format) -> None:
    from synthohive.landing.connection import connected  # noqa: PLC0415
    from synthohive.run import synthesize as run  # noqa: PLC0415
    from synthohive.terminal.interrupt import interruptible  # noqa: PLC0415
    from synthohive.terminal.lines import remembering  # noqa: PLC0415
    from synthohive.terminal.progress import shown_progress  # noqa: PLC0415
    from synthohive.terminal.tables import summary_view  # noqa: PLC0415

    metadata = project.metadata(options.select)
    with (
        connected(project.database_file()) as con,
        shown_progress(sys.stderr) as show,
        interruptible(show) as on_event,
    ):
        listen, told = remembering(on_event)
        summary = run(con, metadata, options, on_event=listen)
    if form == "json":
        print_json(asdict(summary))
    else:
        print_view(summary_view(summary, told))


def _row_numbers(given: list[str] | None) -> dict[str, int] | None:
    """Read ``table=number`` pairs.

    Examples:
        >>> _row_numbers(["customers=500", "a=b=3"])
        {'customers': 500, 'a=b': 3}
    """
    if given is None:
        return None
    numbers: dict[str, int] = {}
    for text in given:
        table, _, number = text.rpartition("=")
        if not table or not number.isdecimal():
            raise ConfigError(
                f"--rows {text!r} does not say how many rows of which table",
                hint="write table=number, as in --rows customers=500",
            )
        numbers[table] = int(number)
    return numbers
