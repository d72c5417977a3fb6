"""Downloads under /files/: the bytes as they are in HDFS, sent piece by piece.

A file is never whole in memory, and what it says can't act for the person who opens it: HTML and
SVG are shown in a sandbox of their own, and only requests from the same site are answered.
"""

from __future__ import annotations

import mimetypes
from typing import TYPE_CHECKING, cast

from jupyter_server.auth.decorator import authorized
from jupyter_server.base.handlers import JupyterHandler
from tornado import web

if TYPE_CHECKING:
    from hdfs_contents.manager import HDFSContentsManager

_PIECE = 1024 * 1024


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
        manager = cast("HDFSContentsManager", self.contents_manager)
        path = path.strip("/")
        located = manager.locate(path, hidden_status=404)
        file = await manager.in_thread(path, manager.filesystem.open_read, located)
        piece = await manager.in_thread(path, file.read, _PIECE)
        name = path.rsplit("/", 1)[-1]
        self.set_header("Content-Type", content_type(name, piece))
        self.set_header("Content-Length", str(file.size))
        if self.get_argument("download", None):
            self.set_attachment_header(name)
        while body and piece:
            self.write(piece)
            await self.flush()
            piece = await manager.in_thread(path, file.read, _PIECE)

    def compute_etag(self) -> None:
        """Return None: it would be that of an empty body."""
