"""The application master's lines in the container's log, among the server's own output."""

from __future__ import annotations

import os
from contextlib import suppress

STDERR = 2


def log(message: str) -> None:
    """Write a line. Errors are ignored: a full disk must not end the server."""
    with suppress(OSError):
        os.write(STDERR, f"[yarnhub] {message}\n".encode(errors="replace"))
