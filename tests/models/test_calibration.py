"""Calibration brings frequencies back to those of the real rows, and nothing else."""

from __future__ import annotations

from copy import deepcopy
from dataclasses import replace

import numpy as np
import pytest
import torch
from planted import LAYOUT, distance, joint, table

from synthohive.models import calibration, states
from synthohive.models.calibration import calibrate
from synthohive.models.compiled import Sampler
from synthohive.randomness import Stream

ROWS = 4_000
STREAM = Stream(11)


def shares(codes):
    """The share of each code, column after column."""
    counts = [np.bincount(codes[:, c], minlength=size) for c, size in enumerate(LAYOUT.sizes)]
    return np.concatenate(counts) / len(codes)


@pytest.fixture(scope="module")
def astray(alone):
    """A generator whose network has gone astray in how often codes are due, and real codes."""
    generator, _ = alone
    network = deepcopy(generator.parts.network)
    noise = torch.randn(network.out.bias.shape, generator=torch.Generator().manual_seed(1))
    with torch.no_grad():
        network.out.bias += 0.4 * noise
    parts = replace(generator.parts, network=network, offsets=None)
    return replace(generator, parts=parts), torch.from_numpy(table(ROWS).astype(np.int64))


def calibrated(generator, codes, threads=1):
    """The same generator with offsets that these codes ask for."""
    parts = generator.parts
    nothing = codes[:, :0]
    offsets = calibrate(parts.network, parts.outputs, parts.orders, codes, nothing, threads=threads)
    return replace(generator, parts=replace(parts, offsets=offsets))


def test_frequencies_come_back_to_those_of_the_real_rows(astray):
    generator, codes = astray
    real = shares(codes.numpy())
    errors = [
        np.abs(shares(g.sample(20_000, stream=STREAM)) - real).sum()
        for g in (generator, calibrated(generator, codes))
    ]
    assert errors[1] < 0.35 * errors[0]


def test_wide_rounds_are_calibrated_on_fewer_rows(astray, monkeypatch):
    generator, codes = astray
    whole = calibrated(generator, codes).parts.offsets
    monkeypatch.setattr(calibration, "WIDE", 2 * 2_000 * 5)  # two networks
    fewer = calibrated(generator, codes).parts.offsets
    assert not torch.equal(whole, fewer)
    assert np.corrcoef(whole.flatten(), fewer.flatten())[0, 1] > 0.9


def test_no_more_logits_than_told_are_looked_at_together(astray, monkeypatch):
    generator, codes = astray
    looked, logits = [], Sampler.logits

    def watched(sampler, round_, sums, seen):
        looked.append((len(seen) - 1) * round_.bias.numel())  # one row may come on top
        return logits(sampler, round_, sums, seen)

    monkeypatch.setattr(Sampler, "logits", watched)
    monkeypatch.setattr(calibration, "WIDE", 100)
    calibrated(generator, codes)
    assert max(looked) <= 100


def test_rows_that_look_alike_are_looked_at_once_with_the_same_result(astray, monkeypatch):
    generator, codes = astray
    once = calibrated(generator, codes).parts.offsets
    monkeypatch.setattr(states, "WORTH", -1.0)
    each = calibrated(generator, codes).parts.offsets
    assert torch.allclose(once, each, atol=0.02)


def test_dependences_stay(astray, alone):
    generator, codes = astray
    made = calibrated(generator, codes).sample(20_000, stream=STREAM)
    sound = alone[0].sample(20_000, stream=STREAM)
    for pair in ((0, 1), (1, 2), (0, 3)):
        real, mended, was = (joint(rows, *pair) for rows in (codes.numpy(), made, sound))
        assert distance(mended, real) < distance(was, real) + 0.05


def test_any_number_of_threads_gives_the_same(astray):
    generator, codes = astray
    offsets = [calibrated(generator, codes, threads).parts.offsets for threads in (1, 3)]
    assert torch.equal(*offsets)


def test_each_order_is_told_of_and_has_its_own_offsets(alone):
    generator, _ = alone
    codes, told = torch.from_numpy(table(300).astype(np.int64)), []
    parts = generator.parts
    offsets = calibrate(
        parts.network,
        parts.outputs,
        parts.orders,
        codes,
        codes[:, :0],
        on_order=lambda: told.append(len(told)),
    )
    assert len(told) == len(parts.orders) == len(offsets)
    assert offsets.shape[1] == sum(LAYOUT.sizes)
    assert torch.isfinite(offsets).all()


def test_rows_of_a_code_move_it_the_more_the_more_they_are(astray):
    generator, codes = astray
    few, many = (calibrated(generator, codes[:rows]).parts.offsets for rows in (40, ROWS))
    assert few.abs().mean() < 0.5 * many.abs().mean()


def test_what_is_chance_in_the_rows_of_one_order_is_not_in_those_of_all(alone, monkeypatch):
    generator, _ = alone
    parts = replace(generator.parts, orders=generator.parts.orders[:1] * 16)
    codes = torch.from_numpy(table(ROWS).astype(np.int64))
    monkeypatch.setattr(calibration, "MOST_ROWS", ROWS // 16)
    offsets = calibrated(replace(generator, parts=parts), codes).parts.offsets
    assert offsets.mean(0).abs().mean() < 0.85 * offsets.abs().mean()
