"""Rows that refer to a row with the same value: staff and their manager's department."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    import polars as pl
    from numpy.typing import NDArray

    from synthohive.encoding.layout import Layout

MIN_SHARE = 0.1
"""Least share of rows that must choose an equal parent, beyond chance."""
MIN_EVIDENCE = 15.0
"""Least likelihood ratio statistic; chance exceeds it once in ten thousand columns."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Agreement:
    """A column in which a row and its parent tend to be equal.

    Attributes:
        column: The code column.
        share: Share of rows that choose their parent among equals, where there are any.
            The others may meet an equal one by chance.
    """

    column: str
    share: float

    def to_dict(self) -> dict[str, object]:
        """Return the agreement as JSON-able values; rebuild with ``Agreement(**state)``."""
        return asdict(self)


def find_agreement(
    codes: pl.DataFrame, layout: Layout, parents: pl.Series, levels: pl.Series
) -> Agreement | None:
    """Find the column whose equality says most about the choice of a parent.

    Args:
        codes: Codes of all rows.
        layout: Layout of `codes`.
        parents: Parent of each row, null for a root; ``UInt32 (N,)``.
        levels: Level of each row; ``(N,)``.

    Returns:
        The agreement, or `None` when rows agree with their parents no more than with
        others of the same level.

    Examples:
        >>> import polars as pl
        >>> from synthohive.encoding.layout import CodeColumn, Layout
        >>> layout = Layout((CodeColumn(name="team", size=2, source="team"),))
        >>> codes = pl.DataFrame({"team": [0, 1] * 20})
        >>> parents = pl.Series([None, None, *[0, 1] * 19], dtype=pl.UInt32)
        >>> find_agreement(codes, layout, parents, parents.is_not_null().cast(pl.UInt32))
        Agreement(column='team', share=1.0)
    """
    linked = parents.is_not_null().to_numpy()
    above = parents.drop_nulls().to_numpy().astype(np.intp)
    level = levels.to_numpy()[linked].astype(np.intp)
    best: tuple[float, Agreement | None] = (MIN_EVIDENCE, None)
    for column in layout.columns:
        if column.coarse is not None or column.size < 2:  # noqa: PLR2004 - always equal
            continue
        values = codes[column.name].to_numpy().astype(np.intp)
        evidence, share = _compare(values[linked], values[above], level, column.size)
        if share >= MIN_SHARE and evidence > best[0]:
            best = evidence, Agreement(column=column.name, share=share)
    return best[1]


def _compare(
    own: NDArray[np.intp], theirs: NDArray[np.intp], level: NDArray[np.intp], size: int
) -> tuple[float, float]:
    """Compare agreement with that of parents shuffled within each level."""
    if not len(own):
        return 0.0, 0.0
    cells = int(level.max() + 1) * size
    offered = np.bincount(level * size + theirs, minlength=cells)
    chance = offered[level * size + own] / np.bincount(level)[level]
    # Rows that cannot agree, or cannot but agree, had no choice.
    chosen = (chance > 0) & (chance < 1)
    if not chosen.any():
        return 0.0, 0.0
    agreed = float((own == theirs)[chosen].mean())
    expected = float(chance[chosen].mean())
    share = (agreed - expected) / (1 - expected)
    return 2 * int(chosen.sum()) * _divergence(agreed, expected), share


def _divergence(observed: float, expected: float) -> float:
    """Kullback-Leibler divergence of two yes-or-no variables, in nats."""
    pairs = ((observed, expected), (1 - observed, 1 - expected))
    return sum(p * float(np.log(p / q)) for p, q in pairs if p > 0)
