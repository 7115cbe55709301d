"""Find the best split of a set of rows by one code column, and test that it is no chance.

Targets have several columns, so a split is judged by the sum of squares it explains over
all of them. Two habits keep noise from growing branches: every column must pass an F-test
corrected for the number of columns and thresholds tried, and columns are compared by their
gain *less* what a meaningless column with as many codes would be expected to gain.

Source: Breiman et al., *Classification and Regression Trees* (1984), section 8 for splits,
and theorem 4.5 for ordering nominal codes by their mean target; here with several targets
the order is that along the leading principal direction of the code means.
"""

from __future__ import annotations

from dataclasses import dataclass
from statistics import NormalDist
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray


@dataclass(frozen=True, slots=True, kw_only=True)
class Spread:
    """How far the targets of a set of rows are apart.

    Attributes:
        rows: Effective number of rows, less than the real one where weights differ.
        total: Weighted sum of squares about the mean, over all targets.
        dims: Effective number of independent targets, at least 1; 1 is on the safe side.
        noise_dims: The same for chance alone, over which its gains are spread.
    """

    rows: float
    total: float
    dims: float
    noise_dims: float


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Split:
    """One way to part a set of rows in two.

    Attributes:
        feature: Position of the code column.
        gain: Sum of squares explained, less what chance alone would explain.
        is_left: For every code of the column, whether its rows go left; ``bool (K,)``.
    """

    feature: int
    gain: float
    is_left: NDArray[np.bool_]


def spread(targets: NDArray[np.float64], weights: NDArray[np.float64]) -> Spread:
    """Measure the spread of some rows; targets ``(N, T)``, weights ``(N,)``."""
    weight = float(weights.sum())
    centred = targets - weights @ targets / weight
    scatter = (centred * weights[:, None]).T @ centred
    total = float(np.trace(scatter))
    dims = effective_dims(scatter)
    return Spread(
        rows=weight**2 / float((weights**2).sum()), total=total, dims=dims, noise_dims=dims
    )


def effective_dims(covariance: NDArray[np.float64]) -> float:
    """Count the directions in which something varies, by how much it does.

    Source: Satterthwaite (1946): a sum of unequal squares has the degrees of freedom
    ``(sum of eigenvalues)**2 / (sum of their squares)``.

    Examples:
        >>> effective_dims(np.eye(3)), effective_dims(np.diag([5.0, 0.0]))
        (3.0, 1.0)
    """
    square = float((covariance**2).sum())
    return float(np.trace(covariance)) ** 2 / square if square > 0 else 1.0


def f_score(explained: float, rest: float, numerator: float, denominator: float) -> float:
    """Turn an F statistic into a standard normal score.

    Source: Paulson (1942), "An approximate normalization of the analysis of variance
    distribution", equation 3.

    Args:
        explained: Sum of squares explained by the split.
        rest: Sum of squares left over.
        numerator: Degrees of freedom of `explained`.
        denominator: Degrees of freedom of `rest`.

    Examples:
        The 99 % point of F(3, 20) is 4.94, and that of the normal distribution is 2.33:

        >>> round(f_score(3 * 4.94, 20.0, 3, 20), 2)
        2.33
    """
    if numerator <= 0 or denominator <= 0 or explained <= 0:
        return -np.inf
    up, down = 2 / (9 * numerator), 2 / (9 * denominator)
    if rest <= 0:
        return (1 - down) / float(np.sqrt(down))
    root = (explained / numerator / (rest / denominator)) ** (1 / 3)
    return float(((1 - down) * root - (1 - up)) / np.sqrt(down * root**2 + up))


def critical_score(alpha: float, trials: int) -> float:
    """Return the normal score that the best of `trials` exceeds by chance, rarely.

    Args:
        alpha: How rarely: the probability, below 1.
        trials: How many independent scores there are.
    """
    return NormalDist().inv_cdf(1 - alpha / max(1, trials))


