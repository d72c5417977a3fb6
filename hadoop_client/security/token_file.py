"""The delegation tokens of this server, and when there are new ones.

HADOOP_TOKEN_FILE_LOCATION names the file. Whoever keeps the tokens fresh puts another file into its
place, by a rename; so who has looked at one sees by its identity that there is another.
"""

from __future__ import annotations

import os
from pathlib import Path

VARIABLE = "HADOOP_TOKEN_FILE_LOCATION"


class TokenFile:
    """The file as somebody has seen it who looks again and again."""

    def __init__(self) -> None:
        self._seen: tuple[int, int] | None = None

    def changed_path(self) -> Path | None:
        """Return where it is, if it is another one than the last time; None where there is none."""
        path = os.environ.get(VARIABLE)
        found = _identity(path) if path else None
        if path is None or found is None or found == self._seen:
            return None
        self._seen = found
        return Path(path)


def _identity(path: str) -> tuple[int, int] | None:
    try:
        status = os.stat(path)  # noqa: PTH116 - it is done before each call
    except OSError:
        return None
    return status.st_ino, status.st_mtime_ns
