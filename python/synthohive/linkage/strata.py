"""Uniform numbers spread evenly over short runs of rows.

Independent numbers let the sum of all counts wander; here every aligned run of 64 rows
holds one number from each 64th of [0, 1), in random order. Each number alone is uniform,
a table's number of children comes out close to what its parents promise, and the number
of row ``i`` is still a function of ``i`` alone.

Source: latin hypercube sampling in one dimension, McKay, Beckman and Conover (1979).
"""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    from synthohive.randomness import Stream

RUN = 64
"""Rows per run."""


def stratified(stream: Stream, n: int, *, start: int = 0) -> NDArray[np.float64]:
    """Draw numbers in [0, 1) for the rows from `start` on, stratified in runs of `RUN`.

    Examples:
        >>> import numpy as np
        >>> from synthohive.randomness import Stream
        >>> whole = stratified(Stream(3), 128)
        >>> bool((stratified(Stream(3), 28, start=100) == whole[100:]).all())
        True
        >>> bool((np.sort(whole[:64] * 64 // 1) == np.arange(64)).all())
        True
    """
    first = start // RUN * RUN
    rows = -(-(start + n - first) // RUN) * RUN
    keys = stream.child("order").uniform(rows, start=first).to_numpy().reshape(-1, RUN)
    ranks = keys.argsort(axis=1, kind="stable").argsort(axis=1, kind="stable")
    inside = stream.child("inside").uniform(n, start=start).to_numpy()
    return (ranks.reshape(-1)[start - first : start - first + n] + inside) / RUN
