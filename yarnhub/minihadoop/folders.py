"""The directories of a new HDFS, created over WebHDFS, which needs no JVM and no client library."""

from __future__ import annotations

import os
import posixpath
import subprocess
import sys
import time
import urllib.error
import urllib.parse
from collections.abc import Mapping
from dataclasses import dataclass
from functools import partial

from env_packaging.registry import DEFAULT_ENV_ROOT
from hadoop_client.python_module import module_command
from yarnhub.minihadoop.errors import DaemonError
from yarnhub.minihadoop.readiness import answers_calls
from yarnhub.minihadoop.rest import put
from yarnhub.minihadoop.settings import HUB_USER, superuser
from yarnhub.node_http import log_in_with

#: A NameNode refuses requests without a ticket before it answers those with one.
_ANSWER_SECONDS = 60.0


@dataclass(frozen=True)
class HdfsDirectory:
    path: str
    owner: str
    mode: str


def directories(users: tuple[str, ...], root: str) -> list[HdfsDirectory]:
    """Return the directories of the system, the hub and the users; `root` is HDFS's superuser."""
    ours = posixpath.dirname(DEFAULT_ENV_ROOT)
    return [
        HdfsDirectory("/tmp", root, "1777"),
        HdfsDirectory("/user", root, "755"),
        HdfsDirectory(posixpath.dirname(ours), root, "755"),
        HdfsDirectory(ours, HUB_USER, "755"),
        HdfsDirectory(DEFAULT_ENV_ROOT, HUB_USER, "755"),
        *(HdfsDirectory(f"/user/{user}", user, "700") for user in (root, HUB_USER, *users)),
    ]


def make_folders(namenode_url: str, users: tuple[str, ...], root: str | None = None) -> None:
    """Create each directory, and set its owner and mode, also if it exists.

    `root` is HDFS's superuser, by default the current user.
    """
    root = root or superuser()
    for directory in directories(users, root):
        change = partial(_put, namenode_url, directory.path, root)
        change(op="MKDIRS")
        change(op="SETOWNER", owner=directory.owner)
        change(op="SETPERMISSION", permission=directory.mode)


def make_folders_as(login: Mapping[str, str], namenode_url: str, users: tuple[str, ...]) -> None:
    """Create the directories in a process that logs in with these variables. Raises DaemonError."""
    # Its ticket is for localhost, which the address stands for.
    url = namenode_url.replace("//127.0.0.1:", "//localhost:")
    done = subprocess.run(
        module_command(sys.executable, "yarnhub.minihadoop.folders", url, *users),
        env={**os.environ, **login},
        capture_output=True,
        text=True,
        check=False,
    )
    if done.returncode:
        raise DaemonError(f"HDFS's directories could not be created: {done.stderr[-300:]}")


def _put(namenode_url: str, path: str, user: str, **query: str) -> None:
    query["user.name"] = user
    try:
        quoted = urllib.parse.quote(path)
        put(f"{namenode_url}/webhdfs/v1{quoted}?{urllib.parse.urlencode(query)}")
    except urllib.error.HTTPError as error:
        reason = error.read(1000).decode(errors="replace")[:300]
        raise DaemonError(f"The namenode could not create {path}: {reason}") from error


def _main(namenode_url: str, *users: str) -> None:
    from yarnhub.minihadoop.negotiate import Negotiate

    log_in_with(Negotiate())
    deadline = time.monotonic() + _ANSWER_SECONDS
    while not answers_calls(namenode_url) and time.monotonic() < deadline:
        time.sleep(0.2)
    make_folders(namenode_url, users)


if __name__ == "__main__":
    _main(*sys.argv[1:])
