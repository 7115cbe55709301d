"""Key values as a function of a position, in the format of the real keys."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal, cast

import numpy as np
import polars as pl

from synthohive import kernels
from synthohive.encoding.draws import mixed
from synthohive.encoding.dtypes import dtype_from_dict, dtype_to_dict
from synthohive.encoding.grid import integer_limits
from synthohive.encoding.key_forms import Counter, find_counter, find_form, is_uuid
from synthohive.encoding.personal import FORMED_KINDS, Recipe, fit_writer
from synthohive.encoding.radix import Radix
from synthohive.encoding.text import TextModel, fit_text
from synthohive.encoding.words import CONSONANTS, VOWELS, glued, pieces_of
from synthohive.errors import CapacityError, ConfigError
from synthohive.randomness import Stream

if TYPE_CHECKING:
    from numpy.typing import NDArray

Kind = Literal["number", "step", "listed", "counter", "uuid", "form", "words", "recipe"]

_WORD_FORM = Radix(alphabets=(CONSONANTS, VOWELS) * 3, growth=(CONSONANTS, VOWELS))
_FIRST_WORD = r"^(?s)(?<scheme>(?:[a-z]+://)?(?:www\.)?)[\p{L}\p{N}]*(?<rest>.*)$"
_LAST_DAY = 2_932_896  # 9999-12-31
_DAY_NANOSECONDS = 86_400_000_000_000
_TITLE_SHARE = 0.5


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

    def format(self, positions: pl.Series, *, first: int = 1, stream: Stream) -> pl.Series:
        """Write the key of each position; different positions get different keys.

        Args:
            positions: Row positions from 0, unsigned, without nulls.
            first: Number of the first row, for keys that count.
            stream: Address of the randomness, for keys that do not count.

        Returns:
            Keys of the real dtype, in the order of `positions`.

        Raises:
            CapacityError: The dtype or the form has not as many values.

        Examples:
            >>> keys = fit_key_format(pl.Series(["CUST-0001", "CUST-0002"]))
            >>> keys.format(pl.Series([0, 41], dtype=pl.UInt32), stream=Stream(1)).to_list()
            ['CUST-0001', 'CUST-0042']
        """
        at = positions.to_numpy().astype(np.int64)
        return self._written(at, first, stream).alias("")

    def _written(  # noqa: PLR0911  (one return per kind)
        self, at: NDArray[np.int64], first: int, stream: Stream
    ) -> pl.Series:
        match self.kind:
            case "number":
                return _counted(at, first, self.dtype)
            case "step":
                return self._stepped(at)
            case "listed":
                return self._from_list(at, stream)
            case "counter":
                return cast("Counter", self.counter).write(at + first).cast(self.dtype)
            case "uuid":
                return _uuids(at, stream).cast(self.dtype)
            case "form":
                return cast("Radix", self.form).write(at, stream).cast(self.dtype)
            case "words":
                return self._worded(at, stream).cast(self.dtype)
            case "recipe":
                return cast("Recipe", self.recipe).write_unique(at, stream).cast(self.dtype)

    def _stepped(self, at: NDArray[np.int64]) -> pl.Series:
        """Write points in time."""
        units = self.origin + at * self.step
        physical = pl.Series(units).cast(pl.Int32 if self.dtype == pl.Date else pl.Int64)
        last = _last_unit(self.dtype)
        if len(at) and int(units.max()) > last:
            raise CapacityError(
                f"{self.dtype} keys in steps of {self.step} from the first real one on end"
                f" before position {int(at.max())}",
                hint="generate fewer rows",
            )
        return physical.cast(self.dtype)

    def _from_list(self, at: NDArray[np.int64], stream: Stream) -> pl.Series:
        """Take the few values there are in a shuffled order."""
        if len(at) and int(at.max()) >= len(self.listed):
            raise CapacityError(
                f"a key of type {self.dtype} has {len(self.listed)} values, {int(at.max()) + 1}"
                " are needed",
                hint="generate fewer rows, or use a wider key",
            )
        rows = pl.Series(at, dtype=pl.UInt64)
        size = len(self.listed)
        shuffled = kernels.permuted(rows, size, seed=stream.seed, stream=stream.id)
        texts = pl.Series(self.listed, dtype=pl.String).gather(shuffled)
        return texts == "true" if self.dtype == pl.Boolean else texts.cast(self.dtype)

    def _worded(self, at: NDArray[np.int64], stream: Stream) -> pl.Series:
        """Write texts whose first word no other text begins with."""
        words = _WORD_FORM.write(at, stream.child("word"))
        words = words.str.to_titlecase() if self.is_title else words
        if self.text is None:
            return words
        bits = mixed(at.astype(np.uint64), stream.generator_seed)
        parts = self.text.draft(bits).str.extract_groups(_FIRST_WORD).struct.unnest()
        return glued([parts["scheme"], words, parts["rest"]])

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
    dtype, known = values.dtype, values.drop_nulls()
    if dtype.is_nested() or dtype.base_type() in (pl.Object, pl.Null, pl.Binary):
        raise ConfigError(
            f"{values.name!r} is of type {dtype}, which cannot be a key",
            column=values.name,
            hint="declare a key of numbers, text or dates",
        )
    if dtype.is_numeric():
        return KeyFormat(dtype=dtype, kind="number")
    if dtype.is_temporal():
        return _step_format(known, dtype)
    if isinstance(dtype, pl.Enum):
        return KeyFormat(dtype=dtype, kind="listed", listed=tuple(dtype.categories.to_list()))
    if dtype == pl.Boolean:
        return KeyFormat(dtype=dtype, kind="listed", listed=("false", "true"))
    return _text_format(known.cast(pl.String).unique().sort(), dtype, pii, stream or Stream(0))


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
    form = find_form(texts)
    if form is not None:
        return KeyFormat(dtype=dtype, kind="form", form=form)
    text = None
    if len(texts):
        text = fit_text(texts, stream, min_word_texts=None if pii is not None else 5)
    is_title = bool(len(texts)) and float(texts.str.contains(r"^\p{Lu}").mean() or 0) > _TITLE_SHARE  # pyright: ignore[reportArgumentType]
    return KeyFormat(dtype=dtype, kind="words", text=text, is_title=is_title)


def _step_format(known: pl.Series, dtype: pl.DataType) -> KeyFormat:
    """Learn the first point in time and the most frequent step."""
    units = known.to_physical().cast(pl.Int64).unique().sort().to_numpy()
    if not len(units):
        return KeyFormat(dtype=dtype, kind="step")
    steps, counts = np.unique(np.diff(units), return_counts=True)
    step = int(steps[counts.argmax()]) if len(steps) else 1
    return KeyFormat(dtype=dtype, kind="step", origin=int(units[0]), step=step)


def _last_unit(dtype: pl.DataType) -> int:
    """Return the last physical unit that databases and Python can show."""
    if dtype == pl.Date:
        return _LAST_DAY
    if dtype == pl.Time:
        return _DAY_NANOSECONDS - 1
    if isinstance(dtype, pl.Datetime):
        units = {"ms": 10**3, "us": 10**6, "ns": 10**9}[dtype.time_unit]
        return min((_LAST_DAY + 1) * 86_400 * units - 1, 2**63 - 1)
    return 2**63 - 1


def _counted(at: NDArray[np.int64], first: int, dtype: pl.DataType) -> pl.Series:
    """Give row numbers a numeric dtype."""
    if dtype.is_integer():
        most = integer_limits(dtype)[1]
    elif isinstance(dtype, pl.Decimal):
        most = 10 ** (dtype.precision - dtype.scale) - 1
    else:
        most = 2**24 if dtype == pl.Float32 else 2**53
    if len(at) and int(at.max()) + first > most:
        raise CapacityError(
            f"keys of type {dtype} end at {most}, {int(at.max()) + first} is needed",
            hint="generate fewer rows, or use a wider key",
        )
    return pl.Series(at + first).cast(dtype)


def _uuids(positions: NDArray[np.int64], stream: Stream) -> pl.Series:
    """Write UUIDs of version 4: 64 bits are a bijection of the position, the others mixed."""
    high = mixed(positions.astype(np.uint64), stream.generator_seed)
    low = mixed(high, 1)
    a, b, c, d = ((high >> np.uint64(shift)) & np.uint64(0xFFFF) for shift in (48, 32, 16, 0))
    e, f, g, h = ((low >> np.uint64(shift)) & np.uint64(0xFFFF) for shift in (48, 32, 16, 0))
    # the version and variant take 6 bits; the 4 bits of d pushed out by the version follow
    version = np.uint64(0x4000) | (d >> np.uint64(4))
    variant = np.uint64(0x8000) | ((d & np.uint64(15)) << np.uint64(10)) | (e >> np.uint64(6))
    hexes = pieces_of(*["0123456789abcdef"] * 4)
    words = (a, b, c, version, variant, f, g, h)
    parts = [hexes.gather(word.astype(np.uint32)) for word in words]
    dash = pl.lit("-")
    middle = [piece for part in parts[2:5] for piece in (dash, part)]
    return glued([*parts[:2], *middle, dash, *parts[5:]])
