"""Results on standard output, as text or JSON."""

from __future__ import annotations

import json
import sys
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from rich.console import RenderableType


def print_view(view: RenderableType) -> None:
    """Print a result for people."""
    from synthohive.terminal.progress import console_for  # noqa: PLC0415
    from synthohive.terminal.tables import as_lines  # noqa: PLC0415

    if sys.stdout.isatty():
        console_for(sys.stdout).print(view)
    else:
        sys.stdout.write("\n".join([*as_lines(view), ""]))


def print_json(document: object) -> None:
    """Print a result for programs."""
    sys.stdout.write(json.dumps(document, ensure_ascii=False, indent=2, default=str) + "\n")
