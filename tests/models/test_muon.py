"""Muon: updates of even strength in all directions."""

from __future__ import annotations

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from synthohive.models.muon import EVERY, LENGTH, Muon, orthogonal


@settings(max_examples=30, deadline=None)
@given(st.integers(1, 3), st.integers(1, 24), st.integers(0, 24), st.integers(0, 999))
def test_all_directions_become_about_equally_strong(count, short, more, seed):
    random = torch.Generator().manual_seed(seed)
    left = torch.linalg.qr(torch.randn(count, short, short, generator=random))[0]
    right = torch.linalg.qr(torch.randn(count, short + more, short, generator=random))[0]
    strength = torch.logspace(0, -1, short).expand(count, short)
    matrices = 7 * left @ torch.diag_embed(strength) @ right.mT
    made = orthogonal(matrices).float()
    values = torch.linalg.svdvals(made)
    assert values.max() < 1.6
    assert values.min() > 0.5
    turned = left.mT @ made @ right
    assert torch.allclose(turned, torch.diag_embed(turned.diagonal(dim1=1, dim2=2)), atol=0.1)


def test_matrices_of_zeros_stay_zeros():
    assert not orthogonal(torch.zeros(2, 3, 4)).any()


@pytest.mark.parametrize("shape", [(1, 6, 12), (2, 12, 6)])
def test_steps_have_one_length_whatever_the_gradient(shape):
    random = torch.Generator().manual_seed(1)
    moved = []
    for size in (1e-3, 1e3):
        weight = torch.nn.Parameter(torch.zeros(shape))
        weight.grad = size * torch.randn(shape, generator=random.manual_seed(1))
        Muon([weight], lr=0.1, every=1).step()
        moved.append(weight.detach())
    assert torch.allclose(moved[0], moved[1], atol=0.01)
    assert moved[0].square().mean().sqrt().item() == pytest.approx(0.1 * LENGTH, rel=0.35)


def test_matrices_are_trained_as_if_each_were_alone():
    random = torch.Generator().manual_seed(3)
    shapes = [(2, 4, 8), (2, 8, 4), (2, 4, 4)]
    gradients = [torch.randn(shape, generator=random) for shape in shapes]

    def trained(groups):
        weights = [torch.nn.Parameter(torch.ones(shape)) for shape in shapes]
        optimisers = [
            Muon([weights[i] for i in group], lr=0.1, weight_decay=0.5) for group in groups
        ]
        for _ in range(2 * EVERY):
            for weight, gradient in zip(weights, gradients, strict=True):
                weight.grad = gradient
            for optimiser in optimisers:
                optimiser.step()
        return weights

    for a, b in zip(trained([[0, 1, 2]]), trained([[0], [1], [2]]), strict=True):
        assert torch.allclose(a, b, atol=5e-3)


def test_matrices_are_moved_once_in_several_steps_and_as_far():
    def moved(every, steps):
        weight = torch.nn.Parameter(torch.ones(1, 3, 5))
        optimiser = Muon([weight], lr=0.1, weight_decay=0.1, every=every)
        for _ in range(steps):
            weight.grad = torch.arange(15.0).view(1, 3, 5).sin()
            optimiser.step()
        return weight.detach()

    assert torch.equal(moved(4, 3), torch.ones(1, 3, 5))
    assert torch.equal(moved(4, 4), moved(4, 7))
    far = (moved(1, 8) - 1).norm()
    assert (moved(4, 8) - moved(1, 8)).norm() < 0.1 * far
