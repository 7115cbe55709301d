"""The settings of a run, as the dbt macro and the command line give them."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Any, Literal

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, ValidationError

from synthohive.errors import ConfigError, did_you_mean

if TYPE_CHECKING:
    from collections.abc import Mapping

    from synthohive.models.settings import CTGANSettings


def _as_list(value: object) -> object:
    """Take one name for a list of one, as in ``{select: customers}``."""
    return [value] if isinstance(value, str) else value


Names = Annotated[list[str], BeforeValidator(_as_list)]


class SynthesizeOptions(BaseModel):
    """Settings of a run.

    Attributes:
        select: Tables to synthesize; all when not given.
        exclude: Tables to leave out.
        scale: Synthetic rows per real row of the tables without a driver.
        rows: Rows of single tables, in place of `scale`.
        seed: Decides every random number: the same seed gives the same database.
        schema_: Where to land; written ``schema``.
        source_name: Name of the dbt source that declares the landed tables.
        sources_file: The sources file to write; none when not given.
        epochs: Most passes over a table's rows; training stops by itself when not given.
        max_steps: Most optimiser steps per table.
        rounds: Most rounds through the network per row, in place of one per column; fewer
            are faster and less faithful.
        device: Where to train; ``auto`` takes a GPU where there is one.
        threads: Threads to use; all cores when not given.
        on_orphans: What to do about real rows without a parent; each table's own setting
            when not given.
        first_key: The first number of generated keys.
        model: Folder to save the fitted model to, or to load it from.
        reuse: Load the model from `model` in place of fitting it.
        dry_run: Stop before training, having checked and planned everything.
    """

    model_config = ConfigDict(extra="forbid", frozen=True, validate_by_name=True)

    select: Names | None = None
    exclude: Names | None = None
    scale: Annotated[float, Field(gt=0, allow_inf_nan=False)] = 1.0
    rows: dict[str, Annotated[int, Field(ge=0)]] | None = None
    seed: Annotated[int, Field(ge=0, lt=2**63)] = 0
    schema_: Annotated[str, Field(alias="schema", min_length=1)] = "synthetic"
    source_name: Annotated[str, Field(pattern=r"^\w+$")] = "synthetic"
    sources_file: Annotated[str, Field(min_length=1)] | None = None
    epochs: Annotated[int, Field(ge=1)] | None = None
    max_steps: Annotated[int, Field(ge=1)] | None = None
    rounds: Annotated[int, Field(ge=1)] | None = None
    device: Literal["auto", "cpu", "cuda"] = "auto"
    threads: Annotated[int, Field(ge=1)] | None = None
    on_orphans: Literal["error", "drop", "null"] | None = None
    first_key: Annotated[int, Field(ge=0)] = 1
    model: Annotated[str, Field(min_length=1)] | None = None
    reuse: bool = False
    dry_run: bool = False

    @property
    def ctgan(self) -> CTGANSettings:
        """Settings of the generators."""
        from synthohive.models.settings import CTGANSettings  # noqa: PLC0415  # not for inspect

        return CTGANSettings(
            epochs=self.epochs, max_steps=self.max_steps, rounds=self.rounds, device=self.device
        )


OPTION_NAMES = tuple(field.alias or name for name, field in SynthesizeOptions.model_fields.items())


def parse_options(given: Mapping[str, Any]) -> SynthesizeOptions:
    """Check the settings of a run.

    Args:
        given: Settings by name, as in ``--args '{scale: 2, seed: 7}'``.

    Raises:
        ConfigError: A setting is unknown or has a wrong value; all are named at once.

    Examples:
        >>> parse_options({"select": "orders", "schema": "fake"}).select
        ['orders']
        >>> parse_options({"sede": 7})
        Traceback (most recent call last):
        synthohive.errors.ConfigError: unknown option 'sede': did you mean 'seed'?
    """
    values = dict(given)
    if "on_orphans" in values and values["on_orphans"] is None:
        values["on_orphans"] = "null"  # what YAML makes of a bare null
    try:
        options = SynthesizeOptions.model_validate(values, by_name=False, by_alias=True)
    except ValidationError as error:
        raise ConfigError("\n  ".join(_problem(problem) for problem in error.errors())) from None
    if options.reuse and options.model is None:
        raise ConfigError(
            "option 'reuse' needs a saved model", hint="name its folder: model: <folder>"
        )
    return options


def _problem(problem: Mapping[str, Any]) -> str:
    place = ".".join(str(part) for part in problem["loc"])
    if problem["type"] == "extra_forbidden":
        return f"unknown option {place!r}: {did_you_mean(place, OPTION_NAMES)}"
    text = str(problem["msg"])
    return f"option {place!r}: {text[0].lower()}{text[1:]}, not {problem['input']!r}"
