"""The public face of the engine: learn a database, sample new ones."""

from __future__ import annotations

import warnings
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Self

import polars as pl

from synthohive.errors import NotFittedError, UnseenContextWarning
from synthohive.events import Notice, OnEvent, RowsGenerated, StageStarted, ignore
from synthohive.parallel import thread_count
from synthohive.planning.plan import plan as make_plan
from synthohive.randomness import Stream
from synthohive.schema.orphans import apply_orphan_policy
from synthohive.synthesis.assign import assign
from synthohive.synthesis.draw import draw
from synthohive.synthesis.emit import emit
from synthohive.synthesis.generation import Generation
from synthohive.synthesis.memory import share_memory
from synthohive.synthesis.request import (
    check_request,
    check_seed,
    frames_of,
    typed_given,
    unseen_given,
)
from synthohive.synthesis.spool import Spool

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from synthohive.linkage.counts import Method
    from synthohive.models.settings import CTGANSettings, Device
    from synthohive.schema.metadata import Metadata
    from synthohive.synthesis.fitted import Fitted


class Synthesizer:
    """Learn a relational database and generate synthetic copies of it.

    Args:
        metadata: Tables, columns and keys.
        seed: Seed of learning, and of sampling unless `sample` is given another one.
        ctgan: Settings of the generators; sensible defaults when `None`.
        linkage: How child counts are learned: ``conditional`` on the parent's columns,
            ``empirical`` or ``negbinom``.
        device: ``auto``, ``cpu`` or ``cuda``.
        threads: Worker threads; one per usable core when `None`. Does not change results.
        on_event: Receives progress as the values of `synthohive.events`.

    Examples:
        >>> import polars as pl
        >>> import synthohive as sh
        >>> metadata = sh.Metadata().add_table("users", pk="id")
        >>> metadata = metadata.add_table("orders", pk="id", fk={"user_id": "users.id"})
        >>> users = pl.DataFrame({"id": range(40), "region": ["north", "south"] * 20})
        >>> orders = pl.DataFrame({"id": range(80), "user_id": [i // 2 for i in range(80)]})
        >>> hive = sh.Synthesizer(metadata, seed=7)
        >>> synthetic = hive.fit({"users": users, "orders": orders}).sample(scale=2.0)
        >>> synthetic["users"].height, synthetic["orders"].columns
        (80, ['id', 'user_id'])
        >>> synthetic["orders"]["user_id"].is_in(synthetic["users"]["id"].implode()).all()
        True
    """

    def __init__(
        self,
        metadata: Metadata,
        *,
        seed: int = 0,
        ctgan: CTGANSettings | None = None,
        linkage: Method = "conditional",
        device: Device = "auto",
        threads: int | None = None,
        on_event: OnEvent = ignore,
    ) -> None:
        check_seed(seed)
        self.metadata = metadata
        self.seed = seed
        self._ctgan = ctgan
        self._linkage: Method = linkage
        self._device: Device = device
        self._threads = thread_count(threads)
        self._on_event = on_event
        self._fitted: Fitted | None = None

    @property
    def fitted(self) -> Fitted:
        """What was learned.

        Raises:
            NotFittedError: `fit` was not called.
        """
        if self._fitted is None:
            raise NotFittedError(
                "this Synthesizer has learned nothing yet", hint="call fit(tables) first"
            )
        return self._fitted

    def fit(
        self, tables: Mapping[str, pl.DataFrame], *, checkpoints: str | Path | None = None
    ) -> Self:
        """Learn all tables.

        Args:
            tables: One frame per table of the metadata; anything that exports an Arrow
                stream (Polars, pyarrow, pandas, DuckDB relations).
            checkpoints: A folder that training writes its state to every few seconds. The
                same call after an interruption goes on from there, and learns the same.

        Returns:
            This object.

        Raises:
            SchemaValidationError: Schema or data are wrong; every problem is listed, and
                nothing was trained.
        """
        from synthohive.models.settings import CTGANSettings  # noqa: PLC0415
        from synthohive.synthesis.fit import FitSettings, fit  # noqa: PLC0415

        share_memory()
        frames = frames_of(tables)
        self._on_event(StageStarted(stage="check", detail=f"{len(frames)} tables"))
        self.metadata.validate_schema(frames)
        frames, notices = apply_orphan_policy(self.metadata, frames)
        for notice in notices:
            self._on_event(Notice(message=notice))
        settings = self._ctgan or CTGANSettings(device=self._device)
        if self._device != "auto":
            settings = replace(settings, device=self._device)
        self._fitted = fit(
            self.metadata,
            make_plan(self.metadata),
            frames,
            stream=Stream(self.seed, ("fit",)),
            settings=FitSettings(
                ctgan=settings,
                counts=self._linkage,
                threads=self._threads,
                checkpoints=None if checkpoints is None else Path(checkpoints),
            ),
            on_event=self._on_event,
        )
        return self

    def sample(
        self,
        *,
        scale: float = 1.0,
        rows: Mapping[str, int] | None = None,
        given: Mapping[str, pl.DataFrame] | None = None,
        seed: int | None = None,
        first_key: int = 1,
    ) -> dict[str, pl.DataFrame]:
        """Generate a database in memory.

        Args:
            scale: Rows as a multiple of the real ones. Kept tables keep their rows; what
                they drive is multiplied instead.
            rows: Rows of root tables, in place of `scale`.
            given: Columns of root tables whose values are given, one frame per table; its
                height is the table's number of rows.
            seed: Seed of this database; the seed of learning when `None`.
            first_key: Number of the first generated key, so that two databases can share
                one key space.

        Returns:
            One frame per table, with the real table's columns, order and types.

        Raises:
            ConfigError: A table or column is unknown, or its rows follow from a driver.
            CapacityError: A key has too few values, or parents too few combinations.
        """
        frames: dict[str, list[pl.DataFrame]] = {}
        for name, frame in self.stream(
            scale=scale, rows=rows, given=given, seed=seed, first_key=first_key
        ):
            frames.setdefault(name, []).append(frame)
        return {name: pl.concat(parts) for name, parts in frames.items()}

    def stream(
        self,
        *,
        scale: float = 1.0,
        rows: Mapping[str, int] | None = None,
        given: Mapping[str, pl.DataFrame] | None = None,
        seed: int | None = None,
        first_key: int = 1,
    ) -> Iterator[tuple[str, pl.DataFrame]]:
        """Generate a database block by block, in bounded memory.

        Args:
            scale: As in `sample`.
            rows: As in `sample`.
            given: As in `sample`.
            seed: As in `sample`.
            first_key: As in `sample`.

        Yields:
            Table names and blocks of rows: parents before children, rows in order, at
            least one block per table. The rows are those of `sample`.
        """
        fitted = self.fitted
        check_request(fitted, scale, rows or {}, given or {}, first_key)
        check_seed(self.seed if seed is None else seed)
        typed = typed_given(fitted, given or {})
        for sentence in unseen_given(fitted, typed):
            warnings.warn(sentence, UnseenContextWarning, stacklevel=3)
        self._on_event(StageStarted(stage="generate", detail=f"scale {scale:g}"))
        with Spool() as spool:
            generation = Generation(
                fitted=fitted,
                spool=spool,
                stream=Stream(self.seed if seed is None else seed, ("sample",)),
                scale=scale,
                rows=rows or {},
                given=typed,
                threads=self._threads,
                heights={},
                first_key=first_key,
                on_event=self._on_event,
            )
            draw(generation)
            assign(generation)
            for name, table in fitted.tables.items():
                done = 0
                for frame in emit(generation, table):
                    done += frame.height
                    yield name, frame
                    self._on_event(
                        RowsGenerated(table=name, rows=done, total=generation.heights[name])
                    )

    def save(self, folder: str | Path) -> None:
        """Write everything learned into a folder: JSON, Parquet and safetensors, no code."""
        from synthohive.synthesis.store import save  # noqa: PLC0415

        save(self.fitted, folder)

    @classmethod
    def load(
        cls, folder: str | Path, *, threads: int | None = None, on_event: OnEvent = ignore
    ) -> Self:
        """Read what `save` wrote.

        Raises:
            ModelFileError: The folder is no saved model, is damaged or of another version.
        """
        from synthohive.synthesis.store import load  # noqa: PLC0415

        share_memory()
        fitted = load(folder)
        loaded = cls(fitted.metadata, seed=fitted.seed, threads=threads, on_event=on_event)
        loaded._fitted = fitted
        return loaded
