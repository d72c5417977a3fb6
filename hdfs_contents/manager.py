"""The contents manager of jupyter_server for files in HDFS.

- A save replaces a file as a whole. After any failure the file has its old content or the new one
  (`hadoop_client.hdfs.atomic`). A save returns the `last_modified` that the next `get` returns.
- The event loop never waits for HDFS, nor for parsing and signing a notebook: worker threads do
  that. Each call to HDFS has a deadline.
- No change is lost silently: a file that changed after this server's clients last saw it is not
  replaced (409), and deleted files go to the user's trash.
- `root_dir` is a convenience. HDFS permissions decide who may read and write what.
- On YARN, kernels, terminals and extensions find the same files in a local directory
  (`local_root`), to which `root_dir` is set for them once HDFS is open.
"""

from __future__ import annotations

import asyncio
import fnmatch
import os
import re
from collections.abc import Callable, Mapping
from functools import lru_cache
from weakref import WeakValueDictionary

from jupyter_server.services.contents.manager import copy_pat
from nbformat.sign import NotebookNotary
from tornado.web import HTTPError
from traitlets import default, validate

from hadoop_client.hdfs.filesystem import FileStatus, FileSystem
from hadoop_client.hdfs.paths import join, parent
from hdfs_contents import local_root, root
from hdfs_contents.answers import PathAnswer
from hdfs_contents.checkpoints import HDFSCheckpoints
from hdfs_contents.files_handler import HDFSFilesHandler
from hdfs_contents.models import Model, SentModel
from hdfs_contents.mount import links
from hdfs_contents.operations.copy import copy_entry
from hdfs_contents.operations.delete import delete_entry
from hdfs_contents.operations.read import ReadRequest, read_model, trust_notebook
from hdfs_contents.operations.rename import rename_entry
from hdfs_contents.operations.save import check_model, save_model
from hdfs_contents.options import ContentsOptions
from hdfs_contents.paths import is_hidden, to_hdfs
from hdfs_contents.signing import make_thread_safe
from hdfs_contents.store import ContentsStore


