"""The delegation tokens of this server, and when there are new ones.

HADOOP_TOKEN_FILE_LOCATION names the file. Whoever keeps the tokens fresh puts another file into its
place, by a rename; so who has looked at one sees by its identity that there is another.
"""

from __future__ import annotations

import os
from pathlib import Path

_VARIABLE = "HADOOP_TOKEN_FILE_LOCATION"


class TokenFile:
    """The file as it was when somebody last looked."""

    def __init__(self) -> None:
        self._seen = _identity()

    def replaced(self) -> Path | None:
        """Return where it is, if it is another one than the last time; None too where there is
        none."""
        found = _identity()
        if found is None or found == self._seen:
            return None
        self._seen = found
        return Path(os.environ[_VARIABLE])


def _identity() -> tuple[int, int] | None:
    try:
        status = os.stat(os.environ[_VARIABLE])  # noqa: PTH116 - it is done before each call
    except (KeyError, OSError):
        return None
    return status.st_ino, status.st_mtime_ns
