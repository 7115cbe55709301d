"""The linkage model of the guide: fit on two tables, sample child counts for new parents."""

from __future__ import annotations

from typing import TYPE_CHECKING

from synthohive import kernels
from synthohive.encoding.table import TableEncoder, fit_encoder
from synthohive.errors import IntegrityError, NotFittedError, SchemaError, did_you_mean
from synthohive.linkage.counts import CountModel, Method, fit_counts
from synthohive.randomness import Stream

if TYPE_CHECKING:
    from collections.abc import Sequence

    import polars as pl

SAMPLES = 5


class LinkageModel:
    """How many children each parent of one foreign key has.

    Args:
        method: ``conditional`` on the parents' attributes, ``empirical`` or ``negbinom``.
        seed: Seed of all random numbers.

    Examples:
        >>> import polars as pl
        >>> users = pl.DataFrame({"id": range(300), "plan": ["free", "paid", "free"] * 100})
        >>> orders = pl.DataFrame({"user_id": list(range(1, 300, 3)) * 4})
        >>> linkage = LinkageModel().fit(users, orders, fk_col="user_id", pk_col="id")
        >>> counts = users.with_columns(orders=linkage.sample_counts(users, seed=1))
        >>> means = counts.group_by("plan").agg(pl.col("orders").mean()).sort("plan")
        >>> [round(mean) for mean in means["orders"]]
        [0, 4]
    """

    def __init__(self, method: Method = "conditional", seed: int = 0) -> None:
        self.method: Method = method
        self.seed = seed
        self._encoder: TableEncoder | None = None
        self._counts: CountModel | None = None

    def fit(
        self,
        parents: pl.DataFrame,
        children: pl.DataFrame,
        *,
        fk_col: str | Sequence[str],
        pk_col: str | Sequence[str],
        context_cols: Sequence[str] | None = None,
    ) -> LinkageModel:
        """Learn the child counts.

        Args:
            parents: The real parent table.
            children: The real child table; rows without a parent (null keys) are left out.
            fk_col: Foreign key column or columns of `children`.
            pk_col: Key column or columns of `parents`, in the same order.
            context_cols: Parent columns the counts may depend on; all but the key when
                not given.

        Returns:
            The model itself.

        Raises:
            SchemaError: A column does not exist.
            IntegrityError: Children refer to parents that do not exist.
        """
        foreign, key = _names(fk_col), _names(pk_col)
        context = _names(context_cols or [c for c in parents.columns if c not in key])
        _require(children, foreign, "children")
        _require(parents, [*key, *context], "parents")
        counts = _count(parents[list(key)], children[list(foreign)])
        if self.method != "conditional" or not context:
            self._encoder, self._counts = None, fit_counts(counts, method=self.method)
            return self
        known = parents[list(context)]
        self._encoder = fit_encoder(known, {}, stream=Stream(self.seed, ("linkage", "encode")))
        self._counts = fit_counts(
            counts,
            method=self.method,
            codes=self._encoder.encode(known),
            layout=self._encoder.layout,
        )
        return self

    def sample_counts(self, parents: pl.DataFrame, seed: int | None = None) -> pl.Series:
        """Draw the number of children of each parent; ``UInt32 (P,)``.

        Args:
            parents: Real or synthetic parents, with the columns the model was fitted on.
            seed: Seed of this draw; the model's own when not given.

        Raises:
            NotFittedError: `fit` was not called.
            SchemaError: A column the counts depend on is missing.
        """
        if self._counts is None:
            raise NotFittedError("sample_counts needs a fitted LinkageModel", hint="call fit first")
        stream = Stream(self.seed if seed is None else seed, ("linkage", "sample"))
        if self._encoder is None or not parents.height:
            return self._counts.sample(parents.height, stream)
        _require(parents, list(self._encoder.schema), "parents")
        return self._counts.sample(self._encoder.encode(parents), stream)


def _names(names: str | Sequence[str]) -> list[str]:
    return [names] if isinstance(names, str) else list(names)


def _require(frame: pl.DataFrame, names: Sequence[str], role: str) -> None:
    for name in names:
        if name not in frame.columns:
            raise SchemaError(
                f"{role} have no column {name!r}",
                column=name,
                hint=did_you_mean(name, frame.columns),
            )


def _count(keys: pl.DataFrame, references: pl.DataFrame) -> pl.Series:
    """Count the children of each parent; orphans are an error."""
    rows, is_orphan = kernels.row_ids(references, keys)
    orphans = references.filter(is_orphan)
    if orphans.height:
        found = orphans.unique(maintain_order=True)[:SAMPLES].rows()
        samples = ", ".join("/".join(str(part) for part in key) for key in found)
        raise IntegrityError(
            f"{orphans.height} of {references.height} children refer to parents that do not "
            f"exist, by {', '.join(references.columns)}: {samples}",
            column=references.columns[0],
            hint="add the missing parents, or drop these children or set their keys to null",
        )
    return kernels.children_per_parent(rows, keys.height)
