"""The requests of the kernel, as the protocol's decoder returns them.

Offsets and sizes are in bytes, times in nanoseconds since 1970. Names are `str`; bytes that are not
UTF-8 become lone surrogates, as in `os.fsdecode`.
"""

from __future__ import annotations

from typing import NamedTuple

#: The current time, in a `SetAttr`.
NOW = -1

#: A flag of `Rename`.
RENAME_NOREPLACE = 1 << 0


class Init(NamedTuple):
    major: int
    minor: int
    max_readahead: int
    flags: int


class Lookup(NamedTuple):
    name: str


class Forget(NamedTuple):
    """Of each node id, how many lookups the kernel has forgotten."""

    lookups: tuple[tuple[int, int], ...]


class GetAttr(NamedTuple):
    pass


class SetAttr(NamedTuple):
    """What is to be changed; None keeps it. A time of -1 is the current time."""

    handle: int | None
    size: int | None
    mode: int | None
    uid: int | None
    gid: int | None
    accessed_ns: int | None
    modified_ns: int | None


class Mknod(NamedTuple):
    name: str
    mode: int
    umask: int


class Mkdir(NamedTuple):
    name: str
    mode: int
    umask: int


class Link(NamedTuple):
    """Make a hard or a symbolic link."""


class ReadLink(NamedTuple):
    pass


class SetXAttr(NamedTuple):
    """An extended attribute."""

    name: str
    value: bytes


class Unlink(NamedTuple):
    name: str


class Rmdir(NamedTuple):
    name: str


class Rename(NamedTuple):
    name: str
    new_parent: int
    new_name: str
    flags: int


class Open(NamedTuple):
    flags: int


class Create(NamedTuple):
    name: str
    flags: int
    mode: int
    umask: int


class Read(NamedTuple):
    handle: int
    offset: int
    size: int


class Write(NamedTuple):
    """`data` is valid until the request is answered."""

    handle: int
    offset: int
    data: memoryview
    flags: int


class Flush(NamedTuple):
    handle: int


class FSync(NamedTuple):
    handle: int


class Release(NamedTuple):
    handle: int


class OpenDir(NamedTuple):
    pass


class ReadDir(NamedTuple):
    """`plus` asks for the attributes of each entry."""

    handle: int
    offset: int
    size: int
    plus: bool


class ReleaseDir(NamedTuple):
    handle: int


class FSyncDir(NamedTuple):
    pass


class StatFs(NamedTuple):
    pass


class Access(NamedTuple):
    mask: int


class Interrupt(NamedTuple):
    """The user gives up the request with this number."""

    unique: int


class Destroy(NamedTuple):
    pass


class Unknown(NamedTuple):
    """A request that this server does not implement."""


Body = (
    Init
    | Lookup
    | Forget
    | GetAttr
    | SetAttr
    | Mknod
    | Mkdir
    | Link
    | ReadLink
    | SetXAttr
    | Unlink
    | Rmdir
    | Rename
    | Open
    | Create
    | Read
    | Write
    | Flush
    | FSync
    | Release
    | OpenDir
    | ReadDir
    | ReleaseDir
    | FSyncDir
    | StatFs
    | Access
    | Interrupt
    | Destroy
    | Unknown
)


class Request(NamedTuple):
    unique: int
    node: int
    body: Body
