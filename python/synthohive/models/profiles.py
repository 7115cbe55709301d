"""Categories whose rows are alike: a prior for columns without an order.

Were the vectors of 200 towns independent of each other, what is so in most of them would have to
be learned of each, from its own few rows. So a category's vector begins as the mean of what its
rows show in the other columns, as their vectors say it: towns with like figures begin side by
side. Learning moves them from there.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import torch

from synthohive.models.waves import FEWEST_CODES

if TYPE_CHECKING:
    from collections.abc import Sequence

    from torch import Tensor

    from synthohive.encoding.layout import CodeColumn

MOST_CODES = 64
"""Categories of a column with more say little of a row: their own vectors mean nothing yet."""
DOUBT = 3.0
"""Rows like all others that are added to those of each category."""
LOUD = 0.5
"""Root mean square of vectors that say what rows show."""
OWN = 0.3
"""Share of a category's own vector that is kept beside it, lest like ones be the same."""


def begin_alike(
    vectors: Sequence[Tensor], codes: Tensor, columns: Sequence[CodeColumn]
) -> list[Tensor]:
    """Return vectors in which categories whose rows are alike are alike.

    Those of ordered columns, of fine codes and of columns with few codes stay as they are.

    Args:
        vectors: Of each column's codes, (size, length) each.
        codes: Rows, (rows, columns), at least one.
        columns: What the columns are.

    Examples:
        >>> from synthohive.encoding.layout import CodeColumn
        >>> random = torch.Generator().manual_seed(1)
        >>> town = torch.arange(600) % 6
        >>> codes = torch.stack([town, town // 3], 1)  # two countries
        >>> columns = [CodeColumn(name=n, size=s, source=n) for n, s in (("town", 6), ("land", 2))]
        >>> vectors = [torch.randn(column.size, 16, generator=random) for column in columns]
        >>> towns, _ = begin_alike(vectors, codes, columns)
        >>> bool((towns[0] - towns[1]).norm() < (towns[0] - towns[5]).norm() / 2)
        True
    """
    together = torch.zeros(len(codes), vectors[0].shape[1])
    for c, column in enumerate(columns):
        if _is_telling(column):
            together += _deviations(vectors[c], codes[:, c])
    alike: list[Tensor] = []
    for c, column in enumerate(columns):
        own = vectors[c]
        if _is_category(column):
            others = together
            if _is_telling(column):
                others = together - _deviations(own, codes[:, c])
            own = _means(others, codes[:, c], own)
        alike.append(own)
    return alike


def _is_category(column: CodeColumn) -> bool:
    return not column.is_ordered and column.coarse is None and column.size >= FEWEST_CODES


def _is_telling(column: CodeColumn) -> bool:
    return column.coarse is None and (column.is_ordered or column.size <= MOST_CODES)


def _deviations(vectors: Tensor, codes: Tensor) -> Tensor:
    """Return how far rows' vectors are from their mean: (rows, length)."""
    own = vectors[codes]
    return own - own.mean(0)


def _means(shown: Tensor, codes: Tensor, own: Tensor) -> Tensor:
    """Return the mean of what each code's rows show, scaled, and a little of its own vector.

    The less the means spread beyond what chance gives them, the more of its own vector it is.
    """
    counts = torch.bincount(codes, minlength=len(own)).unsqueeze(1)
    means = torch.zeros_like(own).index_add_(0, codes, shown) / (counts + DOUBT)
    spread = (means.square() * counts).sum() / shown.numel()
    by_chance = shown.square().mean() * len(own) / len(codes)
    told = ((spread - by_chance).clamp(min=0) / (spread + 1e-9)).sqrt()
    return told * LOUD * means / (spread + 1e-9).sqrt() + (1 - told * (1 - OWN)) * own
