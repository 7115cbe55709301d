"""Uniform numbers spread evenly over runs of rows.

Independent numbers let the sum of all counts wander, most where few parents have nearly all
children; here a run of n rows holds one number from each n-th of [0, 1), in random order.
Each number alone is uniform, a table's number of children comes out close to what its
parents promise, and the number of row ``i`` is still a function of ``i`` and of the number
of all rows.

Source: latin hypercube sampling in one dimension, McKay, Beckman and Conover (1979).
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from synthohive.randomness import Stream

RUN = 8_192
"""Rows per run; the last one has what is left."""


def stratified(
    stream: Stream, n: int, *, start: int = 0, total: int | None = None
) -> NDArray[np.float64]:
    """Draw numbers in [0, 1) for the rows from `start` on, stratified in runs of `RUN`.

    Args:
        stream: Where the random numbers come from.
        n: Rows drawn for.
        start: Number of the first of them.
        total: Number of all rows; those drawn for are the last ones when not given.

    Examples:
        >>> import numpy as np
        >>> from synthohive.randomness import Stream
        >>> whole = stratified(Stream(3), 77)
        >>> bool((stratified(Stream(3), 20, start=50, total=77) == whole[50:70]).all())
        True
        >>> bool((np.sort(whole) * 77 // 1 == np.arange(77)).all())
        True
    """
    total = start + n if total is None else total
    parts = [
        _run(stream, first, min(RUN, total - first))
        for first in range(start // RUN * RUN, start + n, RUN)
    ]
    skipped = start % RUN
    return np.concatenate([np.zeros(0), *parts])[skipped : skipped + n]


def _run(stream: Stream, first: int, rows: int) -> NDArray[np.float64]:
    keys = stream.child("order").uniform(rows, start=first).to_numpy()
    ranks = np.empty(rows)
    ranks[keys.argsort(kind="stable")] = np.arange(rows)
    return (ranks + stream.child("inside").uniform(rows, start=first).to_numpy()) / rows
