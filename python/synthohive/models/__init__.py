"""The CTGAN: learns codes, draws codes. Arrays in, arrays out; the only user of torch.

`train` and `Generator` are loaded when they are first used, and torch with them.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING

from synthohive.models.settings import BLOCK_ROWS, CTGANSettings

if TYPE_CHECKING:
    from synthohive.models.generator import Generator
    from synthohive.models.training import train

__all__ = ["BLOCK_ROWS", "CTGANSettings", "Generator", "train"]

_HOMES = {"Generator": "synthohive.models.generator", "train": "synthohive.models.training"}


def __getattr__(name: str) -> object:
    """Load a name that needs torch when it is first used (PEP 562)."""
    if name not in _HOMES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(import_module(_HOMES[name]), name)
