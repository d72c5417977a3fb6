"""Remembers what was found in the files of an environment, so that unchanged files are not read
again.

A file is unchanged if its stamp is. `fingerprint` trusts the same for a whole environment: the
stamp has the inode and the change time, which no tool sets back. A file that changed just before it
was read is not remembered.
"""

from __future__ import annotations

import hashlib
import json
import os
from collections.abc import Sequence

from env_packaging.build.cache import PackCache
from env_packaging.build.inspection import FileStamp, Inspected
from env_packaging.build.members import Member
from env_packaging.build.relocate import FileFormat, PrefixPaths
from env_packaging.build.scan import RULES_VERSION

#: The values of an `Inspected` after its member; a stamp is a list.
_Row = tuple[
    list[int], int, str, bool, FileFormat | None, list[str], list[str], list[str], list[int]
]


class Remembered:
    """The inspected files of an environment by name, in an entry of the cache."""

    def __init__(self, prefix_paths: PrefixPaths, cache: PackCache | None) -> None:
        self._cache = cache
        rules = f"{RULES_VERSION} {prefix_paths.program} {prefix_paths.paths}"
        self._key = "files-" + hashlib.sha256(os.fsencode(rules)).hexdigest()
        self._rows: dict[str, _Row] = {}
        if cache and (entry := cache.open(self._key)):
            with entry:
                self._rows = json.loads(b"".join(entry.chunks(0, entry.size)))

    def find(self, member: Member) -> Inspected | None:
        """Return what was found in a file; None if it is new, changed, or cannot be read."""
        row = self._rows.get(member.name)
        try:
            if row is None or FileStamp.of(member.source) != (stamp := FileStamp(*row[0])):
                return None
        except OSError:
            return None
        _, size, sha256, rewritten, remaining, needed, searched, unrelocated, glibc = row
        return Inspected(
            member,
            size,
            stamp,
            sha256,
            rewritten,
            remaining,
            tuple(needed),
            tuple(searched),
            tuple(unrelocated),
            tuple(glibc),
        )

    def keep(self, files: Sequence[Inspected]) -> None:
        """Remember these files, and no others."""
        if self._cache is None:
            return
        rows = {
            file.member.name: (
                file.stamp,
                file.size,
                file.sha256,
                file.rewritten,
                file.remaining_prefix,
                file.needed,
                file.searched,
                file.unrelocated,
                file.glibc,
            )
            for file in files
            if self._cache.is_settled(file.stamp.changed_ns)
        }
        if entry := self._cache.create(self._key):
            entry.write(json.dumps(rows).encode())
            entry.commit()
