"""One training: what is to be learned, how, and where it begins."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import torch

from synthohive.models.checkpoint import fingerprint
from synthohive.models.draws import generator
from synthohive.models.muon import Muon
from synthohive.models.network import Network, initialise
from synthohive.models.state import State, weights_of
from synthohive.models.waves import Waves

if TYPE_CHECKING:
    import numpy as np

    from synthohive.encoding.layout import Layout
    from synthohive.models.outputs import Outputs
    from synthohive.models.plan import Plan
    from synthohive.models.settings import CTGANSettings
    from synthohive.models.state import Rows
    from synthohive.randomness import Stream


@dataclass(frozen=True, slots=True, kw_only=True)
class Task:
    """What is to be learned, and how: columns with more than one code only."""

    codes: np.ndarray
    layout: Layout
    context: np.ndarray
    context_layout: Layout
    groups: np.ndarray
    plan: Plan
    settings: CTGANSettings
    stream: Stream

    @property
    def fingerprint(self) -> str:
        """A hash of all of it."""
        facts = (self.layout, self.context_layout, self.plan, self.settings, self.stream)
        return fingerprint(*facts, arrays=(self.codes, self.context, self.groups))


def start(task: Task, outputs: Outputs, rows: Rows) -> State:
    """Return the state at the beginning of training, on the device of the rows to learn from."""
    plan, settings, device = task.plan, task.settings, rows.codes.device
    network = Network(
        task.layout,
        task.context_layout,
        members=plan.members,
        width=plan.width,
        depth=plan.depth,
        embedding=settings.embedding,
        noise=settings.noise if settings.is_classic else 0,
    ).to(device)
    if not settings.is_classic:
        size = {"members": plan.members, "width": plan.width}
        network.waves = Waves(task.layout, outputs.first, **size).to(device)
    initialise(network, rows, generator(task.stream, "weights"))
    return State(
        network=network, optimisers=_optimisers(network, task), average=weights_of(network)
    )


def _optimisers(network: Network, task: Task) -> list[torch.optim.Optimizer]:
    """Return what trains the network, each optimiser a part of it."""
    inner: list[list[torch.Tensor]] = []
    if task.plan.has_muon:  # a block each, so that they can work side by side
        blocks = [block.named_parameters() for block in network.blocks]
        inner = [[p for name, p in block if name.endswith("weight")] for block in blocks]
    known = {id(parameter) for block in inner for parameter in block}
    others = [p for p in network.parameters() if id(p) not in known]
    rate, decay = task.settings.learning_rate, task.settings.weight_decay
    adam = torch.optim.AdamW(others, lr=rate, weight_decay=decay, fused=True)
    return [*(Muon(block, lr=rate, weight_decay=decay) for block in inner), adam]


def choose_device(settings: CTGANSettings) -> torch.device:
    """Return the device to compute on."""
    if settings.device == "auto":
        return torch.device("cuda" if torch.cuda.is_available() else "cpu")
    return torch.device(settings.device)
