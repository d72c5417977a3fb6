"""Writes a new file although a DataNode has just died.

HDFS takes a DataNode for alive until it has missed its heartbeats for 10.5 minutes, and chooses it
for new blocks meanwhile. Hadoop's client then asks for other DataNodes, but hdfs-native gives up
the file. So a small file is created again with fewer replicas, until none of them is on that
DataNode. When it is closed, HDFS is asked for the missing replicas. The beginning of a larger file
is kept until the DataNodes have it: hdfs-native reports late that they have failed.
"""

from __future__ import annotations

import errno
import logging
import time
from collections.abc import Callable
from functools import partial
from typing import Protocol

from hdfs_native import AclEntry, AclStatus, WriteOptions

from hadoop_client.hdfs.acl import permissions_for_copy
from hadoop_client.hdfs.errors import is_transfer_failure
from hadoop_client.hdfs.native_files import Calls, NativeWriter, WritableFile

log = logging.getLogger(__name__)

#: Content up to this size is kept, so that it can be written again.
_MOST_KEPT = 8 * 1024 * 1024

#: The number of replicas of each further attempt. If one of three DataNodes is dead, and none runs
#: on this node, all attempts fail for about one file in 300.
_REPLICAS = (2, 1, 1, 1, 1, 1)

#: After this time no further attempt begins: a DataNode that hangs takes the deadline of a call.
_PATIENCE_SECONDS = 60.0

_FAILED = (
    "HDFS could not write to the DataNodes that it chose. It may choose a dead DataNode for about "
    "10 minutes. Save again later"
)


class CreatedStatus(Protocol):
    @property
    def length(self) -> int: ...

    @property
    def permission(self) -> int: ...

    @property
    def group(self) -> str: ...

    @property
    def modification_time(self) -> int: ...

    @property
    def replication(self) -> int | None: ...


class HdfsClient(Protocol):
    """What is needed of hdfs-native's client."""

    def create(self, path: str, write_options: WriteOptions) -> WritableFile: ...

    def get_file_info(self, path: str) -> CreatedStatus: ...

    def set_replication(self, path: str, replication: int) -> bool: ...

    def set_owner(self, path: str, owner: str | None, group: str | None) -> None: ...

    def get_acl_status(self, path: str) -> AclStatus: ...

    def set_acl(self, path: str, entries: list[AclEntry]) -> None: ...


def acl_or_none(calls: Calls, client: HdfsClient, path: str) -> AclStatus | None:
    """Return the ACL of a file or directory; None if ACLs are disabled on the NameNode."""
    try:
        return calls(path, client.get_acl_status, path)
    except OSError as error:
        if error.errno != errno.ENOTSUP:
            raise
        return None


class NewFileWriter(NativeWriter):
    """See `hadoop_client.hdfs.interface.Writer`."""

    def __init__(self, calls: Calls, path: str, client: HdfsClient, mode: int) -> None:
        """Create the file; FileExistsError if the path exists."""
        self._client = client
        #: What was written, unless it is too large.
        self._content: list[bytes] | None = []
        self._size = 0
        #: The replicas that the file shall have, if it was created again.
        self._replicas: int | None = None
        self._attempts = iter(_REPLICAS)
        #: The modification time of the file that was created again.
        self._created: int | None = None
        # Never overwrite: in a zone without its key hdfs-native deletes the file that it creates.
        super().__init__(calls, path, self._create(calls, path, mode))

    def _create(self, calls: Calls, path: str, mode: int, again: int | None = None) -> WritableFile:
        """Create the file, or create it again with another number of replicas."""
        options = WriteOptions(
            replication=again,
            permission=mode,
            overwrite=again is not None,
            create_parent=False,
        )
        return calls(path, self._client.create, path, options)

    def write(self, data: bytes) -> int:
        self._do(partial(super().write, data))
        if self._content is not None:
            self._content.append(bytes(data))
            self._size += len(data)
            if self._size > _MOST_KEPT:
                self.sync()
                self._content = None
        return len(data)

    def sync(self) -> None:
        self._do(super().sync)

    def close(self) -> None:
        self._do(super().close)
        if self._replicas is not None:
            log.info("%s was written with fewer replicas, which HDFS completes", self._path)
            self._calls(self._path, self._client.set_replication, self._path, self._replicas)

    def _do(self, step: Callable[[], object]) -> None:
        """Do a step. If the DataNodes fail, write the file again and repeat the step."""
        started = time.monotonic()
        try:
            step()
        except OSError as error:
            if not is_transfer_failure(error):
                raise
            self._repeat(step, error, started)

    def _repeat(self, step: Callable[[], object], failure: OSError, started: float) -> None:
        for replicas in self._attempts:
            # If the NameNode does not answer either, this call raises it.
            status = self._status()
            is_late = time.monotonic() - started > _PATIENCE_SECONDS
            if self._content is None or is_late or not self._is_own(status):
                break
            self._create_again(status, replicas)
            try:
                for data in self._content:
                    super().write(data)
                step()
            except OSError as error:
                if not is_transfer_failure(error):
                    raise
                failure = error
            else:
                return
        raise OSError(errno.EAGAIN, _FAILED, self._path) from failure

    def _status(self) -> CreatedStatus:
        return self._calls(self._path, self._client.get_file_info, self._path)

    def _is_own(self, status: CreatedStatus) -> bool:
        """Return whether the file is the one that was created here, as far as HDFS tells: another
        client may have replaced it."""
        return not status.length and self._created in (None, status.modification_time)

    def _create_again(self, former: CreatedStatus, replicas: int) -> None:
        """Replace the file by one with fewer replicas and the same group, mode and ACL, which may
        have been changed since it was created."""
        self._replicas = self._replicas or former.replication or 1
        acl = acl_or_none(self._calls, self._client, self._path)
        fewer = min(replicas, self._replicas)
        mode = former.permission & 0o777
        self._file = self._create(self._calls, self._path, mode, fewer)
        created = self._status()
        self._created = created.modification_time
        if created.group != former.group:
            self._calls(self._path, self._client.set_owner, self._path, None, former.group)
        if acl is not None:  # even without entries: they replace those of the directory
            _, entries = permissions_for_copy(mode, acl.entries, same_group=True)
            self._calls(self._path, self._client.set_acl, self._path, entries)
