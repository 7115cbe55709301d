"""The examples in docstrings are run."""

from __future__ import annotations

import doctest
import pkgutil
from importlib import import_module
from io import StringIO

import pytest

import synthohive

MODULES = [
    module.name
    for module in pkgutil.walk_packages(synthohive.__path__, "synthohive.")
    if module.name.rpartition(".")[2] not in ("_core", "__main__")
]


@pytest.mark.parametrize("name", MODULES)
def test_examples_of_docstrings(name):
    runner = doctest.DocTestRunner(verbose=False)
    report = StringIO()
    for example in doctest.DocTestFinder(exclude_empty=True).find(import_module(name)):
        runner.run(example, out=report.write)
    assert not runner.failures, report.getvalue()


def test_there_are_examples_everywhere():
    found = [
        name
        for name in MODULES
        if any(example.examples for example in doctest.DocTestFinder().find(import_module(name)))
    ]
    assert len(found) > len(MODULES) // 4
