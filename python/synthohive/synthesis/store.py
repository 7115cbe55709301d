"""A fitted database as a folder of data files: JSON, Parquet, CSV and safetensors, no pickle.

model/
  model.json          format version, seed, metadata
  losses.csv          how training went: table, step, loss, held_out_loss, seconds
  0/ 1/ 2/ …          one folder per table, in generation order
    table.json        keys, linkage, groups, level, context
    schema.parquet    the real columns and types; all rows if the table is kept
    encoder/          attributes to codes
    generator/        weights and losses, if there is a generator
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import polars as pl

from synthohive.encoding.keys import KeyFormat
from synthohive.encoding.layout import CodeColumn, Layout
from synthohive.encoding.table import TableEncoder
from synthohive.errors import ModelFileError
from synthohive.linkage.copies import Copy
from synthohive.linkage.counts import CountModel
from synthohive.linkage.groups import Matching
from synthohive.linkage.hierarchy import Hierarchy
from synthohive.models.losses import COLUMNS, losses_table
from synthohive.planning.plan import plan
from synthohive.schema.metadata import Metadata
from synthohive.synthesis.fitted import (
    ContextCode,
    Fitted,
    FittedCopy,
    FittedDriver,
    FittedHierarchy,
    FittedLink,
    FittedTable,
)
from synthohive.synthesis.roles import key_roles
from synthohive.synthesis.siblings import SiblingCodes

if TYPE_CHECKING:
    from collections.abc import Mapping

    from synthohive.models.generator import Generator
    from synthohive.planning.plan import Step
    from synthohive.schema.model import ForeignKey

FORMAT = 2
"""Version of the folder's format."""


def save(fitted: Fitted, folder: str | Path) -> None:
    """Write everything learned into a folder, which is made if it does not exist."""
    root = Path(folder)
    root.mkdir(parents=True, exist_ok=True)
    for number, table in enumerate(fitted.tables.values()):
        _save_table(table, root / str(number))
    _save_losses(fitted, root)
    state = {
        "format": FORMAT,
        "seed": fitted.seed,
        "tables": list(fitted.tables),
        "metadata": fitted.metadata.to_dict(),
    }
    # written last: a folder without it is not a model
    (root / "model.json").write_text(json.dumps(state, indent=1), encoding="utf-8")


def _save_losses(fitted: Fitted, root: Path) -> None:
    """Put the losses of all tables side by side, for people; none of it is read back."""
    nothing = np.zeros((0, len(COLUMNS)))  # for the header, if no table was learned
    learned = [(t.name, t.generator.history) for t in fitted.tables.values() if t.generator]
    named = [
        losses_table(history).select(pl.lit(name).alias("table"), pl.all())
        for name, history in [("", nothing), *learned]
    ]
    pl.concat(named).write_csv(root / "losses.csv")


def load(folder: str | Path) -> Fitted:
    """Read what `save` wrote.

    Raises:
        ModelFileError: A file is missing or damaged, or the format is another version.
    """
    root = Path(folder)
    state = _read_json(root / "model.json")
    if state.get("format") != FORMAT:
        raise ModelFileError(
            f"{root} has model format {state.get('format')}, this version reads {FORMAT}",
            hint="fit again with this version",
        )
    metadata = Metadata.from_dict(state["metadata"])
    order = plan(metadata)
    try:
        tables = {
            name: _load_table(metadata, order.step(name), root / str(number))
            for number, name in enumerate(state["tables"])
        }
    except (OSError, KeyError, TypeError, ValueError, pl.exceptions.PolarsError) as error:
        raise ModelFileError(f"the model in {root} is damaged: {error!r}") from error
    return Fitted(metadata=metadata, plan=order, tables=tables, seed=state["seed"])


def _read_json(path: Path) -> dict[str, Any]:
    try:
        return json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        raise ModelFileError(
            f"{path.parent} is no saved model: {error}",
            hint="name the folder that was given to save",
        ) from error


