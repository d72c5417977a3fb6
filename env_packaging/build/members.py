"""Chooses the members of an archive, their names and their links, before any file is read.

- A member's name is relative and has no `..` and no empty part: nothing is unpacked outside the
  environment, whatever a package's own records say.
- A link stays a link only if it leads to another path in the archive. Otherwise the file that it
  leads to is packed in its place, or packing is refused. No link leads out of the archive.
- Modes are 0755 or 0644: no setuid bit, and no write permission for others.
"""

from __future__ import annotations

import os
import posixpath
import stat
from collections.abc import Collection, Iterable, Iterator
from dataclasses import dataclass, field
from enum import Enum
from pathlib import Path

from env_packaging.errors import PrefixError
from env_packaging.manifest import Finding

#: Links that a path may go through, as in Linux.
_MAX_LINKS = 40

EXECUTABLE_MODE = 0o755
PLAIN_MODE = 0o644

#: A pattern for the names of directories with installed packages. `base-packages` has those that a
#: venv inherits from its base.
PACKAGE_DIRECTORY = r"(?:(?:site|dist)-packages|base-packages(?:-\d)?)"


class MemberKind(Enum):
    """The kinds of members.

    FILE: the content of `source`. LINK: a symbolic link to `target`. BYTECODE: the compiled Python
    file `source`.
    """

    FILE = "file"
    LINK = "link"
    BYTECODE = "bytecode"


@dataclass(frozen=True, slots=True)
class Member:
    """One member of an archive.

    `source` is its file on this machine. `target` is a link's target, relative to the link, or the
    name of the Python file of a bytecode member.
    """

    name: str
    source: Path
    kind: MemberKind = MemberKind.FILE
    mode: int = PLAIN_MODE
    target: str = ""


@dataclass
class Listing:
    """The members of a prefix by name, and the files that are not in the archive.

    `left_out` has the sizes in bytes of the files that each rule excluded, `excluded` their names,
    and `broken` the names of broken links.
    """

    members: dict[str, Member] = field(default_factory=dict)
    left_out: dict[str, list[int]] = field(default_factory=dict)
    excluded: set[str] = field(default_factory=set)
    broken: list[str] = field(default_factory=list)
    findings: list[Finding] = field(default_factory=list)

    def add(self, name: str, source: Path, roots: Iterable[str]) -> None:
        """Add the file or link at a path; it replaces a member of the same name."""
        try:
            self.members[name] = member_for(name, source, roots)
        except BrokenLinkError:
            self.broken.append(name)
        except DirectoryError:
            pass  # written to the archive with the first file in it

    def exclude(self, reason: str, name: str, source: Path) -> None:
        self.excluded.add(name)
        self.left_out.setdefault(reason, []).append(source.lstat().st_size)


class BrokenLinkError(Exception):
    """A link leads to nothing."""


class DirectoryError(Exception):
    """The path is a directory, which is not a member itself."""


def check_name(name: str) -> str:
    """Return `name` if a member may have it. Raises PrefixError."""
    parts = name.split("/")
    if name.startswith("/") or "\0" in name or any(part in ("", ".", "..") for part in parts):
        raise PrefixError(
            f"{name!r} cannot be the name of a file in an environment: it must be relative to the "
            "prefix and stay in it."
        )
    return name


def member_for(name: str, source: Path, roots: Iterable[str]) -> Member:
    """Return the member for one path of a prefix.

    `roots` are the paths of the prefix that the file is from: a link to a path below one of them
    stays inside the archive. Raises BrokenLinkError, DirectoryError, and PrefixError if the file
    cannot be shipped.
    """
    check_name(name)
    try:
        mode = source.lstat().st_mode
        if stat.S_ISLNK(mode):
            return _member_for_link(name, source, roots)
    except OSError as error:
        raise PrefixError(f"{source} cannot be read: {error.strerror}.") from error
    if stat.S_ISDIR(mode):
        raise DirectoryError(name)
    if not stat.S_ISREG(mode):
        raise PrefixError(f"{source} is not a regular file and cannot be packed. Remove it.")
    return Member(name, source, mode=_shipped_mode(mode))


def _member_for_link(name: str, source: Path, roots: Iterable[str]) -> Member:
    target = inner_target(name, str(source.readlink()), roots)
    if target is not None:
        if not source.exists():
            raise BrokenLinkError(name)
        return Member(name, source, MemberKind.LINK, target=target)
    followed = Path(os.path.realpath(source))
    if followed.is_file():
        return Member(name, followed, mode=_shipped_mode(followed.stat().st_mode))
    if not followed.exists():
        raise BrokenLinkError(name)
    if any(os.path.realpath(root) == str(followed) for root in roots):
        raise PrefixError(f"{source} is a link to the environment itself. Remove the link.")
    raise PrefixError(
        f"{source} is a link to {followed}, which is outside the environment. Replace the link "
        "by a copy."
    )


