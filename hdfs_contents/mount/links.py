"""Links that the mount shows in a directory of HDFS, which has none itself.

The notebook server sets those of a directory as its extended attribute `ATTRIBUTE`, a JSON object:
the path in HDFS of each target, by name. They last as long as the mount. Programs can follow them,
but not delete, rename or replace them.
"""

from __future__ import annotations

import errno
import json
import os
import posixpath
from collections.abc import Callable, Mapping

from hadoop_client.hdfs.interface import FileStatus
from hadoop_client.hdfs.paths import join, parent

#: The extended attribute of a directory that has its links.
ATTRIBUTE = "user.yarnhub.links"


class LinkStatus(FileStatus):
    """The status of a link."""

    __slots__ = ()


def set_links(directory: str, targets: Mapping[str, str]) -> None:
    """Show links in a directory of the mount. `targets` are paths in HDFS, by name."""
    os.setxattr(directory, ATTRIBUTE, json.dumps(dict(targets)).encode())


def decode(directory: str, value: bytes) -> dict[str, str]:
    """Return the targets by the paths of their links in HDFS; OSError, EINVAL, for other values."""
    try:
        targets = json.loads(value)
        return {join(directory, name): posixpath.join("/", targets[name]) for name in targets}
    except (ValueError, TypeError, LookupError) as error:
        raise OSError(errno.EINVAL, f"it is not a JSON object of paths: {error}") from error


def content(path: str, target: str) -> bytes:
    """Return what a program reads of a link: a relative path, which is right wherever HDFS is
    mounted."""
    return os.fsencode(posixpath.relpath(target, parent(path)))


def link_status(path: str, target: str, user: str) -> LinkStatus:
    """Return the status of the link at a path."""
    return LinkStatus(path, False, len(content(path, target)), 0, 0o777, user, "")


def add_links(
    links: Mapping[str, str],
    directory: str,
    entries: list[FileStatus],
    status: Callable[[str, str], FileStatus],
) -> list[FileStatus]:
    """Return the entries of a directory with the links in it, which come first and hide entries of
    their names. `status` gets the path and the target of a link."""
    here = {path: to for path, to in links.items() if parent(path) == directory}
    if not here:
        return entries
    shown = (status(path, target) for path, target in here.items())
    return [*shown, *(entry for entry in entries if entry.path not in here)]


def refuse(links: Mapping[str, str], path: str) -> None:
    """Raise PermissionError for the path of a link."""
    if path in links:
        raise PermissionError(errno.EPERM, "it is a link of the mount", path)
