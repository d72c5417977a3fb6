"""Detects lost updates: remembers the last status of each file that a client was shown, and refuses
to overwrite a newer one.

A client has seen a file once it requested the file, with or without its content. JupyterLab does so
before each save and asks the user what to do. This module covers changes between that request and
the save, and all other clients.
"""

from __future__ import annotations

import threading
from collections import OrderedDict

from hadoop_client.hdfs.atomic import refuse_changed
from hadoop_client.hdfs.interface import FileStatus

#: More files than a user has open. The least recently seen ones are forgotten first.
_MAX_REMEMBERED = 4096


class LastSeen:
    """The last status of each file that a client was shown. Thread-safe."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._statuses: OrderedDict[str, FileStatus] = OrderedDict()

    def record(self, status: FileStatus) -> None:
        """Remember the status that a client is being shown."""
        with self._lock:
            self._statuses[status.path] = status
            self._statuses.move_to_end(status.path)
            if len(self._statuses) > _MAX_REMEMBERED:
                self._statuses.popitem(last=False)

    def refuse_if_changed(self, current: FileStatus) -> None:
        """Raise OSError (ESTALE) if a file has changed since a client was shown it."""
        with self._lock:
            seen = self._statuses.get(current.path)
        if seen is not None:
            refuse_changed(current, seen)
