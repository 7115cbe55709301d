"""Which parent each child row belongs to.

All functions give positions in the parent table, never keys, and a null position where a
row has no parent.
"""

from __future__ import annotations

import polars as pl

from synthohive import _core
from synthohive.kernels.arguments import check_whole


def draw_uniform(n: int, parents: int, *, seed: int, stream: int, start: int = 0) -> pl.Series:
    """Draw a parent for each row, all equally likely.

    Args:
        n: Number of rows.
        parents: Number of parents.
        seed: The run's seed, below 2**64.
        stream: What the draw is for, see ``stream_id``.
        start: Number of the first row; a table drawn in parts equals one drawn at once.

    Returns:
        ``UInt32`` parent positions; all null if there are no parents.

    Shape:
        → ``(n,)``.

    Examples:
        >>> draw_uniform(3, 1, seed=7, stream=1).to_list()
        [0, 0, 0]
    """
    check_whole(n=n, parents=parents, seed=seed, stream=stream, start=start)
    return pl.Series(_core.draw_uniform(n, parents, seed, stream, start))


def draw_weighted(
    n: int, weights: pl.Series, *, seed: int, stream: int, start: int = 0
) -> pl.Series:
    """Draw a parent for each row in proportion to the weights.

    Args:
        n: Number of rows.
        weights: One per parent; ``Float64``, finite, not negative, no nulls. If all are
            zero, every parent is equally likely.
        seed: The run's seed, below 2**64.
        stream: What the draw is for, see ``stream_id``.
        start: Number of the first row; a table drawn in parts equals one drawn at once.

    Returns:
        ``UInt32`` parent positions; all null if there are no parents.

    Shape:
        weights ``(P,)`` → ``(n,)``.

    Raises:
        ConfigError: A weight is null, negative or not finite.

    Source:
        The alias method, Walker 1977 and Vose 1991, in exact integer arithmetic.

    Examples:
        >>> draw_weighted(3, pl.Series([0.0, 2.5]), seed=7, stream=1).to_list()
        [1, 1, 1]
    """
    check_whole(n=n, seed=seed, stream=stream, start=start)
    return pl.Series(_core.draw_weighted(n, weights, seed, stream, start))


def draw_grouped(
    groups: pl.Series,
    parent_groups: pl.Series,
    weights: pl.Series | None = None,
    *,
    seed: int,
    stream: int,
    start: int = 0,
) -> pl.Series:
    """Draw a parent of the wanted group for each row, in proportion to the weights.

    Args:
        groups: Group each row wants; ``UInt32``. A null wants no parent.
        parent_groups: Group of each parent; ``UInt32``. Codes are dense: memory grows with
            the largest one. A parent with null belongs to no group.
        weights: One per parent; ``Float64``, finite, not negative, no nulls. Without them,
            or where all in a group are zero, the parents of a group are equally likely.
        seed: The run's seed, below 2**64.
        stream: What the draw is for, see ``stream_id``.
        start: Number of the first row; a table drawn in parts equals one drawn at once.

    Returns:
        ``UInt32`` parent positions. A group that no parent belongs to is served from all
        parents; null where the group is null, or if there are no parents at all.

    Shape:
        groups ``(N,)``, parent_groups ``(P,)``, weights ``(P,)`` → ``(N,)``.

    Raises:
        ConfigError: A weight is null, negative or not finite, or the lengths differ.

    Examples:
        >>> wanted = pl.Series([8, 5, None], dtype=pl.UInt32)
        >>> draw_grouped(wanted, pl.Series([5, 8], dtype=pl.UInt32), seed=7, stream=1).to_list()
        [1, 0, None]
    """
    check_whole(seed=seed, stream=stream, start=start)
    return pl.Series(_core.draw_grouped(groups, parent_groups, weights, seed, stream, start))


def draw_quota(
    groups: pl.Series, parent_groups: pl.Series, quotas: pl.Series, *, seed: int, stream: int
) -> pl.Series:
    """Give each row a parent of its group, each parent as often as its quota says.

    The quotas of a group's parents are scaled to the number of rows that want the group and
    rounded by largest remainder, with ties broken at random. The parents laid out that way
    are shuffled among those rows. The whole table is needed at once.

    Args:
        groups: Group each row wants; ``UInt32``. A null wants no parent.
        parent_groups: Group of each parent; ``UInt32``, dense as in ``draw_grouped``.
        quotas: Children each parent should have; ``UInt32``, no nulls. If all in a group
            are zero, its parents share equally.
        seed: The run's seed, below 2**64.
        stream: What the draw is for, see ``stream_id``.

    Returns:
        ``UInt32`` parent positions. A group that no parent belongs to is served from all
        parents, drawn in proportion to the quotas; null where the group is null, or if
        there are no parents at all.

    Shape:
        groups ``(N,)``, parent_groups ``(P,)``, quotas ``(P,)`` → ``(N,)``.

    Raises:
        ConfigError: The lengths differ.

    Examples:
        >>> one_group = pl.Series([0, 0, 0, 0], dtype=pl.UInt32)
        >>> quotas = pl.Series([3, 1], dtype=pl.UInt32)
        >>> draw_quota(one_group, one_group[:2], quotas, seed=7, stream=1).sort().to_list()
        [0, 0, 0, 1]
    """
    check_whole(seed=seed, stream=stream)
    return pl.Series(_core.draw_quota(groups, parent_groups, quotas, seed, stream))


def distinct_pairs(
    left: pl.Series, right: pl.Series, rights: int, *, seed: int, stream: int
) -> pl.Series:
    """Repair repeated pairs of positions, as a junction table must not have them.

    The first row of each pair stays. The right side of every later one is drawn anew among
    the right rows that do not go with its left row yet. Rows with a null on either side are
    left alone.

    Args:
        left: Left side of each pair; ``UInt32``, nulls allowed.
        right: Right side of each pair; ``UInt32``, nulls allowed.
        rights: Number of right rows there are.
        seed: The run's seed, below 2**64.
        stream: What the draw is for, see ``stream_id``.

    Returns:
        ``UInt32``, the right side after repair.

    Shape:
        left ``(N,)``, right ``(N,)`` → ``(N,)``.

    Raises:
        CapacityError: A left row occurs more often than there are right rows.
        ConfigError: A right position is not below ``rights``, or the lengths differ.

    Examples:
        >>> left = pl.Series([0, 0, 1], dtype=pl.UInt32)
        >>> right = pl.Series([1, 1, 1], dtype=pl.UInt32)
        >>> distinct_pairs(left, right, 2, seed=7, stream=1).to_list()
        [1, 0, 1]
    """
    check_whole(rights=rights, seed=seed, stream=stream)
    return pl.Series(_core.distinct_pairs(left, right, rights, seed, stream))
