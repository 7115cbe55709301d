"""Keys that count: where numbers and points in time end, and UUIDs from positions."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import polars as pl

from synthohive.encoding.draws import mixed
from synthohive.encoding.grid import Grid, integer_limits, unit_limits
from synthohive.encoding.hexes import HEX
from synthohive.encoding.words import glued, pieces_of

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from synthohive.randomness import Stream


def largest_number(dtype: pl.DataType) -> int:
    """Return the largest number up to which a numeric dtype counts without a gap.

    Examples:
        >>> largest_number(pl.Int8()), largest_number(pl.Decimal(4, 2))
        (127, 99)
    """
    if dtype.is_integer():
        return integer_limits(dtype)[1]
    if isinstance(dtype, pl.Decimal):
        return 10 ** (dtype.precision - dtype.scale) - 1
    return 2**24 if dtype == pl.Float32 else 2**53


def steps_left(dtype: pl.DataType, origin: int, step: int) -> int:
    """Return how many points in time there are from `origin` on, itself included."""
    return (int(unit_limits(Grid(dtype=dtype))[1]) - origin) // step + 1


def write_steps(index: NDArray[np.int64], dtype: pl.DataType, origin: int, step: int) -> pl.Series:
    """Write points in time, `index` steps from `origin` on."""
    units = pl.Series(origin + index * step)
    if dtype == pl.Time:
        units = units % (int(unit_limits(Grid(dtype=dtype))[1]) + 1)
    return units.cast(pl.Int32 if dtype == pl.Date else pl.Int64).cast(dtype)


def write_uuids(index: NDArray[np.int64], stream: Stream) -> pl.Series:
    """Write UUIDs of version 4: 64 bits are a bijection of the index, the others mixed."""
    high = mixed(index.astype(np.uint64), stream.generator_seed)
    low = mixed(high, 1)
    a, b, c, d = ((high >> np.uint64(shift)) & np.uint64(0xFFFF) for shift in (48, 32, 16, 0))
    e, f, g, h = ((low >> np.uint64(shift)) & np.uint64(0xFFFF) for shift in (48, 32, 16, 0))
    # the version and variant take 6 bits; the 4 bits of d pushed out by the version follow
    version = np.uint64(0x4000) | (d >> np.uint64(4))
    variant = np.uint64(0x8000) | ((d & np.uint64(15)) << np.uint64(10)) | (e >> np.uint64(6))
    hexes = pieces_of(*[HEX] * 4)
    words = (a, b, c, version, variant, f, g, h)
    parts = [hexes.gather(word.astype(np.uint32)) for word in words]
    dash = pl.lit("-")
    middle = [piece for part in parts[2:5] for piece in (dash, part)]
    return glued([*parts[:2], *middle, dash, *parts[5:]])
