"""Detects lost updates: remembers the last status of each file that a client was shown, and refuses
to overwrite a newer one.

- A client has opened a file once it requested the file, with or without its content. JupyterLab
  does so before each save and asks the user what to do. This module covers changes between that
  request and the save, and all other clients.
- An upload does not start from the content of the file. JupyterLab lists the directory, asks the
  user whether to replace the file, and sends it. So an upload may replace a version that was only
  listed; a save may not.
- A file that was deleted or renamed here is forgotten, or remembered under its new name.
"""

from __future__ import annotations

import threading
from collections import OrderedDict
from collections.abc import Iterable

from hadoop_client.hdfs.atomic import is_same, refuse_changed
from hadoop_client.hdfs.interface import FileStatus

#: More files than a user has open. The least recently seen ones are forgotten first.
_MAX_REMEMBERED = 4096


class LastSeen:
    """The last status of each file that a client has opened, and as it was last listed.
    Thread-safe."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._opened: OrderedDict[str, FileStatus] = OrderedDict()
        self._listed: dict[str, FileStatus] = {}  # of opened files only

    def record(self, status: FileStatus) -> None:
        """Remember the status that a client who opens or saves the file is being shown."""
        with self._lock:
            self._opened[status.path] = status
            self._opened.move_to_end(status.path)
            self._listed.pop(status.path, None)
            if len(self._opened) > _MAX_REMEMBERED:
                path, _ = self._opened.popitem(last=False)
                self._listed.pop(path, None)

    def record_listing(self, entries: Iterable[FileStatus]) -> None:
        """Remember the statuses in a listing that a client is being shown."""
        with self._lock:
            self._listed.update(
                (status.path, status) for status in entries if status.path in self._opened
            )

    def forget(self, path: str) -> None:
        """Forget a deleted file, or all files in a deleted directory."""
        self._take(path)

    def move(self, old: str, new: str) -> None:
        """Remember a renamed file, or the files in a renamed directory, under the new path."""
        self._take(new)
        for status in self._take(old):
            self.record(status._replace(path=new + status.path[len(old) :]))

    def _take(self, path: str) -> list[FileStatus]:
        with self._lock:
            taken = [seen for seen in self._opened if f"{seen}/".startswith(f"{path}/")]
            for seen in taken:
                self._listed.pop(seen, None)
            return [self._opened.pop(seen) for seen in taken]

    def refuse_if_changed(self, current: FileStatus, *, upload: bool = False) -> None:
        """Raise OSError (ESTALE) if a file has changed since a client opened it. An upload may
        also replace the version that was last listed."""
        with self._lock:
            opened = self._opened.get(current.path)
            listed = self._listed.get(current.path)
        if opened is None or (upload and listed is not None and is_same(current, listed)):
            return
        refuse_changed(current, opened)
