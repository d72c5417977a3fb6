"""How packing reports its progress."""

from __future__ import annotations

from typing import Protocol


class Progress(Protocol):
    """Receives the progress of each phase, always from the thread that packs."""

    def begin(self, phase: str, files: int, size_bytes: int) -> None:
        """Begin a phase with this many files and bytes; 0 bytes if the size is unknown."""

    def advance(self, files: int, size_bytes: int) -> None:
        """Add to the files and bytes that are done."""


class NoProgress:
    """Progress that is not shown."""

    def begin(self, phase: str, files: int, size_bytes: int) -> None:
        pass

    def advance(self, files: int, size_bytes: int) -> None:
        pass
