"""The state of a prefix on this disk: digits that stand for all that a look at its files tells.

The same state means that nothing was touched since: what was published from it is what would be
packed now, and nothing has to be read. Another state means nothing by itself; reading tells. It
covers more than is packed, and never less; a file's time of change is in it, which nobody sets
back, and its place on the disk.
"""

from __future__ import annotations

import hashlib
import os
from collections.abc import Collection, Iterator
from pathlib import Path

from env_packaging.build.prefix import Prefix, PrefixKind
from env_packaging.build.python_prefix import base_folders, inherits_packages
from env_packaging.errors import PrefixError

STATE_DIGITS = 20

#: What a base environment of conda has beside itself: packages and other environments.
_BESIDE = ("pkgs", "envs", "conda-bld")


def fingerprint(prefix: Prefix, how: str) -> str:
    """Return hexadecimal digits. `how` says in which way the prefix would be packed.

    Raises PrefixError for a folder that can't be read.
    """
    digest = hashlib.sha256(os.fsencode(f"{prefix.path} {prefix.interpreter} {how}\n"))
    for root, without in _roots(prefix):
        try:
            for folder, seen in _folders(root, without):
                digest.update(os.fsencode(f"{folder}\0{seen}\0"))
        except OSError as error:
            raise PrefixError(f"{error.filename} can't be read: {error.strerror}.") from error
    return digest.hexdigest()[:STATE_DIGITS]


def _roots(prefix: Prefix) -> Iterator[tuple[Path, Collection[str]]]:
    """Yield what to look at, each with the names directly in it that never belong to it."""
    base = prefix.base
    yield prefix.path, _BESIDE if prefix.kind is PrefixKind.CONDA else ()
    if base is not None and base.kind is PrefixKind.CONDA:
        yield base.path, _BESIDE
    elif base is not None:
        folders = base_folders(base, inherits_packages(prefix.path))
        for each in (*folders, *sorted(base.path.glob("lib*/libpython*.so*"))):
            yield each, ()


def _folders(root: Path, without: Collection[str]) -> Iterator[tuple[str, str]]:
    """Yield each folder from a root on, or the root if it is a file, and what is seen there."""
    if not root.is_dir():
        yield str(root), _seen(root.stat())
        return
    waiting = [str(root)]
    while waiting:
        folder = waiting.pop()
        with os.scandir(folder) as found:
            entries = sorted(found, key=lambda each: each.name)
        lines = []
        for each in entries:
            if each.name == "__pycache__" or (folder == str(root) and each.name in without):
                continue
            if each.is_dir(follow_symlinks=False):
                waiting.append(each.path)
            else:
                lines.append(f"{each.name}\0{_seen(each.stat(follow_symlinks=False))}")
                if each.is_symlink():
                    lines.append(_target(each))
        yield folder, "\0".join(lines)


def _target(link: os.DirEntry[str]) -> str:
    """Return what is seen where a link leads: a file may be packed in its place."""
    try:
        return f"{os.readlink(link.path)} {_seen(link.stat())}"  # noqa: PTH115 - once for each link
    except OSError:
        return "broken"


def _seen(found: os.stat_result) -> str:
    return (
        f"{found.st_mode:o} {found.st_dev} {found.st_ino} {found.st_size} "
        f"{found.st_mtime_ns} {found.st_ctime_ns}"
    )