class HDFSContentsManager(ContentsOptions):
    """Keeps notebooks and files in HDFS."""

    @default("checkpoints_class")
    def _default_checkpoints_class(self) -> type[HDFSCheckpoints]:
        return HDFSCheckpoints

    @default("files_handler_class")
    def _default_files_handler_class(self) -> type[HDFSFilesHandler]:
        return HDFSFilesHandler

    @validate("notary")
    def _validate_notary(self, proposal: Mapping[str, NotebookNotary]) -> NotebookNotary:
        return make_thread_safe(proposal["value"])

    def __init__(self, **kwargs: object) -> None:
        """Open HDFS; raise `root.StartupError` if that fails."""
        self._store: ContentsStore | None = None
        self._local: local_root.LocalRoot | None = None
        self._start = ""
        super().__init__(**kwargs)
        self._save_locks: WeakValueDictionary[str, asyncio.Lock] = WeakValueDictionary()
        self._open_store()
        self.notary = make_thread_safe(self.notary)
        self._serve_locally()
        if self.show_all_of_hdfs and not self.preferred_dir:
            self.preferred_dir = self._start

    @property
    def store(self) -> ContentsStore:
        """HDFS below the configured `root_dir`."""
        # Checking a configured `preferred_dir` needs it before `__init__` opens it.
        return self._store or self._open_store()

    def _open_store(self) -> ContentsStore:
        if self._store is None:
            fs = self._open_filesystem()
            shared = root.share(self.root_dir, self.shared_dirs)
            for path in shared.hidden(fs):
                self.log.warning("%s is not shown: a shared directory has its name", path)
            if self.show_all_of_hdfs:
                self._start, self.root_dir = self.root_dir.strip("/"), "/"
            other = self.hdfs_host != "default"
            self._local = local_root.find(self.root_dir, os.environ, other_filesystem=other)
            shown = self.local_dirs if self._local is None else self._local.shown | self.local_dirs
            fs = root.add_local_dirs(fs, self.root_dir, shown, shared)
            self._store = ContentsStore(
                fs, self.root_dir, shared, options=self, notebooks=self, log=self.log
            )
        return self._store

    def _open_filesystem(self) -> FileSystem:
        root.set_hadoop_user()
        url = root.namenode_url(self.hdfs_host, self.hdfs_port)
        return root.open_root(
            self.root_dir, url, create=self.create_root_dir_on_startup, kind=self.filesystem_kind
        )

    def _serve_locally(self) -> None:
        """Make the local root the one of kernels, terminals and extensions.

        Extensions join `root_dir` and a path of the API to a local path.
        """
        if self._local is None:
            return
        self.root_dir = self._local.path
        if self.parent is not None:
            self._local.serve(self.parent)
        if self._local.mounted:
            self._get_os_path = self._local.os_path  # by which nbconvert finds pictures
            self._share_locally(self._local.os_path(self._start))
        else:
            self.log.warning(self._local.notice)

    def _share_locally(self, directory: str) -> None:
        """Show the shared directories in a directory of the mount."""
        if not self.shared_dirs:
            return
        try:
            links.set_links(directory, self.store.shared.targets)
        except OSError as error:
            names = ", ".join(self.shared_dirs)
            self.log.warning("Code and terminals do not find %s: %s", names, error.strerror)

    async def get_kernel_path(self, path: str, model: object = None) -> str:
        """Return the directory, a path of the API, in which the kernel of a notebook starts."""
        if self._local is None:
            return ""
        directory = self._local.kernel_directory(path)
        # The server then looks for the directory in the event loop, and finds it in Linux's cache.
        await self.store.run(path, os.path.isdir, f"{self.root_dir}/{directory}")
        return directory

    def info_string(self) -> str:
        return f"Serving notebooks from HDFS: {self.store.root}, as {self.store.fs.user}"

    def should_list(self, name: str) -> bool:
        """Return whether a name is listed: it matches none of `hide_globs`."""
        return self._hide_pattern(tuple(self.hide_globs)).fullmatch(name) is None

    @staticmethod
    @lru_cache(maxsize=1)
    def _hide_pattern(globs: tuple[str, ...]) -> re.Pattern[str]:
        return re.compile("|".join(map(fnmatch.translate, globs)) or "(?!)")

    # Status: a PathAnswer can be awaited like the coroutine that jupyter_server declares

    def is_hidden(self, path: str) -> PathAnswer:  # type: ignore[override]
        def ask() -> bool:
            to_hdfs(self.store.root, path)
            return is_hidden(path)

        return PathAnswer(self.store, path, ask)

    def exists(self, path: str) -> PathAnswer:  # type: ignore[override]
        return self._ask(path, lambda status: status is not None)

    def file_exists(self, path: str) -> PathAnswer:  # type: ignore[override]
        return self._ask(path, lambda status: status is not None and not status.is_dir)

    def dir_exists(self, path: str) -> PathAnswer:  # type: ignore[override]
        return self._ask(path, lambda status: status is not None and status.is_dir)

    def _ask(self, path: str, question: Callable[[FileStatus | None], bool]) -> PathAnswer:
        def ask() -> bool:
            return question(self.store.stat_or_none(self.store.hdfs_path(path)))

        return PathAnswer(self.store, path, ask)

    # Reading and saving

    async def get(
        self,
        path: str,
        content: bool = True,
        type: str | None = None,
        format: str | None = None,
        require_hash: bool = False,
    ) -> Model:
        """Return a model; HTTPError 400 if the path is not of this `type` or `format`."""
        path = path.strip("/")
        self.store.locate(path, hidden_status=404)
        request = ReadRequest(path, bool(content), type, format, bool(require_hash))
        model = await self.store.run(path, read_model, self.store, request)
        self.emit(data={"action": "get", "path": path})
        return model

    async def save(self, model: SentModel, path: str = "") -> Model:
        """Save a model and return it without content.

        A model with a `chunk` is a part of an upload: 1 starts the upload, further numbers append
        to it, and -1 is the last chunk, with which the file appears.
        """
        path = path.strip("/")
        hdfs_path = self.store.locate(path)
        self._refuse_shared(path)
        chunk = model.get("chunk")
        if chunk in (None, 1):
            self.run_pre_save_hooks(model=model, path=path)
        check_model(model, path)
        # One save of a file at a time: the next one then sees the status that this one recorded.
        async with self._save_locks.setdefault(hdfs_path, asyncio.Lock()):
            saving = self.store.run(path, save_model, self.store, model, path, hdfs_path)
            if model["type"] != "notebook":
                saved = await saving
            else:
                saved, lacks_checkpoint = await asyncio.gather(saving, self._lacks_checkpoint(path))
                if lacks_checkpoint:
                    await self._create_first_checkpoint(path)
        if chunk in (None, -1):
            self.run_post_save_hooks(model=saved, os_path=hdfs_path)
        self.emit(data={"action": "save", "path": path})
        return saved

    async def _lacks_checkpoint(self, path: str) -> bool:
        """Return whether a notebook has no checkpoint yet. If that is unknown, return False: a new
        checkpoint could replace one."""
        checkpoints = self.checkpoints
        try:
            if isinstance(checkpoints, HDFSCheckpoints):  # the class is configurable
                return not await checkpoints.has_checkpoint(path)
            return not await checkpoints.list_checkpoints(path)
        except HTTPError as error:
            self.log.warning("Could not list checkpoints of %s: %s", path, error.log_message)
            return False

    async def _create_first_checkpoint(self, path: str) -> None:
        """Create a checkpoint with the first save of a notebook. The save succeeds without it."""
        try:
            await self.create_checkpoint(path)
        except HTTPError as error:
            self.log.warning("%s was saved without a checkpoint: %s", path, error.log_message)

    async def trust_notebook(self, path: str) -> None:
        """Mark all cells of a notebook as trusted, and sign it."""
        path = path.strip("/")
        self.store.locate(path, hidden_status=404)
        await self.store.run(path, trust_notebook, self.store, path)

    # Deleting, moving and copying

    async def delete_file(self, path: str) -> None:
        """Move a file or directory to the user's trash. Without a trash, delete it permanently: a
        directory only if it is empty, or `always_delete_dir` is set."""
        path = path.strip("/")
        hdfs_path = self._locate_entry(path)
        self._refuse_shared(path)
        await self.store.run(path, delete_entry, self.store, path, hdfs_path)

    async def rename_file(self, old_path: str, new_path: str) -> None:
        """Move a file or directory; HTTPError 409 if `new_path` exists."""
        old_path, new_path = old_path.strip("/"), new_path.strip("/")
        if old_path == new_path:
            return
        source, target = self._locate_entry(old_path), self._locate_entry(new_path)
        self._refuse_shared(old_path)
        self._refuse_shared(new_path)
        await self.store.run(new_path, rename_entry, self.store, old_path, source, target)

    async def copy(self, from_path: str, to_path: str | None = None) -> Model:
        """Copy a file or directory, byte for byte, and return its model without content.

        If `to_path` is a directory, the copy gets an unused name in it. HTTPError 409 if `to_path`
        is a file.
        """
        from_path = from_path.strip("/")
        source = self._locate_entry(from_path, hidden_status=404)
        to_path = await self._copy_target(from_path, to_path)
        target = self._locate_entry(to_path)
        self._refuse_shared(to_path)
        await self.store.run(from_path, copy_entry, self.store, from_path, source, target)
        copied = await self.get(to_path, content=False)
        if copied["type"] == "notebook" and await self._lacks_checkpoint(to_path):
            await self._create_first_checkpoint(to_path)
        self.emit(data={"action": "copy", "path": to_path, "source_path": from_path})
        return copied

    async def _copy_target(self, from_path: str, to_path: str | None) -> str:
        """Return the path of the copy. As in jupyter_server, a missing parent directory is created
        for the copy of a directory, and is an error for the copy of a file."""
        to_path = parent(from_path) if to_path is None else to_path.strip("/")
        name = from_path.rpartition("/")[2]
        if await self.dir_exists(to_path):
            name = copy_pat.sub(".", name)
            return join(to_path, await self.increment_filename(name, to_path, insert="-Copy"))
        if await self.dir_exists(from_path):
            return join(to_path, name)
        if not await self.dir_exists(parent(to_path)):
            raise HTTPError(404, f"Cannot copy: directory {parent(to_path)} does not exist")
        return to_path

    def _locate_entry(self, path: str, *, hidden_status: int = 400) -> str:
        """Return the path in HDFS of a file or directory to move, copy or delete; HTTPError 400 for
        the root."""
        if not path.strip("/"):
            raise HTTPError(400, "The root directory cannot be moved, copied or deleted")
        return self.store.locate(path, hidden_status=hidden_status)

    def _refuse_shared(self, path: str) -> None:
        """Raise HTTPError 403 for a change of a shared directory itself."""
        if self.store.is_shared(path):
            raise HTTPError(
                403, f"{path} is a shared directory. It cannot be moved, replaced or deleted here"
            )
