"""HDFS through libhdfs, Hadoop's own client in a JVM, as pyarrow provides it.

- `LibhdfsFileSystem` reads and writes all content with libhdfs. In an encryption zone it decrypts
  and encrypts with any key provider.
- `AutoFileSystem` does so only for a file whose key hdfs-native cannot get. No JVM starts before.
- Both use hdfs-native for all other calls, which need no keys. pyarrow has no modes, owners, ACLs,
  trash or quotas, and its rename over a file deletes that file first.
- One guarantee of `hadoop_client.hdfs.interface` is missing: if two clients create a file at the
  same time, both may succeed, because libhdfs has no exclusive creation. `atomic.py` therefore
  writes under a unique name and renames.
"""

from __future__ import annotations

import errno
import threading
from collections.abc import Callable, Iterator
from contextlib import suppress
from typing import TYPE_CHECKING

from hadoop_client.hdfs.native import NativeFileSystem
from hadoop_client.hdfs.native_files import NativeReader, NativeWriter
from hadoop_client.hdfs.paths import parent

if TYPE_CHECKING:
    from pyarrow import NativeFile

    from hadoop_client.hdfs.jvm import Library

#: libhdfs handles the keys. hdfs-native does not open HDFS with a key provider other than a KMS.
_NO_KEYS = {"hadoop.security.key.provider.path": ""}

#: How many bytes of a file that is read in order are read at once.
_PACKET = 1024 * 1024

#: Attempts to open a file that is replaced while it is being opened.
_OPEN_ATTEMPTS = 5


class LibhdfsFileSystem(NativeFileSystem):
    """See `hadoop_client.hdfs.interface.FileSystem`."""

    def __init__(self, url: str | None, timeout: float) -> None:
        """Raise an OSError, ELIBACC, if libhdfs cannot be used."""
        from hadoop_client.hdfs.jvm import Library

        super().__init__(url, timeout, _NO_KEYS)
        self._library = self._calls(url or "", Library, url)

    def open_read(self, path: str) -> LibhdfsReader:
        for _ in range(_OPEN_ATTEMPTS):
            status = self.stat(path)
            if status.is_dir:
                raise IsADirectoryError(errno.EISDIR, "it is a directory", path)
            file = self._open(path, self._library.open_read)
            reader = LibhdfsReader(self._calls, path, File(self._library, file, status.size))
            if self.stat(path) == status:  # the size is that of the opened file
                return reader
            reader.close()
        raise OSError(errno.EBUSY, "another client is writing it", path)

    def open_write(self, path: str, mode: int | None = None, *, umask: int = 0) -> LibhdfsWriter:
        self._refuse_to_create(path)
        if mode is not None:
            mode = self._mode_of_new(path, 0o666, mode, umask)
        elif not self._is_given_access(path):
            mode = 0o666 & ~self._umask
        file = self._open(path, self._library.open_write)
        writer = LibhdfsWriter(self._calls, path, File(self._library, file, 0))
        try:
            if mode is not None:  # otherwise Java has applied the directory's default ACL
                self.set_permission(path, mode)
        except BaseException:  # the caller gets no writer, so the file is closed here
            writer.give_up()
            raise
        return writer

    def open_append(self, path: str) -> LibhdfsWriter:
        self._refuse_to_append(path)
        file = self._open(path, self._library.open_append)
        return LibhdfsWriter(self._calls, path, File(self._library, file, 0))

    def _refuse_to_append(self, path: str) -> None:
        """Raise the errors that libhdfs lacks: it creates a missing file."""
        if self.stat(path).is_dir:
            raise IsADirectoryError(errno.EISDIR, "it is a directory", path)

    def _refuse_to_create(self, path: str) -> None:
        """Raise the errors that libhdfs lacks: it creates missing parents and always overwrites."""
        try:
            status = self.stat(path)
        except FileNotFoundError:
            if self.exists(parent(path)):
                return
            raise FileNotFoundError(
                errno.ENOENT, "the directory above it does not exist", path
            ) from None
        if status.is_dir:
            raise IsADirectoryError(errno.EISDIR, "it is a directory", path)
        raise FileExistsError(errno.EEXIST, "it already exists", path)

    def _open(self, path: str, open_file: Callable[[str], NativeFile]) -> NativeFile:
        # If the NameNode was restarted, Java notices the lost connection by the failing call, and
        # does not repeat it.
        with suppress(ConnectionResetError):
            return self._calls(path, open_file, path)
        return self._calls(path, open_file, path)


