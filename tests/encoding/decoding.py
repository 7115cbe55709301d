"""Encoders that were written and read, and rows that nobody learned."""

from __future__ import annotations

import polars as pl

from synthohive.encoding.table import TableEncoder, fit_encoder
from synthohive.randomness import Stream


def refitted(frame: pl.DataFrame) -> TableEncoder:
    """Return an encoder of a frame, written and read."""
    return TableEncoder.from_dict(fit_encoder(frame, {}, stream=Stream(1)).to_dict())


def shuffled(
    frame: pl.DataFrame, encoder: TableEncoder, given: pl.DataFrame | None = None
) -> pl.DataFrame:
    """Decode codes that do not belong together."""
    codes = encoder.encode(frame)
    mixed = [codes[name].shuffle(seed=i) for i, name in enumerate(codes.columns)]
    return encoder.decode(pl.DataFrame(mixed), Stream(2), given=given)
