"""Synthetic copies of whole relational databases.

The public names are loaded when they are first used, so that importing the package costs
next to nothing: neither torch nor duckdb is imported until something needs it.
"""

from __future__ import annotations

from importlib import import_module
from importlib.metadata import version as _version
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from synthohive import errors, events
    from synthohive.ctgan import CTGAN
    from synthohive.ctgan.asked import Between, NotNull, OneOf
    from synthohive.landing.land import land
    from synthohive.landing.read import read_tables
    from synthohive.linkage.linkage_model import LinkageModel
    from synthohive.models.settings import CTGANSettings
    from synthohive.planning.graph import SchemaGraph
    from synthohive.schema.metadata import Metadata
    from synthohive.synthesis.synthesizer import Synthesizer

__version__ = _version("synthohive")

__all__ = [
    "CTGAN",
    "Between",
    "CTGANSettings",
    "LinkageModel",
    "Metadata",
    "NotNull",
    "OneOf",
    "SchemaGraph",
    "Synthesizer",
    "__version__",
    "errors",
    "events",
    "land",
    "read_tables",
]

_HOMES = {
    "Between": "synthohive.ctgan.asked",
    "CTGAN": "synthohive.ctgan",
    "CTGANSettings": "synthohive.models.settings",
    "LinkageModel": "synthohive.linkage.linkage_model",
    "Metadata": "synthohive.schema.metadata",
    "NotNull": "synthohive.ctgan.asked",
    "OneOf": "synthohive.ctgan.asked",
    "SchemaGraph": "synthohive.planning.graph",
    "Synthesizer": "synthohive.synthesis.synthesizer",
    "land": "synthohive.landing.land",
    "read_tables": "synthohive.landing.read",
}


def __getattr__(name: str) -> object:
    """Load a public name when it is first used (PEP 562)."""
    if name in {"errors", "events"}:
        return import_module(f"synthohive.{name}")
    if name not in _HOMES:
        msg = f"module 'synthohive' has no attribute {name!r}"
        raise AttributeError(msg)
    value = getattr(import_module(_HOMES[name]), name)
    globals()[name] = value
    return value


def __dir__() -> list[str]:
    return sorted(__all__)
