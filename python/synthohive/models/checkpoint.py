"""Training that was interrupted goes on where it was last written down."""

from __future__ import annotations

import hashlib
import json
from typing import TYPE_CHECKING

import torch
from safetensors import SafetensorError, safe_open
from safetensors.torch import save_file

from synthohive.models.state import load_weights

if TYPE_CHECKING:
    from pathlib import Path

    import numpy as np

    from synthohive.models.state import State

FILE = "training.safetensors"


def fingerprint(*parts: object, arrays: tuple[np.ndarray, ...]) -> str:
    """Return a hash of everything that training depends on."""
    digest = hashlib.blake2b(repr(parts).encode(), digest_size=16)
    for array in arrays:
        digest.update(repr((array.shape, array.dtype)).encode())
        digest.update(array.tobytes())
    return digest.hexdigest()


def any_checkpoint(folder: Path) -> bool:
    """Return whether a folder holds a checkpoint, of whatever training."""
    return (folder / FILE).exists()


def write_checkpoint(folder: Path, of: str, state: State) -> None:
    """Write the state of training; a reader sees the old file or the new one."""
    folder.mkdir(parents=True, exist_ok=True)
    tensors = {f"weights.{n}": p.detach() for n, p in state.network.named_parameters()}
    tensors |= {f"average.{n}": tensor for n, tensor in state.average.items()}
    tensors |= {f"best.{n}": tensor for n, tensor in state.best.items()}
    tensors["history"] = torch.tensor(state.history, dtype=torch.float64).view(-1, 4)
    tensors["trust"] = state.trust
    for number, optimiser in enumerate(state.optimisers):
        for i, values in optimiser.state_dict()["state"].items():
            tensors |= {f"optimiser.{number}.{i}.{name}": value for name, value in values.items()}
    facts = {"of": of, "step": state.step, "best": [state.best_loss, state.best_step]}
    draft = folder / f"{FILE}.part"
    contiguous = {name: tensor.cpu().contiguous() for name, tensor in tensors.items()}
    save_file(contiguous, draft, metadata={"state": json.dumps(facts)})
    draft.replace(folder / FILE)


def read_checkpoint(folder: Path, of: str, state: State) -> bool:
    """Bring a fresh state to where a checkpoint was written.

    Returns:
        Whether there was a readable checkpoint of the same training (`of`). If not, the
        state is as before.
    """
    path = folder / FILE
    if not path.exists():
        return False
    try:
        with safe_open(path, framework="pt") as file:
            facts = json.loads((file.metadata() or {}).get("state", "{}"))
            if facts.get("of") != of:
                return False
            tensors = {name: file.get_tensor(name) for name in file.keys()}  # noqa: SIM118
    except (SafetensorError, ValueError):
        return False
    _restore(state, tensors)
    state.step = facts["step"]
    state.best_loss, state.best_step = facts["best"]
    return True


def _restore(state: State, tensors: dict[str, torch.Tensor]) -> None:
    device = state.network.out.weight.device
    groups: dict[str, dict[str, torch.Tensor]] = {"weights": {}, "average": {}, "best": {}}
    moments: list[dict[int, dict[str, torch.Tensor]]] = [{} for _ in state.optimisers]
    for name, tensor in tensors.items():
        group, _, rest = name.partition(".")
        if group == "optimiser":
            number, parameter, what = rest.split(".")
            moments[int(number)].setdefault(int(parameter), {})[what] = tensor
        elif group in groups:
            groups[group][rest] = tensor.to(device)
    load_weights(state.network, groups["weights"])
    state.average, state.best = groups["average"], groups["best"]
    state.trust = tensors["trust"]
    for optimiser, own in zip(state.optimisers, moments, strict=True):
        param_groups = optimiser.state_dict()["param_groups"]
        optimiser.load_state_dict({"state": own, "param_groups": param_groups})
    state.history = [tuple(row) for row in tensors["history"].tolist()]
