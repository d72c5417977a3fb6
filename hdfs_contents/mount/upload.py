"""Sends a large file to HDFS while a program still writes it, if it writes in order.

The bytes go to a temporary file beside the target, in a thread of its own. So closing the file does
not have to wait for all of it, and a file may be larger than the staging directory: what was sent
need not stay there.
"""

from __future__ import annotations

import logging
from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import suppress

from hadoop_client.hdfs.atomic import first_mode
from hadoop_client.hdfs.interface import FileStatus, FileSystem
from hadoop_client.hdfs.paths import join, parent, temporary_beside
from hdfs_contents.mount.overlay import Overlay

log = logging.getLogger(__name__)

#: From this size on a file is sent while it is written.
UPLOAD_FROM = 16 * 1024 * 1024

_CHUNK = 1024 * 1024


class Upload:
    """The first `sent` bytes of a file, in a temporary file. Not thread-safe."""

    def __init__(
        self, fs: FileSystem, find_path: Callable[[], str], keep: FileStatus | None
    ) -> None:
        """Create the temporary file beside the path that `find_path` returns; raises the errors of
        `fs.open_write`."""
        self._find_path = find_path
        self._temporary = temporary_beside(find_path())
        self.sent = 0
        self._fs = fs
        self._writer = fs.open_write(self._temporary, first_mode(keep))
        self._thread = ThreadPoolExecutor(1, thread_name_prefix="upload")
        self._sending: Future[None] | None = None

    @property
    def temporary(self) -> str:
        """The path of the temporary file, which moves with its directory."""
        with suppress(FileNotFoundError):  # the target was deleted
            name = self._temporary.rpartition("/")[2]
            self._temporary = join(parent(self._find_path()), name)
        return self._temporary

    def advance(self, overlay: Overlay) -> None:
        """Send whole chunks in the background. Wait only for those of the call before."""
        end = overlay.size - overlay.size % _CHUNK
        if end > self.sent and (self._sending is None or self._sending.done()):
            self._start(overlay, end)
        elif end > self.sent + 4 * _CHUNK:  # the program is faster than HDFS
            self.wait()
            self._start(overlay, end)

    def _start(self, overlay: Overlay, end: int) -> None:
        self.wait()
        start, self.sent = self.sent, end
        self._sending = self._thread.submit(self._send, overlay, start, end)

    def _send(self, overlay: Overlay, start: int, end: int) -> None:
        for offset in range(start, end, _CHUNK):
            self._writer.write(overlay.read(offset, min(_CHUNK, end - offset)))

    def wait(self) -> None:
        """Wait until all that was passed on is sent; raises the error of sending."""
        if self._sending is not None:
            self._sending.result()

    def send_all(self, overlay: Overlay) -> None:
        """Send all that the overlay has now, and wait until HDFS has it."""
        self._send_rest(overlay)
        self._writer.sync()

    def _send_rest(self, overlay: Overlay) -> None:
        if overlay.size > self.sent:
            self._start(overlay, overlay.size)
        self.wait()

    def finish(self, overlay: Overlay) -> None:
        """Send the rest and close the temporary file."""
        self._send_rest(overlay)
        self._writer.close()
        self._thread.shutdown()

    def abandon(self) -> None:
        """Delete the temporary file."""
        with suppress(OSError):
            self.wait()
        self._thread.shutdown()
        try:
            self._fs.delete(self.temporary)
        except FileNotFoundError:
            pass  # its directory was moved or deleted
        except OSError as error:
            log.warning("%s was left behind in HDFS: %s", self.temporary, error.strerror)
