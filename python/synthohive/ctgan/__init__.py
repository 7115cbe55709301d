"""`CTGAN`: one table, frames in, frames out."""

from __future__ import annotations

from synthohive.ctgan.conditions import UnseenContextWarning
from synthohive.ctgan.model import CTGAN

__all__ = ["CTGAN", "UnseenContextWarning"]
