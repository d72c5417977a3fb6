"""Checkpoints in HDFS: the last ones of each file, in a hidden directory beside it.

- The newest is `.ipynb_checkpoints/NAME-checkpoint.EXT`, as on a local disk; older ones, where
  `keep` asks for them, have their time in the name. A directory takes all of them along.
- Made and restored by copying bytes from HDFS to HDFS, replaced as a whole.
- A checkpoint's id is its time, so that it stays the same while newer ones come.
- Listing them changes nothing.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from contextlib import suppress
from pathlib import PurePosixPath
from typing import Any, TypeVar, cast

from jupyter_server.services.contents.checkpoints import AsyncCheckpoints
from tornado.web import HTTPError
from traitlets import Integer

from hadoop_client.hdfs.atomic import copy_file, removed_on_failure
from hadoop_client.hdfs.interface import FileStatus, FileSystem
from hadoop_client.hdfs.paths import parent, temporary_beside
from hdfs_contents import models
from hdfs_contents.models import Model
from hdfs_contents.paths import CHECKPOINT_DIR
from hdfs_contents.store import ContentsStore

T = TypeVar("T")

_NAME = "checkpoint"


def checkpoint_path(hdfs_path: str, older: int | None = None) -> str:
    """Return where the newest checkpoint of a file is, or the one of the time `older` (ms)."""
    file = PurePosixPath(hdfs_path)
    number = "" if older is None else f"-{older:013}"
    return str(file.parent / CHECKPOINT_DIR / f"{file.stem}-{_NAME}{number}{file.suffix}")


def is_checkpoint_of(name: str, hdfs_path: str) -> bool:
    """Tell whether a name in the directory of checkpoints is that of one of the file's."""
    file = PurePosixPath(hdfs_path)
    pattern = rf"{re.escape(file.stem)}-{_NAME}(-\d{{13}})?{re.escape(file.suffix)}"
    return re.fullmatch(pattern, name) is not None


class HDFSCheckpoints(AsyncCheckpoints):
    """Checkpoints of the HDFSContentsManager that is its parent."""

    keep = Integer(
        1, min=1, config=True, help="How many checkpoints a file has; older ones are deleted."
    )

    @property
    def _store(self) -> ContentsStore:
        return cast(Any, self.parent).store

    def _locate(self, path: str) -> str:
        """Return where the file is; the checkpoint of the root would be outside of it."""
        if not path.strip("/"):
            raise HTTPError(400, "The directory of notebooks itself has no checkpoints")
        return self._store.locate(path, hidden_status=404)

    @property
    def _fs(self) -> FileSystem:
        return self._store.fs

    async def create_checkpoint(self, contents_mgr: Any, path: str) -> Model:
        """Keep the file as it is now; the oldest checkpoint goes where there are too many."""
        return await self._in_thread(path, self._create)

    async def restore_checkpoint(self, contents_mgr: Any, checkpoint_id: str, path: str) -> None:
        """Make the file what it was at the checkpoint."""
        await self._in_thread(path, self._restore, checkpoint_id)

    async def list_checkpoints(self, path: str) -> list[Model]:
        """Return the checkpoints of a file, the oldest first."""
        return [_model(status) for status in await self._in_thread(path, self._all)]

    async def delete_checkpoint(self, checkpoint_id: str, path: str) -> None:
        """Delete a checkpoint; 404 where there is none."""
        await self._in_thread(path, self._delete, checkpoint_id)

    async def delete_all_checkpoints(self, path: str) -> None:
        """Delete the checkpoints, if any, after the file itself was deleted."""
        await self._in_thread(path, self._delete_all)

    async def rename_all_checkpoints(self, old_path: str, new_path: str) -> None:
        """Take the checkpoints along after the file was renamed."""
        new = self._locate(new_path)
        try:
            await self._in_thread(old_path, self._rename_all, new)
        except HTTPError as error:  # the file itself has its new name, and that is what counts
            self.log.warning("The checkpoints of %s stayed behind: %s", old_path, error.log_message)

    async def _in_thread(self, path: str, function: Callable[..., T], *args: Any) -> T:
        """Run `function(path, where the file is, *args)` in a thread."""
        path = path.strip("/")
        return await self._store.run(path, function, path, self._locate(path), *args)

    def _create(self, path: str, located: str) -> Model:
        status = self._fs.stat(located)
        if status.is_dir:
            raise HTTPError(400, f"{path} is a directory, which has no checkpoints")
        target = checkpoint_path(located)
        self._make_directory(target)
        newest = self._store.stat_or_none(target)
        if newest is not None and self.keep > 1:
            self._fs.rename(target, checkpoint_path(located, older=newest.modified_ms))
            newest = None
        made = copy_file(self._fs, located, target, replaces=newest, keep=status)
        if self.keep > 1:
            for old in self._all(path, located)[: -self.keep]:
                self._fs.delete(old.path)
        return _model(made)

    def _all(self, path: str, located: str) -> list[FileStatus]:
        """Return the checkpoints of a file, the oldest first."""
        newest = checkpoint_path(located)
        if self.keep == 1:
            status = self._store.stat_or_none(newest)
            return [] if status is None else [status]
        try:
            entries = self._fs.list_dir(parent(newest))
        except (FileNotFoundError, NotADirectoryError):
            return []
        found = [entry for entry in entries if is_checkpoint_of(entry.name, located)]
        return sorted(found, key=lambda status: status.modified_ms)

    def _find(self, path: str, located: str, checkpoint_id: str) -> FileStatus:
        """Return a checkpoint by its id; `checkpoint` is the newest one's, as on a local disk."""
        for status in reversed(self._all(path, located)):
            if checkpoint_id in (_NAME, _id(status)):
                return status
        raise HTTPError(404, f"{path} has no checkpoint {checkpoint_id!r}")

    def _restore(self, path: str, located: str, checkpoint_id: str) -> None:
        checkpoint = self._find(path, located, checkpoint_id)
        there = self._store.stat_or_none(located)
        if there is not None:
            self._fs.check_write(located)
        restored = copy_file(
            self._fs, checkpoint.path, located, replaces=there, keep=there or checkpoint
        )
        self._store.seen.saw(restored)

    def _delete(self, path: str, located: str, checkpoint_id: str) -> None:
        self._fs.delete(self._find(path, located, checkpoint_id).path)

    def _delete_all(self, path: str, located: str) -> None:
        for checkpoint in self._all(path, located):
            self._fs.delete(checkpoint.path)

    def _rename_all(self, path: str, old: str, new: str) -> None:
        for checkpoint in self._all(path, old):
            newest = checkpoint.path == checkpoint_path(old)
            target = checkpoint_path(new, older=None if newest else checkpoint.modified_ms)
            self._make_directory(target)
            self._fs.rename(checkpoint.path, target, overwrite=True)

    def _make_directory(self, checkpoint: str) -> None:
        """Make a checkpoint's directory: who may write in the one above it may write in it."""
        directory = parent(checkpoint)
        if self._fs.exists(directory):
            return
        made = temporary_beside(directory)
        with suppress(FileExistsError), removed_on_failure(self._fs, made):
            self._fs.mkdirs(made, 0o700)
            self._fs.copy_access(parent(directory), made)
            self._fs.rename(made, directory)


def _id(status: FileStatus) -> str:
    return str(status.modified_ms)


def _model(status: FileStatus) -> Model:
    return {"id": _id(status), "last_modified": models.changed(status)}
