"""The folders that a new HDFS gets, made over WebHDFS: no JVM and no client library needed."""

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


def folders(users: tuple[str, ...], root: str) -> list[HdfsDirectory]:
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
    """Make each folder with its owner and mode; one that exists gets them again.

    `root` is HDFS's superuser, where that is not who runs this.
    """
    root = root or superuser()
    for folder in folders(users, root):
        change = partial(_put, namenode_url, folder.path, root)
        change(op="MKDIRS")
        change(op="SETOWNER", owner=folder.owner)
        change(op="SETPERMISSION", permission=folder.mode)


def _put(namenode_url: str, path: str, user: str, **query: str) -> None:
    query["user.name"] = user
    try:
        put(f"{namenode_url}/webhdfs/v1{path}?{urllib.parse.urlencode(query)}")
    except urllib.error.HTTPError as error:
        reason = error.read().decode(errors="replace")[:300]
        raise DaemonError(f"The namenode could not make {path}: {reason}") from error
