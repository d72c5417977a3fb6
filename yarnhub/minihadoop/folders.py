"""The folders that a new HDFS gets, made over WebHDFS: no JVM and no client library needed."""

from __future__ import annotations

import posixpath
import urllib.error
import urllib.parse
from dataclasses import dataclass

from env_packaging.registry import DEFAULT_ENV_ROOT
from yarnhub.minihadoop.configuration import HUB_USER, superuser
from yarnhub.minihadoop.errors import DaemonFailed
from yarnhub.minihadoop.rest import put


@dataclass(frozen=True)
class Folder:
    path: str
    owner: str
    mode: str


def folders(users: tuple[str, ...]) -> list[Folder]:
    root = superuser()
    ours = posixpath.dirname(DEFAULT_ENV_ROOT)
    return [
        Folder("/tmp", root, "1777"),
        Folder("/user", root, "755"),
        Folder(posixpath.dirname(ours), root, "755"),
        Folder(ours, HUB_USER, "755"),
        Folder(DEFAULT_ENV_ROOT, HUB_USER, "755"),
        *(Folder(f"/user/{user}", user, "700") for user in (root, HUB_USER, *users)),
    ]


def make_folders(namenode_url: str, users: tuple[str, ...]) -> None:
    """Make each folder with its owner and mode; one that exists gets them again."""
    for folder in folders(users):
        _put(namenode_url, folder.path, op="MKDIRS")
        _put(namenode_url, folder.path, op="SETOWNER", owner=folder.owner)
        _put(namenode_url, folder.path, op="SETPERMISSION", permission=folder.mode)


def _put(namenode_url: str, path: str, **query: str) -> None:
    query["user.name"] = superuser()
    try:
        put(f"{namenode_url}/webhdfs/v1{path}?{urllib.parse.urlencode(query)}")
    except urllib.error.HTTPError as error:
        reason = error.read().decode(errors="replace")[:300]
        raise DaemonFailed(f"The namenode could not make {path}: {reason}") from error
