"""What goes into an archive, before anything is read: members, their names and their links.

- A member's name is relative, has no `..` and no empty part: nothing is unpacked outside of the
  environment, whatever a package's own lists say.
- A link stays a link only where it leads to another place in the archive; else the file that it
  leads to is packed in its place, or packing is refused. No link out of the tree is shipped.
- Modes are 0755 or 0644: no setuid bit, and nothing that others may write.
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

EXECUTABLE_MODE = 0o755
PLAIN_MODE = 0o644


class MemberKind(Enum):
    """FILE: the content of `source`. LINK: a symbolic link to `target`. BYTECODE: what the Python
    file `source` compiles to."""

    FILE = "file"
    LINK = "link"
    BYTECODE = "bytecode"


@dataclass(frozen=True, slots=True)
class Member:
    """One member of an archive. `source` is where it comes from on this machine; `target` is where
    a link leads, relative to the link, and for bytecode the name of the Python file."""

    name: str
    source: Path
    kind: MemberKind = MemberKind.FILE
    mode: int = PLAIN_MODE
    target: str = ""


@dataclass
class Listing:
    """What of a prefix goes into the archive, by name, and what doesn't: `left_out` has the sizes
    in bytes of what each rule kept out; `broken` the links that lead to nothing."""

    members: dict[str, Member] = field(default_factory=dict)
    left_out: dict[str, list[int]] = field(default_factory=dict)
    broken: list[str] = field(default_factory=list)
    findings: list[Finding] = field(default_factory=list)

    def take(self, name: str, source: Path, roots: Iterable[str]) -> None:
        """Add what is at a path, over what had the name before."""
        try:
            self.members[name] = member_for(name, source, roots)
        except BrokenLinkError:
            self.broken.append(name)
        except DirectoryError:
            pass  # made when something is put in it

    def exclude(self, reason: str, source: Path) -> None:
        self.left_out.setdefault(reason, []).append(source.lstat().st_size)


class BrokenLinkError(Exception):
    """A link that leads to nothing."""


class DirectoryError(Exception):
    """A folder, which is no member by itself."""


def check_name(name: str) -> str:
    """Return the name itself, if it may be a member's. Raises PrefixError."""
    parts = name.split("/")
    if name.startswith("/") or "\0" in name or any(part in ("", ".", "..") for part in parts):
        raise PrefixError(
            f"{name!r} can't be the name of a file in an environment: it must be relative to the "
            "prefix and stay in it."
        )
    return name


def member_for(name: str, source: Path, roots: Iterable[str]) -> Member:
    """Return the member for one path of a prefix.

    `roots` are the paths of the environment on this machine: a link below one of them leads to a
    place in the archive. Raises BrokenLinkError, DirectoryError, and PrefixError for what can't be
    shipped.
    """
    check_name(name)
    try:
        mode = source.lstat().st_mode
        if stat.S_ISLNK(mode):
            return _member_for_link(name, source, roots)
    except OSError as error:
        raise PrefixError(f"{source} can't be read: {error.strerror}.") from error
    if stat.S_ISDIR(mode):
        raise DirectoryError(name)
    if not stat.S_ISREG(mode):
        raise PrefixError(f"{source} is no regular file and can't be packed: remove it.")
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
    if followed.exists():
        raise PrefixError(
            f"{source} is a link to {followed}, which is outside of the environment: put a copy in "
            "its place."
        )
    raise BrokenLinkError(name)


def inner_target(name: str, target: str, roots: Iterable[str]) -> str | None:
    """Return a link's target relative to the link if it leads into the archive, None else."""
    if target.startswith("/"):
        target = posixpath.normpath(target)
        root = next((each for each in roots if target.startswith(each.rstrip("/") + "/")), None)
        if root is None:
            return None
        inside = target[len(root.rstrip("/")) + 1 :]
    else:
        inside = posixpath.normpath(posixpath.join(posixpath.dirname(name), target))
    if inside in ("", ".", "..") or inside.startswith("../"):
        return None
    return posixpath.relpath(inside, posixpath.dirname(name) or ".")


def _shipped_mode(mode: int) -> int:
    return EXECUTABLE_MODE if mode & stat.S_IXUSR else PLAIN_MODE


def walk_files(root: Path, without: Collection[str] = ()) -> Iterator[str]:
    """Yield the names, relative to `root`, of all that is no directory below it; links to
    directories are not followed but named. `without` names folders directly in `root` that are
    passed over, as `__pycache__` is anywhere: bytecode is made for what is packed.

    Raises PrefixError for a folder that can't be read.
    """

    def refuse(error: OSError) -> None:
        raise PrefixError(f"{error.filename} can't be read: {error.strerror}.") from error

    for folder, directories, files in os.walk(root, onerror=refuse):
        below = os.path.relpath(folder, root)
        start = "" if below == "." else below + "/"
        passed_over = ("__pycache__", *(() if start else without))
        directories[:] = [each for each in directories if each not in passed_over]
        linked = [each for each in directories if Path(folder, each).is_symlink()]
        for each in (*files, *linked):
            yield start + each


def drop_dangling_links(members: Iterable[Member]) -> list[Member]:
    """Return members sorted by name, without links whose target is not among them.

    Raises PrefixError if one is below another that is no folder: a link that redirects what comes
    after it.
    """
    by_name = {member.name: member for member in members}
    folders = {parent for name in by_name for parent in parents(name)}
    for folder in sorted(folders & by_name.keys()):
        below = min(name for name in by_name if name.startswith(folder + "/"))
        raise PrefixError(
            f"{by_name[folder].source} is a file or a link, and {below!r} would be below it: "
            "reinstall the package that it belongs to."
        )
    kept = dict(by_name)
    # Again and again: a link may lead to a link that has just been dropped.
    while dangling := [name for name in kept if _dangles(kept[name], kept, folders)]:
        for name in dangling:
            del kept[name]
    return [kept[name] for name in sorted(kept)]


def _dangles(member: Member, members: dict[str, Member], folders: set[str]) -> bool:
    if member.kind is not MemberKind.LINK:
        return False
    inside = posixpath.normpath(posixpath.join(posixpath.dirname(member.name), member.target))
    if inside in folders or inside in members:
        return False
    # The way may lead through another link, to a folder: lib64/python3.11 where lib64 is lib.
    return not any(
        parent in members and members[parent].kind is MemberKind.LINK for parent in parents(inside)
    )


def parents(name: str) -> Iterator[str]:
    """Yield the folders above a name, the nearest first."""
    while "/" in name:
        name = name.rpartition("/")[0]
        yield name
