"""The Markdown pages of the project, and the fenced blocks and links in them."""

from __future__ import annotations

import os
import re
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from types import SimpleNamespace

import pytest

ROOT = Path(__file__).parents[2]
_NOT_OURS = {"target", "dbt_packages", "node_modules", "logs"}
_FENCE = re.compile(
    r"^(?P<indent> *)```(?P<language>\w*)\n(?P<text>.*?)^(?P=indent)```$", re.MULTILINE | re.DOTALL
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Block:
    """A fenced block: its text without indent, and the line of the page it begins at."""

    text: str
    line: int


@cache
def pages() -> list[Path]:
    """Every Markdown file of the project; not those of builds and of installed packages."""
    found: list[Path] = []
    for folder, folders, files in os.walk(ROOT):
        folders[:] = [
            name for name in folders if not name.startswith(".") and name not in _NOT_OURS
        ]
        found += [Path(folder, name) for name in files if name.endswith(".md")]
    return sorted(found)


def blocks(page: Path, *languages: str) -> list[Block]:
    """The fenced blocks of a page that are in one of some languages."""
    text = page.read_text(encoding="utf-8")
    return [
        Block(
            text="".join(
                line.removeprefix(found["indent"])
                for line in found["text"].splitlines(keepends=True)
            ),
            line=text.count("\n", 0, found.start("text")) + 1,
        )
        for found in _FENCE.finditer(text)
        if found["language"] in languages
    ]


def prose(page: Path) -> str:
    """A page without its fenced blocks and code spans."""
    return re.sub(r"`[^`\n]*`", "", _FENCE.sub("", page.read_text(encoding="utf-8")))


def headings(page: Path) -> list[re.Match[str]]:
    """The headings of a page; a comment in a fenced block is none."""
    text = page.read_text(encoding="utf-8")
    fenced = [found.span() for found in _FENCE.finditer(text)]
    return [
        found
        for found in re.finditer(r"^(?P<level>#+) (?P<title>.+)$", text, re.MULTILINE)
        if not any(start <= found.start() < end for start, end in fenced)
    ]


def section(page: Path, title: str) -> str:
    """The text below a heading, up to the next one of the same or a higher level."""
    all_of_page = headings(page)
    found = next((heading for heading in all_of_page if heading["title"] == title), None)
    assert found is not None, f"{page.name} has no section {title!r}"
    ends = (
        heading.start()
        for heading in all_of_page
        if heading.start() > found.start() and len(heading["level"]) <= len(found["level"])
    )
    return found.string[found.end() : next(ends, len(found.string))]


def first_cells(text: str) -> set[str]:
    """The names in code font in the first column of a page's tables."""
    return {
        name
        for row in re.findall(r"^\| *(`[^|]*`) *\|", text, re.MULTILINE)
        for name in re.findall(r"`([^`]+)`", row)
    }


@pytest.fixture(scope="session")
def docs() -> SimpleNamespace:
    """What tests ask of pages; test folders are no packages, so that it can't be imported."""
    return SimpleNamespace(
        root=ROOT,
        pages=pages,
        blocks=blocks,
        prose=prose,
        headings=headings,
        section=section,
        first_cells=first_cells,
    )


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    if "page" in metafunc.fixturenames:
        found = [page for page in pages() if getattr(metafunc.function, "covers", _all)(page)]
        names = [page.relative_to(ROOT).as_posix() for page in found]
        metafunc.parametrize("page", found, ids=names)


def _all(page: Path) -> bool:
    return page.is_file()
