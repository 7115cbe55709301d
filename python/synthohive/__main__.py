"""``python -m synthohive`` is the command line."""

from __future__ import annotations

import sys

from synthohive.cli import main

sys.exit(main())
