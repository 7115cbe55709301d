"""Numbers for codes: a short vector per code, and sums of vectors per parent."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    import polars as pl
    from numpy.typing import NDArray

    from synthohive.encoding.layout import CodeColumn

MAX_FEATURES = 256
MAX_WIDTH = 24
BLOCK = 500_000


def tables_of(codes: pl.DataFrame, columns: Sequence[CodeColumn]) -> dict[str, NDArray[np.float64]]:
    """Return for every column the vector of each of its codes; ``(K, W)``.

    Vectors have mean zero and a variance of 1 over all their elements, weighted by how
    often each code occurs, so that every column has the same say.
    """
    width = max(2, min(MAX_WIDTH, MAX_FEATURES // len(columns)))
    return {c.name: _table(codes[c.name].to_numpy(), c, width) for c in columns}


def _table(codes: NDArray[np.integer], column: CodeColumn, width: int) -> NDArray[np.float64]:
    mass = np.bincount(codes, minlength=column.size) / len(codes)
    if column.is_ordered:
        # Where a code stands, and how far from the middle.
        rank = (mass.cumsum() - mass / 2) * 2 - 1
        table = np.stack([rank, rank**2], axis=1) if column.size > 2 else rank[:, None]  # noqa: PLR2004
    elif column.size <= width:
        table = np.eye(column.size)
    else:
        # Random directions keep many codes apart in few dimensions
        # (Johnson and Lindenstrauss 1984).
        generator = np.random.default_rng(column.size)
        table = generator.choice([-1.0, 1.0], (column.size, width))
    table = table - mass @ table
    variance = float((mass @ table**2).sum())
    return table / np.sqrt(variance) if variance > 0 else table


def halves_of(place: NDArray[np.intp]) -> NDArray[np.intp]:
    """Deal the children of each parent to two halves, in turn; 0 or 1, ``(N,)``."""
    order = np.argsort(place, kind="stable")
    ranked = place[order]
    starts = np.flatnonzero(np.append(True, ranked[1:] != ranked[:-1]))
    sizes = np.diff(np.append(starts, len(place)))
    half = np.empty(len(place), np.intp)
    half[order] = (np.arange(len(place)) - np.repeat(starts, sizes)) % 2
    return half


def sums_by(
    cells: NDArray[np.intp], codes: NDArray[np.integer], table: NDArray[np.float64], size: int
) -> NDArray[np.float64]:
    """Sum the vectors of codes per cell; cells ``(N,)`` below `size` → ``(size, W)``."""
    sums = [np.bincount(cells, axis[codes], size).astype(np.float64) for axis in table.T]
    return np.stack(sums, axis=1)


def projected_means(
    codes: pl.DataFrame,
    tables: Mapping[str, NDArray[np.float64]],
    place: NDArray[np.intp],
    children: NDArray[np.float64],
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Average the children of each parent, block by block.

    Args:
        codes: Codes of the children; ``N`` rows.
        tables: Vector of each code of a column, summed over columns; ``(K, T)`` each.
        place: Number of each child's parent; ``(N,)``.
        children: Children per parent, all positive; ``(Q,)``.

    Returns:
        Mean vector of each parent, ``(Q, T)``, and the sum of squares of its children
        about that mean, ``(Q,)``.
    """
    width = next(iter(tables.values())).shape[1]
    sums, squares = np.zeros((width, len(children))), np.zeros(len(children))
    small = {name: table.astype(np.float32) for name, table in tables.items()}
    for start in range(0, codes.height, BLOCK):
        block = codes[start : start + BLOCK]
        vectors = np.zeros((block.height, width), np.float32)
        for name, table in small.items():
            vectors += table[block[name].to_numpy()]
        cells = place[start : start + BLOCK]
        sums += [np.bincount(cells, axis, len(children)) for axis in vectors.T]
        squares += np.bincount(cells, (vectors**2).sum(axis=1), len(children))
    means = sums.T / children[:, None]
    return means, np.maximum(0.0, squares - children * (means**2).sum(axis=1))
