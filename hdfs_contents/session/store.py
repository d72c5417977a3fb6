"""Where in HDFS the archives of a person's sessions are: one file for each named server.

- A file is replaced as a whole, and read by nobody but its owner: it has the secret with which the
  person's notebooks are signed.
- A server that has none yet starts from the default server's.
"""

from __future__ import annotations

import errno
import hashlib
import tempfile
import time
from collections.abc import Callable
from contextlib import suppress
from functools import cached_property
from typing import IO
from urllib.parse import quote

from hadoop_client.hdfs.atomic import removed_on_failure
from hadoop_client.hdfs.filesystem import FileSystem
from hadoop_client.hdfs.paths import join, parent, temporary_beside
from hadoop_client.hdfs.stale_files import delete_stale_files
from hdfs_contents.session.archive import DamagedError

_CHUNK = 4 * 1024 * 1024

#: The default directory; {home} is the user's home directory in HDFS.
DIRECTORY = "{home}/.yarnhub/session"

#: A name in HDFS has at most 255 bytes.
_LONGEST_NAME = 200

#: No save takes as long: what is left of one that was cut off is then deleted.
_ABANDONED_MS = 3600 * 1000


def file_name(server: str) -> str:
    """Return the file's name for a server of JupyterHub; the default server's name is empty."""
    if not server:
        return "default.tar.gz"
    name = f"named-{quote(server, safe='')}"
    if len(name) > _LONGEST_NAME:
        name = f"named-{hashlib.sha256(server.encode()).hexdigest()}"
    return f"{name}.tar.gz"


def archive_path(home: str, server: str) -> str:
    """Return where that of one server is by default; of the default server the folder of all."""
    directory = DIRECTORY.format(home=home)
    return join(directory, file_name(server)) if server else directory


class SessionStore:
    """The archive of one server. Every call may raise an OSError of HDFS."""

    def __init__(self, directory: str, server: str, opener: Callable[[], FileSystem]) -> None:
        """Name the directory in HDFS; `opener` is called when HDFS is first needed."""
        self.path = join(directory, file_name(server))
        self._directory = directory
        self._default = join(directory, file_name(""))
        self._opener = opener

    @cached_property
    def _fs(self) -> FileSystem:
        return self._opener()

    @cached_property
    def _prepared(self) -> bool:
        """Make the directory, once; delete what saves that were cut off have left in it."""
        if not self._fs.exists(self._directory):
            self._fs.mkdirs(parent(self._directory), 0o700)
            self._fs.mkdirs(self._directory, 0o700)
        delete_stale_files(self._fs, self._fs.list_dir(self._directory), _ABANDONED_MS)
        return True

    def fetch(self, limit: int) -> IO[bytes] | None:
        """Return the archive; None if there is none. DamagedError if it has more than `limit`
        bytes."""
        for path in dict.fromkeys((self.path, self._default)):
            with suppress(FileNotFoundError):
                return self._fetch(path, limit)
        return None

    def _fetch(self, path: str, limit: int) -> IO[bytes]:
        with self._fs.open_read(path) as file:
            fetched = tempfile.TemporaryFile()  # noqa: SIM115 (the caller closes it)
            while piece := file.read(_CHUNK):
                fetched.write(piece)
                if fetched.tell() > limit:
                    raise DamagedError(f"it has more than {limit:,} bytes")
        fetched.seek(0)
        return fetched

    def save(self, archive: IO[bytes]) -> None:
        """Replace the archive; what was there stays where this fails, or is cut off."""
        self._prepared  # noqa: B018
        temporary = temporary_beside(self.path)
        opened = self._fs.open_write(temporary, 0o600)
        with removed_on_failure(self._fs, temporary):
            with opened as file:
                while piece := archive.read(_CHUNK):
                    file.write(piece)
            self._refuse_shorter(temporary, archive.tell())
            self._fs.rename(temporary, self.path, overwrite=True)

    def _refuse_shorter(self, written: str, size: int) -> None:
        """Raise an OSError where HDFS has lost bytes, perhaps without any error."""
        stored = self._fs.stat(written).size
        if stored != size:
            raise OSError(errno.EAGAIN, f"HDFS has stored {stored:,} of {size:,} bytes", self.path)

    def set_aside(self) -> str:
        """Rename the archive, and return its new path. FileNotFoundError where it was another's."""
        aside = f"{self.path}.damaged-{time.strftime('%Y%m%dT%H%M%SZ', time.gmtime())}"
        self._fs.rename(self.path, aside)
        return aside
