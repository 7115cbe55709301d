"""Runs dbt commands one after another in one process, and tells what came of them.

Usage: ``python commands.py '[["parse"], ["build"]]'`` in a project's folder.
"""

from __future__ import annotations

import contextlib
import io
import json
import os
import signal
import sys
import threading
import time

import duckdb
from dbt.cli.main import dbtRunner


def run(words: list[str]) -> dict[str, object]:
    """Run one command, or a statement on the database when the first word is ``sql``.

    A command after the word ``interrupt`` is interrupted as a user would, by a signal, soon
    after it has begun to learn.
    """
    if words[0] == "sql":
        with duckdb.connect("shop.duckdb") as con:
            return {"rows": con.execute(words[1]).fetchall()}
    sent: list[float] = []

    def interrupt() -> None:
        sent.append(time.monotonic())
        os.kill(os.getpid(), signal.SIGINT)

    def listen(event) -> None:
        if words[0] == "interrupt" and event.info.msg.startswith("learn:"):
            threading.Timer(0.3, interrupt).start()

    output = io.StringIO()
    command = [word for word in words if word != "interrupt"]
    with contextlib.redirect_stdout(output):
        result = dbtRunner(callbacks=[listen]).invoke([*command, "--profiles-dir", "."])
    return {
        "success": result.success,
        "error": str(result.exception or ""),
        "text": output.getvalue(),
        "seconds_after_interrupt": time.monotonic() - sent[0] if sent else None,
    }


if __name__ == "__main__":
    results = [run(words) for words in json.loads(sys.argv[1])]
    with open("results.json", "w") as file:  # noqa: PTH123
        json.dump(results, file, default=str)
