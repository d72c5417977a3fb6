"""HDFS below one root directory, shared by the contents manager, its checkpoints and its handler.

Owns the file system, the worker threads, the uploads in progress, and what clients have seen and
were asked. It does not import the manager: `StoreOptions` and `Notebooks` are what it needs of it.
"""

from __future__ import annotations

import asyncio
import errno
import logging
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from typing import ParamSpec, Protocol, TypeVar

from nbformat.sign import NotebookNotary
from tornado.web import HTTPError

from hadoop_client.hdfs.interface import FileStatus, FileSystem
from hdfs_contents.http_errors import http_errors
from hdfs_contents.paths import is_hidden, to_hdfs
from hdfs_contents.permanent_deletes import PermanentDeletes
from hdfs_contents.seen_files import LastSeen
from hdfs_contents.shared import SharedDirectories
from hdfs_contents.snapshots import Snapshots
from hdfs_contents.uploads import Uploads

P = ParamSpec("P")
T = TypeVar("T")

#: How many requests work on HDFS at the same time. A browser sends a few at a time.
_THREADS = 8


class StoreOptions(Protocol):
    """The options that decide what is listed, opened, copied and deleted."""

    allow_hidden: bool
    delete_to_trash: bool
    always_delete_dir: bool
    max_document_size_mb: int
    max_listed_entries: int
    max_copy_folder_size_mb: int
    hash_algorithm: str

    def should_list(self, name: str) -> bool: ...


class Notebooks(Protocol):
    """What jupyter_server does with notebooks: trust, signatures and validation."""

    notary: NotebookNotary

    def mark_trusted_cells(self, nb: object, path: str = "") -> None: ...

    def check_and_sign(self, nb: object, path: str = "") -> None: ...

    def validate_notebook_model(
        self, model: object, validation_error: dict[str, object] | None = None
    ) -> dict[str, str]: ...


class ContentsStore:
    """HDFS below `root`, and `shared` directories. Its methods block, except `run`, which calls
    them from the event loop."""

    def __init__(
        self,
        fs: FileSystem,
        root: str,
        shared: SharedDirectories,
        options: StoreOptions,
        notebooks: Notebooks,
        log: logging.Logger,
    ) -> None:
        self.fs = fs
        self.root = root
        self.shared = shared
        self.options = options
        self.notebooks = notebooks
        self.log = log
        self.last_seen = LastSeen()
        self.permanent_deletes = PermanentDeletes()
        self.snapshots = Snapshots(fs)
        self.uploads = Uploads(fs)
        self.signing_threads = ThreadPoolExecutor(_THREADS, thread_name_prefix="hdfs-signing")
        self._threads = ThreadPoolExecutor(_THREADS, thread_name_prefix="hdfs-contents")

    async def run(
        self, api_path: str, function: Callable[P, T], *args: P.args, **kwargs: P.kwargs
    ) -> T:
        """Call `function` in a worker thread. Its errors become HTTPErrors about `api_path`."""
        loop = asyncio.get_running_loop()
        with http_errors(api_path, self.log):
            call = partial(function, *args, **kwargs)
            return await loop.run_in_executor(self._threads, call)

    def hdfs_path(self, api_path: str) -> str:
        """Return the path in HDFS, also behind a shared directory; raise InvalidPathError."""
        return self.shared.resolve(to_hdfs(self.root, api_path))

    def is_shared(self, api_path: str) -> bool:
        """Return whether a path, which must be valid, is that of a shared directory itself."""
        return to_hdfs(self.root, api_path) in self.shared.links

    def locate(self, api_path: str, *, hidden_status: int = 400) -> str:
        """Return the path in HDFS; HTTPError with `hidden_status` if it is hidden and hidden files
        are not allowed."""
        with http_errors(api_path, self.log):
            hdfs_path = self.hdfs_path(api_path)
        if not self.options.allow_hidden and is_hidden(api_path):
            raise HTTPError(hidden_status, f"{api_path}: hidden files cannot be used here")
        return hdfs_path

    def refuse_unclosed(self, hdfs_path: str, advice: str) -> None:
        """Raise OSError (EBUSY) for a file that another program is writing: what it writes would be
        lost with the file."""
        if self.fs.is_being_written(hdfs_path):
            reason = f"another program has it open for writing. {advice}"
            raise OSError(errno.EBUSY, reason, hdfs_path)

    def refuse_unknown_content(self, status: FileStatus) -> None:
        """Raise OSError (EBUSY) for a file being written of which HDFS shows nothing yet: it would
        look empty."""
        if not status.size and not status.is_dir and self.fs.is_being_written(status.path):
            raise OSError(
                errno.EBUSY,
                "another program is writing it, and HDFS does not show its content yet. Try again "
                "when that program has closed it",
                status.path,
            )

    def stat_or_none(self, hdfs_path: str) -> FileStatus | None:
        """Return the status of a path in HDFS, or None if it does not exist."""
        try:
            return self.fs.stat(hdfs_path)
        except (FileNotFoundError, NotADirectoryError):
            return None


class HasStore(Protocol):
    """The contents manager, as its checkpoints and its handler see it."""

    store: ContentsStore
