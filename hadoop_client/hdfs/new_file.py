"""Writes a new file although a DataNode has just died.

HDFS takes a DataNode for alive until it has missed its heartbeats for 10.5 minutes, and chooses it
for new blocks meanwhile. Hadoop's client then asks for other DataNodes, but hdfs-native gives up
the file. So a small file is created again with fewer replicas, until none of them is on that
DataNode. When it is closed, HDFS is asked for the missing replicas.
"""

from __future__ import annotations

import errno
import logging
import time
from collections.abc import Callable
from functools import partial
from typing import Protocol

from hdfs_native import WriteOptions

from hadoop_client.hdfs.errors import is_transfer_failure
from hadoop_client.hdfs.native_files import Calls, NativeWriter, WritableFile

log = logging.getLogger(__name__)

#: Content up to this size is kept until the file is closed, so that it can be written again.
_MOST_KEPT = 8 * 1024 * 1024

#: The replicas of further attempts. With one of three DataNodes dead, and none of them on this
#: node, all fail for one of 300 files.
_REPLICAS = (2, 1, 1, 1, 1, 1)

#: After this time no further attempt begins: a DataNode that hangs takes the deadline of a call.
_PATIENCE_SECONDS = 60.0

_FAILED = (
    "HDFS could not write to the DataNodes that it chose for it. It chooses a DataNode that has "
    "died for 10 minutes, unless it is configured otherwise: save again later"
)


class CreatedStatus(Protocol):
    @property
    def length(self) -> int: ...

    @property
    def replication(self) -> int | None: ...


class HdfsClient(Protocol):
    """What is needed of hdfs-native's client."""

    def create(self, path: str, write_options: WriteOptions) -> WritableFile: ...

    def get_file_info(self, path: str) -> CreatedStatus: ...

    def set_replication(self, path: str, replication: int) -> bool: ...


class NewFileWriter(NativeWriter):
    """See `hadoop_client.hdfs.interface.Writer`."""

    def __init__(self, calls: Calls, path: str, client: HdfsClient, mode: int) -> None:
        """Create the file; FileExistsError if the path exists."""
        self._client = client
        self._mode = mode
        #: What was written, unless it is too large.
        self._content: list[bytes] | None = []
        self._size = 0
        #: The replicas that the file shall have, if it was created again.
        self._replicas: int | None = None
        self._attempts = iter(_REPLICAS)
        # Never overwrite: in a zone without its key hdfs-native deletes the file that it creates.
        super().__init__(calls, path, self._create(calls, path))

    def _create(self, calls: Calls, path: str, again: int | None = None) -> WritableFile:
        """Create the file, or create it again with another number of replicas."""
        options = WriteOptions(
            replication=again,
            permission=self._mode,
            overwrite=again is not None,
            create_parent=False,
        )
        return calls(path, self._client.create, path, options)

    def write(self, data: bytes) -> int:
        self._do(partial(super().write, data))
        self._size += len(data)
        if self._size > _MOST_KEPT:
            self._content = None
        elif self._content is not None:
            self._content.append(bytes(data))
        return len(data)

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
            # If the NameNode does not answer either, this call raises it.
            status = self._calls(self._path, self._client.get_file_info, self._path)
            if self._content is None or status.length:  # or another client has replaced the file
                raise OSError(errno.EAGAIN, _FAILED, self._path) from error
            self._replicas = self._replicas or status.replication or 1
            self._repeat(step, error, started)

    def _repeat(self, step: Callable[[], object], failure: OSError, started: float) -> None:
        for replicas in self._attempts:
            if time.monotonic() - started > _PATIENCE_SECONDS:
                break
            fewer = min(replicas, self._replicas or replicas)
            self._file = self._create(self._calls, self._path, fewer)
            try:
                for data in self._content or ():
                    super().write(data)
                step()
            except OSError as error:
                if not is_transfer_failure(error):
                    raise
                failure = error
            else:
                return
        raise OSError(errno.EAGAIN, _FAILED, self._path) from failure
