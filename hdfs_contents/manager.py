"""The contents manager: what jupyter_server asks for, done in HDFS.

- A save replaces a file as a whole: whatever fails, the old content or the new is there
  (`atomic.py`). `last_modified` of what a save returns is what the next `get` says.
- The event loop never waits for HDFS, nor for the parsing and signing of a notebook: that is done
  in a few threads, and every call to HDFS has a deadline.
- Nothing is lost in silence: what somebody else has changed since a client here has seen it is not
  replaced (409), and what is deleted goes to the person's trash.
- `root_dir` is a convenience. Who may read and write what is for the permissions in HDFS to say.
- Kernels and terminals run on the local disk and don't see these files: they start in the notebook
  server's own directory.
"""

from __future__ import annotations

import asyncio
import fnmatch
import hashlib
import re
from functools import cached_property, lru_cache
from typing import Any, get_args
from weakref import WeakValueDictionary

from jupyter_server.services.contents.manager import AsyncContentsManager, copy_pat
from nbformat.sign import NotebookNotary
from tornado.web import HTTPError
from traitlets import Bool, Dict, Enum, Integer, TraitError, Unicode, default, validate

from hadoop_client.hdfs.filesystem import FileStatus, Kind
from hadoop_client.hdfs.paths import join, parent
from hdfs_contents import root
from hdfs_contents.checkpoints import HDFSCheckpoints
from hdfs_contents.files_handler import HDFSFilesHandler
from hdfs_contents.http_errors import http_errors
from hdfs_contents.models import Model
from hdfs_contents.operations import copy, delete, read, rename, save
from hdfs_contents.paths import InvalidPathError, is_hidden, normalize_root, to_hdfs
from hdfs_contents.signing import make_thread_safe
from hdfs_contents.store import ContentsStore


