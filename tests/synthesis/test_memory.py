from __future__ import annotations

import os

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
