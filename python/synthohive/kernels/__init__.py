"""Rust kernels over Polars columns: the only door to ``synthohive._core``.

Tables are seen here as row positions (``UInt32``), counts of children per parent row and
narrow codes. A null position means "no row". Randomness is a function of an address
``(seed, stream, row)``: ``stream_id`` names a stream, and any split of the rows over calls,
blocks or threads gives the same numbers.
"""

from __future__ import annotations

from synthohive.kernels.expand import (
    child_offsets,
    gather,
    parent_rows,
    repeat,
    sibling_positions,
)
from synthohive.kernels.graph import generation_levels
from synthohive.kernels.integrity import (
    KeyCheck,
    check_foreign_key,
    check_unique,
    children_per_parent,
    row_ids,
)
from synthohive.kernels.keys import (
    distinct_pairs,
    draw_grouped,
    draw_quota,
    draw_uniform,
    draw_weighted,
)
from synthohive.kernels.rng import (
    permutation,
    permuted,
    permuted_within,
    random_u64,
    stream_id,
    uniform,
)

__all__ = [
    "KeyCheck",
    "check_foreign_key",
    "check_unique",
    "child_offsets",
    "children_per_parent",
    "distinct_pairs",
    "draw_grouped",
    "draw_quota",
    "draw_uniform",
    "draw_weighted",
    "gather",
    "generation_levels",
    "parent_rows",
    "permutation",
    "permuted",
    "permuted_within",
    "random_u64",
    "repeat",
    "row_ids",
    "sibling_positions",
    "stream_id",
    "uniform",
]
