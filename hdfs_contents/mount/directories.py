"""Open directories: what programs read of them, a page after the other.

With the names the kernel gets the attributes, so that `ls -l` asks once for a page and not for each
file.
"""

from __future__ import annotations

import errno
import stat
from functools import partial

from hadoop_client.hdfs.interface import FileStatus, FileSystem
from hadoop_client.hdfs.paths import is_temporary
from hdfs_contents.mount import links, messages, protocol
from hdfs_contents.mount.attributes import file_type
from hdfs_contents.mount.files import OpenFiles
from hdfs_contents.mount.inodes import Node, inode_of
from hdfs_contents.mount.protocol import Page
from hdfs_contents.mount.tables import Directory, Tables

#: How long the kernel may keep names and attributes. Other clients' changes are seen after it.
VALID_NS = 1_000_000_000


class Directories:
    """The directories that programs have open."""

    def __init__(self, fs: FileSystem, tables: Tables, files: OpenFiles) -> None:
        self._fs = fs
        self._tables = tables
        self._files = files

    def open(self, node: Node) -> int:
        """Open a directory; return the number of its handle."""
        directory = Directory(0, node, self._list(node))
        with self._tables:
            return self._tables.add(directory)

    def _list(self, node: Node) -> list[FileStatus]:
        with self._tables:
            path = self._tables.inodes.path(node)
            targets = self._tables.links
        entries = [entry for entry in self._fs.list_dir(path) if not is_temporary(entry.name)]
        return links.add_links(
            targets, path, entries, partial(links.link_status, user=self._fs.user)
        )

    def close(self, handle_id: int) -> None:
        with self._tables:
            self._tables.remove(handle_id)

    def read(self, request: messages.ReadDir) -> tuple[bytes, list[Node]]:
        """Return a page of entries, and the nodes that the kernel looks up with it."""
        with self._tables:
            directory = self._tables.handles.get(request.handle)
        if not isinstance(directory, Directory):
            raise OSError(errno.EBADF, "it is not open")
        if directory.entries is None or (request.offset == 0 and directory.was_read):
            directory.entries = self._list(directory.node)
        directory.was_read = True
        page = Page(request.size)
        for offset, name in ((1, b"."), (2, b"..")):
            if request.offset < offset:
                attributes = protocol.encode_missing(0) if request.plus else b""
                entry = protocol.encode_directory_entry(
                    name, directory.node.id, offset, stat.S_IFDIR
                )
                page.add(attributes + entry)
        entries = directory.entries
        first = max(request.offset - 2, 0)
        if request.plus:
            looked_up = self._fill_plus(page, directory.node, entries, first)
        else:
            looked_up = []
            self._fill(page, directory.node, entries, first)
        return page.payload, looked_up

    def _fill(self, page: Page, parent: Node, entries: list[FileStatus], first: int) -> None:
        """Add the entries from `first` on that fit."""
        with self._tables:
            for number in range(first, len(entries)):
                status = entries[number]
                name = status.name
                known = self._tables.inodes.child(parent, name)
                entry = protocol.encode_directory_entry(
                    name.encode("utf-8", "surrogateescape"),
                    known.inode if known else inode_of(status.path),
                    number + 3,
                    file_type(status),
                )
                if not page.add(entry):
                    break

    def _fill_plus(
        self, page: Page, parent: Node, entries: list[FileStatus], first: int
    ) -> list[Node]:
        """Add the entries from `first` on that fit, with attributes; return their nodes."""
        looked_up: list[Node] = []
        inodes = self._tables.inodes
        with self._tables:
            for number in range(first, len(entries)):
                status = entries[number]
                name = status.name
                node = inodes.look_up(parent, name, status.path)
                entry = protocol.encode_entry_plus(
                    name.encode("utf-8", "surrogateescape"),
                    node.id,
                    self._files.attributes(node, status),
                    number + 3,
                    VALID_NS,
                )
                if not page.add(entry):
                    inodes.forget(node.id, 1)
                    break
                looked_up.append(node)
        return looked_up
