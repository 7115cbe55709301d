"""Schemas as plain, JSON-able data and back, without loss."""

from __future__ import annotations

from dataclasses import asdict
from typing import TYPE_CHECKING, Any

from synthohive.errors import ModelFileError
from synthohive.schema.model import Column, Constraint, ForeignKey, Relation, Table

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from synthohive.schema.metadata import Metadata

FORMAT = 1


def metadata_to_dict(metadata: Metadata) -> dict[str, Any]:
    """Return everything a `Metadata` holds as dictionaries, lists and plain values."""
    return {
        "format": FORMAT,
        "tables": [_plain(asdict(table)) for table in metadata.tables.values()],
        "notices": list(metadata.notices),
        "problems": {name: list(texts) for name, texts in metadata.problems.items()},
    }


def _plain(value: Any) -> Any:
    if isinstance(value, dict):
        return {name: _plain(item) for name, item in value.items()}
    return [_plain(item) for item in value] if isinstance(value, list | tuple) else value


def tables_from_dict(document: Mapping[str, Any]) -> dict[str, Table]:
    """Read the tables that `metadata_to_dict` wrote.

    Raises:
        ModelFileError: The document is of another format or damaged.
    """
    if document.get("format") != FORMAT:
        found = document.get("format")
        raise ModelFileError(f"the schema has format {found!r}; this version reads format {FORMAT}")
    try:
        tables = [_table(entry) for entry in document["tables"]]
    except (KeyError, TypeError, AttributeError) as error:
        raise ModelFileError(f"the schema is damaged: {error!r}") from error
    return {table.name: table for table in tables}


def _table(entry: Mapping[str, Any]) -> Table:
    fields = _frozen(entry)
    fields["columns"] = {name: _column(column) for name, column in entry["columns"].items()}
    fields["foreign_keys"] = tuple(ForeignKey(**_frozen(fk)) for fk in entry["foreign_keys"])
    if entry["relation"] is not None:
        fields["relation"] = Relation(**entry["relation"])
    return Table(**fields)


def _column(entry: Mapping[str, Any]) -> Column:
    fields = _frozen(entry)
    if entry["constraint"] is not None:
        fields["constraint"] = Constraint(**_frozen(entry["constraint"]))
    return Column(**fields)


def _frozen(entry: Mapping[str, Any]) -> dict[str, Any]:
    """Turn the lists of an entry, and the lists in them, into tuples."""
    return {
        name: _tuple(value) if isinstance(value, list) else value for name, value in entry.items()
    }


def _tuple(items: Sequence[Any]) -> tuple[Any, ...]:
    return tuple(tuple(item) if isinstance(item, list) else item for item in items)
