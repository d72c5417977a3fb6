"""Drafts: files that programs have open for writing, and their publication in HDFS.

All descriptors of a file share its draft, so that programs in the container see each other's writes
at once. HDFS, and so all other clients, get the content as a whole at fsync and at close, by
`hadoop_client.hdfs.atomic`: written beside and renamed, with mode, group and ACL kept. Only the end
of a large file is appended in HDFS.

A draft of an older version replaces only that version: if another client has changed the file in
between, closing fails with ESTALE. One that was created or emptied first replaces any.
"""

from __future__ import annotations

import errno
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field

from hadoop_client.hdfs import atomic
from hadoop_client.hdfs.atomic import is_same, refuse_changed, removed_on_failure, write_file
from hadoop_client.hdfs.errors import is_transfer_failure
from hadoop_client.hdfs.interface import FileStatus, FileSystem, Reader, Writer
from hadoop_client.hdfs.paths import lock_path
from hdfs_contents.mount.inodes import Node
from hdfs_contents.mount.overlay import Overlay
from hdfs_contents.mount.upload import UPLOAD_FROM, Upload

#: From this size on a file is appended to in HDFS. Smaller ones are written anew, which leaves the
#: old content or the new whatever happens.
_APPEND_FROM = 4 * 1024 * 1024

#: Seconds to wait for HDFS to close a file, which takes it some.
_CLOSE_WAITS = (0.1, 0.4, 1, 2, 4, 4, 4)

#: How many bytes are compared at once.
_COMPARED = 4 * 1024 * 1024

#: What hdfs-native sends to a DataNode at once.
_PACKET = 64 * 1024


@dataclass
class Draft:
    """The content of `node` in `overlay`, which changes the `version` in HDFS.

    `changes` counts them. `published` is the number that HDFS has, and `attempted` the number at
    the last failed publication.
    """

    node: Node
    overlay: Overlay
    version: FileStatus
    changes: int = 0
    published: int = 0
    attempted: int = 0
    #: When it was last changed, or the time that a program has set, in milliseconds.
    modified_ms: int = 0
    #: Whether a program has set that time after the last change.
    keeps_time: bool = False
    #: What was sent to HDFS already, of a large file that is being written in order.
    upload: Upload | None = None
    #: The version that is being published. HDFS may have it also if the daemon is killed then, or
    #: if publishing it fails.
    next_version: FileStatus | None = None
    #: Whether an append was begun that has not succeeded: HDFS may have a part of the changes, and
    #: may have the file open.
    is_appending: bool = False
    #: The file in HDFS that a program has just created and that is not closed there yet.
    created: Writer | None = None
    #: Whether the file was created or emptied since it was published.
    replaces_any: bool = False
    #: Whether no program has gone back to bytes that were sent.
    in_order: bool = True
    lock: threading.RLock = field(default_factory=threading.RLock)

    @property
    def is_dirty(self) -> bool:
        """Whether HDFS does not have all changes."""
        return self.changes != self.published

    @property
    def is_unattempted(self) -> bool:
        """Whether there are changes that were neither published nor reported as failed."""
        return self.changes not in (self.published, self.attempted)

    @property
    def status(self) -> FileStatus:
        """The status that programs see."""
        if not self.is_dirty:
            return self.version
        return self.version._replace(size=self.overlay.size, modified_ms=self.modified_ms)

    def write(self, offset: int, data: bytes | memoryview) -> None:
        self.overlay.write(offset, data)
        self._changed(offset)

    def truncate(self, size: int) -> None:
        self.replaces_any |= size == 0
        if size != self.overlay.size:
            self.overlay.truncate(size)
            self._changed(size)
            self.in_order |= size == 0

    def send(self, fs: FileSystem, find_path: Callable[[], str]) -> None:
        """Send what may be sent already. Raises OSError if HDFS refuses it, or if a part of it is
        there only and the rest cannot follow."""
        overlay = self.overlay
        # What is in HDFS only is kept: the program may fill the gap, or leave zeros there.
        if self.upload is not None and not overlay.is_sequential and not overlay.dropped:
            self.stop_upload()
        if self.in_order and overlay.is_sequential and overlay.size >= UPLOAD_FROM:
            try:
                if self.upload is None and not overlay.dropped:
                    self.upload = Upload(fs, find_path, self.version)
                if self.upload is not None:
                    self.upload.advance(overlay)
            except OSError as error:
                if overlay.dropped or not _may_pass(error):
                    raise
                self.stop_upload()
                self.in_order = False  # all is sent when the file is closed

    def make_room(self) -> bool:
        """Give up bytes that HDFS has; return whether there are some."""
        if self.upload is None or not self.overlay.is_sequential:
            return False
        self.upload.send_all(self.overlay)
        self.overlay.drop()
        return True

    def stop_upload(self) -> None:
        """Delete what was sent."""
        if self.upload is not None:
            self.upload.abandon()
            self.upload = None

    def set_time(self, modified_ms: int) -> None:
        """Set the time that the content gets when it is published."""
        self.modified_ms, self.keeps_time = modified_ms, True
        if self.created is not None:
            self.version = self.version._replace(modified_ms=modified_ms)

    def _changed(self, offset: int) -> None:
        """Note a change from `offset` on."""
        self.changes += 1
        if self.upload is not None and offset < self.upload.sent:
            self.stop_upload()
            self.in_order = False
        self.modified_ms, self.keeps_time = time.time_ns() // 1_000_000, False
        self.node.changed = time.monotonic()

    def follow(self, version: FileStatus, open_base: Callable[[], Reader]) -> None:
        """Take the content of a version in HDFS, which has all changes or replaces them."""
        self.version, self.next_version = version, None
        self.replaces_any = self.is_appending = False
        self.published = self.attempted = self.changes
        self.node.changed = time.monotonic()
        self.overlay.rebase(open_base, version.size)


