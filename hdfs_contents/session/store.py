"""Stores the archive of a session in HDFS: one file for each named server of the user.

- A save replaces the file as a whole. Only its owner may read it: it contains the secret with which
  the user's notebooks are signed.
- An archive is restored only if no other user can have put it there: this user owns its directory
  and the file, and nobody else may write to the one or read the other, before the archive is read
  and after it. Otherwise another user would know that secret, and could sign notebooks that this
  user trusts.
- A server without an archive starts from the default server's.
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

from hadoop_client.hdfs.atomic import is_same, removed_on_failure
from hadoop_client.hdfs.filesystem import FileStatus, FileSystem
from hadoop_client.hdfs.paths import join, parent, temporary_beside
from hadoop_client.hdfs.stale_files import delete_stale_files
from hdfs_contents.paths import normalize_root
from hdfs_contents.session.archive import DamagedError

_CHUNK = 4 * 1024 * 1024

#: The default directory. {home} is the user's home directory in HDFS.
DIRECTORY = "{home}/.yarnhub/session"

#: A name in HDFS has at most 255 bytes.
_MAX_NAME_LENGTH = 200

#: The permissions that other users must not have on a directory, and on an archive.
_OTHERS_WRITE, _OTHERS = 0o022, 0o077

#: No save takes this long. An older temporary file is left from a save that was interrupted.
_STALE_MS = 3600 * 1000


def file_name(server: str) -> str:
    """Return the name of the archive of a named server; "" is the default server."""
    if not server:
        return "default.tar.gz"
    name = f"named-{quote(server, safe='')}"
    if len(name) > _MAX_NAME_LENGTH:
        name = f"named-{hashlib.sha256(server.encode()).hexdigest()}"
    return f"{name}.tar.gz"


def session_directory(template: str, home: str, user: str) -> str:
    """Return the directory of a user's archives; raises ValueError if the template gives none."""
    if "/" in user:
        raise ValueError(f"the user name {user!r} contains a slash")
    try:
        return normalize_root(template.format(home=home, username=user))
    except (LookupError, AttributeError) as error:
        raise ValueError(f"{template!r} has other braces than {{home}} and {{username}}") from error


def archive_path(directory: str, server: str) -> str:
    """Return the path of a server's archive; "" is the default server."""
    return join(directory, file_name(server))


class SessionStore:
    """The archive of one server. Each method may raise an OSError of HDFS."""

    def __init__(self, directory: str, server: str, opener: Callable[[], FileSystem]) -> None:
        """Store the archive in a directory in HDFS, which `opener` opens when it is first used."""
        self.path = archive_path(directory, server)
        self._directory = directory
        self._default_path = archive_path(directory, "")
        self._opener = opener
        self._directory_ready = False

    @cached_property
    def _fs(self) -> FileSystem:
        return self._opener()

    def fetch(self, limit: int) -> IO[bytes] | None:
        """Return the archive, or None if there is none. Raises DamagedError if it has more than
        `limit` bytes."""
        for path in dict.fromkeys((self.path, self._default_path)):
            with suppress(FileNotFoundError):
                return self._fetch(path, limit)
        return None

    def _fetch(self, path: str, limit: int) -> IO[bytes]:
        status = self._stat_private(path)
        with self._fs.open_read(path) as file:
            fetched = tempfile.TemporaryFile()  # noqa: SIM115 (the caller closes it)
            while chunk := file.read(_CHUNK):
                fetched.write(chunk)
                if fetched.tell() > limit:
                    raise DamagedError(f"it has more than {limit:,} bytes")
        # A user who may rename the directory can show one archive to a check and another to a read.
        if not is_same(self._stat_private(path), status):
            raise OSError(errno.EAGAIN, "it was replaced while it was read", path)
        if fetched.tell() != status.size:  # not damaged: it may be read as a whole later
            reason = f"HDFS has returned {fetched.tell():,} of {status.size:,} bytes"
            raise OSError(errno.EAGAIN, reason, path)
        fetched.seek(0)
        return fetched

    def _stat_private(self, path: str) -> FileStatus:
        """Return an archive's status; PermissionError if another user can have put it there."""
        _require_private(self._fs.stat(self._directory), self._fs.user, _OTHERS_WRITE)
        status = self._fs.stat(path)
        _require_private(status, self._fs.user, _OTHERS)
        return status

    def save(self, archive: IO[bytes]) -> None:
        """Replace the archive. If this fails or is interrupted, the previous archive remains."""
        self._prepare_directory()
        temporary = temporary_beside(self.path)
        opened = self._fs.open_write(temporary, 0o600)
        with removed_on_failure(self._fs, temporary):
            with opened as file:
                while chunk := archive.read(_CHUNK):
                    file.write(chunk)
            self._refuse_wrong_size(temporary, archive.tell())
            self._fs.rename(temporary, self.path, overwrite=True)

    def _prepare_directory(self) -> None:
        """On the first call, create the directory and delete what interrupted saves left in it."""
        if self._directory_ready:
            return
        if not self._fs.exists(self._directory):
            self._fs.mkdirs(parent(self._directory), 0o700)
            self._fs.mkdirs(self._directory, 0o700)
        directory = self._fs.stat(self._directory)
        _require_private(directory, self._fs.user, _OTHERS_WRITE)
        delete_stale_files(self._fs, directory, self._fs.list_dir(self._directory), _STALE_MS)
        self._directory_ready = True

    def _refuse_wrong_size(self, written: str, size: int) -> None:
        """Raise OSError (EAGAIN) if HDFS has lost bytes, which it may do without an error."""
        stored = self._fs.stat(written).size
        if stored != size:
            raise OSError(errno.EAGAIN, f"HDFS has stored {stored:,} of {size:,} bytes", self.path)

    def set_aside(self) -> str:
        """Rename the archive and return its new path. Raises FileNotFoundError if this server has
        none and uses the default server's."""
        new_path = f"{self.path}.damaged-{time.strftime('%Y%m%dT%H%M%SZ', time.gmtime())}"
        self._fs.rename(self.path, new_path)
        return new_path


def _require_private(status: FileStatus, user: str, forbidden: int) -> None:
    """Raise OSError (EPERM) if another user owns it, or others have a `forbidden` permission."""
    if status.owner != user:
        reason = (
            f"{status.path} belongs to {status.owner}, who could have put anything there: delete "
            f"it, or ask {status.owner} or an administrator to delete it"
        )
        raise PermissionError(errno.EPERM, reason, status.path)
    if status.mode & forbidden:
        mode = "700" if status.is_dir else "600"
        reason = f"other users have access to {status.path}: run hdfs dfs -chmod {mode} on it"
        raise PermissionError(errno.EPERM, reason, status.path)
