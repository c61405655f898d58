"""Where the files of pictures are: behind three functions, so that an object store can replace the folder.

A file is written once under a name that follows from its content, and never changed.
"""

from __future__ import annotations

import os
import tempfile
import time
from contextlib import suppress
from pathlib import Path
from typing import Protocol

#: What a process that was killed while writing has left is removed after so long.
_LEFTOVER_SECONDS = 3600.0


class MediaStore(Protocol):
    """Files by their names. Each function may be repeated, and called from any thread or process."""

    def put(self, name: str, content: bytes) -> None:
        """Keep a file. When this returns, the whole of it outlives a power cut; before, nothing is there."""

    def get(self, name: str) -> bytes:
        """The content of a file.

        Raises:
            FileNotFoundError: there is none of that name.
        """

    def delete(self, name: str) -> None:
        """Forget a file; it may be gone already."""


class FolderStore:
    """Files in a folder, which every process of the marketplace has to have."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder

    def put(self, name: str, content: bytes) -> None:
        """Write beside the place, flush, then rename: whoever looks sees all of the file or none."""
        path = self._path(name)
        path.parent.mkdir(parents=True, exist_ok=True)
        unfinished = self._folder / "unfinished"
        unfinished.mkdir(exist_ok=True)
        _remove_leftovers(unfinished)
        handle, temporary = tempfile.mkstemp(dir=unfinished)
        try:
            with os.fdopen(handle, "wb") as file:
                file.write(content)
                file.flush()
                os.fsync(file.fileno())
            Path(temporary).replace(path)
        except BaseException:
            Path(temporary).unlink(missing_ok=True)
            raise
        # The name is in the folders: that the file has it, and that its folder is there, must last too.
        for folder in (path.parent, self._folder):
            _flush_folder(folder)

    def get(self, name: str) -> bytes:
        """See ``MediaStore``."""
        return self._path(name).read_bytes()

    def delete(self, name: str) -> None:
        """See ``MediaStore``."""
        self._path(name).unlink(missing_ok=True)

    def _path(self, name: str) -> Path:
        """In one of 256 folders, by the first letters of the name."""
        if not name or Path(name).name != name or name.startswith("."):
            raise ValueError(f"not a name of a file: {name!r}")
        return self._folder / name[:2] / name


def _flush_folder(folder: Path) -> None:
    handle = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)


def _remove_leftovers(folder: Path) -> None:
    oldest = time.time() - _LEFTOVER_SECONDS
    for path in folder.iterdir():
        # Another process may be faster.
        with suppress(FileNotFoundError):
            if path.stat().st_mtime < oldest:
                path.unlink()
