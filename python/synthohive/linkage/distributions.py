"""Distributions of counts as bins: the smallest and largest count of each, and its share."""

from __future__ import annotations

from math import ceil, log, log1p
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray

    Bins = tuple[NDArray[np.int64], NDArray[np.int64], NDArray[np.float64]]

MAX_BINS = 256
"""Counts with more different values than this share bins."""
MAX_SUPPORT = 1 << 20
"""Longest table of a parametric distribution; beyond, neighbouring counts share a bin."""
TAIL = 36.0
"""Tables end where the probability of more is about exp(-36)."""


def count_bins(
    counts: NDArray[np.int64],
) -> tuple[NDArray[np.int64], NDArray[np.int64], NDArray[np.intp]]:
    """Sort counts into bins: one per value, or of about equal mass if there are many.

    Args:
        counts: Observed counts, at least one; ``(N,)``.

    Returns:
        Smallest count per bin, largest count per bin, and the bin of each count. Zero is
        always a bin of its own, and so is every value of more than 1/256 of the mass.

    Examples:
        >>> low, high, bins = count_bins(np.array([0, 2, 2, 9]))
        >>> low.tolist(), high.tolist(), bins.tolist()
        ([0, 2, 9], [0, 2, 9], [0, 1, 1, 2])
    """
    values, inverse, mass = np.unique(counts, return_inverse=True, return_counts=True)
    inverse = inverse.reshape(-1)
    if len(values) <= MAX_BINS:
        return values, values, inverse
    quantile = (np.cumsum(mass) - mass) * MAX_BINS // len(counts)
    stands_alone = (mass * MAX_BINS > len(counts)) | (values == 0)
    starts = np.append(True, np.diff(quantile) > 0) | stands_alone
    starts[1:] |= stands_alone[:-1]
    first = np.flatnonzero(starts)
    last = np.append(first[1:], len(values)) - 1
    bin_of = np.cumsum(starts) - 1
    return values[first], values[last], bin_of[inverse]


def negative_binomial(mean: float, variance: float) -> Bins:
    """Tabulate the negative binomial with a mean and a variance.

    With a variance of zero every count is the mean; with one up to the mean, or one above
    it by less than rounding can tell, it is a Poisson distribution.

    Returns:
        Smallest and largest count and share of every bin.
    """
    if mean <= 0 or variance <= 0:
        constant = np.array([round(mean)], np.int64)
        return constant, constant, np.ones(1)
    excess = variance - mean
    is_poisson = excess <= 1e-9 * mean
    ratio = 1.0 if is_poisson else variance / mean
    longest = mean + TAIL * (ratio + mean**0.5) + 50
    step = ceil(longest / MAX_SUPPORT)
    # In units of `step` counts the gamma-like shape stays, see the mean and excess below.
    mean, excess = (mean - (step - 1) / 2) / step, excess / step**2
    steps = np.arange(1, int(longest / step))
    if is_poisson:
        growth = log(mean) - np.log(steps)
        start = -mean
    else:
        size = mean**2 / excess
        growth = np.log((steps - 1 + size) / steps) - log1p(size / mean)
        start = -size * log1p(mean / size)
    logs = np.concatenate([[0.0], np.cumsum(growth)]) + start
    shares = np.exp(logs - logs.max())
    low = np.arange(len(shares), dtype=np.int64) * step
    return low, low + step - 1, shares / shares.sum()
