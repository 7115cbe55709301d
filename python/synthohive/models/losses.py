"""The history of a training as a table that people can open."""

from __future__ import annotations

import csv
import math
from typing import TYPE_CHECKING

import numpy as np
import polars as pl

if TYPE_CHECKING:
    from pathlib import Path

FILE = "losses.csv"
COLUMNS = ("step", "loss", "held_out_loss", "seconds")


def losses_table(history: np.ndarray) -> pl.DataFrame:
    """Return a history as a table, one row per evaluation.

    Args:
        history: Shape (evaluations, 4), see `Generator.history`.

    Examples:
        >>> losses_table(np.array([[100, 8.5, np.nan, 1.5]])).row(0)
        (100, 8.5, None, 1.5)
    """
    table = pl.DataFrame(history, schema=dict.fromkeys(COLUMNS, pl.Float64))
    return table.with_columns(pl.col("step").cast(pl.Int64), pl.col("held_out_loss").fill_nan(None))


def write_losses(folder: Path, history: np.ndarray) -> None:
    """Write a history, one line per evaluation; what is no number is left empty.

    Args:
        folder: Where the file goes.
        history: Shape (evaluations, 4), see `Generator.history`.
    """
    with (folder / FILE).open("w", encoding="utf-8", newline="") as file:
        lines = csv.writer(file, lineterminator="\n")
        lines.writerow(COLUMNS)
        for step, *numbers in history.tolist():
            lines.writerow([int(step), *("" if math.isnan(n) else n for n in numbers)])


def read_losses(folder: Path) -> np.ndarray:
    """Read what `write_losses` wrote, to the last bit.

    Raises:
        OSError: There is no such file.
        ValueError: It is not such a table.
    """
    with (folder / FILE).open(encoding="utf-8", newline="") as file:
        names, *lines = csv.reader(file)
    if tuple(names) != COLUMNS:
        raise ValueError(f"{FILE} has the columns {', '.join(names)}, not {', '.join(COLUMNS)}")
    rows = [[math.nan if cell == "" else float(cell) for cell in line] for line in lines]
    return np.array(rows).reshape(-1, len(COLUMNS))
