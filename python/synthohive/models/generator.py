"""A trained generator: draws codes of rows, and can be written to a folder."""

from __future__ import annotations

from dataclasses import dataclass, replace
from functools import cached_property
from typing import TYPE_CHECKING

import numpy as np
import torch

from synthohive.encoding.layout import Layout
from synthohive.errors import ContextError
from synthohive.models.classic import show_one
from synthohive.models.compiled import build_sampler
from synthohive.models.draws import generator
from synthohive.models.limits import limited_first, live_limits, nearest_offsets
from synthohive.models.network import draw_noise
from synthohive.models.pinned import pinned_torch
from synthohive.models.rounds import ORDER_ROWS, ORDER_ROWS_IN_ROUNDS
from synthohive.models.sampling import draw_rows
from synthohive.models.settings import BLOCK_ROWS
from synthohive.parallel import ordered_map, thread_count

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    from torch import Tensor

    from synthohive.models.compiled import Sampler
    from synthohive.models.limits import Limit
    from synthohive.models.network import Network
    from synthohive.models.outputs import Outputs
    from synthohive.models.rounds import Order
    from synthohive.models.settings import CTGANSettings
    from synthohive.randomness import Stream


@dataclass(frozen=True, kw_only=True)
class Parts:
    """What learning hands over; `None` where no column had more than one code.

    Attributes:
        network: The network, in evaluation mode.
        outputs: Reads distributions off its outputs.
        orders: Orders to draw rows in: the columns of each round, by their place among the
            live columns.
        offsets: What is added to the logits in each order, (orders, outputs); `None` for
            nothing.
        limits: Live columns that may only have some of their codes.
        ahead: Whether columns drawn early are weighted by the chance that later ones are
            within their limits.
    """

    network: Network
    outputs: Outputs
    orders: list[Order]
    offsets: Tensor | None = None
    limits: Mapping[int, Limit] | None = None
    ahead: bool = False

    @cached_property
    def sampler(self) -> Sampler:
        """The network, made ready for drawing."""
        with pinned_torch(), torch.inference_mode():
            return build_sampler(
                self.network,
                self.outputs,
                self.orders,
                self.offsets,
                limits=self.limits,
                ahead=self.ahead,
            )

    def limited(self, limits: Mapping[int, Limit], *, is_asked: bool) -> Parts:
        """Return the same with limits, drawn first if they are what is asked for."""
        if not is_asked:
            return replace(self, limits=limits)
        orders, offsets = limited_first(self.orders, limits), self.offsets
        if offsets is not None:
            offsets = nearest_offsets(self.orders, orders, offsets, self.outputs)
        return replace(self, orders=orders, offsets=offsets, limits=limits, ahead=True)


def live_layout(layout: Layout, constants: np.ndarray, settings: CTGANSettings) -> Layout:
    """Return the columns that a network sees: those with more than one code.

    The one-shot generator draws fine codes together with their coarse ones, so there
    they are columns like any other.
    """
    live = layout.select(layout.names[c] for c in np.flatnonzero(constants < 0))
    if settings.is_classic:
        return Layout(tuple(replace(column, coarse=None) for column in live.columns))
    return live


