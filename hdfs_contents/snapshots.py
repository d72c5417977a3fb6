"""The versions of a file in HDFS snapshots, which an administrator allows for a directory.

A snapshot of the directory D is the read-only tree D/.snapshot/NAME. HDFS allows none below a
directory that has snapshots itself, so at most one directory above a file has them.
"""

from __future__ import annotations

import threading
import time
from contextlib import suppress

from hadoop_client.hdfs.interface import FileStatus, FileSystem
from hadoop_client.hdfs.paths import join, parent

#: The directory with the snapshots of the one in which it is.
SNAPSHOT_DIR = ".snapshot"

#: How long the names of snapshots are remembered, and that there are none.
_REMEMBER_SECONDS = 60.0


class Snapshots:
    """The snapshots above the files of a file system. Thread-safe."""

    def __init__(self, fs: FileSystem) -> None:
        self._fs = fs
        self._lock = threading.Lock()
        self._names: dict[str, tuple[float, list[str]]] = {}

    def versions(self, path: str) -> list[FileStatus]:
        """Return the versions of a file that snapshots contain, the oldest first, each once.

        Versions that cannot be read now are left out.
        """
        directory = parent(path)
        while not (names := self._snapshots_of(directory)):
            if directory == "/":
                return []
            directory = parent(directory)
        below = path.removeprefix(directory).lstrip("/")
        versions: dict[tuple[int, int], FileStatus] = {}
        for name in names:
            with suppress(OSError):
                status = self._fs.stat(f"{join(directory, SNAPSHOT_DIR)}/{name}/{below}")
                if not status.is_dir:
                    versions.setdefault((status.modified_ms, status.size), status)
        return sorted(versions.values(), key=lambda status: status.modified_ms)

    def _snapshots_of(self, directory: str) -> list[str]:
        now = time.monotonic()
        with self._lock:
            when, names = self._names.get(directory, (float("-inf"), []))
        if now - when < _REMEMBER_SECONDS:
            return names
        names = []
        with suppress(OSError):
            entries = self._fs.list_dir(join(directory, SNAPSHOT_DIR))
            names = [entry.name for entry in entries]
        with self._lock:
            self._names[directory] = (now, names)
        return names
