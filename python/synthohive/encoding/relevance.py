"""Which code columns tell something about others."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    import polars as pl
    from numpy.typing import NDArray

_FINE = "#fine"
_MIN_NATS = 0.002  # an association weaker than this is not worth a context column
_DENSE = 5  # rows per degree of freedom from which the formula for chance holds
_MIN_NEW_SHARE = 0.1  # of what a column tells, so much must be new


def mutual_information(
    codes: pl.DataFrame, targets: pl.DataFrame, *, max_rows: int = 20_000
) -> NDArray[np.float64]:
    """Estimate the mutual information of every pair of a code and a target column.

    Args:
        codes: Unsigned codes.
        targets: Unsigned codes of the same rows.
        max_rows: Rows looked at, spread evenly.

    Returns:
        Nats, corrected for chance and never negative; ``(codes.width, targets.width)``.

    Source: Miller (1955), "Note on the bias of information estimates": a table of
    ``r × c`` counts of ``n`` rows looks informative by ``(r-1)(c-1) / 2n`` by chance. Where
    the table is too sparse for that, chance is measured on shuffled rows.

    Examples:
        >>> import polars as pl
        >>> same = pl.DataFrame({"a": [0, 1] * 500})
        >>> mutual_information(same, same).round(2).tolist()
        [[0.69]]
    """
    if not codes.height:
        return np.zeros((codes.width, targets.width))
    left, right = _sampled(codes, max_rows), _sampled(targets, max_rows)
    nats = np.zeros((len(left), len(right)))
    for i, a in enumerate(left):
        for j, b in enumerate(right):
            information, bias = _pair(a, b)
            nats[i, j] = max(0.0, information - bias)
    return nats


def select_context(
    candidates: pl.DataFrame, targets: pl.DataFrame, *, limit: int = 16, max_rows: int = 20_000
) -> list[str]:
    """Choose the candidate columns that tell something about any target.

    Greedy: the column with the most information first; then always the one that tells
    most beyond what the chosen ones share with it. A fine code is considered only after
    its coarse one.

    Args:
        candidates: Unsigned codes, one row per child row.
        targets: Unsigned codes of the child rows.
        limit: Columns to choose, at most.
        max_rows: Rows looked at, spread evenly.

    Returns:
        Names, most telling first; empty if nothing is significant.
    """
    if not candidates.width or not targets.width or not candidates.height:
        return []
    left, right = _sampled(candidates, max_rows), _sampled(targets, max_rows)
    relevance = np.array([_relevance(a, right) for a in left])
    names = candidates.columns
    chosen: list[int] = []
    overlap = np.zeros(len(left))
    while len(chosen) < limit:
        score = relevance * (1.0 - np.minimum(overlap, 1.0))
        is_open = [
            i not in chosen and _is_ready(name, names, chosen) for i, name in enumerate(names)
        ]
        score = np.where(is_open & (overlap < 1.0 - _MIN_NEW_SHARE), score, 0.0)
        best = int(score.argmax())
        if score[best] <= 0.0:
            break
        chosen.append(best)
        shared = np.array([_share(a, left[best]) for a in left])
        overlap = np.maximum(overlap, shared)
    return [names[i] for i in chosen]


def _is_ready(name: str, names: list[str], chosen: list[int]) -> bool:
    """Tell whether a code may be chosen: a fine one only after its coarse one."""
    if not name.endswith(_FINE):
        return True
    coarse = name.removesuffix(_FINE)
    return coarse not in names or names.index(coarse) in chosen


def _relevance(code: NDArray[np.int64], targets: list[NDArray[np.int64]]) -> float:
    """Sum the significant information about all targets."""
    total = 0.0
    for target in targets:
        information, bias = _pair(code, target)
        # twice the information times the rows is chi-squared; its spread is that of the bias
        noise = np.sqrt(max(bias, 0.0) / len(code))
        if information - bias > _MIN_NATS + 4.0 * noise:
            total += information - bias
    return total


def _share(code: NDArray[np.int64], other: NDArray[np.int64]) -> float:
    """Return how far two columns say the same, as a share of the richer one's entropy.

    A region is no repetition of the city that implies it: with few codes it teaches what
    many cities are too rare to teach one by one.
    """
    information, bias = _pair(code, other)
    entropy = max(_entropy(np.bincount(column) / len(column)) for column in (code, other))
    return max(0.0, information - bias) / entropy if entropy > 0 else 1.0


def _pair(a: NDArray[np.int64], b: NDArray[np.int64]) -> tuple[float, float]:
    """Return the plain mutual information of two codes and its bias."""
    width = int(b.max()) + 1
    joint = np.bincount(a * width + b, minlength=(int(a.max()) + 1) * width)
    joint = joint.reshape(-1, width) / len(a)
    rows, columns = joint.sum(1), joint.sum(0)
    information = _entropy(rows) + _entropy(columns) - _entropy(joint.ravel())
    freedom = ((rows > 0).sum() - 1) * ((columns > 0).sum() - 1)
    if len(a) >= _DENSE * freedom:
        return information, freedom / (2 * len(a))
    shuffled = np.random.default_rng(len(a)).permutation(len(a))
    by_chance = np.bincount(a[shuffled] * width + b) / len(a)
    return information, _entropy(rows) + _entropy(columns) - _entropy(by_chance)


def _entropy(shares: NDArray[np.float64]) -> float:
    present = shares[shares > 0]
    return float(-(present * np.log(present)).sum())


def _sampled(codes: pl.DataFrame, max_rows: int) -> list[NDArray[np.int64]]:
    """Return the columns as arrays, of evenly spread rows."""
    rows = np.linspace(0, codes.height - 1, min(codes.height, max_rows)).astype(np.int64)
    return [codes[name].to_numpy().astype(np.int64)[rows] for name in codes.columns]
