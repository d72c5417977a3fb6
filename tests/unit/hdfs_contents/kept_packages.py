"""Packages of a user, and their archive in memory."""

from __future__ import annotations

import io
import logging
import shutil
from pathlib import Path
from typing import IO

from hdfs_contents.packages.archive import site_packages
from hdfs_contents.packages.kept import Packages

LIMIT = 1_000_000
LOG = logging.getLogger(__name__)


class Store:
    """An archive in memory, in place of HDFS."""

    def __init__(self) -> None:
        self.archive: bytes | None = None
        self.damaged: bytes | None = None
        self.failure: OSError | None = None
        self.save_failure: OSError | None = None
        self.fetches = 0
        self.saves = 0

    def fetch(self, limit: int) -> IO[bytes] | None:
        self.fetches += 1
        if self.failure:
            raise self.failure
        return None if self.archive is None else io.BytesIO(self.archive)

    def save(self, archive: IO[bytes]) -> None:
        if self.save_failure:
            raise self.save_failure
        self.archive = archive.read()
        self.saves += 1

    def set_aside(self) -> str:
        self.archive, self.damaged = None, self.archive
        return "aside"


def packages(base: Path, store: Store, limit: int = LIMIT) -> Packages:
    return Packages(base, store, limit, LOG)  # type: ignore[arg-type]


def install(base: Path, name: str, size: int = 10) -> None:
    directory = site_packages(base)
    (directory / f"{name}-1.0.dist-info").mkdir()
    (directory / f"{name}-1.0.dist-info" / "METADATA").write_text(f"Name: {name}\n")
    (directory / f"{name}.py").write_bytes(b"#" * size)


def remove(base: Path, name: str) -> None:
    directory = site_packages(base)
    (directory / f"{name}.py").unlink()
    shutil.rmtree(directory / f"{name}-1.0.dist-info")


def names(base: Path) -> list[str]:
    return sorted(path.stem for path in site_packages(base).glob("*.py"))


def install_and_save(base: Path, store: Store, *installed: str) -> Packages:
    kept = packages(base, store)
    kept.restore()
    for name in installed:
        install(base, name)
    kept.save()
    return kept
