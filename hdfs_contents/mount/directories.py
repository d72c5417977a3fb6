"""Open directories: what programs read of them, a page after the other.

With the names the kernel gets the attributes, so that `ls -l` asks once for a page and not for each
file.
"""

from __future__ import annotations

import errno
import stat
import time
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
        directory = Directory(0, node)
        self._list(directory)
        with self._tables:
            return self._tables.add(directory)

    def _list(self, directory: Directory) -> list[FileStatus]:
        with self._tables:
            path = self._tables.inodes.path(directory.node)
            targets = self._tables.links
        directory.listed = time.monotonic()
        entries = [entry for entry in self._fs.list_dir(path) if not is_temporary(entry.name)]
        directory.entries = links.add_links(
            targets, path, entries, partial(links.link_status, user=self._fs.user)
        )
        return directory.entries

    def close(self, handle_id: int) -> None:
        with self._tables:
            self._tables.remove(handle_id)

    def read(self, request: messages.ReadDir) -> tuple[bytes, list[Node]]:
        """Return a page of entries, and the nodes that the kernel looks up with it."""
        with self._tables:
            directory = self._tables.handles.get(request.handle)
        if not isinstance(directory, Directory):
            raise OSError(errno.EBADF, "it is not open")
        entries = directory.entries
        if entries is None or (request.offset == 0 and directory.was_read):
            entries = self._list(directory)
        directory.was_read = True
        page = Page(request.size)
        for offset, name in ((1, b"."), (2, b"..")):
            if request.offset < offset:
                attributes = protocol.encode_missing(0) if request.plus else b""
                entry = protocol.encode_directory_entry(
                    name, directory.node.id, offset, stat.S_IFDIR
                )
                page.add(attributes + entry)
        first = max(request.offset - 2, 0)
        if request.plus:
            looked_up = self._fill_plus(page, directory, entries, first)
        else:
            looked_up = []
            self._fill(page, directory.node, entries, first)
        return page.payload, looked_up

    def _fill(self, page: Page, parent: Node, entries: list[FileStatus], first: int) -> None:
        """Add the entries from `first` on that fit."""
        with self._tables:
            for number in range(first, len(entries)):
                if not page.add(self._entry(parent, entries[number], number)):
                    break

    def _entry(self, parent: Node, status: FileStatus, number: int) -> bytes:
        """Return an entry without attributes."""
        known = self._tables.inodes.child(parent, status.name)
        return protocol.encode_directory_entry(
            status.name.encode("utf-8", "surrogateescape"),
            known.inode if known else inode_of(status.path),
            number + 3,
            file_type(status),
        )

    def _fill_plus(
        self, page: Page, directory: Directory, entries: list[FileStatus], first: int
    ) -> list[Node]:
        """Add the entries from `first` on that fit, with attributes; return their nodes."""
        looked_up: list[Node] = []
        inodes, parent = self._tables.inodes, directory.node
        is_old = time.monotonic() - directory.listed > VALID_NS / 1e9
        with self._tables:
            for number in range(first, len(entries)):
                status = entries[number]
                name = status.name
                known = inodes.child(parent, name)
                if is_old or (known is not None and known.changed > directory.listed):
                    # The kernel would take a former size, and asks for the present one instead.
                    if not page.add(
                        protocol.encode_missing(0) + self._entry(parent, status, number)
                    ):
                        break
                    continue
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
