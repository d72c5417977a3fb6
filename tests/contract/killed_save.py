"""A save whose process is killed at a named point: `KIND ROOT PATH OPERATION before|after`."""

from __future__ import annotations

import asyncio
import os
import signal
import sys

from hdfs_contents import HDFSContentsManager
from tests.unit.hdfs_contents.manager.interrupted import InterruptedFileSystem
from tests.unit.hdfs_contents.manager.models import text

NEW = "new" * 100_000

if __name__ == "__main__":
    kind, root, path, operation, when = sys.argv[1:]
    manager = HDFSContentsManager(root_dir=root, filesystem_kind=kind)
    manager.store.fs = InterruptedFileSystem(
        manager.store.fs,
        operation,
        lambda: os.kill(os.getpid(), signal.SIGKILL),
        after=when == "after",
    )
    asyncio.run(manager.save(text(NEW), path))
