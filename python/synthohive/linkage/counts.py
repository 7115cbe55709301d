"""How many children each parent has: learned, and drawn for synthetic parents.

Three methods, one currency. Whatever was learned becomes a table of bins of counts with
their shares, per leaf of a tree on the parent's attributes (one leaf where attributes do
not matter); a uniform number per parent picks the bin, and its remainder the count in it.

Few parents can have most children: one district of a country has every eighth account, three
airports of a thousand have all weather. How many such parents are generated, and whether one
of them draws the large count, would then decide how large the whole table comes out. Where
few parents matter, the counts drawn are therefore evened out: they rank the parents, and the
ranks take the quantiles of all real counts. Parents that counts do not tell apart then exchange
them, so that together they are what the real children's parents are; see `balance`.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal, cast, get_args

import numpy as np
import polars as pl

from synthohive.errors import ConfigError, did_you_mean
from synthohive.linkage.balance import Balance
from synthohive.linkage.distributions import count_bins, negative_binomial
from synthohive.linkage.leaf_table import LeafTable, fit_leaf_table, single_leaf
from synthohive.linkage.strata import stratified

if TYPE_CHECKING:
    from collections.abc import Mapping

    from numpy.typing import NDArray

    from synthohive.encoding.layout import Layout
    from synthohive.randomness import Stream

Method = Literal["conditional", "empirical", "negbinom"]
MAX_LEAVES = 64

FEW = 512
"""Counts are evened out if they vary like equal counts of at most so many parents; those of
more parents even out by themselves."""


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class CountModel:
    """Child counts of one linkage.

    Attributes:
        method: How it was learned.
        low: Smallest count of each bin; ``(V,)``.
        high: Largest count of each bin; ``(V,)``.
        table: Shares of the bins given a parent's attributes.
        overall: Shares of the bins among all real parents; ``(V,)``.
        moments: Mean and variance of the real counts.
        balance: What the children's parents are like, if these are few and differ.
    """

    method: Method
    low: NDArray[np.int64]
    high: NDArray[np.int64]
    table: LeafTable
    overall: NDArray[np.float64]
    moments: tuple[float, float]
    balance: Balance | None = None

    @property
    def names(self) -> tuple[str, ...]:
        """Code columns of the parent that the counts depend on."""
        return self.table.names

    @property
    def maximum(self) -> int:
        """Largest count that can be drawn."""
        return int(self.high.max())

    def sample(
        self,
        parents: pl.DataFrame | int,
        stream: Stream,
        *,
        start: int = 0,
        total: int | None = None,
        scale: float = 1.0,
        is_positive: bool = False,
        is_evened: bool = False,
    ) -> pl.Series:
        """Draw a count for every parent.

        Args:
            parents: The parents' codes, or how many parents there are if counts do not
                depend on codes.
            stream: Where the random numbers come from; parent ``i`` uses number
                ``start + i``, so blocks of parents may be drawn in any order.
            start: Position of the first parent in its table.
            total: Number of all parents of the table; those given are the last ones when
                not said.
            scale: Factor on all counts; a fraction left over rounds up or down by chance.
            is_positive: Draw from parents with children only; 1 where there are none such.
            is_evened: These parents are such as the real ones, none of them chosen: if they
                are few, and all of their table, their counts add up as the real ones do, and
                those who have children are balanced.

        Returns:
            Children per parent; ``UInt32 (P,)``.

        Raises:
            ConfigError: Counts depend on codes, but only a number of parents was given.
        """
        codes = parents if isinstance(parents, pl.DataFrame) else None
        rows = parents if isinstance(parents, int) else parents.height
        if codes is None and self.names:
            raise ConfigError(
                f"child counts depend on the parent's codes {', '.join(self.names)}, "
                f"but only the number of parents ({rows}) was given"
            )
        uniforms = stratified(stream.child("count"), rows, start=start, total=total)
        leaves = self.table.leaves(codes, rows)
        if is_positive and self.low[0] == 0:
            childless = self.table.shares[leaves, 0]
            uniforms = childless + uniforms * (1 - childless)
        bins, inside = self.table.draw(leaves, uniforms)
        is_evened = is_evened and rows == (total or rows) and self.hangs_on_few(rows)
        if is_evened:
            bins, inside = self._evened(leaves, bins, inside, stream.child("even"))
        low, width = self.low[bins], (self.high - self.low + 1)[bins]
        counts = low + np.floor(inside * width).astype(np.int64)
        if scale != 1.0:
            rounding = stream.child("scale").uniform(rows, start=start).to_numpy()
            counts = np.floor(counts * scale + rounding).astype(np.int64)
        counts = np.maximum(counts, int(is_positive))
        if is_evened and self.balance is not None and codes is not None:
            counts = self.balance.deal(counts, leaves, codes)
        return pl.Series("count", counts.astype(np.uint32))

    def hangs_on_few(self, parents: int) -> bool:
        """Tell whether few of so many parents have most children.

        The sum of their counts varies like that of so many parents with equal counts.

        Source: Kish 1965, "Survey sampling" (effective sample size).
        """
        mean, variance = self.moments
        return parents * mean**2 / max(mean**2 + variance, 1e-300) <= FEW

    def _evened(
        self,
        leaves: NDArray[np.integer],
        bins: NDArray[np.intp],
        inside: NDArray[np.float64],
        stream: Stream,
    ) -> tuple[NDArray[np.intp], NDArray[np.float64]]:
        """Give the counts drawn for all parents the real distribution, in the same order.

        Of parents that drew the same, those whose attributes promise more come later: if
        some have to have children after all, it is they.
        """
        promised = self.table.shares @ ((self.low + self.high) / 2)
        ranks = np.empty(len(bins))
        ranks[np.lexsort((inside, promised[leaves], bins))] = np.arange(len(bins))
        places = (ranks + stream.uniform(len(bins)).to_numpy()) / max(1, len(bins))
        return single_leaf(self.overall).draw(np.zeros(len(bins), np.int32), places)

    def to_dict(self) -> dict[str, object]:
        """Return the model as JSON-able values."""
        moments = list(self.moments)
        if self.method == "negbinom":
            return {"method": self.method, "moments": moments}
        return {
            "method": self.method,
            "moments": moments,
            "low": self.low.tolist(),
            "high": self.high.tolist(),
            "table": self.table.to_dict(),
            "overall": self.overall.tolist(),
            "balance": None if self.balance is None else self.balance.to_dict(),
        }

    @classmethod
    def from_dict(cls, state: Mapping[str, object]) -> CountModel:
        """Rebuild a model from `to_dict`."""
        method = cast("Method", state["method"])
        mean, variance = cast("list[float]", state["moments"])
        balance = cast("list[Mapping[str, object]] | None", state.get("balance"))
        if method == "negbinom":
            return _negbinom(mean, variance)
        return cls(
            method=method,
            moments=(mean, variance),
            low=np.asarray(state["low"], np.int64),
            high=np.asarray(state["high"], np.int64),
            table=LeafTable.from_dict(cast("Mapping[str, object]", state["table"])),
            overall=np.asarray(state["overall"], np.float64),
            balance=None if balance is None else Balance.from_dict(balance),
        )


def fit_counts(
    counts: pl.Series,
    *,
    method: Method = "conditional",
    codes: pl.DataFrame | None = None,
    layout: Layout | None = None,
) -> CountModel:
    """Learn how many children parents have.

    Args:
        counts: Children per real parent, zeros included; ``UInt32 (P,)``.
        method: ``conditional`` lets counts depend on the parents' codes; ``empirical``
            draws from the real counts; ``negbinom`` fits a negative binomial by its
            moments, a Poisson where the variance is not above the mean.
        codes: Codes of the parents' attributes; `conditional` without them is `empirical`.
        layout: Layout of `codes`.

    Returns:
        The model. Without any parents it draws zeros.

    Raises:
        ConfigError: The method is unknown, or codes and counts differ in length.

    Examples:
        >>> from synthohive.randomness import Stream
        >>> model = fit_counts(pl.Series([0, 3, 3], dtype=pl.UInt32), method="empirical")
        >>> set(model.sample(100, Stream(1))) == {0, 3}
        True
    """
    if method not in get_args(Method):
        raise ConfigError(
            f"unknown linkage method {method!r}", hint=did_you_mean(method, get_args(Method))
        )
    values = counts.to_numpy().astype(np.int64)
    if not len(values):
        values = np.zeros(1, np.int64)
        codes = None
    moments = float(values.mean()), float(values.var())
    if method == "negbinom":
        return _negbinom(*moments)
    low, high, bins = count_bins(values)
    overall = np.bincount(bins, minlength=len(low)) / len(bins)
    if method == "conditional" and codes is not None and layout is not None and len(layout):
        table = _conditional(values, bins, len(low), codes, layout)
    else:
        table = single_leaf(overall)
    return CountModel(
        method=method, low=low, high=high, table=table, overall=overall, moments=moments
    )


def _conditional(
    counts: NDArray[np.int64],
    bins: NDArray[np.intp],
    size: int,
    codes: pl.DataFrame,
    layout: Layout,
) -> LeafTable:
    if codes.height != len(counts):
        raise ConfigError(f"{len(counts)} counts, but codes of {codes.height} parents")
    return fit_leaf_table(
        codes,
        layout,
        _targets(counts),
        bins,
        size,
        max_leaves=MAX_LEAVES,
        min_leaf=max(10, min(50, len(counts) // 100)),
    )


def _targets(counts: NDArray[np.int64]) -> NDArray[np.float64]:
    """Describe counts so that zeros, small and large ones all matter; ``(P, 3)``."""
    order = np.unique(counts, return_inverse=True, return_counts=True)
    ranks = (np.cumsum(order[2]) - order[2] / 2)[order[1]]
    targets = np.stack([ranks, np.log1p(counts), counts == 0], axis=1).astype(np.float64)
    spread = targets.std(axis=0)
    return (targets - targets.mean(axis=0)) / np.where(spread > 0, spread, 1)


def _negbinom(mean: float, variance: float) -> CountModel:
    low, high, shares = negative_binomial(mean, variance)
    return CountModel(
        method="negbinom",
        low=low,
        high=high,
        table=single_leaf(shares),
        overall=shares,
        moments=(mean, variance),
    )
