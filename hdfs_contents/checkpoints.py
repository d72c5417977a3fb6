"""Checkpoints in HDFS: the latest versions of each file, in a hidden directory beside it.

- The newest is `.ipynb_checkpoints/NAME-checkpoint.EXT`, as on a local disk. Older ones, if `keep`
  asks for them, have their time in the name. They move and are copied with their directory.
- Creating and restoring copies bytes from HDFS to HDFS and replaces the target as a whole. A
  checkpoint has the access of its file, whatever it replaces: another user may have put that there.
- The id of a checkpoint is its time, so it stays the same when newer ones are created.
- Listing changes nothing. It includes the versions of the file in HDFS snapshots, which can be
  restored like checkpoints.
"""

from __future__ import annotations

import errno
import re
from collections.abc import Callable
from contextlib import suppress
from pathlib import PurePosixPath
from typing import Concatenate, ParamSpec, TypeVar, cast

from jupyter_server.services.contents.checkpoints import (
    AsyncCheckpoints,
    AsyncGenericCheckpointsMixin,
)
from tornado.web import HTTPError
from traitlets import Integer

from hadoop_client.hdfs.atomic import copy_file, removed_on_failure
from hadoop_client.hdfs.interface import FileStatus, FileSystem
from hadoop_client.hdfs.paths import parent, temporary_beside
from hdfs_contents import documents, models
from hdfs_contents.models import CheckpointModel
from hdfs_contents.paths import CHECKPOINT_DIR
from hdfs_contents.snapshots import SNAPSHOT_DIR
from hdfs_contents.store import ContentsStore, HasStore

P = ParamSpec("P")
T = TypeVar("T")

#: The infix of a checkpoint's name, and an id of the newest one, as on a local disk.
_NAME = "checkpoint"

#: The mode of a file that is restored from another user's checkpoint.
_PRIVATE = 0o600

#: How the id of a version in a snapshot begins.
_SNAPSHOT_PREFIX = "snapshot-"


def checkpoint_path(hdfs_path: str, time_ms: int | None = None) -> str:
    """Return the path of a file's newest checkpoint, or of an older one by its time."""
    file = PurePosixPath(hdfs_path)
    suffix = "" if time_ms is None else f"-{time_ms:013}"
    return str(file.parent / CHECKPOINT_DIR / f"{file.stem}-{_NAME}{suffix}{file.suffix}")


def is_checkpoint_of(name: str, hdfs_path: str) -> bool:
    """Check whether a name in the checkpoint directory belongs to a checkpoint of the file."""
    file = PurePosixPath(hdfs_path)
    pattern = rf"{re.escape(file.stem)}-{_NAME}(-\d{{13,}})?{re.escape(file.suffix)}"
    return re.fullmatch(pattern, name) is not None


