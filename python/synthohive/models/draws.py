"""Random tensors as a function of a stream and a step, never of what was drawn before."""

from __future__ import annotations

from typing import TYPE_CHECKING

import torch

if TYPE_CHECKING:
    from synthohive.randomness import Stream


def generator(stream: Stream, *path: str | int) -> torch.Generator:
    """Return a generator of its own for one place in the work.

    It lives on the CPU whatever the device, so that every device sees the same numbers.
    """
    return torch.Generator().manual_seed(stream.child(*path).generator_seed)
