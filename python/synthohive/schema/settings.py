"""Settings that a dbt project makes in ``config.meta.synthohive``."""

from __future__ import annotations

# pydantic reads these annotations when a class is made, so that the names must exist
from collections.abc import Mapping  # noqa: TC003
from datetime import date, datetime
from typing import Annotated, Any, Literal, TypeVar

from pydantic import (
    BaseModel,
    ConfigDict,
    NonNegativeInt,
    StrictBool,
    StrictFloat,
    StrictInt,
    StrictStr,
    StringConstraints,
    ValidationError,
)

from synthohive.errors import ConfigError, did_you_mean

Name = Annotated[StrictStr, StringConstraints(min_length=1)]
Names = Name | list[Name]
Bound = StrictInt | StrictFloat | StrictStr | date | datetime
Value = StrictBool | StrictInt | StrictFloat | StrictStr | date | datetime | None


class _Settings(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class Limits(_Settings):
    """Limits of a column's values; see `Constraint`."""

    dtype: StrictStr | None = None
    min: Bound | None = None
    max: Bound | None = None
    accepted_values: list[Value] | None = None
    mode: Literal["clip", "enforce"] | None = None


class ColumnSettings(Limits):
    """Settings of one column.

    Attributes:
        pii: The kind of personal value, ``true`` to tell it from the column's name, or
            ``false``.
        references: The parent column, ``table.column``; ``false`` to ignore every foreign
            key of the column that dbt knows of.
    """

    pii: StrictBool | StrictStr | None = None
    references: Name | Literal[False] | None = None


class ForeignKeySettings(_Settings):
    """A foreign key.

    Attributes:
        columns: The child's columns.
        to: The parent: a table's name, ``ref('…')`` or ``source('…', '…')``.
        to_columns: The parent's columns; its primary key when not given.
    """

    columns: Names
    to: Name
    to_columns: Names | None = None


class TableSettings(_Settings):
    """Settings of one table; see `Metadata.add_table` for their meaning.

    Attributes:
        skip: Leave the table out.
        generated: The table is itself synthetic and never read as real.
    """

    driver: Names | None = None
    context: list[Name] | None = None
    rows: NonNegativeInt | None = None
    keep: StrictBool | None = None
    order_by: Name | None = None
    on_orphans: Literal["error", "drop", "null"] | None = None
    primary_key: Names | None = None
    foreign_keys: list[ForeignKeySettings] | None = None
    unique: list[Names] | None = None
    constraints: dict[str, Limits] | None = None
    skip: StrictBool = False
    generated: StrictBool = False


S = TypeVar("S", TableSettings, ColumnSettings)


def parse_settings(kind: type[S], declared: Mapping[str, Any], where: str) -> S:
    """Check settings.

    Args:
        kind: What they are settings of.
        declared: The settings as written.
        where: Whose settings these are, for the message.

    Raises:
        ConfigError: Some are unknown or of the wrong type; the message lists all of them.

    Examples:
        >>> parse_settings(TableSettings, {"driver": "user_id"}, "seed orders").driver
        'user_id'
    """
    try:
        return kind.model_validate(dict(declared))
    except ValidationError as error:
        lines: dict[str, None] = {}
        for entry in error.errors():
            lines[_explain(kind, entry["loc"], entry)] = None
        raise ConfigError(f"settings of {where}: {'; '.join(lines)}") from None


def _explain(kind: type[BaseModel], place: tuple[int | str, ...], entry: Mapping[str, Any]) -> str:
    names = [str(part) for part in place if str(part) in _ALL_NAMES or isinstance(part, int)]
    if entry["type"] != "extra_forbidden":
        shown = ".".join(names) or str(place[0])
        return f"{shown} is {entry['input']!r}: {_sentence(entry['msg'])}"
    known: type[BaseModel] = kind
    if "foreign_keys" in place:
        known = ForeignKeySettings
    elif "constraints" in place:
        known = Limits
    unknown = str(place[-1])
    return f"unknown setting {unknown!r}; {did_you_mean(unknown, known.model_fields)}"


def _sentence(text: str) -> str:
    return text[:1].lower() + text[1:]


_ALL_NAMES = {
    *TableSettings.model_fields,
    *ColumnSettings.model_fields,
    *ForeignKeySettings.model_fields,
}