class HDFSCheckpoints(AsyncGenericCheckpointsMixin, AsyncCheckpoints):
    """Checkpoints of an HDFSContentsManager, which is the parent."""

    keep = Integer(
        1,
        min=1,
        config=True,
        help="""
        The number of checkpoints to keep for each file; older ones are deleted. The default is one,
        as on a local disk.
        """,
    )

    @property
    def _store(self) -> ContentsStore:
        return cast("HasStore", self.parent).store

    @property
    def _fs(self) -> FileSystem:
        return self._store.fs

    def _locate(self, path: str) -> str:
        """Return the file's path in HDFS. A checkpoint of the root would be outside the root."""
        if not path.strip("/"):
            raise HTTPError(400, "The root directory has no checkpoints")
        return self._store.locate(path, hidden_status=404)

    async def create_checkpoint(self, contents_mgr: object, path: str) -> CheckpointModel:
        """Keep the file as it is now; delete the oldest checkpoints beyond `keep`."""
        return await self._run(path, self._create)

    async def restore_checkpoint(self, contents_mgr: object, checkpoint_id: str, path: str) -> None:
        """Replace the file's content with the checkpoint."""
        await self._run(path, self._restore, checkpoint_id)

    async def get_notebook_checkpoint(
        self, checkpoint_id: str | CheckpointModel, path: str
    ) -> dict[str, object]:
        """Return the notebook that a checkpoint keeps: type and content of a model.

        nbdime passes the checkpoint's model instead of its id.
        """
        data = await self._run(path, self._read, checkpoint_id)
        return {"type": "notebook", "content": documents.parse_notebook(data, path).node}

    async def get_file_checkpoint(
        self, checkpoint_id: str | CheckpointModel, path: str
    ) -> dict[str, object]:
        """Return the file that a checkpoint keeps: type, content and format of a model."""
        data = await self._run(path, self._read, checkpoint_id)
        content, file_format = documents.decode_file(data, None, path)
        return {"type": "file", "content": content, "format": file_format}

    async def list_checkpoints(self, path: str) -> list[CheckpointModel]:
        """Return the checkpoints of a file and its versions in snapshots, the oldest first."""
        return await self._run(path, self._list_models)

    async def has_checkpoint(self, path: str) -> bool:
        """Return whether a file has a checkpoint."""
        return bool(await self._run(path, self._list))

    async def delete_checkpoint(self, checkpoint_id: str, path: str) -> None:
        """Delete a checkpoint; HTTPError 404 if it does not exist."""
        await self._run(path, self._delete, checkpoint_id)

    async def delete_all_checkpoints(self, path: str) -> None:
        """Delete the checkpoints, if any, of a file that was deleted."""
        try:
            await self._run(path, self._delete_all)
        except HTTPError as error:  # the file was deleted, so the request has succeeded
            self.log.warning("Could not delete checkpoints of %s: %s", path, error.log_message)

    async def rename_all_checkpoints(self, old_path: str, new_path: str) -> None:
        """Move the checkpoints of a file that was renamed."""
        new = self._locate(new_path)
        try:
            await self._run(old_path, self._rename_all, new)
        except HTTPError as error:  # the file was renamed, so the request has succeeded
            self.log.warning("Could not move checkpoints of %s: %s", old_path, error.log_message)

    async def _run(
        self,
        path: str,
        function: Callable[Concatenate[str, str, P], T],
        *args: P.args,
        **kwargs: P.kwargs,
    ) -> T:
        """Call `function(path, path in HDFS, ...)` in a worker thread."""
        path = path.strip("/")
        return await self._store.run(path, function, path, self._locate(path), *args, **kwargs)

    def _create(self, path: str, hdfs_path: str) -> CheckpointModel:
        status = self._fs.stat(hdfs_path)
        if status.is_dir:
            raise HTTPError(400, f"{path} is a directory, which has no checkpoints")
        self._store.refuse_unknown_content(status)
        target = checkpoint_path(hdfs_path)
        self._make_directory(target)
        previous = self._store.stat_or_none(target)
        replaces = previous
        if previous is not None and self.keep > 1:
            self._fs.rename(target, checkpoint_path(hdfs_path, previous.modified_ms))
            replaces = None
        try:
            created = copy_file(self._fs, hdfs_path, target, replaces=replaces, keep=status)
        except OSError as error:
            if error.errno == errno.ENAMETOOLONG:
                error.strerror = "it cannot have a checkpoint, whose name is too long for HDFS"
            raise
        if previous is not None and created.modified_ms <= previous.modified_ms:
            # Made in the same millisecond, or the clock was set back: the time is the id.
            created = created._replace(modified_ms=previous.modified_ms + 1)
            self._fs.set_times(target, modified_ms=created.modified_ms)
        if self.keep > 1:
            self._delete_oldest(path, hdfs_path)
        return _model(created)

    def _delete_oldest(self, path: str, hdfs_path: str) -> None:
        try:
            for old in self._list(path, hdfs_path)[: -self.keep]:
                self._fs.delete(old.path)
        except OSError as error:  # the new checkpoint exists, so the request has succeeded
            self.log.warning("Could not delete old checkpoints of %s: %s", path, error.strerror)

    def _list(self, path: str, hdfs_path: str) -> list[FileStatus]:
        """Return the checkpoints of a file, the oldest first."""
        newest = checkpoint_path(hdfs_path)
        if self.keep == 1:
            status = self._store.stat_or_none(newest)
            return [] if status is None else [status]
        try:
            entries = self._fs.list_dir(parent(newest))
        except (FileNotFoundError, NotADirectoryError):
            return []
        checkpoints = [entry for entry in entries if is_checkpoint_of(entry.name, hdfs_path)]
        return sorted(checkpoints, key=lambda status: status.modified_ms)

    def _read(self, path: str, hdfs_path: str, checkpoint: str | CheckpointModel) -> bytes:
        checkpoint_id = checkpoint if isinstance(checkpoint, str) else checkpoint["id"]
        with self._fs.open_read(self._find(path, hdfs_path, checkpoint_id).path) as file:
            return bytes(file.read())

    def _list_models(self, path: str, hdfs_path: str) -> list[CheckpointModel]:
        models = [_model(status) for status in self._list(path, hdfs_path)]
        models += [_model(status) for status in self._store.snapshots.versions(hdfs_path)]
        return sorted(models, key=lambda model: model["last_modified"])

    def _find(self, path: str, hdfs_path: str, checkpoint_id: str) -> FileStatus:
        """Return a checkpoint by its id. `checkpoint` is the newest one, as on a local disk."""
        if checkpoint_id.startswith(_SNAPSHOT_PREFIX):
            found = self._store.snapshots.versions(hdfs_path)
        else:
            found = self._list(path, hdfs_path)
        for status in reversed(found):
            if checkpoint_id in (_NAME, _id(status)):
                return status
        raise HTTPError(404, f"{path} has no checkpoint {checkpoint_id!r}")

    def _restore(self, path: str, hdfs_path: str, checkpoint_id: str) -> None:
        checkpoint = self._find(path, hdfs_path, checkpoint_id)
        existing = self._store.stat_or_none(hdfs_path)
        if existing is not None:
            self._fs.check_write(hdfs_path)
            advice = "Restore the checkpoint when that program has closed it"
            self._store.refuse_unclosed(hdfs_path, advice)
        # The access of another user's checkpoint was chosen by that user.
        own = checkpoint if checkpoint.owner == self._fs.user else None
        restored = copy_file(
            self._fs,
            checkpoint.path,
            hdfs_path,
            replaces=existing,
            keep=existing or own,
            mode=_PRIVATE,
        )
        self._store.last_seen.record(restored)

    def _delete(self, path: str, hdfs_path: str, checkpoint_id: str) -> None:
        if checkpoint_id.startswith(_SNAPSHOT_PREFIX):
            raise HTTPError(403, f"{path}: a version in a snapshot cannot be deleted")
        self._fs.delete(self._find(path, hdfs_path, checkpoint_id).path)

    def _delete_all(self, path: str, hdfs_path: str) -> None:
        for checkpoint in self._list(path, hdfs_path):
            self._fs.delete(checkpoint.path)

    def _rename_all(self, path: str, old: str, new: str) -> None:
        for checkpoint in self._list(path, old):
            is_newest = checkpoint.path == checkpoint_path(old)
            target = checkpoint_path(new, None if is_newest else checkpoint.modified_ms)
            self._make_directory(target)
            self._fs.rename(checkpoint.path, target, overwrite=True)

    def _make_directory(self, checkpoint: str) -> None:
        """Create the directory of a checkpoint, with the access of its parent directory."""
        directory = parent(checkpoint)
        if self._fs.exists(directory):
            return
        temporary = temporary_beside(directory)
        with suppress(FileExistsError), removed_on_failure(self._fs, temporary):
            self._fs.mkdirs(temporary, 0o700)
            self._fs.copy_access(parent(directory), temporary)
            self._fs.rename(temporary, directory)


def _id(status: FileStatus) -> str:
    in_snapshot = f"/{SNAPSHOT_DIR}/" in status.path
    return f"{_SNAPSHOT_PREFIX if in_snapshot else ''}{status.modified_ms}"


def _model(status: FileStatus) -> CheckpointModel:
    return {
        "id": _id(status),
        "last_modified": models.last_modified(status),
        "size": status.size,
    }
