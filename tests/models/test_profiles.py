"""How networks begin: codes that are alike have vectors that are alike."""

from __future__ import annotations

import numpy as np
import torch

from synthohive.encoding.layout import CodeColumn, Layout
from synthohive.models.network import Network, initialise
from synthohive.models.profiles import begin_alike
from synthohive.models.state import rows_of

TOWNS = 12


def column(name, size, **more):
    return CodeColumn(name=name, size=size, source=name, **more)


COLUMNS = (
    column("town", TOWNS),
    column("wealth", 20, is_ordered=True),
    column("wealth#fine", 6, coarse="wealth"),
    column("street", 500),
    column("is_port", 2),
)


def streets(rows=4_000):
    """Return rows of towns: the first six are poor, the others rich ports."""
    random = np.random.default_rng(1)
    town = random.integers(0, TOWNS, rows)
    is_rich = town >= TOWNS // 2
    wealth = np.clip(random.normal(np.where(is_rich, 15, 5), 2, rows), 0, 19).astype(int)
    street = random.integers(0, 500, rows)
    return np.stack([town, wealth, random.integers(0, 6, rows), street, is_rich], 1)


def vectors():
    random = torch.Generator().manual_seed(1)
    return [torch.randn(c.size, 16, generator=random) / 2 for c in COLUMNS]


def test_categories_with_like_rows_begin_alike_and_all_else_stays():
    own = vectors()
    made = begin_alike(own, torch.from_numpy(streets()), COLUMNS)
    distances = torch.cdist(made[0], made[0])
    inside = distances[:6, :6][~torch.eye(6, dtype=torch.bool)]
    assert inside.max() < distances[:6, 6:].min() / 1.2
    assert inside.min() > 0.1  # alike, and yet not the same
    assert 0.4 < made[0].square().mean().sqrt() < 0.7
    assert all(torch.equal(made[c], own[c]) for c in (1, 2, 4))
    # what the rows of a street have in common is chance
    assert (made[3] - own[3]).square().mean() < 0.1 * own[3].square().mean()


def test_a_category_that_no_row_has_keeps_something_of_its_own():
    codes = torch.from_numpy(streets())
    made = begin_alike(vectors(), codes[codes[:, 0] != 3], COLUMNS)
    assert all(torch.isfinite(own).all() for own in made)
    assert made[0][3].norm() > 0


def test_columns_that_show_nothing_leave_finite_vectors():
    alone = begin_alike(vectors()[:1], torch.zeros(5, 1, dtype=torch.long), COLUMNS[:1])
    assert torch.isfinite(alone[0]).all()


def test_members_begin_with_what_their_own_rows_are_like():
    codes = streets(400)
    layout, context = Layout(COLUMNS[:1]), Layout(COLUMNS[1:])
    own = np.arange(300), np.arange(100, 400)

    def begin(codes, positions):
        network = Network(layout, context, members=2, width=8, depth=1, embedding=16)
        shown = torch.from_numpy(codes)
        rows = rows_of(shown[:, :1], shown[:, 1:], positions)
        initialise(network, rows, torch.Generator().manual_seed(1))
        return network.embed.detach().chunk(2)

    before = begin(codes, own)
    changed = codes.copy()
    changed[:50, 1] = 19
    after = begin(changed, own)
    assert not torch.equal(before[0], after[0])
    assert torch.equal(before[1], after[1])  # it does not learn from these
