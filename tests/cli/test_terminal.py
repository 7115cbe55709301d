from __future__ import annotations

import io
from pathlib import Path

from synthohive.events import (
    EpochFinished,
    Notice,
    RowsGenerated,
    StageStarted,
    TrainingFinished,
    TrainingStarted,
)
from synthohive.inspection import Inspection
from synthohive.planning.describe import describe
from synthohive.planning.plan import plan
from synthohive.run import Summary, TableSummary
from synthohive.schema.metadata import Metadata
from synthohive.terminal.lines import EventLines, remembering
from synthohive.terminal.progress import shown_progress
from synthohive.terminal.tables import as_lines, inspection_view, summary_view


def epoch(seconds: float) -> EpochFinished:
    return EpochFinished(
        table="orders",
        epoch=2,
        step=50,
        steps=100,
        loss=8.0,
        held_out_loss=9.0,
        seconds=seconds,
        eta_seconds=seconds,
    )


EVENTS = [
    StageStarted(stage="read", detail="2 tables"),
    TrainingStarted(table="orders", rows=1200, columns=3, steps=100),
    epoch(1.0),
    epoch(12.0),
    epoch(13.0),
    TrainingFinished(table="orders", steps=80, held_out_loss=8.5, seconds=30.0),
    StageStarted(stage="draw", detail="orders"),
    RowsGenerated(table="orders", rows=600, total=1200),
    RowsGenerated(table="orders", rows=1200, total=1200),
    Notice(message="take [care]"),
]
LINES = [
    "read: 2 tables",
    "learning orders: 1,200 rows, 3 columns, at most 100 steps",
    "learning orders: 50%, epoch 2, loss 8.00, held out 9.00, at most 12 s left",
    "learned orders: 1,200 rows, 3 columns, 80 steps, loss 8.50, 30 s",
    "generated orders: 1,200 rows",
    "note: take [care]",
]


class Terminal(io.StringIO):
    """A stream that says it is a terminal."""

    def isatty(self) -> bool:
        return True


def test_events_as_lines():
    lines: list[str] = []
    write = EventLines(lines.append)
    for event in EVENTS:
        write(event)
    assert lines == LINES


def test_a_table_is_told_of_soon_and_then_now_and_then():
    lines: list[str] = []
    write = EventLines(lines.append)
    write(TrainingStarted(table="orders", rows=1200, columns=3, steps=100))
    assert len(lines) == 1, "a line comes at once"
    for tick in range(60_000):  # one event every millisecond
        write(epoch(tick / 1000))
    told = [line.split("at most ")[1] for line in lines[1:]]
    assert told == [f"{seconds} s left" for seconds in ("3.0", 13, 23, 33, 43, 53)]


def test_progress_is_plain_lines_where_there_is_no_terminal():
    stream = io.StringIO()
    with shown_progress(stream) as on_event:
        for event in EVENTS:
            on_event(event)
    assert stream.getvalue().splitlines() == LINES


def test_progress_on_a_terminal_leaves_the_lines_and_no_bars(monkeypatch):
    monkeypatch.setenv("TERM", "xterm")
    stream = Terminal()
    with shown_progress(stream) as on_event:
        for event in EVENTS:
            on_event(event)
    text = stream.getvalue()
    kept = [line for line in LINES if not line.startswith("learning")]
    assert all(line.split(":")[0] in text for line in kept)
    assert "learning orders" in text  # beside the bar
    assert "at most 100 steps" not in text
    assert text.count("take [care]") == 1


def test_notices_are_remembered():
    lines: list[object] = []
    listen, told = remembering(lines.append)
    listen(Notice(message="a"))
    listen(StageStarted(stage="read"))
    assert told == {"a"}
    assert len(lines) == 2


def test_an_inspection_fits_a_hundred_columns_and_shows_all():
    metadata = (
        Metadata()
        .add_table("users", pk="id", pii={"mail": "email"}, rows=50)
        .add_table("products", pk="id", keep=True)
        .add_table(
            "orders",
            pk="id",
            fk={"user_id": "users.id", "product_id": "products.id"},
            driver="user_id",
            parent_context_cols=["region"],
            constraints={"amount": {"min": 1}},
            order_by="at",
            on_orphans="drop",
        )
    )
    rows = describe(metadata, plan(metadata), {"users": 2000, "products": 60, "orders": 6000})
    lines = as_lines(inspection_view(Inspection(tables=tuple(rows), notices=("look [here]",))))
    text = "\n".join(lines)
    assert max(map(len, lines)) <= 100
    for part in (
        "3 tables, in the order they are generated",
        "2,000 → 50",
        "users.id (declared)",
        "kept as they are",
        "orders.product_id → products.id",
        "secondary",
        "declared in Python",
        "personal (email): never learned, made anew",
        "≥ 1",
        "siblings ordered by at",
        "real rows without a parent: drop",
        "• look [here]",
    ):
        assert part in text


def test_a_summary_shows_tables_problems_and_untold_notices(monkeypatch, tmp_path):
    monkeypatch.chdir(tmp_path)
    tables = tuple(
        TableSummary(
            name=name,
            rows=1000,
            real_rows=2000,
            seconds=3.21,
            held_out_loss=loss,
            orphans=orphans,
            duplicates=0,
        )
        for name, loss, orphans in (("users", 7.5, 0), ("regions", None, 3))
    )
    summary = Summary(
        run_id="r1",
        schema="synthetic",
        tables=tables,
        seconds=9.87,
        sources_path=tmp_path / "models" / "s.yml",
        notices=("seen before", "new"),
    )
    lines = as_lines(summary_view(summary, {"seen before"}))
    text = "\n".join(lines)
    assert lines[0] == "2 synthetic tables, 2,000 rows, landed in schema synthetic in 9.9 s"
    assert "3.2 s" in text
    assert "all hold" in text
    assert "3 orphans" in text
    assert "• new" in text
    assert "seen before" not in text
    assert f"Sources file  {Path('models') / 's.yml'}" in lines
