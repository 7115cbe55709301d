"""`CTGAN`: one table, frames in, frames out."""

from __future__ import annotations

from synthohive.ctgan.asked import Between, NotNull, OneOf
from synthohive.ctgan.model import CTGAN
from synthohive.errors import UnseenContextWarning

__all__ = ["CTGAN", "Between", "NotNull", "OneOf", "UnseenContextWarning"]
