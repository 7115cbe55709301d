"""What stands in fenced blocks is run, or at least understood by what it is meant for."""

from __future__ import annotations

import re
import shlex
from typing import TYPE_CHECKING

import yaml

from synthohive.cli import app
from synthohive.options import parse_options
from synthohive.schema.settings import ColumnSettings, TableSettings, parse_settings

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

RAN_ELSEWHERE = {"analyse-in-duckdb.md", "swap-real-and-synthetic.md"}  # on the shop's database


def is_run_here(page: Path) -> bool:
    return page.name not in RAN_ELSEWHERE and "```python" in page.read_text(encoding="utf-8")


def test_python_blocks_run_in_the_order_of_the_page(page, docs, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    namespace = {"__name__": "__main__"}
    for block in docs.blocks(page, "python"):
        source = "\n" * (block.line - 1) + block.text  # so that errors tell the page's own line
        exec(compile(source, str(page), "exec"), namespace)


test_python_blocks_run_in_the_order_of_the_page.covers = is_run_here


def test_yaml_blocks_hold_settings_that_are_accepted(page, docs):
    for block in docs.blocks(page, "yaml", "yml"):
        for settings, is_column in meta_of(yaml.safe_load(block.text), is_column=False):
            kind = ColumnSettings if is_column else TableSettings
            parse_settings(kind, settings, f"{page.name}, line {block.line}")


def meta_of(node: object, *, is_column: bool) -> Iterator[tuple[dict, bool]]:
    if isinstance(node, list):
        for item in node:
            yield from meta_of(item, is_column=is_column)
    elif isinstance(node, dict):
        for key, value in node.items():
            if key == "synthohive" and isinstance(value, dict):
                yield value, is_column
            else:
                yield from meta_of(value, is_column=is_column or key == "columns")


def test_the_settings_of_examples_are_found(docs):
    page = docs.root / "docs" / "reference" / "settings.md"
    documents = [yaml.safe_load(block.text) for block in docs.blocks(page, "yaml")]
    found = list(meta_of(documents, is_column=False))
    assert {is_column for _, is_column in found} == {True, False}


def test_macro_arguments_in_commands_are_accepted(page):
    for text in re.findall(r"--args '([^']*)'", page.read_text(encoding="utf-8")):
        if "…" not in text and "..." not in text:
            parse_options(yaml.safe_load(text))


def test_commands_in_consoles_are_understood(page, docs):
    for block in docs.blocks(page, "console", "bash"):
        for line in block.text.replace("\\\n", " ").splitlines():
            words = shlex.split(line.removeprefix("$ "), comments=True)
            if words[:1] == ["synthohive"] and "|" not in words:
                app.parse_args(words[1:], exit_on_error=False, print_error=False)
