"""Detects new delegation tokens in the file that HADOOP_TOKEN_FILE_LOCATION names.

New tokens arrive by renaming another file into its place, which changes the file's inode or time.
"""

from __future__ import annotations

import os
from pathlib import Path

VARIABLE = "HADOOP_TOKEN_FILE_LOCATION"


class TokenFile:
    """The token file, as last seen by one reader of it."""

    def __init__(self) -> None:
        self._seen: tuple[int, int] | None = None

    def changed_path(self) -> Path | None:
        """Return the file's path if the file is not the one of the last call, else None."""
        path = os.environ.get(VARIABLE)
        identity = _identity(path) if path else None
        if path is None or identity is None or identity == self._seen:
            return None
        self._seen = identity
        return Path(path)


def _identity(path: str) -> tuple[int, int] | None:
    try:
        status = os.stat(path)  # noqa: PTH116 (runs before each call)
    except OSError:
        return None
    return status.st_ino, status.st_mtime_ns
