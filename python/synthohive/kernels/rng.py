"""Random numbers by address."""

from __future__ import annotations

from hashlib import blake2b

import polars as pl

from synthohive import _core
from synthohive.errors import ConfigError
from synthohive.kernels.arguments import check_whole


def stream_id(*parts: str | int) -> int:
    """Name a stream of random numbers.

    Args:
        *parts: What the stream is for, such as a table and a stage. Each part is hashed with
            its type and length, so that ``("a", "b")`` and ``("ab",)`` differ.

    Returns:
        A whole number below 2**64, the same in every process and on every machine.

    Examples:
        >>> stream_id("orders", "keys") == stream_id("orders", "keys")
        True
        >>> stream_id("a", "b") == stream_id("ab") or stream_id(1) == stream_id("1")
        False
    """
    digest = blake2b(digest_size=8)
    for part in parts:
        text = str(part).encode()
        kind = b"s" if isinstance(part, str) else b"i"
        digest.update(kind + len(text).to_bytes(8, "little") + text)
    return int.from_bytes(digest.digest(), "little")


def uniform(n: int, *, seed: int, stream: int, start: int = 0) -> pl.Series:
    """Draw numbers from the unit interval.

    Args:
        n: How many.
        seed: The run's seed, below 2**64.
        stream: What the numbers are for, see ``stream_id``.
        start: Row of the first number.

    Returns:
        ``Float64`` in ``[0, 1)``; entry ``i`` belongs to row ``start + i`` and depends on
        nothing else.

    Shape:
        → ``(n,)``.

    Source:
        Philox2x64-10, Salmon et al., "Parallel random numbers: as easy as 1, 2, 3", SC 2011.

    Examples:
        >>> whole = uniform(5, seed=7, stream=1)
        >>> uniform(2, seed=7, stream=1, start=3).to_list() == whole[3:].to_list()
        True
    """
    check_whole(n=n, seed=seed, stream=stream, start=start)
    return pl.Series(_core.uniform(n, seed, stream, start))


def random_u64(n: int, *, seed: int, stream: int, start: int = 0) -> pl.Series:
    """Draw 64 random bits per row.

    Args:
        n: How many.
        seed: The run's seed, below 2**64.
        stream: What the numbers are for, see ``stream_id``.
        start: Row of the first number.

    Returns:
        ``UInt64``; entry ``i`` belongs to row ``start + i``.

    Shape:
        → ``(n,)``.

    Examples:
        >>> random_u64(3, seed=7, stream=1).n_unique()
        3
    """
    check_whole(n=n, seed=seed, stream=stream, start=start)
    return pl.Series(_core.random_u64(n, seed, stream, start))


def permutation(n: int, *, seed: int, stream: int) -> pl.Series:
    """Shuffle the positions below ``n``.

    Args:
        n: How many.
        seed: The run's seed, below 2**64.
        stream: What the shuffle is for, see ``stream_id``.

    Returns:
        ``UInt32``, each of ``0..n`` once. Every entry is found alone, see ``permuted``.

    Shape:
        → ``(n,)``.

    Raises:
        CapacityError: ``n`` is beyond 2**32 - 2.

    Source:
        A Feistel network with cycle walking, Black and Rogaway, "Ciphers with arbitrary
        finite domains", CT-RSA 2002.

    Examples:
        >>> permutation(5, seed=7, stream=1).sort().to_list()
        [0, 1, 2, 3, 4]
    """
    check_whole(n=n, seed=seed, stream=stream)
    return pl.Series(_core.permutation(n, seed, stream))


def permuted(rows: pl.Series, n: int, *, seed: int, stream: int) -> pl.Series:
    """Look up single entries of ``permutation(n)``, without making all of it.

    Args:
        rows: Entries wanted, each below ``n``; ``UInt32`` or ``UInt64``, no nulls.
        n: Length of the shuffle, below 2**64.
        seed: The run's seed, below 2**64.
        stream: What the shuffle is for, see ``stream_id``.

    Returns:
        Their places, in the type of ``rows``.

    Shape:
        rows ``(N,)`` → ``(N,)``.

    Raises:
        ConfigError: A row is not below ``n``.

    Examples:
        >>> third = permuted(pl.Series([3], dtype=pl.UInt32), 5, seed=7, stream=1)
        >>> third.item() == permutation(5, seed=7, stream=1)[3]
        True
    """
    check_whole(n=n, seed=seed, stream=stream)
    if rows.dtype == pl.UInt64:
        return pl.Series(_core.permuted(rows, n, seed, stream))
    if rows.dtype != pl.UInt32 or n > _POSITIONS:
        raise ConfigError(
            f"rows: has type {rows.dtype}, but must be UInt64, or UInt32 if n is at most 2**32"
        )
    return pl.Series(_core.permuted(rows.cast(pl.UInt64), n, seed, stream)).cast(pl.UInt32)


def permuted_within(
    rows: pl.Series, groups: pl.Series, sizes: pl.Series, *, seed: int, stream: int
) -> pl.Series:
    """Look up single entries of many shuffles, one for each group.

    Args:
        rows: Entries wanted, each below the size of its group; ``UInt32``, no nulls.
        groups: Group of each; ``UInt32``, no nulls.
        sizes: Length of each group's shuffle; ``UInt32``, no nulls.
        seed: The run's seed, below 2**64.
        stream: What the shuffles are for, see ``stream_id``.

    Returns:
        Their places; ``UInt32``.

    Shape:
        rows ``(N,)``, groups ``(N,)``, sizes ``(G,)`` → ``(N,)``.

    Raises:
        ConfigError: The lengths differ, or a row is not below the size of its group.

    Examples:
        >>> rows, groups = (pl.Series(some, dtype=pl.UInt32) for some in ([0, 0, 1], [0, 1, 1]))
        >>> sizes = pl.Series([1, 2], dtype=pl.UInt32)
        >>> places = permuted_within(rows, groups, sizes, seed=7, stream=1)
        >>> places[0], places[1:].sort().to_list()
        (0, [0, 1])
    """
    check_whole(seed=seed, stream=stream)
    return pl.Series(_core.permuted_within(rows, groups, sizes, seed, stream))


_POSITIONS = 2**32
