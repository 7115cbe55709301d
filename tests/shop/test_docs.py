"""Every SQL and Python block of the shop's how-to pages runs against its database."""

from __future__ import annotations

import re
from pathlib import Path

import duckdb
import pytest

pytestmark = pytest.mark.dbt

HOW_TO = Path(__file__).parents[2] / "docs" / "how-to"
PAGES = ["analyse-in-duckdb.md", "swap-real-and-synthetic.md"]


def blocks(language: str) -> list[pytest.param]:
    found = []
    for page in PAGES:
        text = (HOW_TO / page).read_text(encoding="utf-8")
        for number, code in enumerate(re.findall(rf"```{language}\n(.*?)```", text, re.DOTALL), 1):
            found.append(pytest.param(code, id=f"{page}-{number}"))
    return found


@pytest.mark.parametrize("query", blocks("sql"))
def test_sql_blocks_answer_with_rows(swapped, query):
    with duckdb.connect(str(swapped / "shop.duckdb"), read_only=True) as connection:
        assert connection.execute(query).fetchall()


@pytest.mark.parametrize("code", blocks("python"))
def test_python_blocks_print_an_answer(swapped, monkeypatch, capsys, code):
    monkeypatch.chdir(swapped)
    exec(compile(code, "block", "exec"), {"__name__": "block"})
    assert capsys.readouterr().out.strip()


def test_the_orphan_counts_of_the_page_are_all_zero(swapped):
    page = (HOW_TO / PAGES[0]).read_text(encoding="utf-8")
    [query] = [sql for sql in re.findall(r"```sql\n(.*?)```", page, re.DOTALL) if "orphans" in sql]
    with duckdb.connect(str(swapped / "shop.duckdb"), read_only=True) as connection:
        counts = connection.execute(query).fetchall()
    assert len(counts) == 5
    assert {count for _, count in counts} == {0}


@pytest.mark.parametrize("macro", ["ref", "generate_schema_name"])
def test_macros_shown_are_those_of_the_project(macro):
    page = (HOW_TO / PAGES[1]).read_text(encoding="utf-8")
    source = HOW_TO.parents[1] / "examples" / "shop" / "macros" / f"{macro}.sql"
    code = re.sub(r"{#.*?#}\n", "", source.read_text(encoding="utf-8"), flags=re.DOTALL)
    assert code in page
