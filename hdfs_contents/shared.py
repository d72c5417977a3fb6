"""Named directories of HDFS, shown in the root beside the user's own files.

Each is a link: a path below the root leads to a directory elsewhere in HDFS. The contents manager
follows it before each call, so permissions, trash, checkpoints and conflicts are those of the
directory itself. The mount shows the same links to programs.
"""

from __future__ import annotations

from collections.abc import Mapping
from contextlib import suppress
from functools import partial

from hadoop_client.hdfs.interface import FileStatus, FileSystem
from hdfs_contents.mount.links import add_links
from hdfs_contents.paths import InvalidPathError, is_hidden, normalize_root, to_hdfs


def check_shown_name(name: str) -> None:
    """Raise InvalidPathError for a name that no directory shown in the root may have."""
    if not name or "/" in name or is_hidden(name):
        raise InvalidPathError("the name must not be empty, contain a slash or begin with a dot")


class SharedDirectories:
    """The links below `root`. `targets` are their directories by name."""

    def __init__(self, root: str, targets: Mapping[str, str]) -> None:
        """Raise InvalidPathError if a name or a target is not valid."""
        for name in targets:
            check_shown_name(name)
        self.targets = {name: normalize_root(path) for name, path in targets.items()}
        #: The same, by the paths of the links.
        self.links = {to_hdfs(root, name): path for name, path in self.targets.items()}
        for path, target in self.links.items():
            if self._link_of(target):
                raise InvalidPathError(f"{path} leads to {target}, which is itself shared there")

    def _link_of(self, path: str) -> str:
        """Return the link that is the path or above it; empty if there is none."""
        for link in self.links:
            if f"{path}/".startswith(f"{link}/"):
                return link
        return ""

    def resolve(self, path: str) -> str:
        """Return the path to which a path leads; itself without a link."""
        # A directory above the root can be shared, so what is behind a link may be one again.
        while link := self._link_of(path):
            path = normalize_root(self.links[link] + path[len(link) :])
        return path

    def hidden(self, fs: FileSystem) -> list[str]:
        """Return the paths of entries in HDFS that links hide."""
        with suppress(OSError):
            return [path for path in self.links if fs.exists(path)]
        return []

    def listed(self, fs: FileSystem, directory: str, entries: list[FileStatus]) -> list[FileStatus]:
        """Return the entries of a directory with the links in it, which come first and hide entries
        of their names."""
        return add_links(self.links, directory, entries, partial(_status, fs))


def _status(fs: FileSystem, path: str, target: str) -> FileStatus:
    """Return the status of a target under its link's path. One that the user cannot reach is a
    directory without permissions, which says why when it is opened."""
    try:
        return fs.stat(target)._replace(path=path)
    except OSError:
        return FileStatus(path, True, 0, 0, 0, "", "")
