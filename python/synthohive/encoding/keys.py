"""Key values as a function of a position, in the format of the real keys."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Literal, cast

import numpy as np
import polars as pl

from synthohive import kernels
from synthohive.encoding.blurred import rounded_range
from synthohive.encoding.counting import largest_number, steps_left, write_steps, write_uuids
from synthohive.encoding.draws import mixed
from synthohive.encoding.dtypes import dtype_from_dict, dtype_to_dict
from synthohive.encoding.key_forms import Counter, find_counter, find_form, is_uuid
from synthohive.encoding.personal import FORMED_KINDS, Recipe, fit_writer
from synthohive.encoding.radix import Radix
from synthohive.encoding.seen import Seen, remember, unique_anew
from synthohive.encoding.text import TextModel, fit_text
from synthohive.encoding.words import CONSONANTS, VOWELS, glued
from synthohive.errors import CapacityError, ConfigError
from synthohive.randomness import Stream

if TYPE_CHECKING:
    from numpy.typing import NDArray

Kind = Literal["number", "step", "listed", "counter", "uuid", "form", "words", "recipe"]

_WORD_FORM = Radix(alphabets=(CONSONANTS, VOWELS) * 3, growth=(CONSONANTS, VOWELS))
_FIRST_WORD = r"^(?s)(?<scheme>(?:[a-z]+://)?(?:www\.)?)[\p{L}\p{N}]*(?<rest>.*)$"
_TITLE_SHARE = 0.5
_FORM_TEXTS = 5  # so many personal texts must share a form
_FORM_TRIES = 4
_MOST = 2**63 - 1  # numbers of rows are counted in 64 bits
_SAMPLES = 5


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class KeyFormat:
    """How a key column is written.

    Attributes:
        dtype: The real dtype.
        kind: ``number`` counts; ``counter`` counts inside text; ``step`` counts in time;
            ``listed`` takes the dtype's own few values; ``uuid`` writes random-looking
            UUIDs of version 4; ``form`` writes codes such as ``N123UA``; ``words`` writes
            free text that begins with a word of its own; ``recipe`` writes personal values.
        origin: First unit of a ``step`` key.
        step: Units from one ``step`` key to the next.
        listed: The values of a ``listed`` key.
        counter: Text around the number of a ``counter`` key.
        form: Form of a ``form`` key.
        text: Model of the text of a ``words`` key.
        is_title: Words begin with a capital letter.
        recipe: Recipe of a personal key.
        seen: The real values of a personal ``form`` key, none of which is written.
        column: What errors call the column.
    """

    dtype: pl.DataType
    kind: Kind
    origin: int = 0
    step: int = 1
    listed: tuple[str, ...] = ()
    counter: Counter | None = None
    form: Radix | None = None
    text: TextModel | None = None
    is_title: bool = False
    recipe: Recipe | None = None
    seen: Seen | None = None
    column: str = ""

    @property
    def capacity(self) -> int | None:
        """How many different keys there are; `None` where keys get longer instead."""
        match self.kind:
            case "number":
                return largest_number(self.dtype)
            case "step":
                return steps_left(self.dtype, self.origin, self.step)
            case "listed":
                return len(self.listed)
            case _:
                return None

    def format(
        self, positions: pl.Series, *, first: int = 1, stream: Stream, table: str | None = None
    ) -> pl.Series:
        """Write the key of each position; different positions get different keys.

        A key is a function of the row's number, which is its position plus `first`. Numbers
        that differ give keys that differ, so that runs share no key whose numbers do not
        meet, whatever their seeds are.

        Args:
            positions: Row positions from 0, unsigned, without nulls.
            first: Number of the first row.
            stream: Address of the randomness, for keys that do not count.
            table: The table that errors name.

        Returns:
            Keys of the real dtype, in the order of `positions`.

        Raises:
            CapacityError: The dtype has not as many values.

        Examples:
            >>> keys = fit_key_format(pl.Series(["CUST-0001", "CUST-0002"]))
            >>> keys.format(pl.Series([0, 41], dtype=pl.UInt32), stream=Stream(1)).to_list()
            ['CUST-0001', 'CUST-0042']
        """
        rows = positions.to_numpy().astype(np.int64)
        last = int(rows.max(initial=0)) + first  # of any size, so that nothing overflows
        capacity = _MOST if self.capacity is None else min(self.capacity, _MOST)
        if last > capacity:
            raise self._full(last, capacity, table)
        numbers = rows + first
        return self._written(numbers, stream).cast(self.dtype).alias("")

    def _full(self, last: int, capacity: int, table: str | None) -> CapacityError:
        """Say that there are too few keys."""
        where = f"{table}.{self.column}" if table else self.column or "a key"
        text = f"{where}: keys of type {self.dtype} end at {capacity}, {last} is needed"
        if self.kind == "listed":
            some = ", ".join(self.listed[:_SAMPLES]) + (", …" if capacity > _SAMPLES else "")
            dtype = "Boolean" if self.dtype == pl.Boolean else "Enum"
            text = f"{where}: {dtype} keys have {capacity} values ({some}), {last} are needed"
        return CapacityError(
            text,
            table=table,
            column=self.column or None,
            hint="generate fewer rows, or use a wider key",
        )

    def _written(  # noqa: PLR0911  (one return per kind)
        self, numbers: NDArray[np.int64], stream: Stream
    ) -> pl.Series:
        still = Stream(0, stream.path)  # the same for all seeds
        match self.kind:
            case "number":
                return pl.Series(numbers)
            case "step":
                return write_steps(numbers - 1, self.dtype, self.origin, self.step)
            case "listed":
                return self._from_list(numbers - 1, still)
            case "counter":
                return cast("Counter", self.counter).write(numbers)
            case "uuid":
                return write_uuids(numbers - 1, stream)
            case "form":
                return self._formed(numbers, still)
            case "words":
                return self._worded(numbers, still, stream)
            case "recipe":
                return cast("Recipe", self.recipe).write_unique(numbers, still)

    def _from_list(self, index: NDArray[np.int64], stream: Stream) -> pl.Series:
        """Take the few values there are in a shuffled order."""
        size = len(self.listed)
        rows = pl.Series(index % size if size else index, dtype=pl.UInt64)
        shuffled = kernels.permuted(rows, size, seed=stream.seed, stream=stream.id)
        texts = pl.Series(self.listed, dtype=pl.String).gather(shuffled)
        return texts == "true" if self.dtype == pl.Boolean else texts

    def _formed(self, numbers: NDArray[np.int64], stream: Stream) -> pl.Series:
        """Write codes, and none that is a real personal value."""
        form = cast("Radix", self.form)

        def write(some: NDArray[np.int64]) -> pl.Series:
            return form.write(some, stream)

        return (
            write(numbers)
            if self.seen is None
            else unique_anew(write, numbers, self.seen, _FORM_TRIES)
        )

    def _worded(self, numbers: NDArray[np.int64], still: Stream, stream: Stream) -> pl.Series:
        """Write texts whose first word no other text begins with, and none that is real."""
        text = self.text

        def write(some: NDArray[np.int64]) -> pl.Series:
            words = _WORD_FORM.write(some, still.child("word"))
            words = words.str.to_titlecase() if self.is_title else words
            if text is None:
                return words
            bits = mixed(some.astype(np.uint64), stream.generator_seed)
            parts = text.draft(bits).str.extract_groups(_FIRST_WORD).struct.unnest()
            return glued([parts["scheme"], words, parts["rest"]])

        return write(numbers) if text is None else unique_anew(write, numbers, text.seen, 1)

    def to_dict(self) -> dict[str, object]:
        """Return the format as JSON-able data."""
        return {
            "dtype": dtype_to_dict(self.dtype),
            "kind": self.kind,
            "origin": self.origin,
            "step": self.step,
            "listed": list(self.listed),
            "counter": self.counter.to_dict() if self.counter else None,
            "form": self.form.to_dict() if self.form else None,
            "text": self.text.to_dict() if self.text else None,
            "is_title": self.is_title,
            "recipe": self.recipe.to_dict() if self.recipe else None,
            "seen": self.seen.to_dict() if self.seen else None,
            "column": self.column,
        }

    @staticmethod
    def from_dict(state: dict) -> KeyFormat:
        """Rebuild a format from `to_dict`."""
        return KeyFormat(
            dtype=dtype_from_dict(state["dtype"]),
            kind=state["kind"],
            origin=state["origin"],
            step=state["step"],
            listed=tuple(state["listed"]),
            counter=Counter(**state["counter"]) if state["counter"] else None,
            form=Radix.from_dict(state["form"]) if state["form"] else None,
            text=TextModel.from_dict(state["text"]) if state["text"] else None,
            is_title=state["is_title"],
            recipe=Recipe.from_dict(state["recipe"]) if state["recipe"] else None,
            seen=Seen.from_dict(state["seen"]) if state["seen"] else None,
            column=state["column"],
        )


def fit_key_format(
    values: pl.Series, *, pii: str | None = None, stream: Stream | None = None
) -> KeyFormat:
    """Learn the format of a key column, or of any other column of unique values.

    Args:
        values: The real keys; nulls are ignored.
        pii: The kind of personal value the column is declared to hold.
        stream: Address of the randomness that words are invented with.

    Raises:
        ConfigError: A key cannot be of this dtype.
    """
    # without its name, which may look like a pattern to Polars
    dtype, known = values.dtype, values.alias("").drop_nulls()
    if dtype.is_nested() or dtype.base_type() in (pl.Object, pl.Null, pl.Binary):
        raise ConfigError(
            f"{values.name!r} is of type {dtype}, which cannot be a key",
            column=values.name,
            hint="declare a key of numbers, text or dates",
        )
    found = _format(known, dtype, pii, stream or Stream(0))
    return replace(found, column=values.name)


def _format(known: pl.Series, dtype: pl.DataType, pii: str | None, stream: Stream) -> KeyFormat:
    """Learn the format of a column without nulls."""
    if dtype.is_numeric():
        return KeyFormat(dtype=dtype, kind="number")
    if dtype.is_temporal():
        return _step_format(known, dtype, is_personal=pii is not None)
    if isinstance(dtype, pl.Enum):
        return KeyFormat(dtype=dtype, kind="listed", listed=tuple(dtype.categories.to_list()))
    if dtype == pl.Boolean:
        return KeyFormat(dtype=dtype, kind="listed", listed=("false", "true"))
    return _text_format(known.cast(pl.String).unique().sort(), dtype, pii, stream)


def _text_format(
    texts: pl.Series, dtype: pl.DataType, pii: str | None, stream: Stream
) -> KeyFormat:
    """Learn the format of a column of text."""
    if pii is not None and pii not in FORMED_KINDS:
        writer = fit_writer(texts, pii, stream)
        if isinstance(writer, Recipe):
            return KeyFormat(dtype=dtype, kind="recipe", recipe=writer)
    if is_uuid(texts):
        return KeyFormat(dtype=dtype, kind="uuid")
    counter = find_counter(texts)
    if counter is not None and pii is None:
        return KeyFormat(dtype=dtype, kind="counter", counter=counter)
    form = find_form(texts) if pii is None or len(texts) >= _FORM_TEXTS else None
    if form is not None:
        seen = None if pii is None else remember(texts)
        return KeyFormat(dtype=dtype, kind="form", form=form, seen=seen)
    text = None
    if len(texts):
        text = fit_text(texts, stream, min_word_texts=None if pii is not None else 5)
    is_title = bool(len(texts)) and float(texts.str.contains(r"^\p{Lu}").mean() or 0) > _TITLE_SHARE  # pyright: ignore[reportArgumentType]
    return KeyFormat(dtype=dtype, kind="words", text=text, is_title=is_title)


def _step_format(known: pl.Series, dtype: pl.DataType, *, is_personal: bool) -> KeyFormat:
    """Learn the first point in time and the most frequent step."""
    units = known.to_physical().cast(pl.Int64).unique().sort().to_numpy()
    if not len(units):
        return KeyFormat(dtype=dtype, kind="step")
    steps, counts = np.unique(np.diff(units), return_counts=True)
    step = int(steps[counts.argmax()]) if len(steps) else 1
    first = int(units[0])
    origin = int(rounded_range(first, int(units[-1]))[0]) if is_personal else first
    return KeyFormat(dtype=dtype, kind="step", origin=origin, step=step)
