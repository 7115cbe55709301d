"""How finely columns are encoded, and what is never kept verbatim."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True, kw_only=True)
class EncodingSettings:
    """Settings of `fit_encoder`.

    Attributes:
        coarse: Coarse codes of a number column, about.
        fine: Fine codes inside one coarse code, at most.
        vocabulary: Categories of a column, at most; the rest shares one rare code.
        min_rows: Rows a text or category needs to be kept as it is. In tables of fewer
            than 100 rows a twentieth of the rows is enough, but never one row alone.
        min_rows_exact: Rows a number or timestamp needs to be kept as it is.
        fit_rows: Rows looked at when fitting, spread evenly over a larger table.
    """

    coarse: int = 32
    fine: int = 16
    vocabulary: int = 2_000
    min_rows: int = 5
    min_rows_exact: int = 3
    fit_rows: int = 1_000_000

    def rows_to_keep_text(self, rows: int) -> int:
        """Return how many rows must share a text before it may be kept.

        Examples:
            >>> [EncodingSettings().rows_to_keep_text(rows) for rows in (10, 60, 1_000)]
            [2, 3, 5]
        """
        return self.min_rows if rows >= 100 else max(2, min(self.min_rows, -(-rows // 20)))  # noqa: PLR2004
