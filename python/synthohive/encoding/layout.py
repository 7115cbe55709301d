"""The contract between encoding and models: which code columns there are, and how wide.

A table is learned as codes. Every code column holds integers ``0 … size-1``. A column of
the table becomes one code column; or two, a coarse code and a fine code inside it; or, for
timestamps, one more for the time of day. A column with nothing to learn, such as one whose
values are all equal or all invented, has none.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable


@dataclass(frozen=True, slots=True, kw_only=True)
class CodeColumn:
    """One column of integer codes.

    Attributes:
        name: Unique within its layout; that of the column, ``column#fine`` or ``column#time``.
        size: Number of codes; a code is an integer in ``[0, size)``.
        source: The table column it encodes.
        coarse: Name of the code column this one refines; it means something only
            together with that one, and is drawn after it.
        is_ordered: Neighbouring codes stand for neighbouring values.
    """

    name: str
    size: int
    source: str
    coarse: str | None = None
    is_ordered: bool = False


@dataclass(frozen=True, slots=True)
class Layout:
    """The code columns of one table, in order.

    Examples:
        >>> layout = Layout((CodeColumn(name="a", size=3, source="a"),))
        >>> layout.names, layout.sizes, len(layout)
        (('a',), (3,), 1)
    """

    columns: tuple[CodeColumn, ...] = ()

    def __len__(self) -> int:
        return len(self.columns)

    @property
    def names(self) -> tuple[str, ...]:
        """Names of the code columns."""
        return tuple(column.name for column in self.columns)

    @property
    def sizes(self) -> tuple[int, ...]:
        """Numbers of codes per column."""
        return tuple(column.size for column in self.columns)

    def index(self, name: str) -> int:
        """Return the position of a code column."""
        return self.names.index(name)

    def select(self, names: Iterable[str]) -> Layout:
        """Return the layout of some of the code columns, in the order given."""
        by_name = {column.name: column for column in self.columns}
        return Layout(tuple(by_name[name] for name in names))

    def __add__(self, other: Layout) -> Layout:
        return Layout(self.columns + other.columns)
