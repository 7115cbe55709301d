"""`Metadata`: the tables, columns and keys of a database, gathered step by step."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Self

from synthohive.errors import ConfigError, UnknownTableError, did_you_mean
from synthohive.schema.declare import (
    normalised,
    read_columns,
    read_context,
    read_foreign_keys,
    read_key_sets,
    read_names,
)
from synthohive.schema.model import OrphanPolicy, Table
from synthohive.schema.retype import with_column_types
from synthohive.schema.serial import metadata_to_dict, tables_from_dict
from synthohive.schema.subset import selected
from synthohive.schema.validate import validate_schema

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence
    from pathlib import Path

    import polars as pl


_KEYWORDS = (
    *("pk", "fk", "parent_context_cols", "constraints", "driver", "order_by", "pii", "keep"),
    *("rows", "unique", "not_null", "on_orphans"),
)
_POLICIES = ("error", "drop", "null")
_EVIDENCE = "declared in Python"


class Metadata:
    """The declared schema of a database.

    Attributes:
        tables: The tables by name, in the order they were declared.
        notices: What the reader of a schema should know, one sentence each.
        problems: References that could not be read, by table; `validate_schema` reports
            them together with everything else.

    Examples:
        >>> shop = (
        ...     Metadata()
        ...     .add_table("users", pk="id", pii={"mail": "email"})
        ...     .add_table("orders", pk="id", fk={"user_id": "users.id"})
        ... )
        >>> shop
        Metadata(users, orders)
        >>> print(shop.table("orders").foreign_keys[0])
        user_id → users.id
        >>> shop.validate_schema()
    """

    def __init__(self) -> None:
        self.tables: dict[str, Table] = {}
        self.notices: list[str] = []
        self.problems: dict[str, list[str]] = {}

    def add_table(
        self,
        name: str,
        *,
        pk: str | Sequence[str] | None = None,
        fk: Mapping[Any, Any] | None = None,
        parent_context_cols: Sequence[str] | None = None,
        constraints: Mapping[str, Mapping[str, object]] | None = None,
        driver: str | Sequence[str] | None = None,
        order_by: str | None = None,
        pii: Mapping[str, str | bool] | Sequence[str] | None = None,
        keep: bool = False,
        rows: int | None = None,
        unique: Sequence[str | Sequence[str]] | None = None,
        not_null: Sequence[str] | None = None,
        on_orphans: OrphanPolicy = "error",
        **unknown: object,
    ) -> Self:
        """Declare a table.

        Args:
            name: The table's name.
            pk: Column or columns of the primary key.
            fk: Foreign keys: ``{"user_id": "users.id"}``. A key of several columns is
                ``{("origin", "hour"): ("weather", ("origin", "time_hour"))}``; so are
                ``"weather.(origin, time_hour)"``, as in SQL ``"weather(origin, time_hour)"``,
                and ``["weather.origin", "weather.time_hour"]``. Names with a dot, a quote,
                a comma or a bracket need the tuple form ``("my.table", "id")`` or SQL
                quotes, ``'"my.table".id'``.
            parent_context_cols: Columns of the parents to generate this table from:
                ``region`` or ``users.region``, of the driver or of the driver's own drivers.
                Chosen from the data when not given; ``[]`` for none.
            constraints: Limits by column: ``{"dtype", "min", "max", "accepted_values",
                "mode"}``, see `Constraint`.
            driver: Column or columns of the foreign key whose parent decides how many rows
                there are; the first foreign key alphabetically when not given.
            order_by: The column that orders the children of one parent.
            pii: Personal columns, with their kind (see `PII_KINDS`) or as a list.
            keep: Keep the real rows of this table as they are.
            rows: Rows to generate at scale 1; as many as the real table when not given.
            unique: Further unique columns or lists of columns.
            not_null: Columns that are never null.
            on_orphans: What to do about real rows whose parent is missing.
            **unknown: Refused, with a suggestion.

        Returns:
            This object, so that calls can be chained.

        Raises:
            ConfigError: A setting is unknown or of the wrong type, or the table is declared
                twice. A reference that makes no sense is reported by `validate_schema`.
        """
        _refuse_unknown(name, unknown)
        if not name or name in self.tables:
            raise ConfigError(
                f"table {name!r} is already declared" if name else "a table needs a name"
            )
        if on_orphans not in _POLICIES:
            suggestion = did_you_mean(on_orphans, _POLICIES)
            raise ConfigError(f"table {name!r}, on_orphans: {on_orphans!r}; {suggestion}")
        keys, problems = read_foreign_keys(fk or {}, name, _EVIDENCE)
        primary_key = read_names(pk, f"pk of table {name!r}")
        table = Table(
            name=name,
            columns=read_columns(name, constraints or {}, pii or (), not_null, _EVIDENCE),
            primary_key=primary_key,
            unique_keys=read_key_sets(unique, f"unique of table {name!r}"),
            foreign_keys=tuple(keys),
            driver=read_names(driver, f"driver of table {name!r}"),
            context=read_context(parent_context_cols, name),
            order_by=order_by,
            rows=rows,
            keep=keep,
            on_orphans=on_orphans,
            key_evidence=(_EVIDENCE,) if primary_key else (),
        )
        self.tables[name] = normalised(table)
        if problems:
            self.problems[name] = problems
        return self

    def table(self, name: str) -> Table:
        """Return a table.

        Raises:
            UnknownTableError: There is none of that name; the message suggests one.
        """
        if name not in self.tables:
            suggestion = did_you_mean(name, self.tables)
            raise UnknownTableError(f"unknown table {name!r}; {suggestion}", table=name)
        return self.tables[name]

    def select(self, names: str | Iterable[str]) -> Metadata:
        """Return the schema of some of the tables.

        Foreign keys to tables left out are dropped, with a notice; their columns become
        plain attributes.

        Raises:
            UnknownTableError: A name is that of no table.
        """
        wanted = [names] if isinstance(names, str) else list(names)
        tables, notices = selected({name: self.table(name) for name in wanted}, self.tables)
        problems = {name: texts for name, texts in self.problems.items() if name in tables}
        return _metadata(tables, [*self.notices, *notices], problems)

    def with_column_types(self, types: Mapping[str, Mapping[str, str]]) -> Metadata:
        """Return the schema with the columns and SQL types that the database tells.

        Args:
            types: SQL types by table and column, columns in the table's order. Tables may
                be left out.

        Raises:
            UnknownTableError: A table is not declared.
        """
        plain = {self.table(name).name: dict(columns) for name, columns in types.items()}
        return _metadata(with_column_types(self.tables, plain), self.notices, self.problems)

    def validate_schema(
        self,
        tables: Mapping[str, pl.DataFrame] | None = None,
        row_counts: Mapping[str, int] | None = None,
    ) -> None:
        """Check the declarations and, if given, the data they describe.

        Args:
            tables: The real rows by table. Their columns and types are checked first; if
                nothing is wrong with those, the keys in the rows are.
            row_counts: Rows to generate by table, as a user asked for them.

        Raises:
            SchemaValidationError: Something is wrong; the error lists all of it.
        """
        validate_schema(self, tables, row_counts)

    def to_dict(self) -> dict[str, Any]:
        """Return everything as JSON-able data; `from_dict` reads it without loss."""
        return metadata_to_dict(self)

    @classmethod
    def from_dict(cls, document: Mapping[str, Any]) -> Metadata:
        """Read what `to_dict` wrote.

        Raises:
            ModelFileError: The document is of another format or damaged.
        """
        tables = tables_from_dict(document)
        return _metadata(tables, document.get("notices", ()), document.get("problems", {}))

    @classmethod
    def from_dbt(
        cls, source: str | Path | Mapping[str, Any], *, select: Iterable[str] | None = None
    ) -> Metadata:
        """Read the schema of a dbt project.

        Args:
            source: A ``manifest.json``, the folder it is in or a project folder with a
                ``target`` in it; or the parsed manifest or dbt's Jinja ``graph``.
            select: Names of exactly the seeds, sources, models and snapshots to read. When
                not given: all seeds and sources, and the models and snapshots that have
                settings in ``config.meta.synthohive``; in a project without seeds and
                sources, all models that are tables.

        Raises:
            ConfigError: There is no such manifest, a setting in it is wrong, or a selected
                table is unknown or no table.
        """
        from synthohive.schema.dbt import read_dbt  # noqa: PLC0415  # needs pydantic

        return read_dbt(source, select)

    def __eq__(self, other: object) -> bool:
        if not isinstance(other, Metadata):
            return NotImplemented
        return self.tables == other.tables and self.problems == other.problems

    __hash__ = None  # type: ignore[assignment]  # it can change

    def __repr__(self) -> str:
        names = list(self.tables)
        shown = names if len(names) <= 8 else [*names[:7], f"… {len(names) - 7} more"]  # noqa: PLR2004
        return f"Metadata({', '.join(shown)})"

    def __str__(self) -> str:
        """Show one line per table, its key and its foreign keys, and what could not be read."""
        lines = [_line(table) for table in self.tables.values()]
        problems = [f"! {text}" for texts in self.problems.values() for text in texts]
        return "\n".join([*lines, *problems]) or "no tables"


def _metadata(
    tables: Mapping[str, Table],
    notices: Iterable[str],
    problems: Mapping[str, Sequence[str]],
) -> Metadata:
    result = Metadata()
    result.tables = dict(tables)
    result.notices = list(notices)
    result.problems = {name: list(texts) for name, texts in problems.items()}
    return result


def _line(table: Table) -> str:
    key = f" ({', '.join(table.primary_key)})" if table.primary_key else ""
    keys = "; ".join(str(fk) for fk in table.foreign_keys)
    return f"{table.name}{key}{': ' if keys else ''}{keys}"


def _refuse_unknown(table: str, unknown: Mapping[str, object]) -> None:
    for keyword in unknown:
        suggestion = did_you_mean(keyword, _KEYWORDS)
        raise ConfigError(
            f"table {table!r}: unknown setting {keyword!r}; {suggestion}", table=table
        )
