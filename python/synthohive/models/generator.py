"""A trained generator: draws codes of rows, and can be written to a folder."""

from __future__ import annotations

import os
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import numpy as np
import torch

from synthohive.encoding.layout import Layout
from synthohive.errors import ContextError
from synthohive.models.classic import show_one
from synthohive.models.draws import generator
from synthohive.models.pinned import pinned_torch
from synthohive.models.sampling import Reader, draw_rows, readers
from synthohive.models.settings import BLOCK_ROWS

if TYPE_CHECKING:
    from pathlib import Path

    from torch import Tensor

    from synthohive.models.network import Network
    from synthohive.models.outputs import Outputs
    from synthohive.models.settings import CTGANSettings
    from synthohive.randomness import Stream

CHUNK_ROWS = 1_024
"""Rows that go through the network together: few enough for a core's own cache."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Parts:
    """What learning hands over; `None` where no column had more than one code.

    Attributes:
        network: The network, in evaluation mode.
        outputs: Reads distributions off its outputs.
        rounds: The columns of each round, by their place among the live columns.
    """

    network: Network
    outputs: Outputs
    rounds: list[list[int]]


def live_layout(layout: Layout, constants: np.ndarray, settings: CTGANSettings) -> Layout:
    """Return the columns that a network sees: those with more than one code.

    The one-shot generator draws fine codes together with their coarse ones, so there
    they are columns like any other.
    """
    live = layout.select(layout.names[c] for c in np.flatnonzero(constants < 0))
    if settings.objective == "classic":
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
            Shape (n, columns), ``int64``.

        Raises:
            ContextError: The context is missing, or of another shape than (n, context
                columns).
            ValueError: `start` is not at the border of a block.
        """
        if start % BLOCK_ROWS:
            raise ValueError(f"start is {start}, not a multiple of {BLOCK_ROWS}")
        context = self._checked_context(n, context)
        result = np.repeat(self.constants[None], n, axis=0)
        if given is not None:
            result = np.where(given >= 0, given, result)
        if self.parts is None or n == 0:
            return np.maximum(result, 0)
        with pinned_torch(), torch.inference_mode():
            rounds = [readers(self.parts.network, self.parts.outputs, r) for r in self.parts.rounds]

        def draw(block: int) -> None:
            rows = slice(block * BLOCK_ROWS, min(n, (block + 1) * BLOCK_ROWS))
            number = start // BLOCK_ROWS + block
            random = generator(stream, "block", number)
            live = result[rows][:, self.live]
            result[rows, self.live] = self._draw_block(live, context[rows], rounds, random)

        blocks = range(-(-n // BLOCK_ROWS))
        workers = min(len(blocks), threads or os.cpu_count() or 1)
        if workers == 1:
            for block in blocks:
                draw(block)
        else:
            with ThreadPoolExecutor(workers) as pool:
                list(pool.map(draw, blocks))
        return result

    def save(self, folder: Path) -> None:
        """Write to a folder: ``weights.safetensors`` and ``generator.json``."""
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
        self,
        known: np.ndarray,
        context: np.ndarray,
        rounds: list[list[Reader]],
        random: torch.Generator,
    ) -> np.ndarray:
        if self.parts is None:
            return known
        network, outputs = self.parts.network, self.parts.outputs
        device = network.out.weight.device
        uniforms = torch.rand(known.shape, generator=random).to(device)
        noise = None
        if network.noise:
            noise = torch.randn(1, len(known), network.noise, generator=random).to(device)
        codes = torch.from_numpy(known).to(device)
        codes, filled = codes.clamp(min=0), codes >= 0
        if self.settings.objective == "classic":
            codes, filled = show_one(outputs, codes, filled, random)
        others = torch.from_numpy(context.astype(np.int64)).to(device)
        drawn: list[Tensor] = []
        with pinned_torch(), torch.inference_mode():
            for first in range(0, len(known), CHUNK_ROWS):
                rows = slice(first, first + CHUNK_ROWS)
                drawn.append(
                    draw_rows(
                        network,
                        outputs,
                        rounds,
                        codes=codes[rows],
                        filled=filled[rows],
                        context=others[rows],
                        uniforms=uniforms[rows],
                        noise=None if noise is None else noise[:, rows],
                    )
                )
        return torch.cat(drawn).cpu().numpy()