class AutoFileSystem(NativeFileSystem):
    """See `hadoop_client.hdfs.interface.FileSystem`."""

    def __init__(self, url: str | None, timeout: float) -> None:
        self._url, self._timeout = url, timeout
        self._libhdfs: LibhdfsFileSystem | None = None
        self._opening = threading.Lock()
        try:
            super().__init__(url, timeout)
        except OSError as error:
            if not needs_libhdfs(error):
                raise
            super().__init__(url, timeout, _NO_KEYS)

    def open_read(self, path: str) -> NativeReader:
        try:
            return super().open_read(path)
        except OSError as error:
            return self._fallback(error, path).open_read(path)

    def open_write(self, path: str, mode: int | None = None, *, umask: int = 0) -> NativeWriter:
        try:
            return super().open_write(path, mode, umask=umask)
        except OSError as error:
            return self._fallback(error, path).open_write(path, mode, umask=umask)

    def open_append(self, path: str) -> NativeWriter:
        try:
            return super().open_append(path)
        except OSError as error:
            return self._fallback(error, path).open_append(path)

    def _fallback(self, error: OSError, path: str) -> LibhdfsFileSystem:
        """Return libhdfs if it may help; otherwise raise `error`, or why libhdfs cannot be used."""
        if not needs_libhdfs(error):
            raise error
        with self._opening:
            if self._libhdfs is None:
                try:
                    self._libhdfs = LibhdfsFileSystem(self._url, self._timeout)
                except OSError as missing:
                    phrase = (
                        "it is in an encryption zone whose key hdfs-native cannot get, and "
                        f"{missing.strerror}"
                    )
                    raise OSError(errno.ENOKEY, phrase, path) from missing
            return self._libhdfs


def needs_libhdfs(error: OSError) -> bool:
    """Return whether hdfs-native failed for lack of a key, which libhdfs may have."""
    # There is no check beforehand. Only the NameNode knows which files are in a zone, and
    # hdfs-native learns it from the call that it makes anyway, before it reads or writes a byte.
    return error.errno == errno.ENOKEY


class File:
    """A file of pyarrow with the methods of one of hdfs-native, and with Java's errors."""

    def __init__(self, library: Library, file: NativeFile, size: int) -> None:
        self._library = library
        self._file = file
        self._size = size

    def __len__(self) -> int:
        return self._size

    def read_range(self, offset: int, length: int) -> bytes:
        return self._library.call(self._file.read_at, length, offset)

    def read_range_stream(self, offset: int, length: int) -> Iterator[bytes]:
        end = offset + length
        for start in range(offset, end, _PACKET):
            yield self.read_range(start, min(_PACKET, end - start))

    def write(self, data: bytes) -> None:
        self._library.call(self._file.write, data)

    def hsync(self) -> None:
        """Do nothing: Java keeps what it has sent until the DataNodes have it."""

    def close(self) -> None:
        self._library.call(self._file.close)


class LibhdfsReader(NativeReader):
    """See `hadoop_client.hdfs.interface.Reader`."""

    _file: File

    def close(self) -> None:
        self._calls(self._path, self._file.close)


class LibhdfsWriter(NativeWriter):
    """See `hadoop_client.hdfs.interface.Writer`."""

    def __exit__(self, kind: type[BaseException] | None, *_: object) -> None:
        super().__exit__(kind)
        if kind is not None:
            self.give_up()

    def give_up(self) -> None:
        """Make Java close the file in the background. Otherwise it would hold the file's lease as
        long as the process lives."""
        threading.Thread(target=self._close_quietly, name="hdfs-give-up", daemon=True).start()

    def _close_quietly(self) -> None:
        with suppress(Exception):
            self._file.close()
