"""The ``synthohive`` command."""

from __future__ import annotations

import os
import sys
import traceback
from typing import TYPE_CHECKING

from cyclopts import App
from cyclopts.exceptions import CycloptsError

from synthohive import __version__
from synthohive.cli.initialise import dbt_path, init
from synthohive.cli.inspect import inspect
from synthohive.cli.synthesize import synthesize
from synthohive.errors import ConfigError, SynthoHiveError

if TYPE_CHECKING:
    from collections.abc import Sequence

DONE, FAILED, WRONG_USE, INTERRUPTED = 0, 1, 2, 130

_HELP = """Synthetic copies of whole relational databases, for dbt projects on DuckDB.

Examples, in the folder of a dbt project:

    synthohive init --write
    synthohive inspect
    synthohive synthesize --seed 7
    synthohive synthesize --scale 0.1 --rows customers=500
    synthohive synthesize --select customers orders --dry-run

Exit codes: 0 done, 1 refused or failed, 2 wrong use, 130 interrupted.
Results go to standard output, everything else to standard error."""

app = App(
    name="synthohive",
    help=_HELP,
    help_format="plaintext",
    version=f"synthohive {__version__}",
    exit_on_error=False,
    suppress_keyboard_interrupt=False,
)
for place, command in enumerate((init, inspect, synthesize, dbt_path)):
    app.command(command, sort_key=place)  # in the order in which they are needed


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command line.

    Args:
        arguments: Its words; the process's own when not given.

    Returns:
        The exit code.
    """
    try:
        app(arguments, result_action="return_value")
    except CycloptsError:
        return WRONG_USE  # already printed
    except BrokenPipeError:
        return _reader_left()
    except (SystemExit, GeneratorExit):
        raise
    except BaseException as error:  # noqa: BLE001  # a line, not a traceback; panics are no Exception
        message, code = _explained(error)
        sys.stderr.write(f"synthohive: {message}\n")
        return code
    return DONE


def _explained(error: BaseException) -> tuple[str, int]:
    if isinstance(error, SynthoHiveError):
        return str(error), WRONG_USE if isinstance(error, ConfigError) else FAILED
    if isinstance(error, KeyboardInterrupt):
        return "interrupted; no synthetic table was changed", INTERRUPTED
    if os.environ.get("SYNTHOHIVE_DEBUG"):
        return "internal error\n" + "".join(traceback.format_exception(error)).rstrip(), FAILED
    hint = "Hint: set SYNTHOHIVE_DEBUG=1 to see where"
    return f"internal error {type(error).__name__}: {error}\n  {hint}", FAILED


def _reader_left() -> int:
    """End quietly when the reader of a pipe has seen enough."""
    sys.stdout = open(os.devnull, "w", encoding="utf-8")  # noqa: PTH123, SIM115  # until exit
    return DONE
