"""Open files: what programs read and write through their handles, and when it is published.

A draft's lock is held while its content is read, changed or published.
"""

from __future__ import annotations

import errno
import logging
import os
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, contextmanager, suppress
from functools import partial
from pathlib import Path

from hadoop_client.hdfs.atomic import is_same
from hadoop_client.hdfs.interface import FileStatus, FileSystem, Reader, Writer
from hadoop_client.hdfs.paths import parent
from hdfs_contents.mount.attributes import attributes
from hdfs_contents.mount.drafts import (
    Draft,
    close_append,
    complete,
    may_append,
    open_version,
    publish,
    was_published,
)
from hdfs_contents.mount.inodes import Node
from hdfs_contents.mount.overlay import Budget, Overlay
from hdfs_contents.mount.protocol import Attributes
from hdfs_contents.mount.readers import Readers
from hdfs_contents.mount.tables import Handle, Tables
from hdfs_contents.mount.upload import UPLOAD_FROM

log = logging.getLogger(__name__)


class OpenFiles:
    """Reads, writes and publishes files. `staging` is a directory on the local disk."""

    def __init__(self, fs: FileSystem, tables: Tables, staging: Path, budget: Budget) -> None:
        self._fs = fs
        self._tables = tables
        self._staging = staging
        self._budget = budget
        self._readers = Readers(fs, tables, self._path)
        self._uid, self._gid = os.getuid(), os.getgid()

    def open(self, node: Node, flags: int) -> Handle:
        """Open a file."""
        path = self._path(node)
        handle = Handle(0, node, flags)
        if not handle.writable:
            if self._fresh_draft(node, path) is None:
                self._readers.open(handle)
            with self._tables:
                self._tables.add(handle)
            return handle
        self._add_writable(handle, path)
        if flags & os.O_TRUNC:
            self._truncate(self.draft(node), 0)
        return handle

    def create(self, node: Node, flags: int, version: FileStatus, created: Writer) -> Handle:
        """Open a file that was just created, empty.

        It is closed in HDFS with its content, which saves half of the calls for a small file.
        """
        handle = Handle(0, node, flags)
        with self._tables:
            draft = self._new_draft(node, version)
            draft.created, draft.replaces_any = created, True
            self._tables.drafts[node.id] = draft
            self._tables.recorder.draft(draft)
            self._tables.add(handle)
        return handle

    def _add_writable(self, handle: Handle, path: str) -> None:
        node = handle.node
        draft = self._fresh_draft(node, path)
        version = draft.version if draft else self._version_to_change(path)
        with self._tables:
            if node.id not in self._tables.drafts:
                self._tables.drafts[node.id] = self._new_draft(node, version)
                self._tables.recorder.draft(self._tables.drafts[node.id])
            self._tables.add(handle)

    def _version_to_change(self, path: str) -> FileStatus:
        """Return the status of a file; raises the error that publishing a change would have."""
        version = self._fs.stat(path)
        if version.is_dir:
            raise IsADirectoryError(errno.EISDIR, "it is a directory", path)
        if version.owner != self._fs.user or not version.mode & 0o200:
            self._fs.check_write(path)
        self._fs.check_write(parent(path))
        return version

    def _new_draft(self, node: Node, version: FileStatus) -> Draft:
        local = self._staging / f"{node.id}-{self._tables.next_handle}"
        overlay = Overlay(local, self._budget, self.opener(node, version), version.size)
        return Draft(node, overlay, version)

    def opener(self, node: Node, version: FileStatus) -> Callable[[], Reader]:
        """Return a function that opens a version of a file, under the name that it has then."""

        def open_base() -> Reader:
            return open_version(self._fs, self._path(node), version)

        return open_base

    def size(self, handle: Handle) -> int | None:
        """Return the size of an open file; None if that is unknown."""
        draft = self.draft_or_none(handle.node)
        if draft is not None:
            return draft.overlay.size
        return handle.reader.size if handle.reader else None

    def attributes(self, node: Node, status: FileStatus) -> Attributes:
        """Return attributes with the changes that are not in HDFS yet."""
        draft = self._tables.drafts.get(node.id)
        if draft is not None and draft.is_dirty:
            changed = draft.status
            status = status._replace(size=changed.size, modified_ms=changed.modified_ms)
        node.shown_size, node.shown_ms = status.size, status.modified_ms
        shown = attributes(status, self._fs.user, node.inode, self._uid, self._gid)
        return shown._replace(links=0) if node.is_deleted else shown

    def draft(self, node: Node) -> Draft:
        return self._tables.drafts[node.id]

    def draft_or_none(self, node: Node) -> Draft | None:
        return self._tables.drafts.get(node.id)

    def _fresh_draft(self, node: Node, path: str) -> Draft | None:
        """Return the draft of a file, if it has one. If another client has changed the file since
        it was published, the draft follows."""
        draft = self.draft_or_none(node)
        if draft is not None and not draft.is_dirty:
            self.follow(draft, self._fs.stat(path))
        return draft

    def follow(self, draft: Draft, status: FileStatus) -> None:
        """Let a draft without changes have the content that HDFS has now."""
        with draft.lock:
            if (
                not is_same(status, draft.version)
                and not draft.is_dirty
                and not draft.replaces_any
                and not draft.node.is_deleted
            ):
                draft.follow(status, self.opener(draft.node, status))
                self._record(draft)
                draft.overlay.trim()

    @contextmanager
    def held(self, *nodes: Node | None) -> Iterator[None]:
        """Publish nothing of these files, and of those below these directories, meanwhile."""
        with self._tables:
            drafts = [
                draft for draft in self._tables.drafts.values() if draft.node.is_below(*nodes)
            ]
        with ExitStack() as locks:
            # In one order everywhere, so that no two threads wait for each other.
            for draft in sorted(drafts, key=lambda draft: draft.node.id):
                locks.enter_context(draft.lock)
            yield

    def _handle(self, handle_id: int) -> Handle:
        with self._tables:
            handle = self._tables.handles.get(handle_id)
        if not isinstance(handle, Handle):
            raise OSError(errno.EBADF, "it is not open")
        return handle

    def read(self, handle_id: int, offset: int, size: int) -> Sequence[bytes | memoryview]:
        """Return the bytes from `offset` to `offset + size`, or to the end, in parts."""
        handle = self._handle(handle_id)
        draft = self.draft_or_none(handle.node)
        if draft is not None:
            with draft.lock:
                if self.draft_or_none(handle.node) is draft:  # else it was dropped just now
                    return [draft.overlay.read(offset, size)]
        return self._readers.read(handle, offset, size)

    def write(self, handle_id: int, offset: int, data: memoryview, flags: int) -> int:
        draft = self.draft(self._handle(handle_id).node)
        with draft.lock:
            if flags & os.O_APPEND:
                offset = draft.overlay.size
            self._write(draft, offset, data)
            with self._tables:
                self._tables.recorder.wrote(draft, offset, offset + len(data))
            if draft.overlay.size >= UPLOAD_FROM and not draft.node.is_deleted:
                draft.send(self._fs, partial(self._path, draft.node))
        return len(data)

    def _write(self, draft: Draft, offset: int, data: memoryview) -> None:
        """Write to the staging file. If it is full, what HDFS can have already goes there."""
        try:
            draft.write(offset, data)
        except OSError as error:
            if error.errno != errno.ENOSPC or not self._make_room(draft):
                raise
            draft.write(offset, data)

    def _make_room(self, draft: Draft) -> bool:
        if draft.make_room():
            self._record(draft)
            draft.overlay.trim()
            return True
        if draft.is_dirty and may_append(draft):
            self.publish(draft)
            return True
        return False

    def _path(self, node: Node) -> str:
        with self._tables:
            return self._tables.inodes.path(node)

    def truncate(self, node: Node, size: int, handle_id: int | None) -> None:
        """Set the size of a file, and publish it if the program has not opened it."""
        if handle_id is not None or node.is_deleted:
            self._truncate(self.draft(node), size)
            return
        # A handle of its own: the last program that has it open may just be closing it.
        handle = self.open(node, os.O_WRONLY)
        try:
            self._truncate(self.draft(node), size)
            self.flush(handle.id)
        finally:
            self.release(handle.id)

    def _truncate(self, draft: Draft, size: int) -> None:
        with draft.lock:
            draft.truncate(size)
            self._record(draft)

    def set_mode(self, node: Node, mode: int) -> None:
        self._fs.set_permission(self._path(node), mode)
        node.changed = time.monotonic()
        draft = self.draft_or_none(node)
        if draft is not None:
            with draft.lock:
                draft.version = draft.version._replace(mode=mode)

    def set_time(self, draft: Draft, modified_ms: int) -> None:
        """Set the time of a file that is published later."""
        with draft.lock:
            draft.set_time(modified_ms)
            self._record(draft)

    def _record(self, draft: Draft) -> None:
        with self._tables:
            self._tables.recorder.draft(draft)

    def flush(self, handle_id: int) -> None:
        """Publish the changes of a file that a program has written to."""
        handle = self._handle(handle_id)
        if handle.writable:
            self.publish(self.draft(handle.node))

    def publish(self, draft: Draft) -> None:
        """Write changes to HDFS, if there are any and the file was not deleted."""
        with draft.lock:
            if draft.node.is_deleted:
                return
            if draft.next_version is not None:
                self._recover(draft)
            if draft.is_appending:
                self._close_append(draft)
            draft.attempted = draft.changes
            self._complete(draft)
            if not draft.is_dirty:
                return

            def before_rename(version: FileStatus) -> None:
                draft.next_version = version
                self._record(draft)

            def before_append() -> None:
                draft.is_appending = True
                self._record(draft)

            path = self._path(draft.node)
            status = publish(self._fs, path, draft, before_rename, before_append)
            draft.follow(status, self.opener(draft.node, status))
            self._record(draft)
            draft.overlay.trim()

    def _close_append(self, draft: Draft) -> None:
        """Take the file with what was appended to it as the version that the draft changes."""
        version = close_append(self._fs, self._path(draft.node), draft)
        draft.version, draft.is_appending = version, False
        draft.overlay.set_base(self.opener(draft.node, version), draft.overlay.base_size)
        self._record(draft)

    def recover(self) -> None:
        """Go on with the drafts of a daemon that was killed."""
        for draft in list(self._tables.drafts.values()):
            if not draft.node.is_deleted:
                with suppress(OSError):  # then publishing reports it
                    self._recover(draft)

    def _recover(self, draft: Draft) -> None:
        """Find out whether the last attempt to publish had effect: the daemon was killed then, or
        HDFS has not answered in time."""
        version = draft.next_version
        if version is not None and was_published(self._fs, self._path(draft.node), version):
            draft.version, draft.published = version, draft.attempted
            size = min(version.size, draft.overlay.size)
            draft.overlay.set_base(self.opener(draft.node, version), size)
        draft.next_version = None
        self._record(draft)

    def _complete(self, draft: Draft) -> None:
        """Close a file that was just created, with its content if that is possible."""
        created, draft.created = draft.created, None
        if created is None:
            return
        try:
            status = complete(self._fs, self._path(draft.node), draft, created)
        except OSError as error:  # publishing the content succeeds, or says why it cannot
            log.info("%s was not closed: %s", draft.version.path, error.strerror)
            return
        if status.size == draft.overlay.size:
            draft.follow(status, self.opener(draft.node, status))
        else:
            draft.version = status
        self._record(draft)
        draft.overlay.trim()

    def release(self, handle_id: int) -> None:
        """Close a handle. Changes that no flush has seen are published: those by `mmap`."""
        with self._tables:
            handle = self._tables.handles.get(handle_id)
            draft = self._tables.drafts.get(handle.node.id) if handle else None
        is_unfinished = draft and (draft.is_unattempted or draft.created)
        if isinstance(handle, Handle) and handle.writable and draft and is_unfinished:
            with suppress(OSError):  # nobody is there to be told
                self.publish(draft)
        with self._tables:
            self._tables.remove(handle_id)
        if draft is not None:
            self._drop_if_closed(draft)
        if isinstance(handle, Handle):
            handle.close_reader()

    def _drop_if_closed(self, draft: Draft) -> None:
        if self._is_used(draft):  # perhaps its lock is held while it is published
            return
        with draft.lock, self._tables:
            if self._is_used(draft) or self._tables.drafts.get(draft.node.id) is not draft:
                return  # opened or dropped just now
            readers = self._tables.of(draft.node)
            del self._tables.drafts[draft.node.id]
            self._tables.recorder.dropped(draft)
            draft.overlay.close()
        for handle in readers:
            handle.close_reader()
        if draft.is_dirty and not draft.node.is_deleted:
            log.warning("Changes of %s are lost: they could not be written", draft.version.path)
        draft.stop_upload()

    def _is_used(self, draft: Draft) -> bool:
        with self._tables:
            # Of a deleted file the draft is all that is left.
            handles = self._tables.of(draft.node)
            return any(handle.writable or draft.node.is_deleted for handle in handles)

    def keep_content(self, node: Node) -> None:
        """Fetch the content of a file that is about to be deleted, if a program has it open.

        Raises OSError, EBUSY, if the staging directory has no room for it.
        """
        with self._tables:
            if not self._tables.of(node):
                return
            path = self._tables.inodes.path(node)
        version = self._fs.stat(path)
        with self._tables:
            draft = self._tables.drafts.get(node.id) or self._new_draft(node, version)
            self._tables.drafts[node.id] = draft
        try:
            with draft.lock:
                draft.overlay.fetch()
                self._record(draft)
        except OSError as error:
            self._drop_if_closed(draft)
            if error.errno == errno.ENOSPC:
                reason = "a program has it open, and it is too large to be kept for it"
                raise OSError(errno.EBUSY, reason, path) from error
            raise
