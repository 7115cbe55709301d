"""Unique texts of a fixed form: a shuffled position written in mixed radix."""

from __future__ import annotations

from dataclasses import dataclass
from itertools import count
from math import prod
from typing import TYPE_CHECKING

import numpy as np
import polars as pl

from synthohive import kernels
from synthohive.encoding.draws import mixed
from synthohive.encoding.words import glued, pieces_of
from synthohive.errors import CapacityError

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from numpy.typing import NDArray

    from synthohive.randomness import Stream

_POSITIONS = 1 << 62  # no position is beyond
_MAX_PIECES = 10_000


@dataclass(frozen=True, slots=True, kw_only=True)
class Radix:
    """A form with so many choices in each place.

    Attributes:
        alphabets: The characters possible in each place; one character is a constant.
        growth: Places put in before the end when all texts of the form are used up;
            empty if the form cannot grow.
        tail: How many of the last places stay behind the grown ones.

    Examples:
        >>> from synthohive.randomness import Stream
        >>> form = Radix(alphabets=("AB", "01"), growth=("01",))
        >>> first = form.write(np.arange(6), Stream(1)).to_list()
        >>> sorted(first[:4]), [len(text) for text in first[4:]]
        (['A0', 'A1', 'B0', 'B1'], [3, 3])
    """

    alphabets: tuple[str, ...]
    growth: tuple[str, ...] = ()
    tail: int = 0

    @property
    def capacity(self) -> int:
        """Number of texts before the form grows."""
        return prod(len(alphabet) for alphabet in self.alphabets)

    def write(self, positions: NDArray[np.int64], stream: Stream) -> pl.Series:
        """Write a text per position; different positions get different texts.

        Raises:
            CapacityError: The form is used up and cannot grow.
        """
        parts: list[pl.Series] = []
        order: list[NDArray[np.int64]] = []
        for block, alphabets, start, size in self._blocks(int(positions.max(initial=0))):
            at = np.flatnonzero((positions >= start) & (positions < start + size))
            inside = positions[at] - start
            parts.append(_write_block(inside, alphabets, stream.child(block)))
            order.append(at)
        place = np.empty(len(positions), np.int64)
        place[np.concatenate(order)] = np.arange(len(positions))
        return pl.concat(parts).gather(place)

    def _blocks(self, last: int) -> Iterator[tuple[int, tuple[str, ...], int, int]]:
        """Yield number, form, first position and size of each length until `last` fits."""
        start = 0
        cut = len(self.alphabets) - self.tail
        for block in count():
            grown = self.growth * block
            alphabets = (*self.alphabets[:cut], *grown, *self.alphabets[cut:])
            size = prod(len(alphabet) for alphabet in alphabets)
            yield block, alphabets, start, size
            start += size
            if last < start:
                return
            if prod(len(alphabet) for alphabet in self.growth) <= 1:
                raise CapacityError(
                    f"there are only {start} keys of this form, {last + 1} are needed",
                    hint="generate fewer rows, or use a wider key",
                )

    def to_dict(self) -> dict[str, object]:
        """Return the form as JSON-able data."""
        return {
            "alphabets": list(self.alphabets),
            "growth": list(self.growth),
            "tail": self.tail,
        }

    @staticmethod
    def from_dict(state: dict) -> Radix:
        """Rebuild a form from `to_dict`."""
        return Radix(
            alphabets=tuple(state["alphabets"]), growth=tuple(state["growth"]), tail=state["tail"]
        )


def unique_choices(
    positions: NDArray[np.int64], sizes: Sequence[int], stream: Stream
) -> list[NDArray[np.int64]]:
    """Choose one of `sizes[j]` for each part ``j`` so that no two positions agree in all.

    The position is shuffled and written in mixed radix from the last part on. Parts before
    those that all positions need are random.

    Args:
        positions: Different positions, each less than the product of `sizes`.
        sizes: Number of choices per part.
        stream: Address of the randomness.

    Returns:
        One array of choices per part.
    """
    left = min(prod(sizes), _POSITIONS)
    shuffled = kernels.permuted(
        pl.Series(positions, dtype=pl.UInt64), left, seed=stream.seed, stream=stream.id
    )
    rest = shuffled.to_numpy().astype(np.int64)
    bits = mixed(rest.astype(np.uint64), stream.generator_seed)
    choices: list[NDArray[np.int64]] = []
    for salt, size in enumerate(reversed(sizes)):
        # a part with more choices than positions are left is filled up at random
        spare = (mixed(bits, salt) % np.uint64(max(1, size // left))).astype(np.int64)
        choices.append(rest % size + spare * left if size > left else rest % size)
        rest = rest // size
        left = -(-left // size)
    return choices[::-1]


def _write_block(
    positions: NDArray[np.int64], alphabets: Sequence[str], stream: Stream
) -> pl.Series:
    """Write texts of one length."""
    tables = [pieces_of(*chunk) for chunk in _chunks(alphabets)][::-1]
    if not tables:
        return pl.Series([""]).new_from_index(0, len(positions))
    choices = unique_choices(positions, [len(table) for table in tables], stream)
    return glued([table.gather(choice) for table, choice in zip(tables, choices, strict=True)])


def _chunks(alphabets: Sequence[str]) -> Iterator[tuple[str, ...]]:
    """Group places from the last to the first into pieces of a handy number of texts."""
    chunk: tuple[str, ...] = ()
    for alphabet in reversed(alphabets):
        if chunk and prod(map(len, chunk)) * len(alphabet) > _MAX_PIECES:
            yield chunk
            chunk = ()
        chunk = (alphabet, *chunk)
    if chunk:
        yield chunk
