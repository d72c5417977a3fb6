"""Checkpoints in HDFS: one for each file, in a hidden directory beside it.

- `.ipynb_checkpoints/NAME-checkpoint.EXT`, as on a local disk, so a directory takes them along.
- Made and restored by copying bytes from HDFS to HDFS, replaced as a whole.
- Listing them changes nothing.
"""

from __future__ import annotations

from pathlib import PurePosixPath
from typing import TYPE_CHECKING, Any, cast

from jupyter_server.services.contents.checkpoints import AsyncCheckpoints
from tornado.web import HTTPError

from hdfs_contents import models
from hdfs_contents.atomic import copy_file
from hdfs_contents.filesystem import FileStatus, FileSystem
from hdfs_contents.models import Model
from hdfs_contents.paths import parent

if TYPE_CHECKING:
    from hdfs_contents.manager import HDFSContentsManager

CHECKPOINT_DIR = ".ipynb_checkpoints"

#: The only checkpoint that a file has.
CHECKPOINT_ID = "checkpoint"


def checkpoint_path(hdfs_path: str) -> str:
    """Return where the checkpoint of a file is."""
    file = PurePosixPath(hdfs_path)
    name = f"{file.stem}-{CHECKPOINT_ID}{file.suffix}"
    return str(file.parent / CHECKPOINT_DIR / name)


class HDFSCheckpoints(AsyncCheckpoints):
    """Checkpoints of the HDFSContentsManager that is its parent."""

    @property
    def _manager(self) -> HDFSContentsManager:
        return cast("HDFSContentsManager", self.parent)

    def _locate(self, path: str) -> str:
        """Return where the file is; the checkpoint of the root would be outside of it."""
        if not path.strip("/"):
            raise HTTPError(400, "The directory of notebooks itself has no checkpoints")
        return self._manager.locate(path, hidden_status=404)

    @property
    def _fs(self) -> FileSystem:
        return self._manager.filesystem

    async def create_checkpoint(self, contents_mgr: Any, path: str) -> Model:
        """Keep the file as it is now, in place of the last checkpoint."""
        path = path.strip("/")
        located = self._locate(path)
        return await self._manager.in_thread(path, self._create, path, located)

    async def restore_checkpoint(self, contents_mgr: Any, checkpoint_id: str, path: str) -> None:
        """Make the file what it was at the checkpoint."""
        path = path.strip("/")
        located = self._locate(path)
        self._check_id(checkpoint_id, path)
        await self._manager.in_thread(path, self._restore, path, located)

    async def list_checkpoints(self, path: str) -> list[Model]:
        """Return the one checkpoint, or an empty list."""
        path = path.strip("/")
        located = self._locate(path)
        status = await self._manager.in_thread(
            path, self._manager.stat_or_none, checkpoint_path(located)
        )
        return [] if status is None else [_model(status)]

    async def delete_checkpoint(self, checkpoint_id: str, path: str) -> None:
        """Delete the checkpoint; 404 where there is none."""
        path = path.strip("/")
        located = self._locate(path)
        self._check_id(checkpoint_id, path)
        await self._manager.in_thread(path, self._delete, path, located)

    async def delete_all_checkpoints(self, path: str) -> None:
        """Delete the checkpoint, if any, after the file itself was deleted."""
        if await self.list_checkpoints(path):
            await self.delete_checkpoint(CHECKPOINT_ID, path)

    async def rename_all_checkpoints(self, old_path: str, new_path: str) -> None:
        """Take the checkpoint along after the file was renamed."""
        old = self._locate(old_path)
        new = self._locate(new_path)
        try:
            await self._manager.in_thread(new_path, self._rename, old, new)
        except HTTPError as error:  # the file itself has its new name, and that is what counts
            self.log.warning("The checkpoint of %s stayed behind: %s", old_path, error.log_message)

    def _check_id(self, checkpoint_id: str, path: str) -> None:
        if checkpoint_id != CHECKPOINT_ID:
            raise HTTPError(404, f"{path} has no checkpoint {checkpoint_id!r}")

    def _create(self, path: str, located: str) -> Model:
        status = self._fs.stat(located)
        if status.is_dir:
            raise HTTPError(400, f"{path} is a directory, which has no checkpoints")
        target = checkpoint_path(located)
        self._make_directory(target)
        return _model(copy_file(self._fs, located, target, keep=status, overwrite=True))

    def _restore(self, path: str, located: str) -> None:
        checkpoint = self._manager.stat_or_none(checkpoint_path(located))
        if checkpoint is None:
            raise HTTPError(404, f"{path} has no checkpoint")
        there = self._manager.stat_or_none(located)
        if there is not None:
            self._fs.check_write(located)
        copy_file(
            self._fs,
            checkpoint.path,
            located,
            keep=there or checkpoint,
            overwrite=there is not None,
        )

    def _delete(self, path: str, located: str) -> None:
        try:
            self._fs.delete(checkpoint_path(located))
        except FileNotFoundError as error:
            raise HTTPError(404, f"{path} has no checkpoint") from error

    def _rename(self, old: str, new: str) -> None:
        source, target = checkpoint_path(old), checkpoint_path(new)
        if self._fs.exists(source):
            self._make_directory(target)
            self._fs.rename(source, target, overwrite=True)

    def _make_directory(self, checkpoint: str) -> None:
        """Make a checkpoint's directory: who may write in the one above it may write in it."""
        directory = parent(checkpoint)
        if not self._fs.exists(directory):
            self._fs.mkdirs(directory, self._fs.stat(parent(directory)).mode)


def _model(status: FileStatus) -> Model:
    return {"id": CHECKPOINT_ID, "last_modified": models.changed(status)}
