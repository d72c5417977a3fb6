"""The daemon on a local directory in place of HDFS: `local_daemon.py DIRECTORY STAGING`."""

from __future__ import annotations

import argparse
import errno
import logging
import os
import threading
from pathlib import Path

from hadoop_client.hdfs.interface import FileStatus
from hadoop_client.hdfs.local import LocalFile, LocalFileSystem
from hdfs_contents.mount import daemon, tables
from hdfs_contents.mount.__main__ import make_daemon
from hdfs_contents.mount.overlay import Budget


class UnclosedFile(LocalFile):
    """A file whose writer hangs when half is written. It makes the file `open`."""

    def __init__(self, path: str, local: Path, open: Path) -> None:
        super().__init__(path, local.open("ab"))
        self._open = open

    def write(self, data: bytes) -> int:
        super().write(data[: len(data) // 2])
        self._file.flush()
        self._open.touch()
        threading.Event().wait()
        return len(data)


class FullFile(LocalFile):
    """A file for which the quota is too small."""

    def write(self, data: bytes) -> int:
        super().write(data[: len(data) // 2])
        self.close()
        raise OSError(errno.EDQUOT, "the quota is exceeded", "full")


class BreakingFile(LocalFile):
    """A file whose DataNode dies."""

    breaks = ""

    def write(self, data: bytes) -> int:
        self._break("write")
        return super().write(data)

    def close(self) -> None:
        super().close()
        self._break("close")

    def _break(self, name: str) -> None:
        if self.breaks == name:
            raise ConnectionResetError(errno.ECONNRESET, "the connection was lost", self._path)


class HangingFileSystem(LocalFileSystem):
    """No call for a file named `hangs…` ever ends, and each for one named `fails` fails.

    One named `no-append` cannot be appended to, and seems to be empty after that, as one that is
    named `seems-empty`: so does a file in HDFS whose last block is open.

    An append to one named `full` fails when half is written, and it seems to be empty until it is
    recovered. An append to one named `unclosed` never ends, and HDFS has it open until it is
    recovered, for which `unclosed.open` stands. Saving one named `late` has effect, but fails.

    The first unfinished file in a directory `breaks-NAME` fails when NAME is called.

    No unfinished file in a directory `stuck` is ever deleted: the call waits, and makes `waits`.
    """

    _appended = False
    _is_open = False
    _broken: frozenset[str] = frozenset()

    def stat(self, path: str) -> FileStatus:
        if "/hangs" in path:
            threading.Event().wait()
        if path.endswith("/fails"):
            raise ConnectionError(errno.ECONNREFUSED, "HDFS cannot be reached", path)
        return super().stat(path)

    def delete(self, path: str, *, recursive: bool = False) -> None:
        if "/stuck/.saving-" in path:
            self._local("/home/waits").touch()
            threading.Event().wait()
        super().delete(path, recursive=recursive)

    def open_append(self, path: str) -> LocalFile:
        if path.endswith("/no-append"):
            self._appended = True
            raise OSError(errno.EIO, "HDFS failed", path)
        if self.is_being_written(path):
            raise OSError(errno.EBUSY, "another client is writing it", path)
        if path.endswith("/unclosed"):
            return UnclosedFile(path, self._local(path), self._local(f"{path}.open"))
        if path.endswith("/full"):
            self._is_open = True
            return FullFile(path, self._local(path).open("ab"))
        return super().open_append(path)

    def open_write(self, path: str, mode: int | None = None, *, umask: int = 0) -> LocalFile:
        directory, _, name = path.rpartition("/")
        file = super().open_write(path, mode, umask=umask)
        if "/breaks-" not in path or not name.startswith(".saving") or directory in self._broken:
            return file
        file.close()
        self._broken |= {directory}
        breaking = BreakingFile(path, self._local(path).open("ab"))
        breaking.breaks = directory.rpartition("-")[2]
        return breaking

    def is_being_written(self, path: str) -> bool:
        return self._local(f"{path}.open").exists()

    def recover(self, path: str) -> None:
        self._is_open = False
        self._local(f"{path}.open").unlink(missing_ok=True)

    def rename(self, source: str, target: str, *, overwrite: bool = False) -> None:
        super().rename(source, target, overwrite=overwrite)
        if target.endswith("/late"):
            raise TimeoutError(errno.ETIMEDOUT, "HDFS did not answer", target)

    def open_read(self, path: str) -> LocalFile:
        is_open = self._appended and path.endswith("/no-append")
        is_open |= self._is_open and path.endswith("/full")
        if is_open or path.endswith("/seems-empty"):
            return LocalFile(path, Path(os.devnull).open("rb"))
        return super().open_read(path)


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("directory", type=Path)
    parser.add_argument("staging", type=Path)
    parser.add_argument("--budget", type=int, default=64 * 1024 * 1024)
    parser.add_argument("--nodes", type=int, default=20_000)
    parser.add_argument("--device", type=int)
    parser.add_argument("--state", type=int)
    options = parser.parse_args()
    tables.MAX_NODES = options.nodes
    daemon._TIDY_SECONDS = 0.2
    logging.basicConfig(format="mount: %(message)s")
    make_daemon(
        HangingFileSystem("/home", options.directory, "alice"),
        options.device,
        options.state,
        root="/home",
        staging=options.staging,
        budget=Budget(options.budget),
        home="/home",
    ).serve()


if __name__ == "__main__":
    main()
