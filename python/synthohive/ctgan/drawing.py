"""Drawing rows a few blocks at a time."""

from __future__ import annotations

from typing import TYPE_CHECKING

import polars as pl

from synthohive.models.settings import BLOCK_ROWS
from synthohive.parallel import ordered_map, thread_count

if TYPE_CHECKING:
    from collections.abc import Callable

    import numpy as np

    from synthohive.models.generator import Generator
    from synthohive.randomness import Stream

BLOCKS_DECODED = 4
"""Blocks of rows that are decoded together, at most: every call of a codec costs something."""


def draw_and_decode(
    generator: Generator,
    n: int,
    context: np.ndarray | None,
    given: np.ndarray | None,
    stream: Stream,
    decode: Callable[[np.ndarray, int], pl.DataFrame],
) -> pl.DataFrame:
    """Draw and decode rows, a few blocks at a time on all cores; rows do not depend on it.

    Args:
        generator: Draws the codes.
        n: Number of rows.
        context: Context codes, (n, context columns).
        given: Codes to keep, (n, columns), -1 where there is none.
        stream: Where the random numbers come from.
        decode: Turns codes into rows; the second argument is the number of the first row.
    """
    blocks = max(1, -(-n // BLOCK_ROWS))
    threads = min(blocks, thread_count(None))
    # a few portions for each thread, so that none is left without work for long
    portion = BLOCK_ROWS * min(BLOCKS_DECODED, -(-blocks // (3 * threads)))

    def work(start: int) -> pl.DataFrame:
        rows = slice(start, min(n, start + portion))
        codes = generator.sample(
            rows.stop - start,
            context=None if context is None else context[rows],
            given=None if given is None else given[rows],
            stream=stream.child("draw"),
            start=start,
            threads=1,
        )
        return decode(codes, start)

    starts = range(0, max(n, 1), portion)
    return pl.concat(ordered_map(work, starts, threads=threads))