class HDFSContentsManager(AsyncContentsManager):
    """Keeps notebooks and files in HDFS."""

    root_dir = Unicode(
        config=True,
        help="The directory in HDFS that is the root; by default, what root_dir_template gives.",
    )

    root_dir_template = Unicode(
        "{home}/notebooks",
        config=True,
        help="""
        The root directory of each user. {home} is the user's home directory in HDFS, {username}
        their name: HADOOP_USER_NAME, else JUPYTERHUB_USER, else the user that runs the notebook
        server.
        """,
    )

    create_root_dir_on_startup = Bool(
        True, config=True, help="Create root_dir on startup if it is not there, for its owner only."
    )

    hdfs_host = Unicode(
        "default",
        config=True,
        help="""
        The host of the NameNode, or a name service of the Hadoop configuration. By default, what
        fs.defaultFS names in the configuration in HADOOP_CONF_DIR.
        """,
    )

    hdfs_port = Integer(
        0, config=True, help="The port of the NameNode on hdfs_host; 0 for a name service."
    )

    filesystem_kind = Enum(
        get_args(Kind),
        "auto",
        config=True,
        help="""
        What moves the content of files: "native" is hdfs-native, which needs no Java; "libhdfs" is
        Hadoop's own client in a JVM, for what hdfs-native can't; "auto" is libhdfs only for files
        in encryption zones whose key hdfs-native can't get.
        """,
    )

    delete_to_trash = Bool(
        True,
        config=True,
        help="""
        Move what people delete to their trash in HDFS, where the cluster has one: until it is
        emptied, by fs.trash.interval, hdfs dfs -mv brings it back.
        """,
    )

    local_dirs = Dict(
        value_trait=Unicode(),
        config=True,
        help="""
        Folders of the machine that the server runs on, by the names that they have beside what is
        in HDFS: {"scratch": "$PWD/scratch"}. Environment variables are filled in, and a folder that
        is not there is made. What is in them may be gone with the server.
        """,
    )

    always_delete_dir = Bool(
        False,
        config=True,
        help="""
        Let people delete directories that are not empty where no trash takes them: for good.
        """,
    )

    max_document_size_mb = Integer(
        200,
        config=True,
        help="""
        The largest file in megabytes that is opened as a document, whole and in memory. Larger
        ones can still be downloaded, uploaded and copied.
        """,
    )

    max_copy_folder_size_mb = Integer(
        500,
        config=True,
        help="""
        The largest directory in megabytes that is copied, or moved where that takes a copy, while
        the browser waits for it.
        """,
    )

    hash_algorithm = Enum(
        sorted(name for name in hashlib.algorithms_available if not name.startswith("shake")),
        "sha256",
        config=True,
        help="The algorithm of the hash that a client may ask for.",
    )

    @default("root_dir")
    def _default_root_dir(self) -> str:
        return root.root_from(self.root_dir_template, root.identify())

    @validate("root_dir")
    def _validate_root_dir(self, proposal: Any) -> str:
        try:
            return normalize_root(proposal["value"])
        except InvalidPathError as error:
            raise TraitError(f"c.HDFSContentsManager.root_dir: {error}") from error

    @default("checkpoints_class")
    def _default_checkpoints_class(self) -> type[HDFSCheckpoints]:
        return HDFSCheckpoints

    @default("files_handler_class")
    def _default_files_handler_class(self) -> type[HDFSFilesHandler]:
        return HDFSFilesHandler

    @default("notary")
    def _notary_default(self) -> NotebookNotary:
        return make_thread_safe(NotebookNotary(parent=self))

    @validate("notary")
    def _validate_notary(self, proposal: Any) -> NotebookNotary:
        return make_thread_safe(proposal["value"])

    def __init__(self, **kwargs: Any) -> None:
        """Raise `startup.StartupError` where there is no HDFS to serve from."""
        super().__init__(**kwargs)
        self._saving: WeakValueDictionary[str, asyncio.Lock] = WeakValueDictionary()
        # Made here, because a default that two threads ask for at once is made twice.
        self.store, self.notary  # noqa: B018

    # Not in __init__: the check of a configured preferred_dir needs them before.

    @cached_property
    def store(self) -> ContentsStore:
        """HDFS below `root_dir`, as the one person that this process is."""
        root.identify()
        url = root.namenode_url(self.hdfs_host, self.hdfs_port)
        fs = root.open_root(
            self.root_dir, url, create=self.create_root_dir_on_startup, kind=self.filesystem_kind
        )
        fs = root.with_local_dirs(fs, self.root_dir, self.local_dirs)
        return ContentsStore(fs, self.root_dir, options=self, notebooks=self, log=self.log)

    def info_string(self) -> str:
        return f"Serving notebooks from HDFS: {self.root_dir}, as {self.store.fs.user}"

    def should_list(self, name: str) -> bool:
        """Tell whether a name is shown: unless it is one of `hide_globs`."""
        return self._hide_globs(tuple(self.hide_globs)).fullmatch(name) is None

    @staticmethod
    @lru_cache(maxsize=1)
    def _hide_globs(globs: tuple[str, ...]) -> re.Pattern[str]:
        return re.compile("|".join(map(fnmatch.translate, globs)) or "(?!)")

    # What is there

    async def is_hidden(self, path: str) -> bool:
        with http_errors(path, self.log):
            to_hdfs(self.root_dir, path)
        return is_hidden(path)

    async def exists(self, path: str) -> bool:
        return await self._status(path) is not None

    async def file_exists(self, path: str) -> bool:
        status = await self._status(path)
        return status is not None and not status.is_dir

    async def dir_exists(self, path: str) -> bool:
        status = await self._status(path)
        return status is not None and status.is_dir

    async def _status(self, path: str) -> FileStatus | None:
        with http_errors(path, self.log):
            located = to_hdfs(self.root_dir, path)
        return await self.store.run(path, self.store.stat_or_none, located)

    # Reading and writing

    async def get(
        self,
        path: str,
        content: bool = True,
        type: str | None = None,
        format: str | None = None,
        require_hash: bool = False,
    ) -> Model:
        """Return a model; HTTPError 400 where `type` or `format` is not what is there."""
        path = path.strip("/")
        self.store.locate(path, hidden_status=404)
        request = read.Request(path, bool(content), type, format, bool(require_hash))
        model = await self.store.run(path, read.get, self.store, request)
        self.emit(data={"action": "get", "path": path})
        return model

    async def save(self, model: Model, path: str = "") -> Model:
        """Save, and return the model without content. With a `chunk` it is a part of an upload:
        1 starts it, later numbers go on at its end, and with -1, the last, it is the file."""
        path = path.strip("/")
        located = self.store.locate(path)
        chunk = model.get("chunk")
        if chunk in (None, 1):
            self.run_pre_save_hooks(model=model, path=path)
        save.check(model, path)
        # One after the other: the second then knows of the first.
        async with self._saving.setdefault(located, asyncio.Lock()):
            saving = self.store.run(path, save.save, self.store, model, path, located)
            if model["type"] != "notebook":
                saved = await saving
            else:
                saved, lacks_one = await asyncio.gather(saving, self._lacks_checkpoint(path))
                if lacks_one:
                    await self._first_checkpoint(path)
        if chunk in (None, -1):
            self.run_post_save_hooks(model=saved, os_path=located)
        self.emit(data={"action": "save", "path": path})
        return saved

    async def _lacks_checkpoint(self, path: str) -> bool:
        """Tell whether a notebook has no checkpoint yet. Where that can't be known it may have one,
        which a new one would replace."""
        try:
            return not await self.checkpoints.list_checkpoints(path)
        except HTTPError as error:
            self.log.warning("The checkpoints of %s can't be listed: %s", path, error.log_message)
            return False

    async def _first_checkpoint(self, path: str) -> None:
        """Give a notebook a checkpoint from its first save on. It is saved even if that fails."""
        try:
            await self.create_checkpoint(path)
        except HTTPError as error:
            self.log.warning("%s was saved, but has no checkpoint: %s", path, error.log_message)

    async def trust_notebook(self, path: str) -> None:
        """Mark all of a notebook's cells as trusted, and sign it."""
        path = path.strip("/")
        self.store.locate(path, hidden_status=404)
        await self.store.run(path, read.trust, self.store, path)

    # Moving and copying

    async def delete_file(self, path: str) -> None:
        """Move a file or directory to the person's trash; where there is none, delete it for good:
        a directory only if it has nothing in it (unless `always_delete_dir`)."""
        path = path.strip("/")
        located = self._locate_entry(path)
        await self.store.run(path, delete.delete, self.store, path, located)

    async def rename_file(self, old_path: str, new_path: str) -> None:
        """Move a file or directory. 409 where something has the new name."""
        old_path, new_path = old_path.strip("/"), new_path.strip("/")
        if old_path == new_path:
            return
        source, target = self._locate_entry(old_path), self._locate_entry(new_path)
        await self.store.run(new_path, rename.rename, self.store, old_path, source, target)

    async def copy(self, from_path: str, to_path: str | None = None) -> Model:
        """Copy a file or a directory, byte for byte, and return its model without content. Into a
        directory it gets a name that nothing has there; 409 for a `to_path` that is taken."""
        from_path = from_path.strip("/")
        source = self._locate_entry(from_path, hidden_status=404)
        to_path = await self._copy_path(from_path, to_path)
        target = self._locate_entry(to_path)
        await self.store.run(from_path, copy.copy, self.store, from_path, source, target)
        copied = await self.get(to_path, content=False)
        if copied["type"] == "notebook" and await self._lacks_checkpoint(to_path):
            await self._first_checkpoint(to_path)
        self.emit(data={"action": "copy", "path": to_path, "source_path": from_path})
        return copied

    async def _copy_path(self, from_path: str, to_path: str | None) -> str:
        """Return where the copy goes. A directory that is missing is made for a directory only, as
        jupyter_server does it."""
        to_path = parent(from_path) if to_path is None else to_path.strip("/")
        name = from_path.rpartition("/")[2]
        if await self.dir_exists(to_path):
            name = copy_pat.sub(".", name)
            return join(to_path, await self.increment_filename(name, to_path, insert="-Copy"))
        if await self.dir_exists(from_path):
            return join(to_path, name)
        if not await self.dir_exists(parent(to_path)):
            raise HTTPError(404, f"There is no directory {parent(to_path)} to copy to")
        return to_path

    def _locate_entry(self, path: str, *, hidden_status: int = 400) -> str:
        """Return where a file or directory is that may be moved, copied or deleted: no root."""
        if not path.strip("/"):
            raise HTTPError(400, "The directory of notebooks can't be moved, copied or deleted")
        return self.store.locate(path, hidden_status=hidden_status)
