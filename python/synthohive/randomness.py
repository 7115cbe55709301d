"""Addresses of random numbers.

A random number is a function of a seed, a path of names (table, stage, column) and a row
number. Nothing is ever drawn "next", so threads, blocks and the order of work cannot
change a result.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from synthohive import kernels

if TYPE_CHECKING:
    import polars as pl


@dataclass(frozen=True, slots=True)
class Stream:
    """One independent sequence of random numbers.

    Attributes:
        seed: The seed of the run.
        path: Names that tell this stream from every other, such as table and stage.

    Examples:
        >>> stream = Stream(7).child("orders", "decode")
        >>> whole = stream.uniform(4)
        >>> whole[2:].equals(stream.uniform(2, start=2))
        True
    """

    seed: int
    path: tuple[str | int, ...] = ()

    def child(self, *names: str | int) -> Stream:
        """Return the stream one or more names further down."""
        return Stream(self.seed, (*self.path, *names))

    @property
    def id(self) -> int:
        """The 64-bit address of the path, for the kernels."""
        return kernels.stream_id(*self.path)

    @property
    def generator_seed(self) -> int:
        """A 63-bit seed, a function of seed and path, for `torch.Generator` or NumPy."""
        return kernels.stream_id(self.seed, *self.path) >> 1

    def uniform(self, n: int, *, start: int = 0) -> pl.Series:
        """Draw `n` numbers in [0, 1) for the rows from `start` on; ``Float64``."""
        return kernels.uniform(n, seed=self.seed, stream=self.id, start=start)
