"""Putting the sources file in its place: never over somebody else's, and never half of it."""

from __future__ import annotations

import glob
import os
import shutil
import time
from contextlib import suppress
from typing import TYPE_CHECKING

from synthohive.errors import LandingError
from synthohive.landing.sources import MARKER

if TYPE_CHECKING:
    from pathlib import Path

_ABANDONED_SECONDS = 3600.0
"""A draft lives as long as a commit takes; one older than this was left by a dead process."""


def check_sources_file(path: Path) -> None:
    """Make sure that a sources file can be put in place; nothing is written.

    Raises:
        LandingError: There is a file that SynthoHive did not write, or none can be written.
    """
    reason = why_unwritable(path)
    if reason is None and path.exists():
        try:
            is_ours = path.read_bytes().startswith(MARKER.encode())
        except OSError as error:
            reason = error.strerror or str(error)
        else:
            if not is_ours:
                raise LandingError(
                    f"the sources file {str(path)!r} was not written by SynthoHive",
                    hint="name another file with sources_file, or move yours away",
                )
    if reason is not None:
        raise _unwritable(path, reason)


def why_unwritable(path: Path) -> str | None:
    """Tell why no file can be made at a path, as far as that can be known beforehand.

    Examples:
        >>> from pathlib import Path
        >>> why_unwritable(Path("folder to be made", "file")) is None
        True
        >>> why_unwritable(Path.cwd())
        'it is a folder'
    """
    try:
        if path.is_dir():
            return "it is a folder"
        parent = next(folder for folder in path.absolute().parents if folder.exists())
        if not parent.is_dir():
            return f"{str(parent)!r} is no folder"
    except OSError as error:  # a folder above may not be looked into
        return error.strerror or str(error)
    if not os.access(parent, os.W_OK | os.X_OK):
        return f"{str(parent)!r} may not be written"
    return None


def draft_sources(path: Path, text: str) -> Path:
    """Write a sources file elsewhere, to be put in place when all else is done.

    Raises:
        LandingError: There is a file that SynthoHive did not write, or none can be written.
    """
    check_sources_file(path)
    folder = _draft_folder(path)
    draft = folder / f".{path.name}.{os.getpid()}.draft"
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        for place in {folder, path.parent}:
            _remove_abandoned(place, path.name)
        with draft.open("w", encoding="utf-8") as file:
            file.write(text)
            file.flush()
            os.fsync(file.fileno())
    except OSError as error:
        raise _unwritable(path, error.strerror or str(error)) from error
    return draft


def put_in_place(draft: Path, path: Path) -> None:
    """Move a draft to the place of the sources file.

    Raises:
        LandingError: That is no longer possible.
    """
    try:
        try:
            draft.replace(path)
        except OSError:  # such as a target folder that is a file system of its own
            beside = path.with_name(draft.name)
            shutil.copyfile(draft, beside)
            beside.replace(path)
            draft.unlink(missing_ok=True)
    except OSError as error:
        raise LandingError(
            f"the tables have landed, but their sources file {str(path)!r} cannot be written: "
            f"{error.strerror or error}",
            hint="make room for it, and run again",
        ) from error


def _draft_folder(path: Path) -> Path:
    """Return the project's target folder, which dbt does not read, or else the file's own."""
    for folder in path.absolute().parents:
        if (folder / "dbt_project.yml").is_file():
            target = folder / "target"
            return target if target.is_dir() and os.access(target, os.W_OK) else path.parent
    return path.parent


def _remove_abandoned(folder: Path, name: str) -> None:
    for draft in folder.glob(f".{glob.escape(name)}.*.draft"):
        with suppress(FileNotFoundError):  # another run may have been quicker
            if time.time() - draft.stat().st_mtime > _ABANDONED_SECONDS:
                draft.unlink()


def _unwritable(path: Path, reason: str) -> LandingError:
    return LandingError(
        f"the sources file {str(path)!r} cannot be written: {reason}",
        hint="name another file with sources_file, or write none",
    )
