"""Downloads under /files/: the bytes as they are in HDFS, sent piece by piece.

- A file is never whole in memory, and its first bytes are sent as soon as they are read.
- A part can be asked for, to seek in a video or to go on after a break; what the browser has
  already is not sent again.
- A download that can't go on is a connection that breaks, never a short file.
- What a file says can't act for the person who opens it: HTML and SVG are shown in a sandbox of
  their own, and only requests from the same site are answered.
"""

from __future__ import annotations

import mimetypes
from typing import TYPE_CHECKING, Any, cast

from jupyter_server.auth.decorator import authorized
from jupyter_server.base.handlers import JupyterHandler
from tornado import web
from tornado.iostream import StreamClosedError

from hdfs_contents import ranges
from hdfs_contents.store import ContentsStore

if TYPE_CHECKING:
    from hadoop_client.hdfs.interface import FileStatus, Reader

_CHUNK = 1024 * 1024

#: What the type of a file is told by, where its name says nothing; and it is sent at once.
_BEGINNING = 16 * 1024


def content_type(name: str, beginning: bytes) -> str:
    """Tell it by the name of the file; where that says nothing, text if it begins like UTF-8."""
    if name.lower().endswith(".ipynb"):
        return "application/x-ipynb+json"
    guessed, encoding = mimetypes.guess_type(name)
    if encoding is not None:  # RFC 6713: what is in the archive is not what is sent
        return "application/gzip" if encoding == "gzip" else "application/octet-stream"
    if guessed is None:
        guessed = "text/plain" if _is_text(beginning) else "application/octet-stream"
    return "text/plain; charset=UTF-8" if guessed == "text/plain" else guessed


def _is_text(beginning: bytes) -> bool:
    try:
        beginning.decode()
    except UnicodeDecodeError as error:
        # A character that the end of the piece cut in two is no other encoding.
        return error.reason == "unexpected end of data"
    return True


class HDFSFilesHandler(JupyterHandler):
    """GET and HEAD of a file; `?download=1` saves it instead of showing it."""

    auth_resource = "contents"

    @property
    def content_security_policy(self) -> str:
        return f"{super().content_security_policy}; sandbox allow-scripts"

    @web.authenticated
    @authorized
    async def head(self, path: str) -> None:
        await self._serve(path, body=False)

    @web.authenticated
    @authorized
    async def get(self, path: str) -> None:
        await self._serve(path, body=True)

    async def _serve(self, path: str, *, body: bool) -> None:
        self.check_xsrf_cookie()
        path = path.strip("/")
        located = self._store.locate(path, hidden_status=404)
        status = await self._store.run(path, self._store.fs.stat, located)
        file = await self._store.run(path, self._store.fs.open_read, located)
        try:
            await self._answer(path, status, file, body=body)
        finally:
            await self._store.run(path, file.close)

    async def _answer(self, path: str, status: FileStatus, file: Reader, *, body: bool) -> None:
        beginning = await self._store.run(path, file.read, _BEGINNING)
        self._describe(path, status, beginning)
        if self._client_has(status):
            self.set_status(304)
            return
        try:
            offsets = self._offsets(status, file.size)
        except ranges.NotSatisfiableError:
            self.set_status(416)
            self.set_header("Content-Range", f"bytes */{file.size}")
            return
        self.set_header("Content-Length", str(len(offsets)))
        if body:
            await self._send(path, file, offsets)

    @property
    def _store(self) -> ContentsStore:
        return cast(Any, self.contents_manager).store

    def _describe(self, path: str, status: FileStatus, beginning: bytes) -> None:
        name = path.rsplit("/", 1)[-1]
        self.set_header("Content-Type", content_type(name, beginning))
        self.set_header("Accept-Ranges", "bytes")
        self.set_header("Etag", ranges.etag(status))
        self.set_header("Last-Modified", ranges.last_modified(status))
        # Another person may use this browser, and the file may change: it is asked for each time.
        self.set_header("Cache-Control", "private, no-cache")
        if self.get_argument("download", None):
            self.set_attachment_header(name)

    def _client_has(self, status: FileStatus) -> bool:
        if "If-None-Match" in self.request.headers:
            return self.check_etag_header()
        return ranges.is_not_newer(status, self.request.headers.get("If-Modified-Since"))

    def _offsets(self, status: FileStatus, size: int) -> range:
        headers = self.request.headers
        offsets = None
        if ranges.range_is_current(status, headers.get("If-Range")):
            offsets = ranges.asked(headers.get("Range"), size)
        if offsets is None:
            return range(size)
        self.set_status(206)
        self.set_header("Content-Range", ranges.content_range(offsets, size))
        return offsets

    async def _send(self, path: str, file: Reader, offsets: range) -> None:
        file.seek(offsets.start)
        left = len(offsets)
        while left:
            piece = await self._store.run(path, file.read, min(left, _CHUNK))
            if not piece:
                raise web.HTTPError(500, f"{path} ended before its end: was it cut off in HDFS?")
            left -= len(piece)
            self.write(piece)
            try:
                await self.flush()
            except StreamClosedError:
                return  # nobody listens any more

    def compute_etag(self) -> None:
        """Return None: it would be that of an empty body."""
