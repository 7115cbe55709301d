"""Learning the masked likelihood until the held-out loss says stop."""

from __future__ import annotations

import math
import time
from dataclasses import dataclass
from itertools import pairwise
from typing import TYPE_CHECKING

import torch
from torch import Tensor

from synthohive.errors import TrainingError
from synthohive.models.draws import generator
from synthohive.models.masks import ask, draw_visible
from synthohive.models.network import read_fast
from synthohive.models.outputs import TRUSTS
from synthohive.models.pinned import pinned_torch
from synthohive.models.state import STRIDE, Rows, State, load_weights, move_average, weights_of
from synthohive.parallel import crew

if TYPE_CHECKING:
    from collections.abc import Callable

    from synthohive.models.network import Network
    from synthohive.models.outputs import Outputs
    from synthohive.models.plan import Plan
    from synthohive.models.settings import CTGANSettings
    from synthohive.models.task import Task
    from synthohive.parallel import Crew
    from synthohive.randomness import Stream

WIDE = 2**24
"""Most outputs that are evaluated together, where columns have many codes."""
PORTIONS = 2
"""Portions of a batch whose gradients are taken side by side. Sums of floats depend on what is
summed first, so there are as many on any number of threads."""
FEWEST_TOGETHER = 256
"""Rows of a batch from which on it is taken in portions."""
FREQUENT = 200
"""After so many steps, where averages move slowly, weights are averaged less often."""
EVALUATED_ROWS = 2_000
"""A held-out loss is taken over at least this many rows, the same ones repeatedly with
other columns hidden if there are fewer."""


def learn(
    state: State,
    outputs: Outputs,
    train: Rows,
    held: Rows,
    *,
    task: Task,
    on_step: Callable[[State, float], None],
    on_evaluation: Callable[[State], None],
    threads: int = 1,
) -> None:
    """Train the state's network in place; it ends with the best averaged weights.

    Args:
        state: Where to start from, the beginning or a checkpoint.
        outputs: Reads distributions off the network's outputs.
        train: The rows that each member learns from.
        held: The rows held out of each member; it may have none.
        task: Batch, steps, step size, patience, and where the random numbers come from.
        on_step: Called with the training loss after every step.
        on_evaluation: Called after every evaluation.
        threads: Threads that learn at the same time; they do not change what is learned.

    Raises:
        TrainingError: The loss is no longer a number.
    """
    plan, stream = task.plan, task.stream
    started = time.monotonic() - state.seconds
    with crew(threads) as together:
        while state.step < plan.steps and not _is_stuck(state, plan, task.settings):
            total, since = 0.0, state.step
            while state.step < min(plan.steps, since + plan.evaluate_every):
                loss = _step(state, outputs, train, task, together)
                total += loss
                on_step(state, loss)
            _evaluate(state, outputs, held, total / (state.step - since), stream)
            state.history[-1] = (*state.history[-1][:3], time.monotonic() - started)
            on_evaluation(state)
    load_weights(state.network, state.best if state.best_step else state.average)
    outputs.trust.copy_(state.trust)


