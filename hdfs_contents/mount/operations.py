"""Answers requests: each method gets a request's node and body, and returns the answer's payload.

An answer that changes what the kernel knows has an `undo`, for the case that the kernel does not
take it: the program has given up.
"""

from __future__ import annotations

import errno
import os
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any

from hadoop_client.hdfs.interface import FileStatus, FileSystem, Usage, Writer
from hdfs_contents.mount import links, messages, protocol
from hdfs_contents.mount.attributes import may_access, space
from hdfs_contents.mount.directories import VALID_NS, Directories
from hdfs_contents.mount.files import OpenFiles
from hdfs_contents.mount.inodes import Node
from hdfs_contents.mount.names import Names
from hdfs_contents.mount.tables import Handle, Tables

#: How long the usage of the home directory is kept: the NameNode counts all files for it.
_USAGE_SECONDS = 60.0


@dataclass
class Answer:
    payload: bytes = b""
    #: The opposite of what was done, if the kernel does not take the answer.
    undo: Callable[[], object] | None = None
    #: The content of a file, which follows the payload.
    content: Sequence[bytes | memoryview] = ()
    #: A node whose attributes have changed since the kernel was told them.
    stale: int | None = None


class Operations:
    """The operations of a mounted file system."""

    def __init__(
        self, fs: FileSystem, tables: Tables, files: OpenFiles, home: str, replication: int
    ) -> None:
        """`home` is the directory whose quota `df` shows; `replication` is that of new files."""
        self._fs = fs
        self._tables = tables
        self._files = files
        self._home = home
        self._replication = replication
        self._names = Names(fs, tables, files)
        self._directories = Directories(fs, tables, files)
        self._uid, self._gid = os.getuid(), os.getgid()
        self._usage: tuple[float, Usage | None] = (-_USAGE_SECONDS, None)
        # Any: each method takes the body that it is registered for.
        self._methods: dict[type, Callable[[int, Any], Answer]] = {
            messages.Lookup: self._look_up,
            messages.Forget: self._forget,
            messages.GetAttr: self._getattr,
            messages.SetAttr: self._setattr,
            messages.Mknod: self._mknod,
            messages.Mkdir: self._mkdir,
            messages.Link: self._link,
            messages.ReadLink: self._read_link,
            messages.SetXAttr: self._set_xattr,
            messages.Unlink: self._unlink,
            messages.Rmdir: self._rmdir,
            messages.Rename: self._rename,
            messages.Open: self._open,
            messages.Create: self._create,
            messages.Read: self._read,
            messages.Write: self._write,
            messages.Flush: self._flush,
            messages.FSync: self._flush,
            messages.Release: self._release,
            messages.OpenDir: self._opendir,
            messages.ReadDir: self._readdir,
            messages.ReleaseDir: self._releasedir,
            messages.FSyncDir: self._nothing,
            messages.StatFs: self._statfs,
            messages.Access: self._access,
            messages.Destroy: self._nothing,
        }

    def __call__(self, request: messages.Request) -> Answer:
        """Answer a request. Raises OSError; ENOSYS for one that is not implemented."""
        method = self._methods.get(type(request.body))
        if method is None:
            raise OSError(errno.ENOSYS, "not implemented")
        return method(request.node, request.body)

    def _nothing(self, node_id: int, body: object) -> Answer:
        return Answer()

    def _path(self, node_id: int) -> tuple[Node, str]:
        """Return a node and its path, which is not that of a link."""
        with self._tables:
            node = self._tables.inodes.get(node_id)
            path = self._tables.inodes.path(node)
            links.refuse(self._tables.links, path)
        return node, path

    # Names

    def _look_up(self, parent_id: int, body: messages.Lookup) -> Answer:
        with self._tables:
            parent = self._tables.inodes.get(parent_id)
            path = self._tables.inodes.path_of(parent, body.name)
        try:
            status = self._status_at(path)
        except FileNotFoundError:
            if len(body.name.encode("utf-8", "surrogateescape")) > protocol.LONGEST_NAME:
                raise OSError(errno.ENAMETOOLONG, "its name is too long", path) from None
            return Answer(protocol.encode_missing(VALID_NS))
        except OSError as error:
            if error.errno in (errno.EINVAL, errno.ENAMETOOLONG):  # HDFS has no such names
                raise FileNotFoundError(errno.ENOENT, error.strerror, path) from error
            raise
        with self._tables:
            known = self._tables.inodes.child(parent, body.name)
        if known is not None:
            self._follow(known, status)
        return self._entry(parent, body.name, status)

    def _follow(self, node: Node, status: FileStatus) -> None:
        draft = self._files.draft_or_none(node)
        if draft is not None:
            self._files.follow(draft, status)

    def _entry(self, parent: Node, name: str, status: FileStatus) -> Answer:
        """Tell the kernel a name."""
        with self._tables:
            node = self._tables.inodes.look_up(parent, name)
        shown = protocol.encode_entry(node.id, self._files.attributes(node, status), VALID_NS)
        return Answer(shown, partial(self._forget, 0, messages.Forget(((node.id, 1),))))

    def _forget(self, _: int, body: messages.Forget) -> Answer:
        with self._tables:
            for node_id, lookups in body.lookups:
                self._tables.inodes.forget(node_id, lookups)
        return Answer()

    def _mkdir(self, parent_id: int, body: messages.Mkdir) -> Answer:
        parent, status = self._names.make_directory(parent_id, body)
        return self._entry(parent, body.name, status)

    def _mknod(self, parent_id: int, body: messages.Mknod) -> Answer:
        parent, status = self._names.make_file(parent_id, body)
        return self._entry(parent, body.name, status)

    def _link(self, node_id: int, body: messages.Link) -> Answer:
        raise PermissionError(errno.EPERM, "HDFS has no links")

    def _read_link(self, node_id: int, body: messages.ReadLink) -> Answer:
        with self._tables:
            path = self._tables.inodes.path(self._tables.inodes.get(node_id))
            target = self._tables.links.get(path)
        if target is None:
            raise OSError(errno.EINVAL, "it is not a link", path)
        return Answer(links.content(path, target))

    def _set_xattr(self, node_id: int, body: messages.SetXAttr) -> Answer:
        if body.name != links.ATTRIBUTE:
            raise OSError(errno.ENOTSUP, "the mount has no extended attributes")
        _, path = self._path(node_id)
        with self._tables:
            self._tables.set_links(links.decode(path, body.value))
        return Answer()

    def _unlink(self, parent_id: int, body: messages.Unlink) -> Answer:
        self._names.unlink(parent_id, body.name)
        return Answer()

    def _rmdir(self, parent_id: int, body: messages.Rmdir) -> Answer:
        self._names.remove_directory(parent_id, body.name)
        return Answer()

    def _rename(self, parent_id: int, body: messages.Rename) -> Answer:
        self._names.rename(parent_id, body)
        return Answer()

    # Attributes

    def _getattr(self, node_id: int, body: messages.GetAttr) -> Answer:
        return self._shown(self._node(node_id))

    def _node(self, node_id: int) -> Node:
        with self._tables:
            return self._tables.inodes.get(node_id)

    def _shown(self, node: Node) -> Answer:
        """Tell the kernel the attributes of a node."""
        status = self._status(node)
        self._follow(node, status)
        return Answer(protocol.encode_attributes(self._files.attributes(node, status), VALID_NS))

    def _status(self, node: Node) -> FileStatus:
        """Return the status in HDFS, or of a file that has no name or unsaved changes the own one:
        a program that writes may ask again after each write."""
        draft = self._files.draft_or_none(node)
        if draft is not None and (node.is_deleted or draft.replaces_any or draft.is_dirty):
            return draft.status
        with self._tables:
            path = self._tables.inodes.path(node)
        return self._status_at(path)

    def _status_at(self, path: str) -> FileStatus:
        target = self._tables.links.get(path)
        if target is not None:
            return links.link_status(path, target, self._fs.user)
        return self._fs.stat(path)

    def _setattr(self, node_id: int, body: messages.SetAttr) -> Answer:
        node = self._node(node_id)
        if body.uid not in (None, self._uid) or body.gid not in (None, self._gid):
            raise PermissionError(errno.EPERM, "the owner in HDFS is not changed by a number")
        if body.size is not None:
            self._files.truncate(node, body.size, body.handle)
        if body.mode is not None and not node.is_deleted:
            self._files.set_mode(node, body.mode & 0o1777)
        if body.modified_ns is not None:
            self._set_time(node, body.modified_ns)
        return self._shown(node)

    def _set_time(self, node: Node, modified_ns: int) -> None:
        if modified_ns == messages.NOW:
            modified_ns = time.time_ns()
        modified_ms = modified_ns // 1_000_000
        draft = self._files.draft_or_none(node)
        if draft is None:
            self._set_time_in_hdfs(node, modified_ms)
            return
        with draft.lock:  # a write before the draft follows would be one to another version
            if draft.is_dirty or draft.created or node.is_deleted:
                self._files.set_time(draft, modified_ms)
            else:
                self._set_time_in_hdfs(node, modified_ms)
                self._follow(node, self._status(node))

    def _set_time_in_hdfs(self, node: Node, modified_ms: int) -> None:
        _, path = self._path(node.id)
        node.changed = time.monotonic()
        try:
            self._fs.set_times(path, modified_ms=modified_ms)
        except PermissionError:
            # HDFS asks for write permission even of the owner.
            status = self._fs.stat(path)
            if status.owner != self._fs.user or status.mode & 0o200:
                raise
            self._fs.set_permission(path, status.mode | 0o200)
            try:
                self._fs.set_times(path, modified_ms=modified_ms)
            finally:
                # Another client may have replaced the file. One that took over the mode of this
                # moment gets the right one, and any other keeps its own. This file, if it was
                # renamed, stays writable: HDFS sets modes by path only.
                now = self._fs.stat(path)
                if (now.owner, now.mode) == (status.owner, status.mode | 0o200):
                    self._fs.set_permission(path, status.mode)

    def _access(self, node_id: int, body: messages.Access) -> Answer:
        node, path = self._path(node_id)
        status = self._status(node)
        if not may_access(status, self._fs.user, body.mask):
            raise PermissionError(errno.EACCES, "its mode does not allow it", path)
        if body.mask & os.W_OK and status.owner != self._fs.user:
            self._fs.check_write(path)
        return Answer()

    def _statfs(self, node_id: int, body: messages.StatFs) -> Answer:
        asked, usage = self._usage
        if time.monotonic() - asked >= _USAGE_SECONDS:
            try:
                usage = self._fs.usage(self._home)
            except (FileNotFoundError, PermissionError):
                usage = None
            self._usage = (time.monotonic(), usage)
        return Answer(protocol.encode_space(space(usage, self._replication)))

    # Files

    def _open(self, node_id: int, body: messages.Open) -> Answer:
        return self._opened(self._files.open(self._node(node_id), body.flags))

    def _opened(self, handle: Handle) -> Answer:
        node = handle.node
        # The kernel reads no further than to the size that it knows.
        is_stale = self._files.size(handle) != node.shown_size
        return Answer(
            protocol.encode_open(handle.id),
            partial(self._files.release, handle.id),
            stale=node.id if is_stale else None,
        )

    def _create(self, parent_id: int, body: messages.Create) -> Answer:
        parent, path = self._names.path_of(parent_id, body.name)
        created: Writer | None = None
        try:
            created = self._names.create(parent, path, body)
        except FileExistsError:  # another client has made it just now
            if body.flags & os.O_EXCL:
                raise
        status = self._fs.stat(path)
        entry = self._entry(parent, body.name, status)
        with self._tables:
            node = self._tables.inodes.child(parent, body.name)
        assert node is not None
        if created is not None and body.flags & os.O_ACCMODE != os.O_RDONLY:
            opened = self._opened(self._files.create(node, body.flags, status, created))
        else:
            if created is not None:
                created.close()
            opened = self._opened(self._files.open(node, body.flags))

        def undo() -> None:
            for answer in (opened, entry):
                if answer.undo:
                    answer.undo()

        return Answer(b"".join((entry.payload, opened.payload)), undo, stale=opened.stale)

    def _read(self, node_id: int, body: messages.Read) -> Answer:
        return Answer(content=self._files.read(body.handle, body.offset, body.size))

    def _write(self, node_id: int, body: messages.Write) -> Answer:
        size = self._files.write(body.handle, body.offset, body.data, body.flags)
        return Answer(protocol.encode_written(size))

    def _flush(self, node_id: int, body: messages.Flush | messages.FSync) -> Answer:
        self._files.flush(body.handle)
        return Answer()

    def _release(self, node_id: int, body: messages.Release) -> Answer:
        self._files.release(body.handle)
        return Answer()

    # Directories

    def _opendir(self, node_id: int, body: messages.OpenDir) -> Answer:
        handle = self._directories.open(self._node(node_id))
        undo = partial(self._directories.close, handle)
        return Answer(protocol.encode_open(handle), undo)

    def _releasedir(self, node_id: int, body: messages.ReleaseDir) -> Answer:
        self._directories.close(body.handle)
        return Answer()

    def _readdir(self, node_id: int, body: messages.ReadDir) -> Answer:
        page, looked_up = self._directories.read(body)
        forget = messages.Forget(tuple((node.id, 1) for node in looked_up))
        return Answer(page, partial(self._forget, 0, forget))
