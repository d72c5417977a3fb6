"""Files of daemons and containers on this machine, which may be gone before they are looked at."""

from __future__ import annotations

import os
from collections.abc import Iterable, Iterator
from contextlib import suppress
from pathlib import Path


def files_below(folder: Path) -> Iterator[Path]:
    """Find all files below a folder; a part of it that is just being deleted is passed over."""
    for parent, _, names in os.walk(folder):
        yield from (path for name in names if (path := Path(parent, name)).is_file())


def contents_of(files: Iterable[Path]) -> Iterator[tuple[Path, bytes]]:
    """Read those that are there still."""
    for file in files:
        with suppress(OSError):
            yield file, file.read_bytes()
