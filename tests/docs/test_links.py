"""Links between pages lead somewhere."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

_LINK = re.compile(r"\[[^\]]*\]\(([^)\s]+)\)")
_OUTSIDE = ("http://", "https://", "mailto:")


def test_relative_links_resolve(page, docs):
    broken = [
        target
        for target in _LINK.findall(docs.prose(page))
        if not target.startswith(_OUTSIDE) and not is_there(page, target, docs.headings)
    ]
    assert not broken


def is_there(page: Path, target: str, headings: Callable[[Path], list[re.Match[str]]]) -> bool:
    path, _, anchor = target.partition("#")
    file = (page.parent / path).resolve() if path else page
    return file.exists() and (not anchor or anchor in anchors(headings(file)))


def anchors(headings: list[re.Match[str]]) -> set[str]:
    """The anchors GitHub gives to headings."""
    texts = (heading["title"].lower() for heading in headings)
    return {re.sub(r"[^\w\- ]", "", text).replace(" ", "-") for text in texts}


def test_anchors_are_those_of_headings(docs, tmp_path):
    page = tmp_path / "a.md"
    page.write_text("# Exit codes\n```sh\n# no\n```\n## `Metadata.add_table`\n", encoding="utf-8")
    assert anchors(docs.headings(page)) == {"exit-codes", "metadataadd_table"}


def test_every_page_of_the_docs_is_linked_from_their_index(docs):
    folder = docs.root / "docs"
    index = folder / "README.md"
    linked = {
        (folder / target.partition("#")[0]).resolve() for target in _LINK.findall(docs.prose(index))
    }
    assert {page for page in docs.pages() if folder in page.parents and page != index} <= linked
