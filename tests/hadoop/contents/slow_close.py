"""A contents manager that closes a file it has read only when somebody lets it."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

from hdfs_contents import HDFSContentsManager

#: Names a pipe: a file is closed when nobody has it open for writing any more.
GATE = "YARNHUB_TEST_GATE"


class SlowCloseManager(HDFSContentsManager):
    def __init__(self, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        open_read = self.store.fs.open_read
        self.store.fs.open_read = lambda path: _SlowClose(open_read(path))  # type: ignore[method-assign]


class _SlowClose:
    def __init__(self, file: Any) -> None:
        self._file = file

    def __getattr__(self, name: str) -> Any:
        return getattr(self._file, name)

    def close(self) -> None:
        Path(os.environ[GATE]).read_bytes()
        self._file.close()
