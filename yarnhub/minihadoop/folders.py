"""The directories of a new HDFS, created over WebHDFS, which needs no JVM and no client library."""

from __future__ import annotations

import posixpath
import urllib.error
import urllib.parse
from dataclasses import dataclass
from functools import partial

from env_packaging.registry import DEFAULT_ENV_ROOT
from yarnhub.minihadoop.errors import DaemonError
from yarnhub.minihadoop.rest import put
from yarnhub.minihadoop.settings import HUB_USER, superuser


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


def _put(namenode_url: str, path: str, user: str, **query: str) -> None:
    query["user.name"] = user
    try:
        quoted = urllib.parse.quote(path)
        put(f"{namenode_url}/webhdfs/v1{quoted}?{urllib.parse.urlencode(query)}")
    except urllib.error.HTTPError as error:
        reason = error.read(1000).decode(errors="replace")[:300]
        raise DaemonError(f"The namenode could not create {path}: {reason}") from error
