"""HDFS by libhdfs, Hadoop's own client in a JVM, as pyarrow offers it: for what hdfs-native can't.

- `LibhdfsFileSystem` moves the content of all files by libhdfs: it de- and encrypts what is in an
  encryption zone, whatever the zone's key provider.
- `AutoFileSystem` does so only where hdfs-native has refused for want of a key, file by file. Until
  then there is no JVM.
- The NameNode itself is asked by hdfs-native in both: pyarrow has no modes, owners, ACLs, trash or
  quotas, and its rename over a file deletes that one first. Names take no keys.
- The promises are those of `hadoop_client.hdfs.filesystem`, but for one: a file that two create at
the
  same moment may be had by both, because libhdfs has no exclusive creation.
  What must not be torn is written under a name of its own and renamed (`atomic.py`).
"""

from __future__ import annotations

import errno
import threading
from collections.abc import Callable
from contextlib import suppress
from typing import TYPE_CHECKING

from hadoop_client.hdfs.jvm import Library
from hadoop_client.hdfs.native import NativeFileSystem, NativeReader, NativeWriter
from hadoop_client.hdfs.paths import parent

if TYPE_CHECKING:
    from pyarrow import NativeFile

#: Keys are libhdfs's affair. Of a key provider that is no KMS hdfs-native would not even open HDFS.
_NO_KEYS = {"hadoop.security.key.provider.path": ""}

#: How often a file that is replaced while it is being opened is opened again.
_OPENINGS = 5


class LibhdfsFileSystem(NativeFileSystem):
    """See `hadoop_client.hdfs.filesystem.FileSystem`."""

    def __init__(self, url: str | None, timeout: float) -> None:
        """Raise an OSError, ELIBACC, where libhdfs can't be used."""
        super().__init__(url, timeout, _NO_KEYS)
        self._library = self._calls(url or "", Library, url)

    def open_read(self, path: str) -> LibhdfsReader:
        for _ in range(_OPENINGS):
            found = self.stat(path)
            if found.is_dir:
                raise IsADirectoryError(errno.EISDIR, "it is a directory", path)
            file = self._opened(path, self._library.open_read)
            reader = LibhdfsReader(self._calls, path, File(self._library, file, found.size))
            if self.stat(path) == found:  # the size is that of the file that was opened
                return reader
            reader.close()
        raise OSError(errno.EBUSY, "somebody is writing it right now", path)

    def open_write(self, path: str, mode: int | None = None) -> LibhdfsWriter:
        self._refuse_to_create(path)
        if mode is None and not self._is_given_access(path):
            mode = 0o666 & ~self._umask
        file = self._opened(path, self._library.open_write)
        writer = LibhdfsWriter(self._calls, path, File(self._library, file, 0))
        try:
            if mode is not None:  # else it has what the directory gives it: Java knows of that
                self.set_permission(path, mode)  # until now it had what the library gives it
        except BaseException:  # whatever it was, nobody will write that file
            writer.give_up()
            raise
        return writer

    def _refuse_to_create(self, path: str) -> None:
        """Raise what libhdfs would not say: it makes missing directories, and always overwrites."""
        try:
            found = self.stat(path)
        except FileNotFoundError:
            if self.exists(parent(path)):
                return
            raise FileNotFoundError(
                errno.ENOENT, "the directory above it does not exist", path
            ) from None
        if found.is_dir:
            raise IsADirectoryError(errno.EISDIR, "it is a directory", path)
        raise FileExistsError(errno.EEXIST, "it exists already", path)

    def _opened(self, path: str, open_file: Callable[[str], NativeFile]) -> NativeFile:
        """Open a file; once more where the connection had been dropped before, as by a NameNode
        that was started again. Java finds that out by the call, which it doesn't repeat."""
        with suppress(ConnectionResetError):
            return self._calls(path, open_file, path)
        return self._calls(path, open_file, path)


class AutoFileSystem(NativeFileSystem):
    """See `hadoop_client.hdfs.filesystem.FileSystem`."""

    def __init__(self, url: str | None, timeout: float) -> None:
        self._url, self._timeout = url, timeout
        self._libhdfs: LibhdfsFileSystem | None = None
        self._opening = threading.Lock()
        try:
            super().__init__(url, timeout)
        except OSError as error:
            if not takes_libhdfs(error):
                raise
            super().__init__(url, timeout, _NO_KEYS)

    def open_read(self, path: str) -> NativeReader:
        try:
            return super().open_read(path)
        except OSError as error:
            return self._instead(error, path).open_read(path)

    def open_write(self, path: str, mode: int | None = None) -> NativeWriter:
        try:
            return super().open_write(path, mode)
        except OSError as error:
            return self._instead(error, path).open_write(path, mode)

    def _instead(self, error: OSError, path: str) -> LibhdfsFileSystem:
        """Return libhdfs if it may help; raise `error`, or why there is no libhdfs."""
        if not takes_libhdfs(error):
            raise error
        with self._opening:
            if self._libhdfs is None:
                try:
                    self._libhdfs = LibhdfsFileSystem(self._url, self._timeout)
                except OSError as missing:
                    phrase = (
                        "it is in an encryption zone, whose key hdfs-native can't get, and "
                        f"{missing.strerror}"
                    )
                    raise OSError(errno.ENOKEY, phrase, path) from missing
            return self._libhdfs


def takes_libhdfs(error: OSError) -> bool:
    """Tell whether libhdfs may do what hdfs-native refuses: where it has no key, and nothing else.

    Nobody is asked beforehand: only the NameNode knows what is in a zone, and hdfs-native finds out
    with the call that it makes anyway, before it moves one byte.
    """
    return error.errno == errno.ENOKEY


class File:
    """A file of pyarrow's, with the methods that one of hdfs-native has, and Java's own errors."""

    def __init__(self, library: Library, file: NativeFile, size: int) -> None:
        self._library = library
        self._file = file
        self._size = size

    def __len__(self) -> int:
        return self._size

    def read_range(self, offset: int, length: int) -> bytes:
        return self._library.call(self._file.read_at, length, offset)

    def write(self, data: bytes) -> None:
        self._library.call(self._file.write, data)

    def close(self) -> None:
        self._library.call(self._file.close)


class LibhdfsReader(NativeReader):
    """See `hadoop_client.hdfs.filesystem.Reader`."""

    _file: File

    def close(self) -> None:
        self._calls(self._path, self._file.close)


class LibhdfsWriter(NativeWriter):
    """See `hadoop_client.hdfs.filesystem.Writer`."""

    def __exit__(self, kind: type[BaseException] | None, *_: object) -> None:
        super().__exit__(kind)
        if kind is not None:
            self.give_up()

    def give_up(self) -> None:
        """Have Java let go of the file: else it keeps it, and its lease, as long as the process
        lives. Nobody waits for that."""
        threading.Thread(target=self._close_somehow, name="hdfs-give-up", daemon=True).start()

    def _close_somehow(self) -> None:
        with suppress(Exception):
            self._file.close()