@dataclass(frozen=True, slots=True, kw_only=True)
class Generator:
    """Draws rows of codes.

    Attributes:
        layout: The columns of a row.
        context_layout: The columns a row is generated from.
        settings: How it was trained.
        constants: For every column its only code, or -1 if it had several: those are
            the *live* columns, the only ones a network sees.
        parts: The network, where there is a live column.
        history: One row per evaluation: step, loss, held-out loss (NaN if none), seconds.
    """

    layout: Layout
    context_layout: Layout
    settings: CTGANSettings
    constants: np.ndarray
    parts: Parts | None
    history: np.ndarray

    @property
    def live(self) -> np.ndarray:
        """Positions of the columns with more than one code."""
        return np.flatnonzero(self.constants < 0)

    @property
    def held_out_loss(self) -> float | None:
        """Best loss on rows not trained on, nats per row; `None` if none were held out."""
        losses = self.history[:, 2] if len(self.history) else np.zeros(0)
        known = losses[~np.isnan(losses)]
        return float(known.min()) if len(known) else None

    def sample(
        self,
        n: int,
        *,
        context: np.ndarray | None = None,
        given: np.ndarray | None = None,
        stream: Stream,
        start: int = 0,
        threads: int | None = None,
    ) -> np.ndarray:
        """Draw the codes of `n` rows.

        Args:
            n: Number of rows.
            context: Context codes, shape (n, context columns).
            given: Codes to keep, shape (n, columns), -1 where there is none: rows are
                drawn from the distribution *given* these, not filtered by them.
            stream: Where the random numbers come from.
            start: Absolute number of the first row, a multiple of `BLOCK_ROWS`.
            threads: Blocks drawn at the same time; as many as there are cores when
                `None`. The result does not depend on it.

        Returns:
            Shape (n, columns), ``int32``.

        Raises:
            ContextError: The context is missing, or of another shape than (n, context
                columns).
            ValueError: `start` is not at the border of a block.
        """
        if start % BLOCK_ROWS:
            raise ValueError(f"start is {start}, not a multiple of {BLOCK_ROWS}")
        context = self._checked_context(n, context)
        result = np.repeat(self.constants[None].astype(np.int32), n, axis=0)
        if given is not None:
            np.copyto(result, given, where=given >= 0, casting="same_kind")
        if self.parts is None or n == 0:
            return np.maximum(result, 0)
        parts, live = self.parts, self.live
        _ = parts.sampler  # built here, lest every thread builds its own

        def draw(block: int) -> None:
            rows = slice(block * BLOCK_ROWS, min(n, (block + 1) * BLOCK_ROWS))
            number = start // BLOCK_ROWS + block
            known = result[rows][:, live]
            result[rows, live] = self._draw_block(parts, known, context[rows], stream, number)

        blocks = range(-(-n // BLOCK_ROWS))
        for _ in ordered_map(draw, blocks, threads=min(len(blocks), thread_count(threads))):
            pass
        return result

    def limited(self, weights: Mapping[int, np.ndarray], *, is_asked: bool) -> Generator:
        """Return a generator of rows in which some columns have only some of their codes.

        Args:
            weights: For each such column the share of every code's values that may be:
                shape (1, size), or (size of the coarse column, size) for a fine one, whose
                coarse column must be among them.
            is_asked: Rows are drawn from the distribution *given* the limits; otherwise the
                limits only hold back codes where there is a choice.
        """
        if self.parts is None:
            return self
        coarse_of = {
            i: self.layout.index(column.coarse)
            for i, column in enumerate(self.layout.columns)
            if column.coarse is not None
        }
        tables = {column: torch.from_numpy(table).double() for column, table in weights.items()}
        constants = self.constants.tolist()
        limits = live_limits(tables, coarse_of, constants, self.parts.outputs)
        return replace(self, parts=self.parts.limited(limits, is_asked=is_asked))

    def save(self, folder: Path) -> None:
        """Write to a folder: ``weights.safetensors``, ``generator.json`` and ``losses.csv``."""
        from synthohive.models.storage import save_generator  # noqa: PLC0415  it builds Generators

        save_generator(self, folder)

    @staticmethod
    def load(folder: Path) -> Generator:
        """Read what `save` wrote.

        Raises:
            ModelFileError: A file is missing, damaged or of another version.
        """
        from synthohive.models.storage import load_generator  # noqa: PLC0415  it builds Generators

        return load_generator(folder)

    def _checked_context(self, n: int, context: np.ndarray | None) -> np.ndarray:
        columns = len(self.context_layout)
        if context is None:
            if columns:
                names = ", ".join(self.context_layout.names[:5])
                raise ContextError(f"{n} rows were asked for without the context ({names})")
            return np.zeros((n, 0), np.int64)
        if context.shape != (n, columns):
            raise ContextError(
                f"context has the shape {context.shape}, not {(n, columns)}: one row for each"
                " row asked for, one column for each context column"
            )
        return context

    def _draw_block(
        self, parts: Parts, known: np.ndarray, context: np.ndarray, stream: Stream, number: int
    ) -> np.ndarray:
        device, random = parts.network.out.weight.device, generator(stream, "block", number)
        sampler = parts.sampler
        with pinned_torch(), torch.inference_mode():
            uniforms = torch.rand(known.shape, generator=random).to(device)
            noise = draw_noise(parts.network, len(known), random)
            codes = torch.from_numpy(known.astype(np.int64)).to(device)
            if self.settings.is_classic and not parts.limits:
                codes = show_one(parts.outputs, codes, random)
            others = torch.from_numpy(context.astype(np.int64)).to(device)
            drawn: list[Tensor] = []
            together = ORDER_ROWS if self.settings.rounds is None else ORDER_ROWS_IN_ROUNDS
            for first in range(0, len(known), together):
                rows = slice(first, first + together)
                place = (number * BLOCK_ROWS + first) // together % len(sampler.orders)
                own = None if noise is None else noise[:, rows]
                order = sampler.orders[place]
                drawn.append(
                    draw_rows(sampler, order, codes[rows], others[rows], uniforms[rows], own)
                )
            return torch.cat(drawn).cpu().numpy()
