"""How a database is generated: which table when, driven by whom, from what context."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from synthohive.errors import SchemaValidationError, UnknownTableError, did_you_mean
from synthohive.planning.graph import SchemaGraph
from synthohive.schema.context import ContextColumn, resolve_context
from synthohive.schema.drivers import driver_candidates, driver_of
from synthohive.schema.shapes import shape_of
from synthohive.schema.validate import schema_problems

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from synthohive.schema.metadata import Metadata
    from synthohive.schema.model import ForeignKey, Table
    from synthohive.schema.shapes import Shape


@dataclass(frozen=True, slots=True, kw_only=True)
class Step:
    """How one table is generated.

    Every foreign key of the table is exactly one of driver, secondary, self reference or
    deferred. A kept table is copied, so that it has none of these.

    Attributes:
        table: The table.
        level: Its place in the order; 0 for tables without parents.
        driver: The foreign key whose parent rows decide how many rows there are; `None` for
            a table that is generated on its own.
        secondary: Foreign keys filled in from parents generated before.
        self_reference: The foreign key to the table itself.
        deferred: Foreign keys filled in after all tables are generated.
        context: Ancestor columns to generate from; `None` if they are to be chosen from
            the data.
        unique: Every set of columns that must be unique: the primary key first, then
            declared unique keys, then columns that other tables refer to.
        is_kept: The real rows stay as they are.
    """

    table: str
    level: int
    driver: ForeignKey | None = None
    secondary: tuple[ForeignKey, ...] = ()
    self_reference: ForeignKey | None = None
    deferred: tuple[ForeignKey, ...] = ()
    context: tuple[ContextColumn, ...] | None = None
    unique: tuple[tuple[str, ...], ...] = ()
    is_kept: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Plan:
    """The steps in the order of generation.

    Attributes:
        steps: One step per table, parents before children.
        notices: Choices made where there was one, a sentence each.
    """

    steps: tuple[Step, ...]
    notices: tuple[str, ...] = ()

    def step(self, table: str) -> Step:
        """Return the step of a table.

        Raises:
            UnknownTableError: There is none of that name.
        """
        steps = {step.table: step for step in self.steps}
        if table not in steps:
            suggestion = did_you_mean(table, steps)
            raise UnknownTableError(f"unknown table {table!r}; {suggestion}", table=table)
        return steps[table]


def plan(metadata: Metadata) -> Plan:
    """Plan the generation of a database.

    Args:
        metadata: A schema; its columns and types need not be known.

    Returns:
        The plan, a function of the schema alone.

    Raises:
        CyclicSchemaError: Foreign keys form a cycle that can't be broken.
        SchemaValidationError: Something else is wrong with the schema.

    Examples:
        >>> from synthohive.schema import Metadata
        >>> shop = Metadata().add_table("users", pk="id").add_table("products", pk="id")
        >>> fk = {"user_id": "users.id", "product_id": "products.id"}
        >>> print(plan(shop.add_table("orders", pk="id", fk=fk)).step("orders").driver)
        product_id → products.id
    """
    graph = SchemaGraph(metadata)
    problems = list(schema_problems(metadata))
    if problems:
        raise SchemaValidationError(problems)
    shapes = {name: shape_of(table) for name, table in graph.tables.items()}
    steps = [
        _step(graph.tables[name], level, graph, shapes)
        for level, names in enumerate(graph.levels())
        for name in names
    ]
    notices = [text for step in steps for text in _notices(step, graph.tables[step.table])]
    notices += _unheeded_rows(steps, graph.tables)
    return Plan(steps=tuple(steps), notices=tuple(notices))


def _step(table: Table, level: int, graph: SchemaGraph, shapes: Mapping[str, Shape]) -> Step:
    unique = unique_sets(table, graph.tables)
    if table.keep:
        return Step(table=table.name, level=level, context=(), unique=unique, is_kept=True)
    own = [fk for fk in table.foreign_keys if fk.parent == table.name]
    late = graph.deferred.get(table.name, ())
    driver = driver_of(table, late)
    context = resolve_context(table, graph.tables, shapes, graph.deferred)[0]
    return Step(
        table=table.name,
        level=level,
        driver=driver,
        secondary=tuple(
            fk for fk in table.foreign_keys if fk != driver and fk not in own and fk not in late
        ),
        self_reference=own[0] if own else None,
        deferred=(*late, *own[1:]),
        context=None if table.context is None else tuple(context),
        unique=unique,
    )


def unique_sets(table: Table, tables: Mapping[str, Table]) -> tuple[tuple[str, ...], ...]:
    """Return every set of columns that must be unique in a table, the primary key first."""
    referred = [
        fk.parent_columns
        for child in tables.values()
        for fk in child.foreign_keys
        if fk.parent == table.name
    ]
    found: dict[frozenset[str], tuple[str, ...]] = {}
    for key in (table.primary_key, *table.unique_keys, *referred):
        if key:
            found.setdefault(frozenset(key), key)
    return tuple(found.values())


def _notices(step: Step, table: Table) -> list[str]:
    notices: list[str] = []
    candidates = driver_candidates(table, step.deferred)
    if step.driver and not table.driver and len(candidates) > 1:
        others = ", ".join(str(fk) for fk in candidates if fk != step.driver)
        notices.append(
            f"{step.table} is driven by {step.driver}, the first foreign key by name;"
            f" set its driver to let another one decide: {others}"
        )
    for fk in step.deferred:
        reason = (
            "is a second self reference" if fk.parent == step.table else "closes a cycle of tables"
        )
        notices.append(
            f"{step.table}: {fk} {reason} and is filled in after all tables are generated"
        )
    return notices


def _unheeded_rows(steps: Sequence[Step], tables: Mapping[str, Table]) -> list[str]:
    """Tell of numbers of rows that were declared where something else decides them."""
    by_name = {step.table: step for step in steps}
    notices: list[str] = []
    for step in steps:
        rows = tables[step.table].rows
        if rows is None or (step.driver is None and not step.is_kept):
            continue
        if step.driver is None:
            reason = "its real rows are kept"
        else:
            reason = (
                f"the rows of its driver {step.driver.parent} decide how many there are"
                f" ({step.driver}); {_instead(step, by_name)}"
            )
        notices.append(f"{step.table}: its setting rows ({rows:,}) has no effect, as {reason}")
    return notices


def _instead(step: Step, by_name: Mapping[str, Step]) -> str:
    """Say what does decide the rows of a table with a driver."""
    root = root_above(by_name, step.table)
    return "use scale" if root.is_kept else f"set rows of {root.table}, or use scale"


def root_above(steps: Mapping[str, Step], table: str) -> Step:
    """Return the step of the table that all drivers above a table lead up to, or its own."""
    step = steps[table]
    while step.driver is not None:
        step = steps[step.driver.parent]
    return step