def learning_rate(step: int, steps: int, peak: float) -> float:
    """Return the step size: a short rise, then half a cosine down to nothing.

    Examples:
        >>> learning_rate(0, 1000, 0.1) < learning_rate(99, 1000, 0.1) == 0.1
        True
        >>> learning_rate(999, 1000, 0.1) < 1e-5
        True
    """
    rise = max(1, min(200, steps // 10))
    if step < rise:
        return peak * (step + 1) / rise
    return peak * 0.5 * (1 + math.cos(math.pi * (step - rise) / max(1, steps - rise)))


def _is_stuck(state: State, plan: Plan, settings: CTGANSettings) -> bool:
    """Return whether to stop early, which a number of epochs rules out."""
    if settings.epochs is not None:
        return False
    late = state.step - state.best_step
    return state.best_step > 0 and late >= settings.patience * plan.evaluate_every


def _step(state: State, outputs: Outputs, train: Rows, task: Task, together: Crew) -> float:
    network, plan = state.network, task.plan
    batch = _draw_batch(network, outputs, train, plan, generator(task.stream, "step", state.step))

    def work(rows: slice) -> tuple[float, tuple[Tensor, ...]]:
        return _gradients(network, outputs, batch.part(rows), plan.batch)

    parts = together(work, _portions(plan.batch, batch.codes.device))
    value = sum(loss for loss, _ in parts) / plan.members
    if not math.isfinite(value):
        last = ", ".join(f"{row[1]:.3f}" for row in state.history[-3:]) or "none"
        raise TrainingError(
            f"the loss is {value} at step {state.step}; losses before: {last}",
            hint="lower learning_rate",
        )
    for parameter, *own in zip(network.parameters(), *(part for _, part in parts), strict=True):
        parameter.grad = own[0]
        for gradient in own[1:]:
            parameter.grad.add_(gradient)
    clip_gradients(network, 1.0)
    rate = learning_rate(state.step, plan.steps, task.settings.learning_rate)
    for optimiser in state.optimisers:
        for group in optimiser.param_groups:
            group["lr"] = rate
    together(_move, state.optimisers)
    state.step += 1
    move_average(state.average, network, state.step, 1 if state.step < FREQUENT else STRIDE)
    return value


@dataclass(frozen=True, slots=True, kw_only=True)
class _Batch:
    """Rows to learn from at one step, each of shape (members, rows, …).

    Attributes:
        codes: Their codes.
        context: Their context.
        visible: Which codes are shown.
        kept: What dropout leaves, (depth, members, rows, …), if there is dropout.
    """

    codes: Tensor
    context: Tensor
    visible: Tensor
    kept: Tensor | None

    def part(self, rows: slice) -> _Batch:
        """Return some of the rows."""
        return _Batch(
            codes=self.codes[:, rows],
            context=self.context[:, rows],
            visible=self.visible[:, rows],
            kept=None if self.kept is None else self.kept[:, :, rows],
        )


def _draw_batch(
    network: Network, outputs: Outputs, train: Rows, plan: Plan, random: torch.Generator
) -> _Batch:
    codes, context = train.draw(plan.batch, random)
    visible = draw_visible((plan.members, plan.batch), outputs.coarse.cpu(), random)
    return _Batch(
        codes=codes,
        context=context,
        visible=visible.to(codes.device),
        kept=_draw_kept(network, plan, random),
    )


def _gradients(
    network: Network, outputs: Outputs, some: _Batch, rows: int
) -> tuple[float, tuple[Tensor, ...]]:
    """Return what some of a batch's rows add to its loss, and to its gradients."""
    with pinned_torch():
        logits = read_fast(network, some.codes, some.visible, some.context, kept=some.kept)
        asked = ask(some.visible, outputs.coarse)
        loss = outputs.loss(logits, some.codes, asked) / rows
        return loss.item(), torch.autograd.grad(loss, list(network.parameters()))


def _move(optimiser: torch.optim.Optimizer) -> None:
    with pinned_torch():
        optimiser.step()


def _portions(batch: int, device: torch.device) -> list[slice]:
    """Part a batch into rows that are learned from side by side, on a CPU."""
    count = PORTIONS if batch >= FEWEST_TOGETHER and device.type == "cpu" else 1
    edges = [batch * place // count for place in range(count + 1)]
    return [slice(*pair) for pair in pairwise(edges)]


def _draw_kept(network: Network, plan: Plan, random: torch.Generator) -> Tensor | None:
    """Draw dropout's factors; `torch.nn.Dropout` would draw from the global state."""
    if plan.dropout == 0:
        return None
    shape = (plan.depth, plan.members, plan.batch, 2 * plan.width)
    kept = torch.rand(shape, generator=random) >= plan.dropout
    return kept.to(network.out.weight.device) / (1 - plan.dropout)


def clip_gradients(network: Network, limit: float) -> None:
    """Scale each member's gradient down to a length of at most `limit`."""
    gradients = [
        parameter.grad.view(network.members, -1)
        for parameter in network.parameters()
        if parameter.grad is not None
    ]
    length = torch.stack([torch.linalg.vector_norm(g, dim=1) for g in gradients]).norm(dim=0)
    scale = (limit / (length + 1e-6)).clamp(max=1).unsqueeze(1)
    for gradient in gradients:
        gradient.mul_(scale)


def _evaluate(state: State, outputs: Outputs, held: Rows, loss: float, stream: Stream) -> None:
    held_loss = math.nan
    if len(held):
        current = weights_of(state.network)
        load_weights(state.network, state.average)
        losses = held_out_losses(state.network, outputs, held, stream)
        held_loss = losses.amin(0).sum().item()
        load_weights(state.network, current)
        if not state.best_step or held_loss < state.best_loss:
            state.best_loss, state.best_step = held_loss, state.step
            state.trust = torch.tensor(TRUSTS)[losses.argmin(0)]
            state.best = {name: value.clone() for name, value in state.average.items()}
    state.history.append((state.step, loss, held_loss, math.nan))


def held_out_losses(network: Network, outputs: Outputs, held: Rows, stream: Stream) -> Tensor:
    """Return nats per row on rows not trained on: (trusts, columns).

    The same columns are hidden every time, so evaluations can be compared.
    """
    members, width = held.positions.shape
    random = generator(stream, "held out")
    repeats = max(1, -(-EVALUATED_ROWS // (members * width)))
    codes, context = held.at(held.positions.repeat(1, repeats))
    with torch.no_grad():
        visible = draw_visible((members, width * repeats), outputs.coarse.cpu(), random)
        visible = visible.to(codes.device)
        weights = ask(visible, outputs.coarse) * held.real.repeat(1, repeats).unsqueeze(-1)
        losses = torch.zeros(len(TRUSTS), codes.shape[2], device=codes.device)
        rows = max(1, min(EVALUATED_ROWS, WIDE // (members * outputs.width)))
        for first in range(0, codes.shape[1], rows):
            part = slice(first, first + rows)
            logits = read_fast(network, codes[:, part], visible[:, part], context[:, part])
            losses += outputs.losses(logits, codes[:, part], weights[:, part])
    return losses.cpu() / (repeats * len(held))
