"""How a CTGAN is shaped and trained; every field has a default that suits most tables."""

from __future__ import annotations

from dataclasses import asdict, dataclass, fields
from typing import Any, Literal

from synthohive.errors import ConfigError, did_you_mean

BLOCK_ROWS = 8_192
"""Rows drawn together. A row's block, and with it its random numbers, follows from its
absolute row number, so rows may be asked for in any portions that start at a multiple of
this."""

Objective = Literal["masked", "classic"]
Device = Literal["auto", "cpu", "cuda"]


@dataclass(frozen=True, slots=True, kw_only=True)
class CTGANSettings:
    """Shape and training of one CTGAN.

    Attributes:
        objective: ``masked`` learns by masked likelihood; ``classic`` is the one-shot
            adversarial training of the CTGAN paper.
        members: Networks trained side by side and averaged; chosen by the number of rows
            when `None` (several for small tables, one for large ones).
        width: Width of the residual network; chosen by the number of rows and of codes when
            `None`.
        depth: Residual blocks; chosen by the number of rows when `None`.
        embedding: Length of the vector that stands for one code.
        dropout: Share of inner activations dropped in training.
        batch_size: Most rows of one optimiser step; fewer where the table is small.
        epochs: Passes over the rows; when `None`, training stops by itself, as soon as
            the held-out loss no longer falls or the budget for this many rows is spent.
        max_steps: An upper limit of the optimiser steps, whatever else is set.
        learning_rate: Peak step size.
        weight_decay: Share of a weight that a step of size 1 takes off.
        patience: Evaluations without a better held-out loss before training stops.
        rounds: Most rounds through the network per row: a round for every column when
            `None` (most faithful), 1 is the fastest. A round in which rows look alike to
            the network counts as the share of them that it looks at.
        noise: Length of the noise vector of ``classic``.
        packing: Rows the critic of ``classic`` judges together.
        device: ``auto`` takes a GPU where there is one.

    Examples:
        >>> CTGANSettings(epochs=10).batch_size
        512
        >>> CTGANSettings.fast().rounds
        3
    """

    objective: Objective = "masked"
    members: int | None = None
    width: int | None = None
    depth: int | None = None
    embedding: int = 16
    dropout: float = 0.0
    batch_size: int = 512
    epochs: int | None = None
    max_steps: int | None = None
    learning_rate: float = 2e-3
    weight_decay: float = 1e-3
    patience: int = 6
    rounds: int | None = None
    noise: int = 128
    packing: int = 10
    device: Device = "auto"

    def __post_init__(self) -> None:
        for name in ("embedding", "batch_size", "patience", "packing"):
            self._check_at_least(name, 1)
        for name in ("members", "width", "depth", "epochs", "max_steps", "rounds"):
            self._check_at_least(name, 1)
        for name in ("noise", "weight_decay", "dropout"):
            self._check_at_least(name, 0)
        if not 0 < self.learning_rate < 1:
            raise ConfigError(f"learning_rate is {self.learning_rate}, not between 0 and 1")
        if self.dropout >= 1:
            raise ConfigError(f"dropout is {self.dropout}, not below 1")
        for name, allowed in _CHOICES.items():
            value = getattr(self, name)
            if value not in allowed:
                hint = did_you_mean(str(value), allowed)
                raise ConfigError(f"{name} is {value!r}, not one of {allowed}", hint=hint)

    def _check_at_least(self, name: str, least: int) -> None:
        value = getattr(self, name)
        if value is not None and value < least:
            raise ConfigError(f"{name} is {value}, less than {least}")

    @property
    def is_classic(self) -> bool:
        """Whether a critic teaches the network, which then takes noise."""
        return self.objective == "classic"

    @classmethod
    def classic(cls, **changes: Any) -> CTGANSettings:
        """Return the CTGAN paper's training, on codes: for comparison.

        Source: Xu et al. 2019, "Modeling Tabular Data using Conditional GAN".
        """
        preset: dict[str, Any] = {
            "objective": "classic",
            "width": 256,
            "depth": 2,
            "rounds": 1,
            "learning_rate": 2e-4,
            "weight_decay": 1e-6,
        }
        return cls(**(preset | changes))

    @classmethod
    def fast(cls, **changes: Any) -> CTGANSettings:
        """Return a training of a third of the steps, and sampling in three rounds."""
        preset: dict[str, Any] = {"max_steps": 1_000, "rounds": 3, "patience": 3}
        return cls(**(preset | changes))

    def to_dict(self) -> dict[str, Any]:
        """Return the fields as JSON-able values."""
        return asdict(self)

    @classmethod
    def from_dict(cls, values: dict[str, Any]) -> CTGANSettings:
        """Build settings from named values.

        Raises:
            ConfigError: A name is not a setting, or a value is out of range.
        """
        known = [field.name for field in fields(cls)]
        for name in values:
            if name not in known:
                hint = did_you_mean(name, known)
                raise ConfigError(f"{name!r} is no setting of the CTGAN", hint=hint)
        return cls(**values)


_CHOICES: dict[str, tuple[str, ...]] = {
    "objective": ("masked", "classic"),
    "device": ("auto", "cpu", "cuda"),
}
