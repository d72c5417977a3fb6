"""The mount table of viewfs, which makes one tree of several HDFS. Pure.

Source: org.apache.hadoop.fs.viewfs.Constants and InodeTree. Links to several targets (`linkNfly`,
`linkMerge`) and by regular expression are not supported.
"""

from __future__ import annotations

import posixpath
import re
from collections.abc import Mapping
from dataclasses import dataclass

_PREFIX = "fs.viewfs.mounttable."

#: A target: a name service or `host:port`, and a path.
_TARGET = re.compile(r"hdfs://([^/]+)(/.*)?")


@dataclass(frozen=True)
class Place:
    """A path of one HDFS: its name service, or its NameNode's `host:port`."""

    nameservice: str
    path: str


@dataclass(frozen=True)
class MountTable:
    """The HDFS directories of a viewfs by their paths in it, and that of all other paths."""

    links: Mapping[str, Place]
    fallback: Place | None

    @classmethod
    def of(cls, properties: Mapping[str, str], name: str) -> MountTable:
        """Read the table of `viewfs://name`. Mounts of other file systems are left out."""
        links: dict[str, Place] = {}
        fallback = None
        for key, value in properties.items():
            target = _TARGET.fullmatch(value.strip())
            if target is None or not key.startswith(f"{_PREFIX}{name}."):
                continue
            place = Place(target[1], target[2] or "/")
            kind, _, path = key.removeprefix(f"{_PREFIX}{name}.").partition(".")
            if kind == "link":
                links[posixpath.normpath(path)] = place
            elif kind in ("linkFallback", "linkMergeSlash"):
                fallback = place
        return cls(links, fallback)

    @property
    def nameservices(self) -> list[str]:
        """The name services of all mounts."""
        places = [*self.links.values(), *([self.fallback] if self.fallback else [])]
        return sorted({place.nameservice for place in places})

    def place(self, path: str) -> Place | None:
        """Return where a path is; None if no mount has it."""
        above = path
        while above != "/":
            if above in self.links:
                return _below(self.links[above], path.removeprefix(above))
            above = posixpath.dirname(above)
        return _below(self.fallback, path) if self.fallback else None

    def children(self, directory: str) -> list[str]:
        """Return the names in a directory that mounts below it make."""
        prefix = directory.rstrip("/") + "/"
        inside = (path for path in self.links if path.startswith(prefix))
        return sorted({path.removeprefix(prefix).partition("/")[0] for path in inside})


def _below(place: Place, rest: str) -> Place:
    return Place(place.nameservice, place.path.rstrip("/") + rest or "/")
