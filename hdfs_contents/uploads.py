"""Uploads in parts: one file of HDFS stays open for each, and is published with the last part.

- Until then what was there before is there, and nobody sees the parts.
- Parts are joined in the order of their numbers. One that is missing, that comes twice, or that no
  upload waits for, ends the upload with a sentence.
- An upload that starts again has nothing of the one before. One that nobody goes on with is given
  up, and what it has written is deleted.
- A part says of which file it is, but not of which upload: where two upload a file of one name at
  once, a part of one that has the number that the other waits for can't be told from its own.
"""

from __future__ import annotations

import errno
import logging
import threading
import time

from hadoop_client.hdfs.atomic import first_mode, publish, removed_on_failure
from hadoop_client.hdfs.interface import FileStatus, FileSystem
from hadoop_client.hdfs.paths import temporary_beside

log = logging.getLogger(__name__)

#: The numbers of the first and of the last part.
FIRST, LAST = 1, -1

#: After so long without a next part nobody goes on with an upload: a browser sends them in a row.
ABANDONED_SECONDS = 600.0


def out_of_order(target: str, part: int, taken: int) -> OSError:
    """Return the error for a part that is not the next one after the `taken` ones."""
    if part in range(FIRST, taken + 1):
        what = f"part {part} of the upload came twice"
    else:
        what = f"part {taken + 1} of the upload is missing"
    return OSError(errno.EINVAL, f"{what}: upload the file again", target)


class Uploads:
    """The uploads under way, by the path that each file will have. Used by many threads."""

    def __init__(self, fs: FileSystem, abandoned_seconds: float = ABANDONED_SECONDS) -> None:
        self._fs = fs
        self._abandoned_seconds = abandoned_seconds
        self._lock = threading.Lock()
        self._uploads: dict[str, _Upload] = {}

    def begin(self, target: str, data: bytes, replaces: FileStatus | None) -> FileStatus:
        """Take the first part of what will be `target`, in place of `replaces`. Return a status
        with the size so far."""
        if (before := self._forget(target)) is not None:
            before.abort()
        upload = _Upload(self._fs, target, replaces)
        with self._lock:
            self._uploads[target] = upload
        self._watch(upload, self._abandoned_seconds)
        return self._add(upload, FIRST, data)

    def go_on(self, target: str, part: int, data: bytes) -> FileStatus:
        """Take the next part. Return a status with the size so far, or after the `LAST` part that
        of the file. OSError, EINVAL where it is not the next one."""
        with self._lock:
            upload = self._uploads.get(target)
        if upload is None:
            raise out_of_order(target, part, taken=0)
        return self._add(upload, part, data)

    def _add(self, upload: _Upload, part: int, data: bytes) -> FileStatus:
        try:
            status = upload.add(part, data)
        except BaseException:
            self._forget(upload.target, upload)
            raise
        if part == LAST:
            self._forget(upload.target, upload)
        return status

    def _forget(self, target: str, only: _Upload | None = None) -> _Upload | None:
        with self._lock:
            if only is not None and self._uploads.get(target) is not only:
                return None  # it has started again meanwhile
            return self._uploads.pop(target, None)

    def _watch(self, upload: _Upload, seconds: float) -> None:
        timer = threading.Timer(seconds, self._give_up_abandoned, [upload])
        timer.daemon = True
        timer.start()

    def _give_up_abandoned(self, upload: _Upload) -> None:
        rest = upload.used + self._abandoned_seconds - time.monotonic()
        if rest > 0:
            self._watch(upload, rest)
        elif self._forget(upload.target, upload) is not None:
            log.info("The upload of %s is given up: no part of it came any more", upload.target)
            upload.abort()


class _Upload:
    """A file of which parts are written, beside its place."""

    def __init__(self, fs: FileSystem, target: str, replaces: FileStatus | None) -> None:
        self.target = target
        self.used = time.monotonic()
        self._fs = fs
        self._replaces = replaces
        self._temporary = temporary_beside(target)
        self._writer = fs.open_write(self._temporary, first_mode(replaces))
        with removed_on_failure(fs, self._temporary):
            self._status = fs.stat(self._temporary)._replace(path=target)
        self._parts = 0
        self._lock = threading.Lock()

    def add(self, part: int, data: bytes) -> FileStatus:
        with self._lock, removed_on_failure(self._fs, self._temporary):
            if part not in (self._parts + 1, LAST):
                raise out_of_order(self.target, part, self._parts)
            self._writer.write(data)
            self._parts += 1
            self._status = self._status._replace(size=self._status.size + len(data))
            self.used = time.monotonic()
            return self._publish() if part == LAST else self._status

    def _publish(self) -> FileStatus:
        self._writer.close()
        return publish(
            self._fs,
            self._temporary,
            self.target,
            size=self._status.size,
            replaces=self._replaces,
            keep=self._replaces,
        )

    def abort(self) -> None:
        with self._lock:
            try:
                self._fs.delete(self._temporary)
            except FileNotFoundError:
                pass  # it was published, or had failed
            except OSError as error:
                log.warning("%s was left behind in HDFS: %s", self._temporary, error.strerror)
