"""What this server's clients have seen of files, so that a save never replaces what nobody here has
read: a change by another server, or by a program, is found and told.

A client that asks for a file, with its content or without, has seen it. JupyterLab does that before
each save, and asks the person what to do; this is for the moment between, and for all the others.
"""

from __future__ import annotations

import threading
from collections import OrderedDict

from hadoop_client.hdfs.atomic import refuse_changed
from hadoop_client.hdfs.interface import FileStatus

#: More files than a person has open; the ones that nobody asked for the longest are forgotten.
_REMEMBERED = 4096


class LastSeen:
    """The last status of each file that a client here was told. Used by many threads."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._seen: OrderedDict[str, FileStatus] = OrderedDict()

    def saw(self, status: FileStatus) -> None:
        """Remember what a client is being told of a file."""
        with self._lock:
            self._seen[status.path] = status
            self._seen.move_to_end(status.path)
            if len(self._seen) > _REMEMBERED:
                self._seen.popitem(last=False)

    def check(self, found: FileStatus) -> None:
        """Raise an OSError, ESTALE, where somebody has changed a file that was seen here."""
        with self._lock:
            seen = self._seen.get(found.path)
        if seen is not None:
            refuse_changed(found, seen)
