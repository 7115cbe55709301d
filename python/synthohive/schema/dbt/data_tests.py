"""Data tests that say something about keys and values."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from synthohive.schema.dbt.artifact import look, plain, texts_of
from synthohive.schema.dbt.facts import ColumnFact, Fact, KeyFact, Rank, ReferenceFact
from synthohive.schema.model import Constraint

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Iterator

    from synthohive.schema.dbt.artifact import Entry
    from synthohive.schema.dbt.directory import Directory


@dataclass(frozen=True, slots=True, kw_only=True)
class _Test:
    """A test with what its handlers need to know of it."""

    table: str
    evidence: str
    arguments: dict[str, Any]
    package: str
    depends_on: Collection[str]
    where: str
    directory: Directory

    @property
    def about(self) -> dict[str, Any]:
        return {"table": self.table, "rank": Rank.TEST, "evidence": self.evidence}

    def columns(self, *names: str) -> tuple[str, ...]:
        """Return the columns given in the first of some arguments that is given."""
        found = (texts_of(self.arguments.get(name)) for name in names)
        return next((columns for columns in found if columns), ())


def facts_of_test(entry: Entry, directory: Directory) -> Iterator[Fact]:
    """State what a generic test says; nothing for a test that is not known."""
    metadata = look(entry, "test_metadata")
    known = _HANDLERS.get((metadata.get("namespace") or "dbt", metadata.get("name")))
    test = _read(entry, directory) if known else None
    if known and test:
        yield from known(test)


def _read(entry: Entry, directory: Directory) -> _Test | None:
    arguments: dict[str, Any] = plain(look(entry, "test_metadata", "kwargs") or {})
    package = str(entry.get("package_name"))
    depends_on = look(entry, "depends_on", "nodes") or ()
    table = entry.get("attached_node")
    if table is None:  # as it is for tests of sources
        table = directory.resolve(str(arguments.get("model") or ""), package, depends_on)
    if table is None:
        return None
    arguments.setdefault("column_name", entry.get("column_name"))
    return _Test(
        table=table,
        evidence=f"test {entry.get('name')}",
        arguments=arguments,
        package=package,
        depends_on=depends_on,
        where=str(look(entry, "config", "where") or ""),
        directory=directory,
    )


def _unique(test: _Test) -> Iterator[Fact]:
    columns = test.columns("column_name", "combination_of_columns", "column_names")
    if columns and not test.where:
        yield KeyFact(columns=columns, **test.about)


def _primary_key(test: _Test) -> Iterator[Fact]:
    columns = test.columns("column_names", "column_name")
    if columns and not test.where:
        yield KeyFact(columns=columns, is_primary=True, **test.about)


def _not_null(test: _Test) -> Iterator[Fact]:
    if not test.where:
        for column in test.columns("column_name"):
            yield ColumnFact(column=column, is_not_null=True, **test.about)


def _relationships(test: _Test) -> Iterator[Fact]:
    columns = test.columns("column_name")
    yield from _reference(test, columns, "to", test.columns("field"))


def _foreign_key(test: _Test) -> Iterator[Fact]:
    columns = test.columns("fk_column_names", "fk_column_name", "column_name")
    parent_columns = test.columns("pk_column_names", "pk_column_name")
    yield from _reference(test, columns, "pk_table_name", parent_columns)


def _reference(
    test: _Test, columns: tuple[str, ...], target: str, parent_columns: tuple[str, ...]
) -> Iterator[Fact]:
    text = str(test.arguments.get(target) or "")
    if not columns or not text:
        return
    conditions = (test.where, str(test.arguments.get("from_condition") or ""))
    yield ReferenceFact(
        columns=columns,
        target=text,
        parent=test.directory.resolve(text, test.package, test.depends_on),
        parent_columns=parent_columns,
        is_partial=not all(_exempts_nobody(condition, columns) for condition in conditions),
        **test.about,
    )


def _exempts_nobody(condition: str, columns: tuple[str, ...]) -> bool:
    """Tell whether a condition only leaves out rows that have no parent anyway."""
    text = " ".join(condition.lower().replace('"', "").split())
    return re.sub(r" *= *", "=", text) in ("", "1=1", "true") or text in {
        f"{column.lower()} is not null" for column in columns
    }


def _accepted_values(test: _Test) -> Iterator[Fact]:
    values = test.arguments.get("values")
    if isinstance(values, list) and not test.where:
        known = tuple(value for value in values if isinstance(value, str | int | float | bool))
        limits = Constraint(accepted_values=known, evidence=(test.evidence,))
        yield from _limits(test, limits)


def _accepted_range(test: _Test) -> Iterator[Fact]:
    low, high = (_number(test.arguments.get(name)) for name in ("min_value", "max_value"))
    if (low is None and high is None) or test.where:
        return
    is_open = test.arguments.get("inclusive") is False
    limits = Constraint(
        minimum=low,
        maximum=high,
        is_minimum_open=is_open and low is not None,
        is_maximum_open=is_open and high is not None,
        evidence=(test.evidence,),
    )
    yield from _limits(test, limits)


def _number(value: object) -> int | float | None:
    """Return a number; a bound that is another column or an expression is none."""
    if isinstance(value, str) and re.fullmatch(r"[-+]?\d+(\.\d+)?", value.strip()):
        return float(value) if "." in value else int(value)
    return value if isinstance(value, int | float) and not isinstance(value, bool) else None


def _limits(test: _Test, limits: Constraint) -> Iterator[Fact]:
    for column in test.columns("column_name"):
        yield ColumnFact(column=column, limits=limits, **test.about)


_HANDLERS: dict[tuple[str, str], Callable[[_Test], Iterator[Fact]]] = {
    ("dbt", "unique"): _unique,
    ("dbt", "not_null"): _not_null,
    ("dbt", "relationships"): _relationships,
    ("dbt", "accepted_values"): _accepted_values,
    ("dbt_utils", "unique_combination_of_columns"): _unique,
    ("dbt_utils", "relationships_where"): _relationships,
    ("dbt_utils", "accepted_range"): _accepted_range,
    ("dbt_constraints", "primary_key"): _primary_key,
    ("dbt_constraints", "unique_key"): _unique,
    ("dbt_constraints", "foreign_key"): _foreign_key,
}
