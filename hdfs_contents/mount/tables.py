"""What a mount knows of files: the names that the kernel has looked up, open files, and drafts."""

from __future__ import annotations

import os
import threading
from dataclasses import dataclass

from hadoop_client.hdfs.interface import FileStatus
from hdfs_contents.mount.drafts import Draft
from hdfs_contents.mount.inodes import Inodes, Node
from hdfs_contents.mount.readahead import AheadReader

#: How many names the kernel may know; each takes about 500 bytes here.
MAX_NODES = 20_000


@dataclass
class Handle:
    """A file that a program has open. `reader` has the content of HDFS, unless there is a draft."""

    id: int
    node: Node
    flags: int
    reader: AheadReader | None = None
    #: The time of the content of `reader`, as far as it is known, and its size.
    version: tuple[int | None, int] | None = None
    #: Whether another handle reads another version.
    is_former: bool = False

    @property
    def writable(self) -> bool:
        return self.flags & os.O_ACCMODE != os.O_RDONLY

    def close_reader(self) -> None:
        """Let the next read open the file again."""
        reader, self.reader = self.reader, None
        if reader is not None:
            reader.close()


@dataclass
class Directory:
    """A directory that a program has open, as it was when it was last read from the start."""

    id: int
    node: Node
    entries: list[FileStatus] | None = None
    #: When it was read then, by `time.monotonic`.
    listed: float = 0.0
    was_read: bool = False


class Recorder:
    """Records what changes, so that it outlives a killed daemon. This one records nothing."""

    def node(self, node: Node) -> None: ...

    def opened(self, handle: Handle | Directory) -> None: ...

    def closed(self, handle_id: int) -> None: ...

    def draft(self, draft: Draft) -> None: ...

    def wrote(self, draft: Draft, start: int, end: int) -> None: ...

    def dropped(self, draft: Draft) -> None: ...

    def linked(self, links: dict[str, str]) -> None: ...

    def commit(self) -> None: ...


class Tables:
    """The nodes, handles and drafts, used by one thread at a time, within `with tables:`.

    Their lock is held for moments, never during a call of HDFS.
    """

    def __init__(self, root: str, recorder: Recorder) -> None:
        self.recorder = recorder
        self.inodes = Inodes(root, recorder.node)
        self.handles: dict[int, Handle | Directory] = {}
        self.drafts: dict[int, Draft] = {}
        #: The targets of links by the links' paths, all in HDFS.
        self.links: dict[str, str] = {}
        self.next_handle = 1
        self._lock = threading.RLock()
        self._depth = 0

    def __enter__(self) -> None:
        self._lock.acquire()
        self._depth += 1

    def __exit__(self, *_: object) -> None:
        self._depth -= 1
        try:
            if not self._depth:
                self.recorder.commit()
        finally:
            self._lock.release()

    def set_links(self, links: dict[str, str]) -> None:
        """Show these links instead of those before."""
        self.links = links
        self.recorder.linked(links)

    def add(self, handle: Handle | Directory) -> int:
        handle.id = self.next_handle
        self.next_handle += 1
        self.handles[handle.id] = handle
        self.recorder.opened(handle)
        return handle.id

    def remove(self, handle_id: int) -> Handle | Directory | None:
        handle = self.handles.pop(handle_id, None)
        if handle is not None:
            self.recorder.closed(handle_id)
        return handle

    def too_many_names(self) -> list[tuple[int, str]]:
        """Return the names that were looked up first, with their directories' node ids, if there
        are more than may be kept."""
        with self:
            excess = len(self.inodes) - MAX_NODES
            return [(n.parent.id, n.name) for n in self.inodes.oldest(max(excess, 0)) if n.parent]

    def of(self, node: Node) -> list[Handle]:
        """Return the open files of a node."""
        return [
            handle
            for handle in self.handles.values()
            if handle.node is node and isinstance(handle, Handle)
        ]
