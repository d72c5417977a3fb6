"""The fingerprint of a prefix: a hash over the status (not the content) of all its files.

An equal fingerprint means that no file was touched since: the published environment is up to date,
and nothing has to be read. A different fingerprint decides nothing; the files have to be read. It
covers at least the files that are packed. It includes each file's inode and change time, which no
tool sets back.
"""

from __future__ import annotations

import hashlib
import os
from collections.abc import Collection, Iterator
from pathlib import Path

from env_packaging.build.libraries import has_own_libraries
from env_packaging.build.prefix import Prefix, PrefixKind
from env_packaging.build.python_prefix import base_directories, inherits_packages, outer_directory
from env_packaging.errors import PrefixError

#: Hexadecimal digits of a fingerprint.
FINGERPRINT_LENGTH = 20

#: Directories of a conda base prefix that are not part of that environment.
_CONDA_BASE_EXTRAS = ("pkgs", "envs", "conda-bld")


def fingerprint(prefix: Prefix, how: str) -> str:
    """Return the fingerprint of a prefix that would be packed with the rules and options `how`.

    Raises PrefixError if a directory cannot be read.
    """
    sha256 = hashlib.sha256(os.fsencode(f"{prefix.path} {prefix.interpreter} {how}\n"))
    for root, skip, follow in _roots(prefix):
        try:
            for directory, statuses in _directories(root, skip, follow=follow):
                sha256.update(os.fsencode(f"{directory}\0{statuses}\0"))
        except OSError as error:
            raise PrefixError(f"{error.filename} cannot be read: {error.strerror}.") from error
    return sha256.hexdigest()[:FINGERPRINT_LENGTH]


def _roots(prefix: Prefix) -> Iterator[tuple[Path, Collection[str], bool]]:
    """Yield the files and directories to cover, each with the names directly in it to skip, and
    whether links in it to directories elsewhere are followed, as when it is packed."""
    base = prefix.base
    yield prefix.path, _CONDA_BASE_EXTRAS if prefix.kind is PrefixKind.CONDA else (), False
    if base is not None and base.kind is PrefixKind.CONDA:
        yield base.path, _CONDA_BASE_EXTRAS, False
    elif base is not None:
        directories = base_directories(base, inherits_packages(prefix.path))
        libraries = "lib*/*.so*" if has_own_libraries(base) else "lib*/libpython*.so*"
        for root in (*directories, *sorted(base.path.glob(libraries))):
            yield root, (), True


def _directories(root: Path, skip: Collection[str], *, follow: bool) -> Iterator[tuple[str, str]]:
    """Yield each directory from a root down, or the root if it is a file, with the statuses of the
    files in it."""
    if not root.is_dir():
        yield str(root), _status(root.stat())  # the target's, if it is a link
        return
    waiting = [str(root)]
    entered = {os.path.realpath(root)}
    while waiting:
        directory = waiting.pop()
        with os.scandir(directory) as iterator:
            entries = sorted(iterator, key=lambda entry: entry.name)
        lines = []
        for entry in entries:
            if entry.name == "__pycache__" or (directory == str(root) and entry.name in skip):
                continue
            if entry.is_dir(follow_symlinks=False):
                waiting.append(entry.path)
            else:
                lines.append(f"{entry.name}\0{_status(entry.stat(follow_symlinks=False))}")
                if entry.is_symlink():
                    lines.append(_target(entry))
                    outer = outer_directory(Path(entry.path), root) if follow else None
                    if outer and str(outer) not in entered:
                        entered.add(str(outer))
                        waiting.append(str(outer))
        yield directory, "\0".join(lines)


def _target(link: os.DirEntry[str]) -> str:
    """Return target and status of a link: its target's content may be packed in its place."""
    try:
        # os.readlink: a Path for each link would take longer than reading it.
        return f"{os.readlink(link.path)} {_status(link.stat())}"  # noqa: PTH115
    except OSError:
        return "broken"


def _status(status: os.stat_result) -> str:
    return (
        f"{status.st_mode:o} {status.st_dev} {status.st_ino} {status.st_size} "
        f"{status.st_mtime_ns} {status.st_ctime_ns}"
    )
