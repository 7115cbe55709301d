"""The reference names everything there is, and nothing that is not."""

from __future__ import annotations

import ast
import inspect
import re
from dataclasses import fields, is_dataclass
from typing import TYPE_CHECKING

import duckdb
import polars as pl
import pytest

import synthohive
from synthohive import errors, events
from synthohive.cli import main
from synthohive.options import OPTION_NAMES
from synthohive.schema.model import PII_KINDS
from synthohive.schema.settings import ColumnSettings, ForeignKeySettings, Limits, TableSettings

if TYPE_CHECKING:
    from pathlib import Path

CALLABLES = sorted(
    name for name in synthohive.__all__ if name not in {"__version__", "errors", "events"}
)


@pytest.fixture(scope="module")
def reference(docs) -> Path:
    return docs.root / "docs" / "reference"


@pytest.mark.parametrize("name", synthohive.__all__)
def test_public_names_have_a_section(name, docs, reference):
    assert docs.section(reference / "python.md", f"`{name}`").strip()
    assert getattr(synthohive, name) is not None


@pytest.mark.parametrize("name", CALLABLES)
def test_signatures_are_as_shown(name, docs, reference):
    text = docs.section(reference / "python.md", f"`{name}`")
    signatures = "\n".join(re.findall(r"^```text\n(.*?)^```$", text, re.MULTILINE | re.DOTALL))
    for label, function in public_functions(getattr(synthohive, name)):
        found = re.search(
            rf"^{re.escape(label)}(\(.*?\)) ?->", signatures, re.MULTILINE | re.DOTALL
        )
        assert found is not None, f"no signature of {label}"
        assert shown_parameters(found[1]) == real_parameters(function), label


def public_functions(thing):
    yield thing.__name__, thing
    if inspect.isclass(thing):
        for name, _ in inspect.getmembers(thing, callable):
            if not name.startswith("_") and name in vars(thing):
                yield f"{thing.__name__}.{name}", getattr(thing, name)


def shown_parameters(signature: str) -> dict[str, str]:
    """Parameters with their defaults as written; those by keyword only begin with a star."""
    made = ast.parse(f"def f{signature}: ...").body[0]
    assert isinstance(made, ast.FunctionDef)
    plain, named = made.args.args, made.args.kwonlyargs
    defaults = [None] * (len(plain) - len(made.args.defaults)) + made.args.defaults
    pairs = [(arg.arg, default) for arg, default in zip(plain, defaults, strict=True)]
    pairs += [
        (f"*{arg.arg}", default) for arg, default in zip(named, made.args.kw_defaults, strict=True)
    ]
    return {name: "" if default is None else ast.unparse(default) for name, default in pairs}


def real_parameters(function) -> dict[str, str]:
    """The same of the function itself; a dataclass of settings is shown by its fields."""
    if is_dataclass(function):
        return {}
    result = {}
    for name, parameter in inspect.signature(function).parameters.items():
        if name == "self" or parameter.kind in {parameter.VAR_KEYWORD, parameter.VAR_POSITIONAL}:
            continue
        star = "*" if parameter.kind is parameter.KEYWORD_ONLY else ""
        default = parameter.default
        is_named = inspect.isfunction(default)
        shown = (
            "" if default is parameter.empty else default.__name__ if is_named else repr(default)
        )
        result[star + name] = shown
    return result


def test_fields_of_settings_are_listed_with_their_defaults(docs, reference):
    text = docs.section(reference / "python.md", "`CTGANSettings`")
    rows = (line.split("|")[1:3] for line in text.splitlines() if line.startswith("| `"))
    shown = {name.strip(" `"): default.strip(" `") for name, default in rows}
    fixed = {field.name: field.default for field in fields(synthohive.CTGANSettings)}
    assert shown.keys() == fixed.keys()
    for name, default in fixed.items():
        assert default is None or shown[name] == str(default), name


def test_every_error_is_listed(docs, reference):
    classes = {name for name, _ in inspect.getmembers(errors, inspect.isclass)} - {"Iterable"}
    assert docs.first_cells(docs.section(reference / "python.md", "`errors`")) == classes


def test_every_event_is_listed(docs, reference):
    classes = {name for name, kind in inspect.getmembers(events, is_dataclass)}
    text = docs.section(reference / "python.md", "`events`")
    assert docs.first_cells(text) == classes
    for name in classes:
        row = next(line for line in text.splitlines() if line.startswith(f"| `{name}`"))
        for field in fields(getattr(events, name)):
            assert f"`{field.name}`" in row, f"{name}.{field.name}"


def test_every_option_of_the_macro_is_listed(docs, reference):
    text = docs.section(reference / "dbt.md", "Arguments")
    assert docs.first_cells(text) == set(OPTION_NAMES)


def test_audit_columns_are_listed(docs, reference):
    con = duckdb.connect()
    synthohive.land({"users": pl.DataFrame({"id": [1]})}, con)
    rows = con.execute(
        "SELECT table_name, column_name FROM information_schema.columns"
        " WHERE starts_with(table_name, '_synthohive')"
    ).fetchall()
    assert {table for table, _ in rows} == {"_synthohive_runs", "_synthohive_tables"}
    for table in dict(rows):
        text = docs.section(reference / "dbt.md", f"`{table}`")
        assert docs.first_cells(text) == {column for name, column in rows if name == table}


@pytest.mark.parametrize(
    ("title", "kind"),
    [
        ("Settings of a table", TableSettings),
        ("Settings of a column", ColumnSettings),
        ("Foreign keys", ForeignKeySettings),
        ("Limits", Limits),
    ],
)
def test_every_setting_is_listed(title, kind, docs, reference):
    names = docs.first_cells(docs.section(reference / "settings.md", title))
    assert names == set(kind.model_fields)


def test_every_kind_of_personal_value_is_listed(docs, reference):
    text = docs.section(reference / "settings.md", "Personal columns")
    assert docs.first_cells(text) == set(PII_KINDS)


@pytest.mark.parametrize("command", ["inspect", "synthesize", "init", "dbt-path"])
def test_every_option_of_the_command_line_is_listed(command, docs, reference, capsys):
    assert main([command, "--help"]) == 0
    known = set(re.findall(r"--[a-z][a-z-]*", re.sub(r"Example:.*", "", capsys.readouterr().out)))
    text = docs.section(reference / "cli.md", f"`synthohive {command}`")
    project = docs.section(reference / "cli.md", "The project")
    is_on_project = command in ("inspect", "synthesize")
    listed = docs.first_cells(text) | (docs.first_cells(project) if is_on_project else set())
    assert listed == known
