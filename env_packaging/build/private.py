"""Finds files that must not be published: everyone can read an environment in HDFS.

A file is private if other users cannot read it here, by its name, or by its content. Files that an
installed package brought are public already: packages have test keys, and some have odd modes.
"""

from __future__ import annotations

import csv
import json
import posixpath
import stat
from collections.abc import Collection, Iterable, Iterator
from contextlib import suppress
from dataclasses import dataclass
from fnmatch import fnmatchcase
from pathlib import Path

from env_packaging.build.credentials import (
    has_private_name,
    has_private_variable,
    is_record,
    private_content,
)
from env_packaging.build.members import Member, MemberKind
from env_packaging.build.prefix import SYSTEM_PREFIXES, Prefix, PrefixKind
from env_packaging.build.relocate import CONDA_STATE, conda_variables
from env_packaging.build.scan import PrefixScan
from env_packaging.errors import PrefixError
from env_packaging.manifest import SHOWN_NAMES, Finding

#: Larger files hold no configuration.
_MAX_BYTES = 1 << 20


@dataclass(frozen=True)
class PrivateFile:
    """A private file with the reason."""

    name: str
    reason: str

    def __str__(self) -> str:
        return f"{self.name} ({self.reason})"


def refuse_private_files(scan: PrefixScan, allowed: Iterable[str]) -> None:
    """Raise PrefixError if files are private, unless their names match one of the patterns.

    Those that match become a finding.
    """
    patterns = list(allowed)
    published: list[PrivateFile] = []
    refused: list[PrivateFile] = []
    for file in private_files(scan.prefix, scan.members):
        matches = any(fnmatchcase(file.name, pattern) for pattern in patterns)
        (published if matches else refused).append(file)
    if refused:
        more = len(refused) - SHOWN_NAMES
        shown = ", ".join(map(str, refused[:SHOWN_NAMES]))
        shown += f" and {more} more" if more > 0 else ""
        raise PrefixError(
            f"Everyone could read these private files in HDFS: {shown}. Remove them from "
            f"{scan.prefix.path}, or publish them with --allow-private NAME."
        )
    if published:
        scan.listing.findings.append(
            Finding(
                "warning",
                "private",
                "Everyone can read these private files, because --allow-private names them.",
                tuple(file.name for file in published),
            )
        )


def private_files(prefix: Prefix, members: Collection[Member]) -> Iterator[PrivateFile]:
    """Yield the private files among the members that no installed package brought."""
    installed = installed_files(members)
    modes = _Modes(prefix)
    for member in members:
        known = member.name in installed or is_record(member.name)
        if member.kind is MemberKind.FILE and not known:
            reasons = [
                "other users cannot read it here" if modes.is_closed(member.source) else "",
                "its name is that of credentials" if has_private_name(member.name) else "",
                f"it has {content}" if (content := _private_content(prefix, member)) else "",
            ]
            if reason := "; ".join(filter(None, reasons)):
                yield PrivateFile(member.name, reason)


def installed_files(members: Iterable[Member]) -> set[str]:
    """Return the names of the members that the records of pip and conda list."""
    names: set[str] = set()
    for member in members:
        if member.name.endswith(".dist-info/RECORD"):
            directory = posixpath.dirname(posixpath.dirname(member.name))
            lines = member.source.read_text(encoding="utf-8", errors="replace").splitlines()
            with suppress(csv.Error):  # of a damaged record, the lines before that
                for row in filter(None, csv.reader(lines)):
                    names.add(posixpath.normpath(posixpath.join(directory, row[0])))
        elif member.name.startswith("conda-meta/") and member.name.endswith(".json"):
            names.update(json.loads(member.source.read_bytes()).get("files", ()))
    return names


def _private_content(prefix: Prefix, member: Member) -> str:
    python = prefix.base or prefix
    source = str(member.source)
    system = str(python.path) in SYSTEM_PREFIXES and not member.source.is_relative_to(prefix.path)
    library = f"{python.interpreter.stdlib}/"
    if system or (source.startswith(library) and "-packages/" not in source[len(library) :]):
        return ""  # examples in the documentation of the standard library
    try:
        with member.source.open("rb") as file:
            data = file.read(_MAX_BYTES + 1)
    except OSError:
        return ""  # reading it for the archive reports the error
    if member.name == CONDA_STATE:
        with suppress(ValueError):
            if variable := has_private_variable(conda_variables(data)):
                return f"the variable {variable}"
    return private_content(data) if len(data) <= _MAX_BYTES else ""


class _Modes:
    """Tells whether other users can read a file here.

    If a prefix as a whole is closed to them, the mode of a file in it means nothing.
    """

    def __init__(self, prefix: Prefix) -> None:
        parts = [part for part in (prefix, prefix.base) if part]
        self._open_roots = [f"{part.path}/" for part in parts if _is_open(part)]
        self._closed_roots = tuple(f"{part.path}/" for part in parts if not _is_open(part))
        self._open_directories: dict[str, bool] = {}

    def is_closed(self, source: Path) -> bool:
        path = str(source)
        if path.startswith(self._closed_roots):
            return False
        try:
            mode = source.stat().st_mode
        except OSError:
            return False  # reading it for the archive reports the error
        if not mode & stat.S_IROTH:
            return True
        root = next((root for root in self._open_roots if path.startswith(root)), None)
        return root is not None and not self._is_open_directory(posixpath.dirname(path), root)

    def _is_open_directory(self, directory: str, root: str) -> bool:
        """Return whether others can enter a directory and those above it, up to a root."""
        if len(directory) < len(root):
            return True
        if directory not in self._open_directories:
            self._open_directories[directory] = bool(
                Path(directory).stat().st_mode & stat.S_IXOTH
            ) and self._is_open_directory(posixpath.dirname(directory), root)
        return self._open_directories[directory]


def _is_open(prefix: Prefix) -> bool:
    """Return whether other users can enter a prefix and read the file that marks it."""
    markers = {
        PrefixKind.CONDA: prefix.path / "conda-meta",
        PrefixKind.VENV: prefix.path / "pyvenv.cfg",
        PrefixKind.CPYTHON: prefix.interpreter.stdlib / "os.py",
    }
    modes = [path.stat().st_mode for path in (prefix.path, markers[prefix.kind])]
    return bool(modes[0] & stat.S_IXOTH and modes[1] & stat.S_IROTH)
