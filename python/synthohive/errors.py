"""Every error SynthoHive raises, defined once.

Each class also derives from the builtin a caller would catch anyway, and carries the
table and column it speaks of. Messages follow one shape: what is wrong, where, the
evidence, and the next step. The Rust extension raises these same classes.
"""

from __future__ import annotations

from difflib import get_close_matches
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable

_SHOWN = 10


class SynthoHiveError(Exception):
    """Base of all errors.

    Args:
        message: What is wrong, where, and the evidence.
        table: The table concerned, if there is one.
        column: The column concerned, if there is one.
        hint: The next step for the reader.
    """

    def __init__(
        self,
        message: str,
        *,
        table: str | None = None,
        column: str | None = None,
        hint: str | None = None,
    ) -> None:
        super().__init__(f"{message}\n  Hint: {hint}" if hint else message)
        self.table = table
        self.column = column
        self.hint = hint


class ConfigError(SynthoHiveError, ValueError):
    """A setting, argument or option is unknown or has a wrong value."""


class SchemaError(SynthoHiveError, ValueError):
    """The declared tables, columns and keys do not form a usable schema."""


class UnknownTableError(SchemaError, KeyError):
    """A table was named that the schema does not have."""

    __str__ = Exception.__str__  # KeyError would print the repr of the message


class CyclicSchemaError(SchemaError):
    """Foreign keys form a cycle that no nullable key breaks.

    Args:
        path: The tables on the cycle, first and last the same.
    """

    def __init__(self, path: list[str], *, hint: str | None = None) -> None:
        super().__init__(
            f"foreign keys form a cycle: {' → '.join(path)}",
            table=path[0],
            hint=hint
            or "make one of these foreign keys nullable, or leave one of these tables out",
        )
        self.path = path


class SchemaValidationError(SchemaError):
    """Everything wrong with a schema or its data, reported at once.

    Args:
        problems: One complete sentence or short paragraph per problem.
    """

    def __init__(self, problems: Iterable[str]) -> None:
        self.problems = list(problems)
        count = len(self.problems)
        lines = "".join(f"\n  {n}. {problem}" for n, problem in enumerate(self.problems, 1))
        super().__init__(f"{count} problem{'s' if count != 1 else ''} found:{lines}")


class IntegrityError(SynthoHiveError, ValueError):
    """Rows break a key: orphans or duplicates."""


class ConstraintError(SynthoHiveError, ValueError):
    """A generated value breaks a declared constraint, and the constraint is enforced."""


class ContextError(SynthoHiveError, ValueError):
    """Context rows are missing, of the wrong length or lack a column."""


class NotFittedError(SynthoHiveError, RuntimeError):
    """Something was asked of a model that has not been fitted."""


class TrainingError(SynthoHiveError, RuntimeError):
    """Training diverged or could not start."""


class CapacityError(SynthoHiveError, OverflowError):
    """More rows or keys were asked for than can exist."""


class LandingError(SynthoHiveError, RuntimeError):
    """The synthetic tables could not be written; the previous ones are untouched."""


class ModelFileError(SynthoHiveError, ValueError):
    """A saved model is missing a file, damaged, or of another format version."""


def did_you_mean(name: str, known: Iterable[str]) -> str:
    """Suggest the known name closest to a misspelled one.

    Returns:
        A sentence naming the closest match, or else the known names, of many the first ten.

    Examples:
        >>> did_you_mean("custmers", ["orders", "customers"])
        "did you mean 'customers'?"
        >>> did_you_mean("x", ["b", "a"])
        'known names: a, b'
    """
    names = sorted(known)
    close = get_close_matches(name, names, n=1)
    if close:
        return f"did you mean {close[0]!r}?"
    more = f" and {len(names) - _SHOWN} more" if len(names) > _SHOWN else ""
    return f"known names: {', '.join(names[:_SHOWN]) or 'none'}{more}"


class UnseenContextWarning(UserWarning):
    """A context or given value was not in the data the model was fitted on.

    The nearest number stands in for it, or the rare values, or the most frequent one.
    """
