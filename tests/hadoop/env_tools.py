"""What the tests of packed environments on a real Hadoop share."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

from hdfs_contents.filesystem import FileSystem, open_filesystem
from yarnhub.minihadoop import MiniHadoop
from yarnhub.minihadoop.configuration import HUB_USER

ROOT = Path(__file__).parents[2]


def pack_env(
    hadoop: MiniHadoop, *arguments: str | Path, user: str = HUB_USER
) -> subprocess.CompletedProcess[str]:
    """`yarnhub pack-env` in a process of its own, as that user."""
    return subprocess.run(
        [sys.executable, "-m", "yarnhub", "pack-env", *arguments],
        env=client_environment(hadoop, user),
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )


def client_environment(hadoop: MiniHadoop, user: str) -> dict[str, str]:
    return {**os.environ, **hadoop.env(), "HADOOP_USER_NAME": user, "PYTHONPATH": str(ROOT)}


def open_hdfs(hadoop: MiniHadoop) -> FileSystem:
    """HDFS, for looking at what is there."""
    return open_filesystem(hadoop.default_fs)


def download(filesystem: FileSystem, path: str, target: Path) -> Path:
    with filesystem.open_read(path) as source, target.open("wb") as file:
        while piece := source.read(4 << 20):
            file.write(piece)
    return target