def best_split(
    histogram: NDArray[np.float64],
    around: Spread,
    *,
    feature: int,
    features: int,
    is_ordered: bool,
    min_leaf: int,
    alpha: float,
) -> Split | None:
    """Find the best split by one code column.

    Args:
        histogram: Rows, weight and weighted target sums per code; ``(K, 2 + T)``.
        around: Spread of all rows of the histogram.
        feature: Position of the column, copied into the result.
        features: Number of columns that compete, for the correction of the test.
        is_ordered: Only neighbouring codes may stay together.
        min_leaf: Smallest number of rows on either side.
        alpha: Chance of splitting a set of rows in which no column means anything.

    Returns:
        The split, or `None` when there is none that chance would not also find.
    """
    codes = np.flatnonzero(histogram[:, 0] > 0)
    if len(codes) < 2:  # noqa: PLR2004 - a split needs two codes
        return None
    seen = histogram[codes]
    if not is_ordered:
        order = np.argsort(_along_main_direction(seen), kind="stable")
        codes, seen = codes[order], seen[order]
    gains = _gains(seen, min_leaf)
    cut = int(np.argmax(gains))
    if not np.isfinite(gains[cut]):
        return None
    level = alpha / features
    chance = _chance_gain(seen, float(gains[cut]), around, level, is_ordered=is_ordered)
    if chance is None or gains[cut] <= chance:
        return None
    return Split(
        feature=feature,
        gain=float(gains[cut]) - chance,
        is_left=_sides(histogram, codes, cut, is_ordered=is_ordered),
    )


def _along_main_direction(seen: NDArray[np.float64]) -> NDArray[np.float64]:
    """Project the mean target of each code on the direction in which they differ most."""
    weight = seen[:, 1]
    means = seen[:, 2:] / weight[:, None]
    means = means - weight @ means / weight.sum()
    if means.shape[1] == 1:
        return means[:, 0]
    _, directions = np.linalg.eigh((means * weight[:, None]).T @ means)
    return means @ directions[:, -1]


def _gains(seen: NDArray[np.float64], min_leaf: int) -> NDArray[np.float64]:
    """Sum of squares explained by cutting after each code but the last; ``(K - 1,)``."""
    below = seen.cumsum(axis=0)
    whole, left = below[-1], below[:-1]
    right = whole - left
    gains = (left[:, 2:] ** 2).sum(1) / left[:, 1] + (right[:, 2:] ** 2).sum(1) / right[:, 1]
    gains -= (whole[2:] ** 2).sum() / whole[1]
    gains[(left[:, 0] < min_leaf) | (right[:, 0] < min_leaf)] = -np.inf
    return gains


def _chance_gain(
    seen: NDArray[np.float64], gain: float, around: Spread, alpha: float, *, is_ordered: bool
) -> float | None:
    """Return the gain expected by chance, or `None` if `gain` is not significant."""
    tries = len(seen) - 1
    if is_ordered:
        # One direction, any of `tries` thresholds.
        between, freedom, trials = gain, 1, tries
    else:
        # Codes may be joined at will: judge what all of them explain together.
        centre = seen[:, 2:].sum(0) / seen[:, 1].sum()
        means = seen[:, 2:] / seen[:, 1:2] - centre
        between = float((seen[:, 1] * (means**2).sum(1)).sum())
        freedom, trials = tries, 1
    rest = max(0.0, around.total - between)
    left_over = around.rows - freedom - 1
    score = f_score(between, rest, around.dims * freedom, around.dims * left_over)
    if score < critical_score(alpha, trials):
        return None
    return rest / left_over * _best_of(tries, around.noise_dims, is_ordered=is_ordered)


def _best_of(tries: int, dims: float, *, is_ordered: bool) -> float:
    """Return what the best of many meaningless cuts gains, one cut gaining 1 on average.

    For codes free to be sorted: of what they explain together, ``tries``, the direction in
    which they differ most has a part (Marchenko and Pastur 1967), and of that a cut in the
    middle explains 2/π, as the sign does of a normal variable.
    """
    if is_ordered:
        return 1 + float(np.log(tries)) / dims**0.5
    main = (tries**0.5 + dims**0.5) ** 2 / dims
    return min(tries, max(1.0, 2 / np.pi * main))


def _sides(
    histogram: NDArray[np.float64], codes: NDArray[np.intp], cut: int, *, is_ordered: bool
) -> NDArray[np.bool_]:
    """Send every code left or right, those without rows too."""
    size = len(histogram)
    left = codes[: cut + 1]
    if is_ordered:
        return np.arange(size) <= left[-1]
    heavier_left = histogram[left, 0].sum() * 2 > histogram[:, 0].sum()
    is_left = np.full(size, heavier_left)
    is_left[codes] = False
    is_left[left] = True
    return is_left
