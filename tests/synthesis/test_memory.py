from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from synthohive.synthesis import memory
from synthohive.synthesis.memory import share_memory

VARIABLE = "ONEDNN_PRIMITIVE_CACHE_CAPACITY"


@pytest.mark.parametrize(("before", "after"), [(None, str(memory.PRODUCTS)), ("7", "7")])
def test_few_products_are_remembered_unless_the_environment_says_how_many(
    before, after, monkeypatch
):
    monkeypatch.setenv(VARIABLE, "")  # so that it is put back afterwards
    monkeypatch.delenv(VARIABLE)
    if before is not None:
        monkeypatch.setenv(VARIABLE, before)
    share_memory()
    assert os.environ[VARIABLE] == after


STATUS = Path("/proc/self/status")

HOARD = """
from concurrent.futures import ThreadPoolExecutor
import sys
import numpy as np
from synthohive.synthesis.memory import keep_little, tidied

def memory():
    with open("/proc/self/status") as status:
        return next(int(line.split()[1]) / 1024 for line in status if line.startswith("RssAnon"))

def block(_):
    pieces = [np.ones(4_000) for _ in range(1_000)]  # 32 MB in pieces too small to be mapped
    kept = np.ones(4_000) if IN_USE_BEHIND else None
    pieces.clear()
    return kept

IN_USE_BEHIND = sys.argv[1] == "behind"
keep_little()
np.ones(3_000_000)  # a large piece, after which the C library keeps as much and more
before = memory()
with ThreadPoolExecutor(1) as pool:
    all_kept = list(tidied(pool.map(block, range(11))))
    print(memory() - before)
"""


@pytest.mark.skipif(not STATUS.exists(), reason="memory is read from there")
@pytest.mark.parametrize("where", ["behind", "before"])
def test_what_blocks_have_freed_is_given_back(where):
    """Whether it lies before what is in use or at the end of it."""
    command = [sys.executable, "-c", HOARD, where]
    kept = float(subprocess.run(command, capture_output=True, check=True, text=True).stdout)
    assert kept < 12
