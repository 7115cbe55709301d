"""The compiled sampler draws what the network says, however it is cut into pieces."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from planted import LAYOUT, distance

from synthohive.models import compiled, sampling
from synthohive.models.draws import generator
from synthohive.models.pinned import pinned_torch
from synthohive.models.precision import fastest_dtype
from synthohive.models.sampling import invert
from synthohive.models.states import all_alike, all_different, tell_apart
from synthohive.randomness import Stream

ROWS = 2_000
STREAM = Stream(11)


def rearranged(generator, rounds):
    """The same generator, not yet compiled, with other rounds, which are not calibrated."""
    return replace(generator, parts=replace(generator.parts, orders=[rounds], offsets=None))


def by_the_book(model, n, *, context=None, known=None):
    """Draw rows with one plain pass through the network per round, nothing left out."""
    network, outputs = model.parts.network, model.parts.outputs
    uniforms = torch.rand(n, 4, generator=generator(STREAM, "block", 0))
    codes = torch.full((n, 4), -1) if known is None else torch.from_numpy(known)
    codes, filled = codes.clamp(min=0), codes >= 0
    others = torch.zeros(n, 0, dtype=torch.long) if context is None else torch.from_numpy(context)
    # numbers are used up round by round, columns with fewer codes first
    used = [c for r in model.parts.orders[0] for c in sorted(r, key=outputs.sizes.__getitem__)]
    with pinned_torch(), torch.inference_mode():
        for columns in model.parts.orders[0]:
            visible = filled & ((outputs.coarse < 0) | filled[:, outputs.coarse.clamp(min=0)])
            logits = network(codes[None], visible[None], others[None])
            drawn = codes.clone()
            for bucket in outputs.buckets:
                start = range(bucket.start, bucket.stop, bucket.size)
                for c, first in zip(bucket.columns, start, strict=True):
                    own = logits[..., first : first + bucket.size] * outputs.trust[c]
                    prior, coarse = outputs.prior_table(c), outputs.coarse[c]
                    own = own + (prior[codes[:, coarse]] if coarse >= 0 else prior)
                    shares = torch.softmax(own, -1).mean(0)
                    if c in columns:
                        drawn[:, c] = invert(shares, uniforms[:, used.index(c)])
            codes[:, columns] = torch.where(filled, codes, drawn)[:, columns]
            filled[:, columns] = True
    return codes.numpy()


ROUNDS = [[[0], [1], [3], [2]], [[1, 3], [0, 2]], [[0, 1, 3], [2]]]


@pytest.mark.parametrize("rounds", ROUNDS)
@pytest.mark.parametrize("share", [0.0, 0.4])
def test_codes_are_those_of_plain_passes_through_the_network(alone, rounds, share):
    model, rows = alone
    model = rearranged(model, rounds)
    is_given = np.random.default_rng(0).random((ROWS, 4)) < share
    known = np.where(is_given, rows[:ROWS], -1)
    drawn = model.sample(ROWS, given=known if share else None, stream=STREAM)
    expected = by_the_book(model, ROWS, known=known)
    assert drawn.dtype == np.int32
    assert (drawn == expected).mean() > 0.985  # a uniform number close to a border may tip over


def test_codes_in_context_are_those_of_plain_passes_too(in_context):
    model, _, region = in_context
    model = rearranged(model, model.parts.orders[0])
    drawn = model.sample(ROWS, context=region[:ROWS], stream=STREAM)
    expected = by_the_book(model, ROWS, context=region[:ROWS])
    assert (drawn == expected).mean() > 0.985


def test_rounding_inside_the_network_does_not_shift_frequencies(alone, monkeypatch):
    model, _ = alone
    fast = rearranged(model, model.parts.orders[0]).sample(8_192, stream=STREAM)
    monkeypatch.setattr(compiled, "fastest_dtype", lambda _: torch.float32)
    exact = rearranged(model, model.parts.orders[0]).sample(8_192, stream=STREAM)
    for c, size in enumerate(LAYOUT.sizes):
        shares = [np.bincount(rows[:, c], minlength=size) / 8_192 for rows in (fast, exact)]
        assert distance(*shares) < 0.004


@pytest.mark.parametrize(("name", "size"), [("WIDE", 300), ("CHUNK_ROWS", 100)])
def test_the_size_of_pieces_hardly_matters(alone, in_context, monkeypatch, name, size):
    model, _ = alone
    given_, _, region = in_context
    whole = [
        model.sample(1_000, stream=STREAM),
        given_.sample(1_000, context=region[:1_000], stream=STREAM),
    ]
    monkeypatch.setattr(sampling, name, size)
    pieces = [
        model.sample(1_000, stream=STREAM),
        given_.sample(1_000, context=region[:1_000], stream=STREAM),
    ]
    assert all((a == b).mean() > 0.99 for a, b in zip(whole, pieces, strict=True))


def test_a_generator_is_compiled_once(alone):
    model = rearranged(alone[0], alone[0].parts.orders[0])
    model.sample(10, stream=STREAM)
    first = model.parts.sampler
    model.sample(10, stream=STREAM)
    assert model.parts.sampler is first
    inner = first.blocks[0][0].dtype
    assert inner == fastest_dtype(torch.device("cpu"))
    assert first.orders[0][0].weight.dtype == inner
    assert first.orders[0][0].bias.dtype == first.moves.dtype == torch.float32


@given(
    st.lists(st.tuples(*[st.integers(0, 2)] * 3), min_size=1, max_size=60),
    st.sampled_from([3, 5_000, 2**31, 2**55]),
)
def test_rows_share_a_state_if_and_only_if_they_show_the_same(rows, size):
    shown = torch.tensor(rows)
    states = all_alike(len(rows), torch.device("cpu"))
    for columns in (shown[:, :1], shown[:, 1:]):
        states = tell_apart(states, columns, [size] * columns.shape[1])
    if states.of is None:
        assert states.count == len(rows)
        return
    assert states.of.unique().tolist() == list(range(len(set(rows))))
    assert len(set(rows)) <= 0.75 * len(rows)
    assert len(set(rows)) <= states.count < 2 * len(set(rows))
    assert (states.pick(shown)[states.of] == shown).all()


def test_rows_that_are_all_different_stay_so():
    rows = torch.arange(10).view(-1, 1)
    alike = all_alike(10, torch.device("cpu"))
    different = tell_apart(alike, rows, [10])
    assert different == all_different(10)
    assert tell_apart(different, rows, [10]) is different
    assert alike.parents(different).tolist() == [0] * 10
    assert different.parents(different) is None
