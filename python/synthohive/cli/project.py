"""The dbt project and the database that a command works on."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Literal

from cyclopts import Parameter

if TYPE_CHECKING:
    from collections.abc import Iterable

    from synthohive.schema.metadata import Metadata

Format = Literal["text", "json"]
Names = Annotated[list[str] | None, Parameter(consume_multiple=True, negative="")]
Switch = Annotated[bool, Parameter(negative="", show_default=False)]


@Parameter(name="*")
@dataclass(frozen=True, slots=True, kw_only=True)
class Project:
    """Where the project and its data are.

    Attributes:
        project_dir: Folder of the dbt project.
        target_path: Folder with dbt's manifest.json, if not the project's own target.
        manifest: A manifest file, in place of the project's.
        database: The DuckDB file; the one of the project's profile when not given.
        target: Target of the profile whose database to use; its default when not given.
    """

    project_dir: Path = Path()
    target_path: Path | None = None
    manifest: Path | None = None
    database: Path | None = None
    target: str | None = None

    def metadata(self, select: Iterable[str] | None) -> Metadata:
        """Read the schema from the project's manifest."""
        from synthohive.dbt.project import manifest_path  # noqa: PLC0415
        from synthohive.schema.metadata import Metadata  # noqa: PLC0415

        manifest = self.manifest or manifest_path(self.project_dir, self.target_path)
        return Metadata.from_dbt(manifest, select=select)

    def database_file(self) -> Path:
        """Return the file that holds the real tables."""
        from synthohive.dbt.project import database_path  # noqa: PLC0415

        return self.database or database_path(self.project_dir, self.target)

    @property
    def has_project_file(self) -> bool:
        """Say whether there is a project to write a sources file into."""
        return (self.project_dir / "dbt_project.yml").is_file()
