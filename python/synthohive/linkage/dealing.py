"""Deal classes to parents: real proportions exactly, likeness as far as it goes.

A class has the real share of its leaf's parents. Who gets which is drawn by how the codes
of a parent look among the class's real members; without any codes it is a lottery. Parents
and classes are matched like pupils and schools, so no pair would rather swap.

Source: Gale and Shapley, "College admissions and the stability of marriage" (1962); scores
are naive Bayes log likelihoods plus Gumbel noise, whose maximum is a draw from the posterior.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray

BLOCK = 16_384
"""Parents dealt to at once; a block has its own, proportional capacities."""
MAX_ROUNDS = 500
MAX_CODES = 512
"""Columns of more codes than this say nothing about likeness."""
PRIOR_ROWS = 2.0
"""Weight of the leaf's distribution when a class's is estimated."""


def likeness(
    codes: NDArray[np.integer],
    leaves: NDArray[np.integer],
    groups: NDArray[np.integer],
    group_count: int,
    *,
    size: int,
    is_ordered: bool,
) -> NDArray[np.float64]:
    """Learn how one code column tells the groups of a leaf apart.

    Args:
        codes: Codes of real parents; ``(Q,)``.
        leaves: Their leaves; ``(Q,)``.
        groups: Their groups; ``(Q,)``.
        group_count: Number of groups.
        size: Number of codes.
        is_ordered: Neighbouring codes count as alike.

    Returns:
        Log likelihood ratio of each code, group against leaf; ``(G, size)``.
    """
    within = _histogram(groups, codes, group_count, size)
    around = _histogram(leaves, codes, int(leaves.max()) + 1, size)
    if is_ordered:
        within, around = _smooth(within), _smooth(around)
    leaf_of_group = np.zeros(group_count, np.intp)
    leaf_of_group[groups] = leaves
    prior = around[leaf_of_group]
    prior = (prior + 0.5 / size) / (prior.sum(axis=1, keepdims=True) + 0.5)
    rows = within.sum(axis=1, keepdims=True)
    return np.log((within + PRIOR_ROWS * prior) / ((rows + PRIOR_ROWS) * prior))


def _histogram(
    rows: NDArray[np.integer], codes: NDArray[np.integer], height: int, width: int
) -> NDArray[np.float64]:
    cells = rows.astype(np.intp) * width + codes
    return np.bincount(cells, minlength=height * width).reshape(height, width).astype(np.float64)


def _smooth(counts: NDArray[np.float64]) -> NDArray[np.float64]:
    """Share each count with codes up to a sixteenth of the range away; rows keep their sum."""
    size = counts.shape[1]
    away = np.abs(np.subtract.outer(np.arange(size), np.arange(size)))
    kernel = np.maximum(0.0, 1 - away / (1 + size / 16))
    return counts @ (kernel / kernel.sum(axis=1, keepdims=True))


def deal(
    scores: NDArray[np.float64], shares: NDArray[np.float64], offset: float
) -> NDArray[np.intp]:
    """Deal classes to rows in given proportions, each row one that it scores high in.

    Args:
        scores: What speaks for each class; ``(N, K)``.
        shares: Share of the rows each class gets, summing to 1; ``(K,)``.
        offset: Which classes get the rows left over by rounding; in [0, 1).

    Returns:
        The class of each row; ``(N,)``.

    Examples:
        Both rows prefer class 0, the second one more:

        >>> deal(np.array([[1.0, 0.0], [2.0, 0.0]]), np.array([0.5, 0.5]), 0.0).tolist()
        [1, 0]
    """
    ends = np.floor(len(scores) * np.cumsum(shares) + offset)
    ends[-1] = len(scores)
    places = np.diff(np.minimum(ends, len(scores)), prepend=0).astype(np.intp)
    scores = np.where(places > 0, scores, -np.inf)
    held = np.full(len(scores), -1)
    for _ in range(MAX_ROUNDS):
        free = np.flatnonzero(held < 0)
        if not len(free):
            return held
        held[free] = scores[free].argmax(axis=1)
        for one in np.unique(held[free]):
            _keep_best(scores, held, int(one), int(places[one]))
    return _fill(held, places)


def _keep_best(scores: NDArray[np.float64], held: NDArray[np.intp], one: int, places: int) -> None:
    """Let a class keep its best rows; the others are free, and will not ask again."""
    rows = np.flatnonzero(held == one)
    if len(rows) <= places:
        return
    order = np.argsort(-scores[rows, one], kind="stable")
    rejected = rows[order[places:]]
    held[rejected] = -1
    scores[rejected, one] = -np.inf


def _fill(held: NDArray[np.intp], places: NDArray[np.intp]) -> NDArray[np.intp]:
    """Give the rows still free what places are left."""
    free = np.flatnonzero(held < 0)
    taken = np.bincount(held[held >= 0], minlength=len(places))
    held[free] = np.repeat(np.arange(len(places)), places - taken)[: len(free)]
    return held
