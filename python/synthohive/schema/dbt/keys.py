"""Weighs what is said of a table's own keys."""

from __future__ import annotations

from typing import TYPE_CHECKING

from synthohive.schema.dbt.artifact import look, texts_of
from synthohive.schema.dbt.facts import KeyFact, Rank

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable, Iterator, Sequence

    from synthohive.schema.dbt.artifact import Entry

_SCD_ID = "dbt_scd_id"


def inferred_keys(
    unique_id: str, entry: Entry, keys: Sequence[KeyFact], not_null: Collection[str]
) -> Iterator[KeyFact]:
    """State which keys are probably primary although nobody says so.

    A unique key without nulls is one. So is the row id of a snapshot, whose ``unique_key``
    repeats in every version of a row. Last, dbt's own inference counts for a model, but only
    where it names a known unique key: it lumps several keys together.
    """
    for key in keys:
        if not key.is_primary and all(name in not_null for name in key.columns):
            yield KeyFact(
                table=unique_id,
                rank=key.rank,
                evidence=f"{key.evidence} and not_null",
                columns=key.columns,
                is_primary=True,
                is_inferred=True,
            )
    if entry.get("resource_type") == "snapshot":
        name = look(entry, "config", "snapshot_meta_column_names", _SCD_ID) or _SCD_ID
        yield KeyFact(
            table=unique_id,
            rank=Rank.INFERENCE,
            evidence="row id of the snapshot",
            columns=(str(name),),
            is_primary=True,
            is_inferred=True,
        )
    inferred = set(texts_of(entry.get("primary_key")))
    for key in keys:
        if inferred and set(key.columns) == inferred:
            yield KeyFact(
                table=unique_id,
                rank=Rank.INFERENCE,
                evidence=f"{key.evidence} and dbt's inference",
                columns=key.columns,
                is_primary=True,
                is_inferred=True,
            )


def choose_primary(
    keys: Iterable[KeyFact],
    name: str,
    order: Sequence[str],
    referred: Collection[tuple[str, ...]],
) -> KeyFact | None:
    """Choose the primary key among the candidates.

    Stronger evidence wins. Among equals it is a key that other tables refer to, then one
    that is named like a key, then the one whose columns come first.
    """
    candidates = [key for key in keys if key.is_primary]
    typical = ("id", f"{name}_id", f"{name.removesuffix('s')}_id")

    def preference(key: KeyFact) -> tuple[object, ...]:
        position = order.index(key.columns[0]) if key.columns[0] in order else len(order)
        is_typical = len(key.columns) == 1 and key.columns[0].lower() in typical
        return (key.rank, key.columns not in referred, not is_typical, position)

    return min(candidates, key=preference, default=None)


def key_conflicts(name: str, chosen: KeyFact, keys: Iterable[KeyFact]) -> Iterator[str]:
    """Report primary keys that were declared in so many words, but not chosen."""
    for key in keys:
        is_declared = key.is_primary and not key.is_inferred and key.rank < Rank.SEMANTIC
        if is_declared and set(key.columns) != set(chosen.columns):
            yield (
                f"{name}: {key.evidence} makes ({', '.join(key.columns)}) the primary key, but"
                f" {chosen.evidence} makes ({', '.join(chosen.columns)}) so and counts more"
            )