def inner_target(name: str, target: str, roots: Iterable[str]) -> str | None:
    """Return a link's target relative to the link, None if it leads out of the archive."""
    if target.startswith("/"):
        target = posixpath.normpath(target)
        root = next((root for root in roots if target.startswith(root.rstrip("/") + "/")), None)
        if root is None:
            return None
        inner = target[len(root.rstrip("/")) + 1 :]
    else:
        inner = posixpath.normpath(posixpath.join(posixpath.dirname(name), target))
    if inner in ("", ".", "..") or inner.startswith("../"):
        return None
    return posixpath.relpath(inner, posixpath.dirname(name) or ".")


def _shipped_mode(mode: int) -> int:
    return EXECUTABLE_MODE if mode & stat.S_IXUSR else PLAIN_MODE


def walk_files(root: Path, skip: Collection[str] = ()) -> Iterator[str]:
    """Yield the names of all files and links below `root`, relative to it.

    Links to directories are not followed. Directories directly in `root` whose names are in `skip`
    are not entered, nor any `__pycache__`: bytecode is made for the files that are packed. Raises
    PrefixError if a directory cannot be read.
    """

    def refuse(error: OSError) -> None:
        raise PrefixError(f"{error.filename} cannot be read: {error.strerror}.") from error

    for directory, directories, files in os.walk(root, onerror=refuse):
        below = os.path.relpath(directory, root)
        start = "" if below == "." else below + "/"
        skipped = ("__pycache__", *(() if start else skip))
        directories[:] = [name for name in directories if name not in skipped]
        links = [name for name in directories if Path(directory, name).is_symlink()]
        for name in (*files, *links):
            yield start + name


def resolve_links(listing: Listing) -> list[Member]:
    """Return the members of a listing sorted by name, each link with its target among them.

    A link to a file that is not in the archive becomes that file, unless a rule left the file out:
    then the link is left out too. Raises PrefixError for a link to a directory that is not in the
    archive, and if a member is below another that is not a directory: such a link would redirect
    the members that follow it.
    """
    members = dict(listing.members)
    directories = {parent for name in members for parent in parents(name)}
    for directory in sorted(directories & members.keys()):
        below = min(name for name in members if name.startswith(directory + "/"))
        raise PrefixError(
            f"{members[directory].source} is a file or a link, but {below!r} would be below it. "
            "Reinstall the package that it belongs to."
        )
    excluded = listing.excluded | {parent for name in listing.excluded for parent in parents(name)}
    # Repeatedly: a link may lead to a link that has just been left out.
    while dangling := {
        name: inner
        for name, member in members.items()
        if member.kind is MemberKind.LINK
        and (inner := _resolved(member, members)) not in directories
        and inner not in members
    }:
        for name, inner in dangling.items():
            link = members.pop(name)
            if inner in excluded:
                excluded.add(name)
            elif file := _file_of_link(link):
                members[name] = file
    return [members[name] for name in sorted(members)]


def _resolved(link: Member, members: dict[str, Member]) -> str:
    """Return the path in the archive that a link leads to.

    It may go through links to directories: lib64/python3.11, where lib64 links to lib.
    """
    path = posixpath.normpath(posixpath.join(posixpath.dirname(link.name), link.target))
    for _ in range(_MAX_LINKS):
        through = next(
            (name for name in parents(path) if name in members and members[name].target), None
        )
        if through is None:
            break
        below = path[len(through) + 1 :]
        target = members[through].target
        path = posixpath.normpath(posixpath.join(posixpath.dirname(through), target, below))
    return path


def _file_of_link(link: Member) -> Member | None:
    """Return the file that a link leads to as a member; None for an empty directory."""
    followed = Path(os.path.realpath(link.source))
    if followed.is_file():
        return Member(link.name, followed, mode=_shipped_mode(followed.stat().st_mode))
    if next(walk_files(followed), None) is None:
        return None
    raise PrefixError(
        f"{link.source} is a link to {followed}, which is not packed. Replace the link by a copy."
    )


def parents(name: str) -> Iterator[str]:
    """Yield the directories above a name, the nearest first."""
    while "/" in name:
        name = name.rpartition("/")[0]
        yield name
