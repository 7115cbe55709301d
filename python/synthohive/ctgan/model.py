"""The class `CTGAN`."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Self

import numpy as np
import polars as pl

from synthohive.ctgan.conditions import context_codes, given_codes, given_frame, matrix
from synthohive.ctgan.drawing import draw_and_decode
from synthohive.ctgan.fitted import FittedTable, fit_keys, keys_of
from synthohive.ctgan.imputing import (
    columns_to_fill,
    filled,
    known_codes,
    weights_to_fill,
    with_bases,
)
from synthohive.ctgan.restrictions import decode_around, restrict, split, weights_of
from synthohive.encoding.constraints import apply_constraints
from synthohive.encoding.dtypes import dtype_from_dict, dtype_to_dict
from synthohive.encoding.keys import KeyFormat
from synthohive.encoding.layout import Layout
from synthohive.encoding.table import TableEncoder, fit_encoder
from synthohive.errors import (
    ConfigError,
    ContextError,
    ModelFileError,
    NotFittedError,
)
from synthohive.events import ignore
from synthohive.models.losses import losses_table
from synthohive.models.settings import CTGANSettings, Device
from synthohive.randomness import Stream
from synthohive.schema.metadata import Metadata
from synthohive.schema.model import Table

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping
    from typing import Any

    from synthohive.events import OnEvent

_FILE = "ctgan.json"
_FORMAT = 2


class CTGAN:
    """Learns one table, alone or given context columns, and generates rows like it.

    The columns generated are those of the fitted frame. What `metadata` says of the table
    is used: the column of its primary key is not learned, but counted or written afresh;
    columns of foreign keys are not learned and come out null, for the caller knows which
    parents there are; personal columns and constraints are honoured.

    Args:
        metadata: Declared tables; none are needed.
        batch_size: Most rows of one training step.
        epochs: Passes over the rows; training stops by itself when not given.
        settings: Everything else about training.
        seed: Decides all randomness.
        device: ``auto``, ``cpu`` or ``cuda``.
        on_event: Called with the events of training.

    Examples:
        >>> frame = pl.DataFrame({"id": range(60), "size": ["S", "L"] * 30})
        >>> metadata = Metadata().add_table("shirts", pk="id")
        >>> model = CTGAN(metadata, epochs=2).fit(frame, table_name="shirts")
        >>> model.sample(3)["id"].to_list()
        [1, 2, 3]
        >>> model.sample(2, given={"size": "L"})["size"].to_list()
        ['L', 'L']
    """

    def __init__(
        self,
        metadata: Metadata | None = None,
        *,
        batch_size: int | None = None,
        epochs: int | None = None,
        settings: CTGANSettings | None = None,
        seed: int = 0,
        device: Device | None = None,
        on_event: OnEvent = ignore,
    ) -> None:
        self.metadata = metadata
        changes = {"batch_size": batch_size, "epochs": epochs, "device": device}
        given: dict[str, Any] = {name: value for name, value in changes.items() if value}
        self.settings = replace(settings or CTGANSettings(), **given)
        self.seed = seed
        self.on_event = on_event
        self._fitted: FittedTable | None = None

    def fit(
        self,
        frame: pl.DataFrame,
        context: pl.DataFrame | None = None,
        table_name: str | None = None,
    ) -> Self:
        """Learn the rows of a frame.

        Args:
            frame: The real rows.
            context: What each row is to be generated from, such as columns of its parent:
                one row for each row of `frame`, in the same order.
            table_name: Name of the table in the metadata; may be left out where the
                metadata has one table, or there is none.

        Returns:
            The model itself.

        Raises:
            ContextError: `context` has not as many rows as `frame`.
            ConfigError: `table_name` is missing, or is that of no table.
            TrainingError: Training diverged.
        """
        from synthohive.models.training import train  # noqa: PLC0415  (torch takes seconds to import)

        table = self._table(table_name)
        if context is not None and context.height != frame.height:
            raise ContextError(
                f"context has {context.height} rows, the table {table.name!r} has {frame.height}",
                table=table.name,
                hint="give one row of context for each row, in the same order",
            )
        stream = Stream(self.seed, ("ctgan", table.name))
        learned = frame[[name for name in frame.columns if name not in keys_of(table)]]
        encoder = fit_encoder(learned, table.columns, stream=stream.child("encode"))
        context_encoder = context_matrix = None
        if context is not None:
            context_encoder = fit_encoder(context, {}, stream=stream.child("context"))
            context_matrix = matrix(context_encoder.encode(context))
        generator = train(
            matrix(encoder.encode(learned)),
            encoder.layout,
            context=context_matrix,
            context_layout=Layout() if context_encoder is None else context_encoder.layout,
            settings=self.settings,
            stream=stream.child("train"),
            label=table.name,
            on_event=self.on_event,
        )
        self._fitted = FittedTable(
            table=table,
            schema=dict(frame.schema),
            encoder=encoder,
            context_encoder=context_encoder,
            keys=fit_keys(frame, table, stream),
            generator=generator,
        )
        return self

    def sample(
        self,
        n: int,
        context: pl.DataFrame | None = None,
        given: Mapping[str, object] | pl.DataFrame | None = None,
        seed: int | None = None,
    ) -> pl.DataFrame:
        """Generate rows.

        Args:
            n: Number of rows.
            context: One row for each row asked for, if the model was fitted with context.
                Values never seen are replaced by the nearest known ones, with an
                `UnseenContextWarning`.
            given: What columns shall be. Either a mapping to one value for all rows,
                ``{"size": "L"}``, or to `Between`, `OneOf` or `NotNull`; or a frame of `n`
                rows with some of the columns. Null means null. The other columns are
                generated to suit them, nothing is thrown away.
            seed: Seed of these rows; the model's own when not given.

        Returns:
            A frame with the columns, order and dtypes of the fitted one, except for dtypes
            that a constraint changes.

        Raises:
            NotFittedError: `fit` was not called.
            ContextError: The context is missing, was not asked for, lacks a column or has
                not `n` rows.
            ConfigError: `given` names a column that is not learned, has not `n` rows, or asks
                for what the column never was.
            ConstraintError: A value breaks a constraint that is enforced.
        """
        fitted = self._must_be_fitted("sample")
        if n < 0:
            raise ConfigError(f"{n} rows were asked for")
        stream = Stream(self.seed if seed is None else seed, ("ctgan", fitted.table.name))
        exact, asked = split(given)
        fixed = given_frame(fitted, n, exact)
        names = set(() if fixed is None else fixed.columns)
        restrictions = restrict(fitted, asked, known=names)
        known = None if fixed is None else given_codes(fitted, fixed, stream)
        generator, weights = fitted.generator, weights_of(fitted, restrictions, known=names)
        if weights:
            generator = generator.limited(weights, is_asked=True)
            if known is not None:
                known[:, list(weights)] = -1

        def decode(codes: np.ndarray, start: int) -> pl.DataFrame:
            return decode_around(
                fitted.encoder,
                codes,
                stream.child("decode"),
                start=start,
                fixed=None if fixed is None else fixed.slice(start, len(codes)),
                restrictions=restrictions,
            )

        rows = draw_and_decode(
            generator, n, context_codes(fitted, n, context), known, stream, decode
        )
        columns = [
            _column(fitted, rows, name, dtype, n, stream) for name, dtype in fitted.schema.items()
        ]
        return apply_constraints(pl.DataFrame(columns), fitted.table.columns)

    def impute(
        self,
        frame: pl.DataFrame,
        columns: Iterable[str] | None = None,
        context: pl.DataFrame | None = None,
        seed: int | None = None,
    ) -> pl.DataFrame:
        """Fill the null cells of rows with values that suit the cells that are known.

        Args:
            frame: Rows with some or all of the learned columns; others stay as they are.
            columns: Columns to fill; all learned ones when not given. A null of the others is
                taken for what it is.
            context: One row for each row of `frame`, if the model was fitted with context.
            seed: Seed of the values; the model's own when not given.

        Returns:
            The frame; cells that are not null are as they were. A cell stays null only if its
            column always was, or is computed from one that is not to be filled.

        Raises:
            NotFittedError: `fit` was not called.
            ContextError: As for `sample`.
            ConfigError: `columns` names a column that is not learned, or a column of the frame
                is of another type.
            ConstraintError: A value breaks a constraint that is enforced.
        """
        fitted = self._must_be_fitted("impute")
        fill = columns_to_fill(fitted, frame, columns)
        stream = Stream(self.seed if seed is None else seed, ("ctgan", fitted.table.name, "impute"))
        known = given_frame(fitted, frame.height, frame[_learned(fitted, frame)])
        others = context_codes(fitted, frame.height, context)
        if known is None or not known.width:
            return frame
        is_open = np.zeros(frame.height, bool)
        for name in fill:
            is_open |= known[name].is_null().to_numpy()
        at = np.flatnonzero(is_open)
        if not len(at):
            return frame
        rows = with_bases(fitted.encoder, known[at], fill, stream)
        generator = fitted.generator.limited(weights_to_fill(fitted, fill), is_asked=False)

        def decode(codes: np.ndarray, start: int) -> pl.DataFrame:
            here, some = stream.child("decode"), rows.slice(start, len(codes))
            return filled(fitted, some, codes, here, start=start, fill=fill)

        codes = known_codes(fitted.encoder, rows, fill)
        some = None if others is None else others[at]
        drawn = draw_and_decode(generator, len(at), some, codes, stream, decode)
        return frame.with_columns(
            known[name].alias("").scatter(at, drawn[name].alias("")).alias(name) for name in fill
        )

    @property
    def history(self) -> pl.DataFrame:
        """Step, training loss, held-out loss (nats per row) and seconds per evaluation."""
        return losses_table(self._must_be_fitted("history").generator.history)

    def save(self, folder: str | Path) -> None:
        """Write the fitted model to a folder: JSON, safetensors, and losses as CSV; no data rows.

        Raises:
            NotFittedError: `fit` was not called.
        """
        fitted, folder = self._must_be_fitted("save"), Path(folder)
        fitted.encoder.save(folder / "encoder")
        if fitted.context_encoder is not None:
            fitted.context_encoder.save(folder / "context_encoder")
        fitted.generator.save(folder / "generator")
        description = {
            "format": _FORMAT,
            "seed": self.seed,
            "settings": self.settings.to_dict(),
            "metadata": None if self.metadata is None else self.metadata.to_dict(),
            "table": fitted.table.name,
            "schema": [[name, dtype_to_dict(dtype)] for name, dtype in fitted.schema.items()],
            "has_context": fitted.context_encoder is not None,
            "keys": {name: key.to_dict() for name, key in fitted.keys.items()},
        }
        (folder / _FILE).write_text(json.dumps(description, indent=1), encoding="utf-8")

    @classmethod
    def load(cls, folder: str | Path, *, on_event: OnEvent = ignore) -> CTGAN:
        """Read a model written by `save`; the data are not needed.

        Raises:
            ModelFileError: A file is missing, damaged or of another version.
        """
        from synthohive.models.generator import Generator  # noqa: PLC0415  (torch loads slowly)

        folder = Path(folder)
        try:
            state = json.loads((folder / _FILE).read_text(encoding="utf-8"))
        except (OSError, ValueError) as error:
            raise ModelFileError(f"{folder} holds no CTGAN that can be read: {error}") from error
        if state.get("format") != _FORMAT:
            raise ModelFileError(f"{folder} has format {state.get('format')}, not {_FORMAT}")
        metadata = None if state["metadata"] is None else Metadata.from_dict(state["metadata"])
        settings = CTGANSettings.from_dict(state["settings"])
        model = cls(metadata, settings=settings, seed=state["seed"], on_event=on_event)
        has_context = state["has_context"]
        model._fitted = FittedTable(
            table=model._table(None if metadata is None else state["table"]),
            schema={name: dtype_from_dict(dtype) for name, dtype in state["schema"]},
            encoder=TableEncoder.load(folder / "encoder"),
            context_encoder=TableEncoder.load(folder / "context_encoder") if has_context else None,
            keys={name: KeyFormat.from_dict(key) for name, key in state["keys"].items()},
            generator=Generator.load(folder / "generator"),
        )
        return model

    def _table(self, name: str | None) -> Table:
        if self.metadata is None:
            return Table(name=name or "table")
        if name is None and len(self.metadata.tables) == 1:
            name = next(iter(self.metadata.tables))
        if name is None:
            known = ", ".join(self.metadata.tables)
            raise ConfigError(
                f"the metadata has {len(self.metadata.tables)} tables ({known})",
                hint="say which one the frame is: table_name=...",
            )
        return self.metadata.table(name)

    def _must_be_fitted(self, what: str) -> FittedTable:
        if self._fitted is None:
            raise NotFittedError(f"{what} needs a fitted CTGAN", hint="call fit first")
        return self._fitted


def _learned(fitted: FittedTable, frame: pl.DataFrame) -> list[str]:
    return [name for name in frame.columns if name in fitted.encoder.schema]


def _column(
    fitted: FittedTable, rows: pl.DataFrame, name: str, dtype: pl.DataType, n: int, stream: Stream
) -> pl.Series:
    """Return a column of the result: generated, a fresh key, or a foreign key left open."""
    if name in fitted.keys:
        positions = pl.int_range(n, dtype=pl.UInt32, eager=True)
        return (
            fitted.keys[name]
            .format(positions, stream=stream.child("key"), table=fitted.table.name)
            .alias(name)
        )
    if name in rows.columns:
        return rows[name]
    return pl.Series(name, [None], dtype=dtype).new_from_index(0, n)
