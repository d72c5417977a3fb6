"""Uploads in chunks. Each upload keeps one temporary file in HDFS open and publishes it with the
last chunk.

- Until then the target keeps its old content, and no chunk is visible.
- Chunks are appended in the order of their numbers. A missing or duplicate chunk, or one without an
  upload, aborts the upload with an error.
- Starting an upload again discards the previous one. An abandoned upload is aborted, and what it
  wrote is deleted.
- A chunk names its file but not its upload. If two clients upload to the same path at the same
  time, a chunk of one that has the next number of the other is accepted by mistake.
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

#: The numbers of the first and of the last chunk.
FIRST, LAST = 1, -1

#: An upload without a next chunk for so long is abandoned. A browser sends them one after another.
ABANDONED_SECONDS = 600.0


def out_of_order_error(target: str, chunk: int, received: int) -> OSError:
    """Return the error for a chunk that does not follow the `received` ones."""
    if chunk in range(FIRST, received + 1):
        reason = f"part {chunk} of the upload was sent twice"
    else:
        reason = f"part {received + 1} of the upload is missing"
    return OSError(errno.EINVAL, f"{reason}: upload the file again", target)


class Uploads:
    """The uploads in progress, by target path. Thread-safe."""

    def __init__(self, fs: FileSystem, abandoned_seconds: float = ABANDONED_SECONDS) -> None:
        self._fs = fs
        self._abandoned_seconds = abandoned_seconds
        self._lock = threading.Lock()
        self._uploads: dict[str, _Upload] = {}

    def start(self, target: str, data: bytes, replaces: FileStatus | None) -> FileStatus:
        """Write the first chunk of a file that will replace `replaces`, or be new. Return a status
        with the size so far."""
        if (previous := self._remove(target)) is not None:
            previous.abort()
        upload = _Upload(self._fs, target, replaces)
        with self._lock:
            self._uploads[target] = upload
        self._start_timer(upload, self._abandoned_seconds)
        return self._append(upload, FIRST, data)

    def append(self, target: str, chunk: int, data: bytes) -> FileStatus:
        """Write the next chunk. Return a status with the size so far; after the `LAST` chunk, the
        status of the file. Raises OSError (EINVAL) if it is not the next chunk."""
        with self._lock:
            upload = self._uploads.get(target)
        if upload is None:
            raise out_of_order_error(target, chunk, received=0)
        return self._append(upload, chunk, data)

    def _append(self, upload: _Upload, chunk: int, data: bytes) -> FileStatus:
        try:
            status = upload.append(chunk, data)
        except BaseException:
            self._remove(upload.target, upload)
            raise
        if chunk == LAST:
            self._remove(upload.target, upload)
        return status

    def _remove(self, target: str, only: _Upload | None = None) -> _Upload | None:
        with self._lock:
            if only is not None and self._uploads.get(target) is not only:
                return None  # another upload of the same file has started since
            return self._uploads.pop(target, None)

    def _start_timer(self, upload: _Upload, seconds: float) -> None:
        timer = threading.Timer(seconds, self._abort_if_abandoned, [upload])
        timer.daemon = True
        timer.start()

    def _abort_if_abandoned(self, upload: _Upload) -> None:
        remaining = upload.last_used + self._abandoned_seconds - time.monotonic()
        if remaining > 0:
            self._start_timer(upload, remaining)
        elif self._remove(upload.target, upload) is not None:
            log.info("Aborted the upload of %s: no further chunk arrived", upload.target)
            upload.abort()


class _Upload:
    """A file whose chunks are written to a temporary file in the same directory."""

    def __init__(self, fs: FileSystem, target: str, replaces: FileStatus | None) -> None:
        self.target = target
        self.last_used = time.monotonic()
        self._fs = fs
        self._replaces = replaces
        self._temporary = temporary_beside(target)
        self._writer = fs.open_write(self._temporary, first_mode(replaces))
        with removed_on_failure(fs, self._temporary):
            self._status = fs.stat(self._temporary)._replace(path=target)
        self._received = 0
        self._lock = threading.Lock()

    def append(self, chunk: int, data: bytes) -> FileStatus:
        with self._lock, removed_on_failure(self._fs, self._temporary):
            if chunk not in (self._received + 1, LAST):
                raise out_of_order_error(self.target, chunk, self._received)
            self._writer.write(data)
            self._received += 1
            self._status = self._status._replace(size=self._status.size + len(data))
            self.last_used = time.monotonic()
            return self._publish() if chunk == LAST else self._status

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
                pass  # it was published, or failed
            except OSError as error:
                log.warning("Could not delete %s in HDFS: %s", self._temporary, error.strerror)
