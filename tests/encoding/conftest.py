"""`decoding` becomes importable."""

from __future__ import annotations

import importlib.util
import sys
from pathlib import Path

SPEC = importlib.util.spec_from_file_location("decoding", Path(__file__).parent / "decoding.py")
assert SPEC is not None
assert SPEC.loader is not None
decoding = importlib.util.module_from_spec(SPEC)
sys.modules["decoding"] = decoding
SPEC.loader.exec_module(decoding)
