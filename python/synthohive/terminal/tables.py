"""Tables of text: what a schema looks like, and what a run did."""

from __future__ import annotations

import io
from pathlib import Path
from typing import TYPE_CHECKING

from rich import box
from rich.console import Console, Group
from rich.markup import escape
from rich.table import Table
from rich.text import Text

from synthohive.terminal.lines import duration
from synthohive.terminal.progress import WIDTH

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable, Sequence

    from rich.console import RenderableType

    from synthohive.inspection import Inspection
    from synthohive.planning.describe import KeyRow, TableRow
    from synthohive.run import Summary, TableSummary


def inspection_view(inspection: Inspection) -> RenderableType:
    """Show every table, its keys, where they were found and what else is declared."""
    rows = inspection.tables
    parts: list[RenderableType] = [
        _heading(f"{_counted(len(rows), 'table')}, in the order they are generated"),
        _generation(rows),
        _heading("Keys, and where they were found"),
        _keys(rows),
    ]
    declared = list(_declared(rows))
    if declared:
        parts += [_heading("Declared"), _listing(declared)]
    notes = [note for row in rows for note in row["notes"]]
    notes = list(dict.fromkeys([*notes, *inspection.notices]))
    if notes:
        parts += [_heading("Notes"), _bullets(notes)]
    return Group(*parts)


def summary_view(summary: Summary, told: Collection[str] = ()) -> RenderableType:
    """Show what a run landed, and what to do next.

    Args:
        summary: What the run did.
        told: Notices that the reader has seen already.
    """
    rows = sum(table.rows for table in summary.tables)
    title = (
        f"{_counted(len(summary.tables), 'synthetic table')}, {rows:,} rows, landed in schema "
        f"{summary.schema} in {duration(summary.seconds)}"
    )
    table = _table("Table", "Rows>", "Real rows>", "Learned in>", "Loss>", "Keys")
    for landed in summary.tables:
        table.add_row(*(escape(text) for text in _landed(landed)))
    parts: list[RenderableType] = [_heading(title), table]
    untold = [notice for notice in summary.notices if notice not in told]
    if untold:
        parts += [_heading("Notes"), _bullets(untold), Text()]
    if summary.sources_path is not None:
        parts.append(_line(f"Sources file  {_near(summary.sources_path)}"))
    return Group(*parts, _line(f"Run           {summary.run_id}"))


def as_lines(view: RenderableType, width: int = WIDTH) -> list[str]:
    """Write a view as plain lines of text."""
    console = Console(file=io.StringIO(), width=width, highlight=False, no_color=True)
    with console.capture() as captured:
        console.print(view)
    return [line.rstrip() for line in captured.get().splitlines()]


def _generation(rows: Sequence[TableRow]) -> Table:
    table = _table("Level", "Table", "Rows>", "Primary key", "Driver", "Context")
    for row in rows:
        level = str(row["level"] + 1)
        cells = (level, row["table"], _size(row), _primary_key(row), _driver(row), _context(row))
        table.add_row(*(escape(text) for text in cells))
    return table


def _keys(rows: Sequence[TableRow]) -> Table:
    table = _table("Key", "Role", "Found in")
    for row in rows:
        if row["primary_key"]:
            name = f"{row['table']}.{', '.join(row['primary_key'])}"
            table.add_row(escape(name), "primary", escape(_evidence(row["key_evidence"])))
        for key in row["foreign_keys"]:
            role = f"{key['role']}, partial" if key["is_partial"] else key["role"]
            table.add_row(escape(_foreign(row, key)), role, escape(_evidence(key["evidence"])))
    return table


def _declared(rows: Iterable[TableRow]) -> Iterable[tuple[str, str]]:
    for row in rows:
        for column, kind in row["personal"].items():
            yield f"{row['table']}.{column}", f"personal ({kind}): never learned, made anew"
        for column, limits in row["limits"].items():
            yield f"{row['table']}.{column}", limits
        if row["order_by"]:
            yield row["table"], f"siblings ordered by {row['order_by']}"
        if row["on_orphans"] != "error":
            yield row["table"], f"real rows without a parent: {row['on_orphans']}"


def _size(row: TableRow) -> str:
    real = "?" if row["rows"] is None else f"{row['rows']:,}"
    return real if row["rows_asked"] is None else f"{real} → {row['rows_asked']:,}"


def _primary_key(row: TableRow) -> str:
    return ", ".join(row["primary_key"]) or "none"


def _driver(row: TableRow) -> str:
    if row["is_kept"]:
        return "kept as they are"
    if row["driver"] is None:
        return "—"
    parent = row["driver"].split(" → ")[-1]
    return f"{parent} ({row['driver_reason']})"


def _context(row: TableRow) -> str:
    if row["is_kept"]:
        return "—"
    if row["context"] is None:
        return "chosen from the data"
    return ", ".join(row["context"]) or "nothing"


def _foreign(row: TableRow, key: KeyRow) -> str:
    child = f"{row['table']}.{', '.join(key['columns'])}"
    return f"{child} → {key['parent']}.{', '.join(key['parent_columns'])}"


def _evidence(evidence: Sequence[str]) -> str:
    # the names that dbt gives tests are long, and their beginnings tell enough
    return ", ".join(shorten_name(text) for text in evidence) or "—"


def shorten_name(text: str, width: int = 40) -> str:
    """Cut a long text short.

    Examples:
        >>> shorten_name("test relationships_orders_customer_id", 20)
        'test relationships_…'
    """
    return text if len(text) <= width else text[: width - 1] + "…"


def _landed(table: TableSummary) -> tuple[str, ...]:
    loss = "—" if table.held_out_loss is None else f"{table.held_out_loss:.2f}"
    problems = [
        f"{number:,} {what}"
        for number, what in ((table.orphans, "orphans"), (table.duplicates, "duplicates"))
        if number
    ]
    return (
        table.name,
        f"{table.rows:,}",
        f"{table.real_rows:,}",
        duration(table.seconds) if table.held_out_loss is not None else "—",
        loss,
        ", ".join(problems) or "all hold",
    )


def _table(*headings: str) -> Table:
    """Begin a table; a heading that ends in ``>`` heads a column of numbers."""
    table = Table(box=box.SIMPLE_HEAD, pad_edge=False, header_style="bold")
    for heading in headings:
        is_number = heading.endswith(">")
        table.add_column(
            heading.rstrip(">"), justify="right" if is_number else "left", overflow="fold"
        )
    return table


def _listing(rows: Iterable[tuple[str, str]]) -> Table:
    table = _table("Column", "What")
    for name, text in rows:
        table.add_row(escape(name), escape(text))
    return table


def _bullets(texts: Iterable[str]) -> Table:
    table = Table.grid(padding=(0, 1))
    for text in texts:
        table.add_row("•", escape(text))
    return table


def _counted(number: int, noun: str) -> str:
    return f"{number:,} {noun}{'' if number == 1 else 's'}"


def _heading(text: str) -> Text:
    return Text(text, style="bold")


def _near(path: Path) -> Path:
    """Write a path as seen from the working directory, if it lies in it."""
    here = Path.cwd()
    return path.relative_to(here) if path.is_relative_to(here) else path


def _line(text: str) -> Text:
    return Text(text, overflow="fold")