def open_version(fs: FileSystem, path: str, version: FileStatus) -> Reader:
    """Open a file for reading; raises OSError, ESTALE, if it is another version now."""
    reader = fs.open_read(path)
    refuse_changed(fs.stat(path), version)
    return reader


def was_published(fs: FileSystem, path: str, next_version: FileStatus) -> bool:
    """Return whether HDFS has a version that was being published. If it has not, the lock that was
    held for it is deleted."""
    with suppress(FileNotFoundError):
        if is_same(fs.stat(path), next_version):
            return True
    with suppress(FileNotFoundError):
        if is_same(fs.stat(lock_path(path)), next_version):
            fs.delete(lock_path(path))
    return False


def close_append(fs: FileSystem, path: str, draft: Draft) -> FileStatus:
    """Have HDFS close a file to which an append was begun; return its version, which has a part of
    the changes. Raises OSError: EBUSY if HDFS does not close it soon, ESTALE if another client has
    changed it."""
    fs.recover(path)
    for wait in _CLOSE_WAITS:
        if not fs.is_being_written(path):
            break
        time.sleep(wait)
    else:
        raise OSError(errno.EBUSY, "HDFS has not closed it after an append that failed", path)
    version = fs.stat(path)
    if not draft.replaces_any and not _is_part(fs, path, version.size, draft.overlay):
        refuse_changed(version, draft.version)
    return version


def _is_part(fs: FileSystem, path: str, size: int, overlay: Overlay) -> bool:
    """Return whether a file of that size has appended what the overlay appends, or a part of it."""
    with fs.open_read(path) as file:
        starts = range(overlay.base_size, size, _COMPARED)
        lengths = (min(_COMPARED, size - start) for start in starts)
        return size >= overlay.base_size and all(
            file.read_at(start, length) == overlay.read(start, length)
            for start, length in zip(starts, lengths, strict=True)
        )


def publish(
    fs: FileSystem,
    path: str,
    draft: Draft,
    before_rename: Callable[[FileStatus], None],
    before_append: Callable[[], None],
) -> FileStatus:
    """Write the content of a draft to HDFS; return the new version."""
    overlay, version = draft.overlay, draft.version
    replaces = _status_or_none(fs, path) if draft.replaces_any else version
    modified_ms = draft.modified_ms if draft.keeps_time else None
    if draft.upload is not None:
        sent = _finish_upload(fs, path, draft, draft.upload, replaces, before_rename)
        if sent is not None:
            return sent

    def write() -> FileStatus:
        return write_file(
            fs,
            path,
            overlay.chunks(),
            replaces=replaces,
            modified_ms=modified_ms,
            before_rename=before_rename,
        )

    if may_append(draft) and modified_ms is None:
        return _append_or(write, fs, path, draft, before_append)
    return write()


