"""HDFS below one root, as the contents manager and its parts share it.

Owns the file system, the worker threads, the uploads under way and what clients have seen of files.
It knows neither jupyter_server nor the manager: `options` and `notebooks` are what it needs of
them.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Any, Protocol, TypeVar

from tornado.web import HTTPError

from hadoop_client.hdfs.interface import FileStatus, FileSystem
from hdfs_contents.http_errors import http_errors
from hdfs_contents.paths import is_hidden, to_hdfs
from hdfs_contents.seen_files import LastSeen
from hdfs_contents.uploads import Uploads

T = TypeVar("T")

#: Requests that work on HDFS at the same time; a browser sends a few at a time.
_THREADS = 8


class Options(Protocol):
    """The settings that decide what is listed, opened, copied and deleted."""

    allow_hidden: bool
    delete_to_trash: bool
    always_delete_dir: bool
    max_document_size_mb: int
    max_copy_folder_size_mb: int
    hash_algorithm: str

    def should_list(self, name: str) -> bool: ...


class Notebooks(Protocol):
    """What jupyter_server does with notebooks: trust, signatures and validation."""

    notary: Any

    def mark_trusted_cells(self, nb: Any, path: str = "") -> None: ...

    def check_and_sign(self, nb: Any, path: str = "") -> None: ...

    def validate_notebook_model(self, model: Any, validation_error: Any = None) -> Any: ...


class ContentsStore:
    """Everything below `root`; blocking methods, and `run` to call them from the event loop."""

    def __init__(
        self,
        fs: FileSystem,
        root: str,
        options: Options,
        notebooks: Notebooks,
        log: logging.Logger,
    ) -> None:
        self.fs = fs
        self.root = root
        self.options = options
        self.notebooks = notebooks
        self.log = log
        self.seen = LastSeen()
        self.uploads = Uploads(fs)
        self.signing_threads = ThreadPoolExecutor(_THREADS, thread_name_prefix="hdfs-signing")
        self._threads = ThreadPoolExecutor(_THREADS, thread_name_prefix="hdfs-contents")

    async def run(self, api_path: str, function: Callable[..., T], *args: Any) -> T:
        """Run `function(*args)` in a worker thread; failures become the answer about `api_path`."""
        loop = asyncio.get_running_loop()
        with http_errors(api_path, self.log):
            return await loop.run_in_executor(self._threads, function, *args)

    def locate(self, api_path: str, *, hidden_status: int = 400) -> str:
        """Return the file's path in HDFS; HTTPError with `hidden_status` if it is hidden."""
        with http_errors(api_path, self.log):
            located = to_hdfs(self.root, api_path)
        if not self.options.allow_hidden and is_hidden(api_path):
            raise HTTPError(hidden_status, f"{api_path}: hidden files can't be used here")
        return located

    def stat_or_none(self, hdfs_path: str) -> FileStatus | None:
        """Return the status of a path in HDFS, or None if nothing is there."""
        try:
            return self.fs.stat(hdfs_path)
        except (FileNotFoundError, NotADirectoryError):
            return None
