"""What we write into the container's log, beside the server's own output."""

from __future__ import annotations

import os
from contextlib import suppress

STDERR = 2


def log(message: str) -> None:
    """Write a line; a disk that is full is no reason to end the server."""
    with suppress(OSError):
        os.write(STDERR, f"[yarnhub] {message}\n".encode(errors="replace"))
