"""Generators on disk: arrays in a safetensors file, JSON, and the losses in a CSV file."""

from __future__ import annotations

import json
from dataclasses import asdict
from typing import TYPE_CHECKING

import torch
from safetensors import SafetensorError
from safetensors.torch import load_file, save_file

from synthohive.encoding.layout import CodeColumn, Layout
from synthohive.errors import ModelFileError
from synthohive.models.generator import Generator, Parts, live_layout
from synthohive.models.losses import read_losses, write_losses
from synthohive.models.network import Network
from synthohive.models.outputs import Outputs
from synthohive.models.settings import CTGANSettings

if TYPE_CHECKING:
    from pathlib import Path
    from typing import Any

    import numpy as np

FORMAT = 5


def save_generator(generator: Generator, folder: Path) -> None:
    """Write a generator to a folder, which is made if need be."""
    folder.mkdir(parents=True, exist_ok=True)
    tensors = {"constants": torch.from_numpy(generator.constants)}
    description: dict[str, Any] = {
        "format": FORMAT,
        "layout": layout_to_list(generator.layout),
        "context_layout": layout_to_list(generator.context_layout),
        "settings": generator.settings.to_dict(),
        "parts": None,
    }
    if generator.parts is not None:
        network, outputs = generator.parts.network, generator.parts.outputs
        tensors |= {f"network.{name}": value for name, value in network.state_dict().items()}
        tensors |= {f"outputs.{name}": value for name, value in outputs.state_dict().items()}
        if generator.parts.offsets is not None:
            tensors["offsets"] = generator.parts.offsets
        description["parts"] = network.shape | {"orders": generator.parts.orders}
    save_file(
        {n: t.detach().cpu().contiguous() for n, t in tensors.items()},
        folder / "weights.safetensors",
    )
    write_losses(folder, generator.history)
    (folder / "generator.json").write_text(json.dumps(description, indent=1), encoding="utf-8")


def load_generator(folder: Path) -> Generator:
    """Read a generator from a folder.

    Raises:
        ModelFileError: A file is missing, damaged or of another version.
    """
    try:
        description = json.loads((folder / "generator.json").read_text(encoding="utf-8"))
        tensors = load_file(folder / "weights.safetensors")
        if description["format"] != FORMAT:
            raise ModelFileError(
                f"{folder} has format {description['format']}; this version reads {FORMAT}",
                hint="fit and save again",
            )
        return _build(description, tensors, read_losses(folder))
    except (OSError, SafetensorError, ValueError, KeyError, TypeError, RuntimeError) as error:
        if isinstance(error, ModelFileError):
            raise
        raise ModelFileError(
            f"{folder} holds no generator that can be read: {error}", hint="fit and save again"
        ) from error


def _build(
    description: dict[str, Any], tensors: dict[str, torch.Tensor], history: np.ndarray
) -> Generator:
    layout = layout_from_list(description["layout"])
    context_layout = layout_from_list(description["context_layout"])
    constants = tensors["constants"].numpy()
    settings = CTGANSettings.from_dict(description["settings"])
    parts = None
    if description["parts"] is not None:
        shape: dict[str, Any] = description["parts"]
        orders = shape.pop("orders")
        live = live_layout(layout, constants, settings)
        outputs = Outputs(live)
        outputs.load_state_dict(_under("outputs.", tensors))
        network = Network(live, context_layout, **shape)
        network.load_state_dict(_under("network.", tensors))
        offsets = tensors.get("offsets")
        parts = Parts(network=network.eval(), outputs=outputs, orders=orders, offsets=offsets)
    return Generator(
        layout=layout,
        context_layout=context_layout,
        settings=settings,
        constants=constants,
        parts=parts,
        history=history,
    )


def _under(prefix: str, tensors: dict[str, torch.Tensor]) -> dict[str, torch.Tensor]:
    return {n.removeprefix(prefix): t for n, t in tensors.items() if n.startswith(prefix)}


def layout_to_list(layout: Layout) -> list[dict[str, Any]]:
    """Return a layout as JSON-able values."""
    return [asdict(column) for column in layout.columns]


def layout_from_list(columns: list[dict[str, Any]]) -> Layout:
    """Build a layout from `layout_to_list`'s values."""
    return Layout(tuple(CodeColumn(**column) for column in columns))
