"""Handles that read the content of HDFS, each the version that the file had when it was opened.

The kernel keeps one content of a file for all of its handles. So no two of them may read different
versions.
"""

from __future__ import annotations

import errno
from collections.abc import Callable, Sequence

from hadoop_client.hdfs.interface import FileSystem
from hdfs_contents.mount.inodes import Node
from hdfs_contents.mount.readahead import AheadReader, ReadAhead
from hdfs_contents.mount.tables import Handle, Tables


class Readers:
    """The readers of handles without a draft. `find_path` returns the path of a node in HDFS."""

    def __init__(self, fs: FileSystem, tables: Tables, find_path: Callable[[Node], str]) -> None:
        self._fs = fs
        self._tables = tables
        self._find_path = find_path
        self._ahead = ReadAhead()

    def open(self, handle: Handle) -> AheadReader:
        """Let a handle read the present version. Handles of another one are former."""
        node = handle.node
        reader = AheadReader(self._fs.open_read(self._find_path(node)), self._ahead)
        version = (node.shown_ms, reader.size)
        with self._tables:
            handle.reader, handle.version, handle.is_former = reader, version, False
            for other in self._tables.of(node):
                other.is_former |= other.reader is not None and other.version != version
        return reader

    def read(self, handle: Handle, offset: int, size: int) -> Sequence[bytes | memoryview]:
        """Return the bytes from `offset` to `offset + size`, or to the end, in parts.

        A handle goes on with what another client has appended. Raises OSError, ESTALE, for one of a
        version that was replaced, if another handle reads the present one.
        """
        reader = handle.reader
        if reader is None:  # its draft was published and dropped
            reader = self.open(handle)
        elif handle.is_former or offset + size > reader.size < (handle.node.shown_size or 0):
            reader = self._follow(handle, reader)
        return reader.read_at(offset, size)

    def _follow(self, handle: Handle, reader: AheadReader) -> AheadReader:
        path = self._find_path(handle.node)
        with self._fs.open_read(path) as present:
            is_appended = reader.is_beginning_of(present)
        if is_appended:
            return self.open(handle)
        if handle.is_former:
            raise OSError(errno.ESTALE, "another client has replaced it since it was opened", path)
        return reader
