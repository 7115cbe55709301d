"""Trained once, looked at from many sides."""

from __future__ import annotations

import planted
import pytest

from synthohive.models import train
from synthohive.randomness import Stream


@pytest.fixture(scope="session")
def alone():
    """A generator of the planted table without context, and its rows."""
    codes = planted.table(3_000)
    return train(codes, planted.LAYOUT, settings=planted.QUICK, stream=Stream(1)), codes


@pytest.fixture(scope="session")
def in_context():
    """A generator of the planted table given regions, its rows and their regions."""
    codes, region = planted.regional(3_000)
    generator = train(
        codes,
        planted.LAYOUT,
        context=region,
        context_layout=planted.CONTEXT,
        settings=planted.QUICK,
        stream=Stream(1),
    )
    return generator, codes, region
