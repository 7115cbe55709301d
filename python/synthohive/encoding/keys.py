"""Key values as a function of a position, in the format of the real keys."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal, cast

import numpy as np
import polars as pl

from synthohive import kernels
from synthohive.encoding.constraints import accepted_series
from synthohive.encoding.counting import largest_number, steps_left, write_steps, write_uuids
from synthohive.encoding.draws import mixed
from synthohive.encoding.dtypes import dtype_from_dict, dtype_to_dict
from synthohive.encoding.key_forms import Counter
from synthohive.encoding.key_limits import turned
from synthohive.encoding.personal import Recipe
from synthohive.encoding.radix import Radix
from synthohive.encoding.seen import Seen, unique_anew
from synthohive.encoding.text import TextModel
from synthohive.encoding.words import CONSONANTS, VOWELS, glued
from synthohive.errors import CapacityError
from synthohive.randomness import Stream

if TYPE_CHECKING:
    from numpy.typing import NDArray

Kind = Literal["number", "step", "listed", "counter", "uuid", "form", "words", "recipe"]

_WORD_FORM = Radix(alphabets=(CONSONANTS, VOWELS) * 3, growth=(CONSONANTS, VOWELS))
_FIRST_WORD = r"^(?s)(?<scheme>(?:[a-z]+://)?(?:www\.)?)[\p{L}\p{N}]*(?<rest>.*)$"
_FORM_TRIES = 4
_MOST = 2**63 - 1  # numbers of rows are counted in 64 bits
_SAMPLES = 5


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class KeyFormat:
    """How a key column is written.

    Attributes:
        dtype: The real dtype.
        kind: ``number`` counts; ``counter`` counts inside text; ``step`` counts in time;
            ``listed`` takes the few values of the dtype, or those accepted; ``uuid`` writes
            random-looking UUIDs of version 4; ``form`` writes codes such as ``N123UA``;
            ``words`` writes free text that begins with a word of its own; ``recipe`` writes
            personal values.
        origin: First unit of a ``step`` key; what a ``number`` key counts on from.
        step: Units from one ``step`` key to the next.
        ends: How many keys of limited columns that count there are below and above the
            first one; those below are taken when there are none left above.
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
    ends: tuple[int, int] | None = None
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
        if self.ends is not None:
            return sum(self.ends) + 1
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
            >>> from synthohive.encoding.key_fit import fit_key_format
            >>> keys = fit_key_format(pl.Series(["CUST-0001", "CUST-0002"]))
            >>> keys.format(pl.Series([0, 41], dtype=pl.UInt32), stream=Stream(1)).to_list()
            ['CUST-0001', 'CUST-0042']
        """
        rows = positions.to_numpy().astype(np.int64)
        # of any size, so that nothing overflows
        self.check(int(rows.max(initial=0)) + max(first, 1), table=table)
        return self._written(rows + first, stream).cast(self.dtype).alias("")

    def check(self, last: int, *, table: str | None = None, is_expected: bool = False) -> None:
        """Refuse more keys than there are.

        Args:
            last: Number of the last key needed.
            table: The table that errors name.
            is_expected: The number is what is expected, and may turn out otherwise.

        Raises:
            CapacityError: There are too few keys.

        Examples:
            >>> keys = KeyFormat(dtype=pl.Int8(), kind="number", column="id")
            >>> keys.check(200, table="users")
            Traceback (most recent call last):
            ...
            synthohive.errors.CapacityError: users.id: keys of type Int8 end at 127, 200 is needed
              Hint: generate fewer rows, or use a wider key
        """
        capacity = _MOST if self.capacity is None else min(self.capacity, _MOST)
        if last <= capacity:
            return
        where = f"{table}.{self.column}" if table else self.column or "a key"
        needed = f"about {last}" if is_expected else str(last)
        raise CapacityError(
            f"{where}: {self._described(capacity)}, {needed} {'is' if self._is_open else 'are'}"
            " needed",
            table=table,
            column=self.column or None,
            hint="generate fewer rows, or use a wider key",
        )

    @property
    def _is_open(self) -> bool:
        """Whether only the dtype limits the keys."""
        return self.kind != "listed" and self.ends is None

    def _described(self, capacity: int) -> str:
        """Say how many keys there are."""
        if self._is_open:
            return f"keys of type {self.dtype} end at {capacity}"
        if self.kind != "listed":
            return f"within its limits there are {capacity} keys of type {self.dtype}"
        some = ", ".join(self.listed[:_SAMPLES]) + (", …" if capacity > _SAMPLES else "")
        enum = isinstance(self.dtype, pl.Enum) and capacity == len(self.dtype.categories)
        name = "Enum keys" if enum else "accepted keys"
        name = "Boolean keys" if self.dtype == pl.Boolean else name
        return f"{name} have {capacity} values ({some})"

    def _written(  # noqa: PLR0911  (one return per kind)
        self, numbers: NDArray[np.int64], stream: Stream
    ) -> pl.Series:
        still = Stream(0, stream.path)  # the same for all seeds
        match self.kind:
            case "number":
                return pl.Series(turned(numbers - 1, self.ends) + (self.origin + 1))
            case "step":
                return write_steps(
                    turned(numbers - 1, self.ends), self.dtype, self.origin, self.step
                )
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
        return accepted_series(self.listed, self.dtype, name=self.column).gather(shuffled)

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
            "ends": None if self.ends is None else list(self.ends),
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
            ends=None if state["ends"] is None else tuple(state["ends"]),
            listed=tuple(state["listed"]),
            counter=Counter(**state["counter"]) if state["counter"] else None,
            form=Radix.from_dict(state["form"]) if state["form"] else None,
            text=TextModel.from_dict(state["text"]) if state["text"] else None,
            is_title=state["is_title"],
            recipe=Recipe.from_dict(state["recipe"]) if state["recipe"] else None,
            seen=Seen.from_dict(state["seen"]) if state["seen"] else None,
            column=state["column"],
        )
