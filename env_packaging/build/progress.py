"""How long work tells whoever waits for it where it is."""

from __future__ import annotations

from typing import Protocol


class Progress(Protocol):
    """Told of each phase in turn, always from the thread that packs."""

    def begin(self, phase: str, files: int, size_bytes: int) -> None:
        """Begin a phase that will go through so many files and bytes."""

    def advance(self, files: int, size_bytes: int) -> None:
        """Count so many more files and bytes as done."""


class Silent:
    """For callers who don't wait to see anything."""

    def begin(self, phase: str, files: int, size_bytes: int) -> None:
        pass

    def advance(self, files: int, size_bytes: int) -> None:
        pass
