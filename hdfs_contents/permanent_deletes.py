"""Remembers which files the trash had no place for, until the user confirms that they are to be
deleted permanently.

A full quota leaves no names for the directories of the trash, and a long name cannot be in it
twice. Without a way to delete such files, a user with a full quota could free nothing in
JupyterLab. The user is told, and a second request to delete the same version deletes it.
"""

from __future__ import annotations

import time

from hadoop_client.hdfs.atomic import is_same
from hadoop_client.hdfs.interface import FileStatus

#: For how long a second request to delete a file means that it is to be deleted permanently.
CONFIRMATION_SECONDS = 300.0


class PermanentDeletes:
    """The files that users were asked about."""

    def __init__(self) -> None:
        self._asked: dict[str, tuple[FileStatus, float]] = {}

    def ask(self, status: FileStatus) -> None:
        """Remember that the user was asked about a file."""
        now = time.monotonic()
        expired = now - CONFIRMATION_SECONDS
        self._asked = {path: asked for path, asked in self._asked.items() if asked[1] > expired}
        self._asked[status.path] = (status, now)

    def take(self, status: FileStatus) -> bool:
        """Return whether the user was asked about this version of the file, and forget it."""
        asked, when = self._asked.pop(status.path, (None, 0.0))
        recent = time.monotonic() - when < CONFIRMATION_SECONDS
        return asked is not None and recent and is_same(asked, status)
