"""What the columns of a row have to do with each other: found, left out of learning, restored.

    columns as they are ──coded──► as they are learned … decoded ──settled──► as they are

Some columns are learned as what is left beside another one; the others are learned as they are
and brought in line when rows are decoded.
"""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, TypeVar

from synthohive.encoding.bounds import Bound, bounded, find_bounds
from synthohive.encoding.calendar import CalendarPart, around, find_calendar, without_circles
from synthohive.encoding.curve import Curve, find_curves
from synthohive.encoding.draws import row_bits
from synthohive.encoding.formula import Formula, find_formulas
from synthohive.encoding.lookup import Lookup, completed, find_lookups
from synthohive.encoding.order import Order, find_orders, mended, offsets, placed

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    import polars as pl

    from synthohive.encoding.settings import EncodingSettings
    from synthohive.randomness import Stream
    from synthohive.schema.model import Column

    Columns = Mapping[str, pl.Series]

_Step = TypeVar("_Step", Lookup, Curve, Order, CalendarPart, Formula)


@dataclass(frozen=True, slots=True, kw_only=True)
class Relations:
    """The relations of one table's columns, in the order in which decoded rows are settled.

    Lookups from parts of dates come after these, whatever their place here.

    Attributes:
        lookups: Columns that another one decides, each after the lookups of its base.
        curves: Numbers that nearly follow from another one, each after the curve of its base.
        orders: Dates that never lie before others, each after the orders of its base.
        calendar: Parts of dates.
        bounds: Numbers that are never below others, each after the bounds of its base.
        formulas: Numbers that follow from others, each after the formulas of its parts.
    """

    lookups: tuple[Lookup, ...] = ()
    curves: tuple[Curve, ...] = ()
    orders: tuple[Order, ...] = ()
    calendar: tuple[CalendarPart, ...] = ()
    bounds: tuple[Bound, ...] = ()
    formulas: tuple[Formula, ...] = ()

    def fineness(self, name: str, settings: EncodingSettings) -> EncodingSettings:
        """Return how finely a column is encoded: what is looked up anyway only coarsely."""
        for step in (*self.lookups, *self.calendar):
            if step.column == name and step.is_enough:
                vocabulary = 0 if step.is_twin else settings.vocabulary
                return replace(settings, fine=1, vocabulary=vocabulary)
        return settings

    def coded(self, columns: Columns, known: Columns) -> dict[str, pl.Series]:
        """Return the columns as they are learned.

        Some dates are the time since another one, some numbers the distance from a curve.

        Args:
            columns: The table's columns as they are.
            known: Columns of other tables that orders count from.
        """
        as_they_are = {**columns, **known}
        learned = dict(columns)
        for order in self.orders:
            if order.is_offset:
                learned[order.column] = offsets(columns[order.column], as_they_are[order.base])
        for curve in self.curves:
            learned[curve.column] = curve.distances(columns[curve.column], columns[curve.base])
        return learned

    def settled(
        self,
        decoded: Columns,
        stream: Stream,
        *,
        place: Place,
    ) -> dict[str, pl.Series]:
        """Return decoded columns as they are in real rows.

        Args:
            decoded: The columns as they were learned.
            stream: Address of the randomness.
            place: Which rows they are, and what is known of them.
        """
        columns = {**decoded, **place.given}
        early, late = around(self.lookups, self.calendar)
        self._look_up(columns, early, place)
        for curve in _open(self.curves, place):
            columns[curve.column] = curve.values(columns[curve.column], columns[curve.base])
        for order in _open(self.orders, place):
            name, dtype = order.column, place.schema[order.column]
            base = place.known[order.base] if order.base in place.known else columns[order.base]
            if order.is_offset:
                columns[name] = placed(columns[name], base, dtype)
            else:
                here = stream.child(name, "mend")
                columns[name] = mended(columns[name], base, order, here, start=place.start)
        for part in _open(self.calendar, place):
            columns[part.column] = part.apply(columns[part.base], place.schema[part.column])
        self._look_up(columns, late, place)
        columns |= bounded(columns, self.bounds, stream, start=place.start, fixed=place.given)
        for formula in _open(self.formulas, place):
            columns[formula.column] = formula.apply(columns, place.schema[formula.column])
        return columns

    def _look_up(
        self, columns: dict[str, pl.Series], lookups: Iterable[Lookup], place: Place
    ) -> None:
        for lookup in _open(lookups, place):
            columns[lookup.column] = lookup.apply(columns[lookup.column], columns[lookup.base])

    def completed(
        self,
        given: pl.DataFrame,
        schema: Mapping[str, pl.DataType],
        stream: Stream,
        *,
        start: int = 0,
    ) -> pl.DataFrame:
        """Add the columns that follow from what is given, or that it follows from.

        Args:
            given: Some columns of some rows.
            schema: Dtypes of all columns.
            stream: Address of the randomness; row ``i`` uses number ``start + i``.
            start: Number of the first row.
        """
        parts = [
            part.apply(given[part.base].alias(""), schema[part.column]).alias(part.column)
            for part in self.calendar
            if part.base in given.columns and part.column not in given.columns
        ]
        known = completed(given.with_columns(parts), self.lookups)
        for curve in reversed(self.curves):
            if curve.column in known.columns and curve.base not in known.columns:
                bits = row_bits(stream.child(curve.base, "curve"), known.height, start=start)
                bases = curve.bases(known[curve.column].alias(""), bits)
                known = known.with_columns(bases.alias(curve.base))
        return known

    def follow_again(
        self, frame: pl.DataFrame, changed: Iterable[str], schema: Mapping[str, pl.DataType]
    ) -> pl.DataFrame:
        """Look up and compute what follows from columns of settled rows changed since."""
        changed = set(changed)
        early, late = around(self.lookups, self.calendar)
        for step in (*early, *self.calendar, *late):
            name, base = step.column, step.base
            if base in changed and name not in changed:
                known = frame[base].alias("")
                if isinstance(step, CalendarPart):
                    value = step.apply(known, schema[name])
                else:
                    value = step.apply(frame[name].alias(""), known)
                frame = frame.with_columns(value.alias(name))
                changed.add(name)
        for formula in self.formulas:
            name = formula.column
            if changed & set(formula.parts) and name not in changed:
                value = formula.apply({s.name: s.alias("") for s in frame}, schema[name])
                frame = frame.with_columns(value.alias(name))
                changed.add(name)
        return frame

    def to_dict(self) -> dict[str, object]:
        """Return the relations as JSON-able data."""
        return {name: [step.to_dict() for step in getattr(self, name)] for name in self.__slots__}

    @staticmethod
    def from_dict(state: Mapping[str, list[dict]], schema: Mapping[str, pl.DataType]) -> Relations:
        """Rebuild relations from `to_dict`."""
        return Relations(
            lookups=tuple(map(Lookup.from_dict, state["lookups"])),
            curves=tuple(Curve.from_dict(curve, schema) for curve in state["curves"]),
            orders=tuple(map(Order.from_dict, state["orders"])),
            calendar=tuple(map(CalendarPart.from_dict, state["calendar"])),
            bounds=tuple(Bound.from_dict(bound, schema) for bound in state["bounds"]),
            formulas=tuple(map(Formula.from_dict, state["formulas"])),
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class Place:
    """Which rows are settled.

    Attributes:
        schema: Dtypes of the table's columns.
        start: Number of the first row.
        known: Columns of other tables that orders count from.
        given: Columns that stay as they are, for what is computed from them to suit them.
    """

    schema: Mapping[str, pl.DataType]
    start: int = 0
    known: Columns = field(default_factory=dict)
    given: Columns = field(default_factory=dict)


def _open(steps: Iterable[_Step], place: Place) -> list[_Step]:
    """Return the steps whose columns are not given."""
    return [step for step in steps if step.column not in place.given]


def find_relations(
    frame: pl.DataFrame,
    declared: Mapping[str, Column],
    bases: pl.DataFrame,
    settings: EncodingSettings,
) -> Relations:
    """Find what holds in every real row; curves, which need codecs, are found by `with_curves`.

    Args:
        frame: The real rows.
        declared: What is declared of each column.
        bases: Dates of the same rows that are known before them.
        settings: How many rows must share what is kept.
    """
    public = [name for name, column in declared.items() if column.pii is None]
    calendar = find_calendar(frame[public])
    parts = {part.column for part in calendar}
    apart = frame[[name for name in public if name not in parts]]
    orders, formulas = find_orders(apart, bases), find_formulas(apart)
    computed = {step.column for step in (*orders, *formulas)}
    lookups = find_lookups(
        frame[[name for name in public if name not in computed]],
        min_rows=settings.rows_to_keep_text(frame.height),
        many=settings.coarse,
    )
    needed = {step.base for step in (*calendar, *orders)}
    found = Relations(
        lookups=without_circles(lookups, calendar, needed),
        orders=orders,
        calendar=calendar,
        formulas=formulas,
    )
    free = frame[_free(found, declared)]
    return replace(found, bounds=find_bounds(free, min_rows=settings.min_rows_exact))


def with_curves(
    relations: Relations,
    frame: pl.DataFrame,
    declared: Mapping[str, Column],
    codecs: Mapping[str, object],
) -> Relations:
    """Add the numbers that nearly follow from another one.

    Args:
        relations: What is known to hold.
        frame: The real rows.
        declared: What is declared of each column.
        codecs: How each column would be encoded by itself.
    """
    return replace(relations, curves=find_curves(frame, codecs, _free(relations, declared)))


def _free(relations: Relations, declared: Mapping[str, Column]) -> list[str]:
    """Name the columns that nothing else decides, nor their own declaration."""
    steps = (*relations.orders, *relations.formulas, *relations.calendar, *relations.lookups)
    related = {step.column for step in steps} | {step.base for step in relations.lookups}
    return [
        name
        for name, column in declared.items()
        if column.pii is None
        and name not in related
        and (column.constraint is None or column.constraint.accepted_values is None)
    ]
