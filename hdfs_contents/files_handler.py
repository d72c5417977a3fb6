"""Downloads under /files/: the bytes of a file in HDFS, streamed in chunks.

- A file is never whole in memory. Its first bytes are sent as soon as they are read.
- Range requests are supported, to seek in a video or to resume a download. Content that the browser
  has already is not sent again.
- A download that fails breaks the connection; it never looks like a complete, shorter file.
- The content of a file cannot act for the user who opens it: HTML and SVG are sandboxed, and only
  requests from the same site are answered.
"""

from __future__ import annotations

import mimetypes
from typing import TYPE_CHECKING, cast

from jupyter_server.auth.decorator import authorized
from jupyter_server.base.handlers import JupyterHandler
from tornado import web
from tornado.iostream import StreamClosedError

from hdfs_contents import ranges
from hdfs_contents.store import ContentsStore, HasStore

if TYPE_CHECKING:
    from hadoop_client.hdfs.interface import FileStatus, Reader

_CHUNK = 1024 * 1024

#: The size of the first read. The content type is guessed from it if the file's name has no known
#: extension.
_FIRST_CHUNK = 16 * 1024


def content_type(name: str, first_chunk: bytes) -> str:
    """Return the MIME type for a file name; for an unknown one, text if the file begins with
    UTF-8."""
    if name.lower().endswith(".ipynb"):
        return "application/x-ipynb+json"
    guessed, encoding = mimetypes.guess_type(name)
    if encoding is not None:  # RFC 6713: the type is that of the archive, not of its content
        return "application/gzip" if encoding == "gzip" else "application/octet-stream"
    if guessed is None:
        guessed = "text/plain" if _is_text(first_chunk) else "application/octet-stream"
    return "text/plain; charset=UTF-8" if guessed == "text/plain" else guessed


def _is_text(first_chunk: bytes) -> bool:
    try:
        first_chunk.decode()
    except UnicodeDecodeError as error:
        # The end of the chunk may have cut a character in two.
        return error.reason == "unexpected end of data"
    return True


class HDFSFilesHandler(JupyterHandler):
    """GET and HEAD of a file. With `?download=1` the browser saves it instead of showing it."""

    auth_resource = "contents"

    @property
    def content_security_policy(self) -> str:
        return f"{super().content_security_policy}; sandbox allow-scripts"

    @property
    def _store(self) -> ContentsStore:
        return cast("HasStore", self.contents_manager).store

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
        hdfs_path = self._store.locate(path, hidden_status=404)
        status = await self._store.run(path, self._store.fs.stat, hdfs_path)
        await self._store.run(path, self._store.refuse_unknown_content, status)
        file = await self._store.run(path, self._store.fs.open_read, hdfs_path)
        try:
            await self._respond(path, status, file, body=body)
        finally:
            await self._store.run(path, file.close)

    async def _respond(self, path: str, status: FileStatus, file: Reader, *, body: bool) -> None:
        first_chunk = await self._store.run(path, file.read, _FIRST_CHUNK)
        self._set_file_headers(path, status, first_chunk)
        if self._is_not_modified(status):
            self.set_status(304)
            return
        try:
            offsets = self._select_range(status, file.size)
        except ranges.NotSatisfiableError:
            self.set_status(416)
            self.set_header("Content-Range", f"bytes */{file.size}")
            return
        self.set_header("Content-Length", str(len(offsets)))
        if body:
            await self._send(path, file, offsets)

    def _set_file_headers(self, path: str, status: FileStatus, first_chunk: bytes) -> None:
        name = path.rsplit("/", 1)[-1]
        self.set_header("Content-Type", content_type(name, first_chunk))
        self.set_header("Accept-Ranges", "bytes")
        self.set_header("Etag", ranges.etag(status))
        self.set_header("Last-Modified", ranges.last_modified(status))
        # The file may change, and another user may use this browser: revalidate each time.
        self.set_header("Cache-Control", "private, no-cache")
        if self.get_argument("download", None):
            self.set_attachment_header(name)

    def _is_not_modified(self, status: FileStatus) -> bool:
        if "If-None-Match" in self.request.headers:
            return self.check_etag_header()
        return ranges.not_modified_since(status, self.request.headers.get("If-Modified-Since"))

    def _select_range(self, status: FileStatus, size: int) -> range:
        """Return the offsets to send; for a part of the file, set status 206."""
        headers = self.request.headers
        offsets = None
        if ranges.range_is_current(status, headers.get("If-Range")):
            offsets = ranges.parse_range(headers.get("Range"), size)
        if offsets is None:
            return range(size)
        self.set_status(206)
        self.set_header("Content-Range", ranges.content_range(offsets, size))
        return offsets

    async def _send(self, path: str, file: Reader, offsets: range) -> None:
        file.seek(offsets.start)
        remaining = len(offsets)
        while remaining:
            chunk = await self._store.run(path, file.read, min(remaining, _CHUNK))
            if not chunk:
                raise web.HTTPError(
                    500,
                    f"The download of {path} broke off: HDFS has {remaining:,} bytes fewer",
                )
            remaining -= len(chunk)
            self.write(chunk)
            try:
                await self.flush()
            except StreamClosedError:
                return  # the client closed the connection

    def compute_etag(self) -> None:
        """Return None. Tornado's would be the one of an empty body."""