def _append_or(
    write: Callable[[], FileStatus],
    fs: FileSystem,
    path: str,
    draft: Draft,
    before_append: Callable[[], None],
) -> FileStatus:
    """Append to a file, or write it anew if HDFS cannot append to it."""
    # If appending fails, the file is left open, and HDFS does not show all of it.
    draft.overlay.open_base()
    refuse_changed(fs.stat(path), draft.version)
    before_append()
    try:
        writer = fs.open_append(path)
    except OSError as error:
        # hdfs-native may not be able to set up the DataNodes of the last block.
        if error.errno != errno.ENOTSUP and not is_transfer_failure(error):
            draft.is_appending = False
            raise
        writer = None
    with _recovered_on_failure(fs, path):
        if writer is not None:
            try:
                return _append(fs, path, draft, writer)
            except OSError as error:
                if not is_transfer_failure(error):
                    raise
        return write()


@contextmanager
def _recovered_on_failure(fs: FileSystem, path: str) -> Iterator[None]:
    """Have HDFS close a file that was left open, if the block fails."""
    try:
        yield
    except OSError:
        with suppress(OSError):  # the other failure is reported
            fs.recover(path)
        raise


def _finish_upload(
    fs: FileSystem,
    path: str,
    draft: Draft,
    upload: Upload,
    replaces: FileStatus | None,
    before_rename: Callable[[FileStatus], None],
) -> FileStatus | None:
    """Send the rest, and publish it. Return None if all of it has to be sent again."""
    draft.upload = None
    is_sent = False
    try:
        with removed_on_failure(fs, upload.temporary):
            upload.finish(draft.overlay)
            is_sent = True
            if draft.keeps_time:
                fs.set_times(upload.temporary, modified_ms=draft.modified_ms)
            return atomic.publish(
                fs,
                upload.temporary,
                path,
                size=draft.overlay.size,
                replaces=replaces,
                keep=replaces,
                before_rename=before_rename,
            )
    except OSError as error:
        # Another client has renamed its directory, or a DataNode has died.
        is_lost = isinstance(error, FileNotFoundError) or (not is_sent and _may_pass(error))
        if draft.overlay.dropped or not is_lost:
            raise
        return None


def _may_pass(error: OSError) -> bool:
    """Return whether other DataNodes may take what could not be sent."""
    return is_transfer_failure(error) or error.errno == errno.EAGAIN


def complete(fs: FileSystem, path: str, draft: Draft, created: Writer) -> FileStatus:
    """Close a file that was created empty, with its content if that is small: one packet, of which
    a DataNode has all or nothing. Return its status."""
    if 0 < draft.overlay.size <= _PACKET:
        created.write(draft.overlay.read(0, _PACKET))
    created.close()
    if draft.keeps_time:
        fs.set_times(path, modified_ms=draft.modified_ms)
    return fs.stat(path)


def _status_or_none(fs: FileSystem, path: str) -> FileStatus | None:
    try:
        return fs.stat(path)
    except FileNotFoundError:
        return None


def may_append(draft: Draft) -> bool:
    """Return whether all changes are at the end of a large file."""
    overlay = draft.overlay
    is_large = overlay.base_size == draft.version.size >= _APPEND_FROM
    return is_large and overlay.only_appends


def _append(fs: FileSystem, path: str, draft: Draft, writer: Writer) -> FileStatus:
    with writer:
        for chunk in draft.overlay.chunks(draft.overlay.base_size):
            writer.write(chunk)
    status = fs.stat(path)
    if status.size != draft.overlay.size:
        raise OSError(
            errno.EIO,
            f"HDFS kept only {status.size:,} of {draft.overlay.size:,} bytes",
            path,
        )
    return status