def _save_table(table: FittedTable, folder: Path) -> None:
    folder.mkdir(exist_ok=True)
    state = {
        "name": table.name,
        "rows": table.rows,
        "formats": {name: key.to_dict() for name, key in table.formats.items()},
        "null_shares": table.null_shares,
        "layout": [_column_state(column) for column in table.layout.columns],
        "driver": None if table.driver is None else _driver_state(table.driver),
        "links": [
            {
                "columns": link.fk.columns,
                "matching": link.matching.to_dict(),
                "quotas": link.quotas.to_dict(),
                "name": link.name,
            }
            for link in table.links
        ],
        "hierarchy": None
        if table.hierarchy is None
        else {
            "columns": table.hierarchy.fk.columns,
            "model": table.hierarchy.hierarchy.to_dict(),
        },
        "copies": [
            {"columns": found.fk.columns, "copy": found.copy.to_dict()} for found in table.copies
        ],
        "has_generator": table.generator is not None,
        "is_kept": table.kept is not None,
        "held_out_loss": table.held_out_loss,
        "fit_seconds": table.fit_seconds,
    }
    (folder / "table.json").write_text(json.dumps(state), encoding="utf-8")
    rows = pl.DataFrame(schema=table.schema) if table.kept is None else table.kept
    rows.write_parquet(folder / "schema.parquet")
    table.encoder.save(folder / "encoder")
    if table.generator is not None:
        table.generator.save(folder / "generator")


def _load_table(metadata: Metadata, step: Step, folder: Path) -> FittedTable:
    state = _read_json(folder / "table.json")
    declared = metadata.tables[step.table]
    keys = {fk.columns: fk for fk in declared.foreign_keys}
    rows = pl.read_parquet(folder / "schema.parquet")
    hierarchy = state["hierarchy"]
    return FittedTable(
        name=step.table,
        schema=dict(rows.schema),
        rows=state["rows"],
        roles=key_roles(declared, step),
        formats={column: KeyFormat.from_dict(key) for column, key in state["formats"].items()},
        null_shares=state["null_shares"],
        encoder=TableEncoder.load(folder / "encoder"),
        layout=Layout(tuple(CodeColumn(**column) for column in state["layout"])),
        generator=_generator(folder) if state["has_generator"] else None,
        driver=None if state["driver"] is None else _driver(state["driver"], keys),
        links=tuple(
            FittedLink(
                fk=keys[tuple(link["columns"])],
                matching=Matching.from_dict(link["matching"]),
                quotas=CountModel.from_dict(link["quotas"]),
                name=link["name"],
            )
            for link in state["links"]
        ),
        hierarchy=None
        if hierarchy is None
        else FittedHierarchy(
            fk=keys[tuple(hierarchy["columns"])],
            hierarchy=Hierarchy.from_dict(hierarchy["model"]),
        ),
        copies=tuple(
            FittedCopy(fk=keys[tuple(found["columns"])], copy=Copy(**found["copy"]))
            for found in state["copies"]
        ),
        kept=rows if state["is_kept"] else None,
        held_out_loss=state["held_out_loss"],
        fit_seconds=state["fit_seconds"],
    )


def _generator(folder: Path) -> Generator:
    from synthohive.models.generator import Generator  # noqa: PLC0415  (torch loads slowly)

    return Generator.load(folder / "generator")


def _column_state(column: CodeColumn) -> dict[str, Any]:
    return {
        "name": column.name,
        "size": column.size,
        "source": column.source,
        "coarse": column.coarse,
        "is_ordered": column.is_ordered,
    }


def _driver_state(driver: FittedDriver) -> dict[str, Any]:
    return {
        "columns": driver.fk.columns,
        "counts": driver.counts.to_dict(),
        "context": [
            {"steps": code.steps, "table": code.table, "column": _column_state(code.column)}
            for code in driver.context
        ],
        "siblings": driver.siblings.to_dict(),
        "absent_share": driver.absent_share,
    }


def _driver(state: Mapping[str, Any], keys: Mapping[tuple[str, ...], ForeignKey]) -> FittedDriver:
    return FittedDriver(
        fk=keys[tuple(state["columns"])],
        counts=CountModel.from_dict(state["counts"]),
        context=tuple(
            ContextCode(
                steps=code["steps"], table=code["table"], column=CodeColumn(**code["column"])
            )
            for code in state["context"]
        ),
        siblings=SiblingCodes.from_dict(state["siblings"]),
        absent_share=state["absent_share"],
    )
