"""The messages of the kernel's FUSE protocol (linux/fuse.h, version 7.31), without any I/O.

`decode` turns the bytes of a request into one of `hdfs_contents.mount.messages`. The `encode_…`
functions return the payload of an answer, and `answer` returns the header to put before it.
"""

from __future__ import annotations

import stat
import struct
from collections.abc import Callable
from typing import NamedTuple

from hdfs_contents.mount.messages import (
    NOW,
    Access,
    Body,
    Create,
    Destroy,
    Flush,
    Forget,
    FSync,
    FSyncDir,
    GetAttr,
    Init,
    Interrupt,
    Link,
    Lookup,
    Mkdir,
    Mknod,
    Open,
    OpenDir,
    Read,
    ReadDir,
    ReadLink,
    Release,
    ReleaseDir,
    Rename,
    Request,
    Rmdir,
    SetAttr,
    SetXAttr,
    StatFs,
    Unknown,
    Unlink,
    Write,
)

#: The version that this module implements. Linux 4.18 has 7.27, and is the first where users mount.
MAJOR, MINOR, OLDEST_MINOR = 7, 31, 27

#: The node id of the root directory.
ROOT = 1

#: The most bytes of a name, as HDFS has it by default.
LONGEST_NAME = 255

#: The most bytes in one READ or WRITE.
MAX_DATA = 1024 * 1024

#: The size of a buffer that any request fits in: the data of a WRITE, and its headers.
REQUEST_SIZE = MAX_DATA + 4096

# What both sides may do, from FUSE_INIT.
ASYNC_READ = 1 << 0
ATOMIC_O_TRUNC = 1 << 3
BIG_WRITES = 1 << 5
DONT_MASK = 1 << 6
AUTO_INVAL_DATA = 1 << 12
DO_READDIRPLUS = 1 << 13
READDIRPLUS_AUTO = 1 << 14
PARALLEL_DIROPS = 1 << 18
MAX_PAGES = 1 << 22

#: Locks are not among them, so the kernel keeps those of this machine itself.
WANTED = (
    ASYNC_READ
    | ATOMIC_O_TRUNC
    | BIG_WRITES
    | DONT_MASK
    | AUTO_INVAL_DATA
    | DO_READDIRPLUS
    | READDIRPLUS_AUTO
    | PARALLEL_DIROPS
    | MAX_PAGES
)

_IN = struct.Struct("<IIQQIIIHH")
_OUT = struct.Struct("<IiQ")
_ATTR = struct.Struct("<QQQQQQIIIIIIIIII")
_ENTRY = struct.Struct("<QQQQII")
_ENTRY_PLUS = struct.Struct("<QQQQII QQQQQQIIIIIIIIII QQII")
_ATTR_OUT = struct.Struct("<QII")
_DIRENT = struct.Struct("<QQII")
_INIT_OUT = struct.Struct("<IIIIHHIIHHII24x")
_STATFS = struct.Struct("<QQQQQIIII24x")

HEADER_SIZE = _IN.size


class ProtocolError(ValueError):
    """The bytes are not a request."""


def decode(buffer: memoryview) -> Request:
    """Decode a request. Raises ProtocolError if it is too short for what it says it is."""
    try:
        length, opcode, unique, node, *_ = _IN.unpack_from(buffer)
        decoder = _DECODERS.get(opcode)
        body = decoder(buffer[_IN.size : length]) if decoder else Unknown()
    except (struct.error, ValueError, IndexError) as error:
        raise ProtocolError(f"a request is truncated: {error}") from error
    if isinstance(body, _OneForget):
        body = Forget(((node, body.lookups),))
    return Request(unique, node, body)


class _OneForget(NamedTuple):
    lookups: int


def _names(data: memoryview) -> list[str]:
    """Decode strings that each end with a zero byte."""
    return [part.decode("utf-8", "surrogateescape") for part in bytes(data).split(b"\0")[:-1]]


def _forget(data: memoryview) -> Forget:
    count, _ = struct.unpack_from("<II", data)
    pairs = struct.iter_unpack("<QQ", data[8 : 8 + 16 * count])
    return Forget(tuple((node, lookups) for node, lookups in pairs))


_SETATTR = struct.Struct("<IIQQQQQQIIIIIIII")
_MODE, _UID, _GID, _SIZE, _ATIME, _MTIME, _FH, _ATIME_NOW, _MTIME_NOW = (1 << n for n in range(9))


def _setattr(data: memoryview) -> SetAttr:
    fields = _SETATTR.unpack_from(data)
    valid, _, handle, size, _, atime, mtime, _, atime_ns, mtime_ns, _, mode, _, uid, gid, _ = fields

    def time_ns(given: int, now: int, seconds: int, nanoseconds: int) -> int | None:
        if valid & now:
            return NOW
        signed = seconds - (1 << 64) if seconds >> 63 else seconds
        return signed * 1_000_000_000 + nanoseconds if valid & given else None

    return SetAttr(
        handle=handle if valid & _FH else None,
        size=size if valid & _SIZE else None,
        mode=stat.S_IMODE(mode) if valid & _MODE else None,
        uid=uid if valid & _UID else None,
        gid=gid if valid & _GID else None,
        accessed_ns=time_ns(_ATIME, _ATIME_NOW, atime, atime_ns),
        modified_ns=time_ns(_MTIME, _MTIME_NOW, mtime, mtime_ns),
    )


def _mknod(data: memoryview) -> Mknod:
    mode, _, umask, _ = struct.unpack_from("<IIII", data)
    return Mknod(_names(data[16:])[0], mode, umask)


def _mkdir(data: memoryview) -> Mkdir:
    mode, umask = struct.unpack_from("<II", data)
    return Mkdir(_names(data[8:])[0], stat.S_IMODE(mode), umask)


def _rename(data: memoryview) -> Rename:
    (parent,) = struct.unpack_from("<Q", data)
    name, new_name = _names(data[8:])
    return Rename(name, parent, new_name, 0)


def _rename2(data: memoryview) -> Rename:
    parent, flags = struct.unpack_from("<QI", data)
    name, new_name = _names(data[16:])
    return Rename(name, parent, new_name, flags)


def _setxattr(data: memoryview) -> SetXAttr:
    name, _, value = bytes(data[8:]).partition(b"\0")
    return SetXAttr(name.decode("utf-8", "surrogateescape"), value[: _uint(data)])


def _create(data: memoryview) -> Create:
    flags, mode, umask, _ = struct.unpack_from("<IIII", data)
    return Create(_names(data[16:])[0], flags, stat.S_IMODE(mode), umask)


def _read(data: memoryview) -> Read:
    return Read(*struct.unpack_from("<QQI", data))


def _write(data: memoryview) -> Write:
    handle, offset, size, _, _, flags = struct.unpack_from("<QQIIQI", data)
    return Write(handle, offset, data[40 : 40 + size], flags)


def _readdir(data: memoryview) -> ReadDir:
    handle, offset, size = struct.unpack_from("<QQI", data)
    return ReadDir(handle, offset, size, plus=False)


def _handle(data: memoryview) -> int:
    return struct.unpack_from("<Q", data)[0]


def _uint(data: memoryview) -> int:
    return struct.unpack_from("<I", data)[0]


_DECODERS: dict[int, Callable[[memoryview], Body | _OneForget]] = {
    1: lambda data: Lookup(_names(data)[0]),
    2: lambda data: _OneForget(_handle(data)),
    3: lambda _: GetAttr(),
    4: _setattr,
    5: lambda _: ReadLink(),
    6: lambda _: Link(),
    8: _mknod,
    9: _mkdir,
    10: lambda data: Unlink(_names(data)[0]),
    11: lambda data: Rmdir(_names(data)[0]),
    12: _rename,
    13: lambda _: Link(),
    14: lambda data: Open(_uint(data)),
    15: _read,
    16: _write,
    17: lambda _: StatFs(),
    18: lambda data: Release(_handle(data)),
    20: lambda data: FSync(_handle(data)),
    21: _setxattr,
    25: lambda data: Flush(_handle(data)),
    26: lambda data: Init(*struct.unpack_from("<IIII", data)),
    27: lambda _: OpenDir(),
    28: _readdir,
    29: lambda data: ReleaseDir(_handle(data)),
    30: lambda _: FSyncDir(),
    34: lambda data: Access(_uint(data)),
    35: _create,
    36: lambda data: Interrupt(_handle(data)),
    38: lambda _: Destroy(),
    42: _forget,
    44: lambda data: _readdir(data)._replace(plus=True),
    45: _rename2,
}


class Attributes(NamedTuple):
    """The attributes of a file or directory. `mode` has the type's bits too."""

    inode: int
    size: int
    modified_ns: int
    mode: int
    uid: int
    gid: int
    #: How many names it has.
    links: int

    def fields(self) -> tuple[int, ...]:
        """Return the fields of the kernel's structure."""
        seconds, nanoseconds = divmod(self.modified_ns, 1_000_000_000)
        seconds &= (1 << 64) - 1  # a time before 1970
        return (
            *(self.inode, self.size, (self.size + 511) // 512),
            *(seconds, seconds, seconds, nanoseconds, nanoseconds, nanoseconds),
            *(self.mode, self.links, self.uid, self.gid, 0, _BLOCK, 0),
        )

    def encode(self) -> bytes:
        return _ATTR.pack(*self.fields())


#: The size that programs read and write at once.
_BLOCK = 128 * 1024


class Space(NamedTuple):
    """The bytes and names of a file system, in all and free."""

    bytes_total: int
    bytes_free: int
    names_total: int
    names_free: int


def answer(unique: int, error: int, size: int) -> bytes:
    """Return the header of an answer with `size` bytes of payload; `error` is an errno or 0."""
    return _OUT.pack(_OUT.size + size, -error, unique)


def forget_name(parent: int, name: str) -> bytes:
    """Return a message that makes the kernel forget the node of a name, if no program uses it."""
    encoded = name.encode("utf-8", "surrogateescape")
    return _notification(3, struct.pack(f"<QII{len(encoded)}sx", parent, len(encoded), 0, encoded))


def forget_attributes(node: int) -> bytes:
    """Return a message that makes the kernel ask for the attributes of a node again."""
    return _notification(2, struct.pack("<Qqq", node, -1, 0))


def _notification(code: int, payload: bytes) -> bytes:
    return _OUT.pack(_OUT.size + len(payload), code, 0) + payload


def encode_init(request: Init) -> bytes:
    """Accept what both sides can do. Raises ProtocolError for a kernel that is too old."""
    if (request.major, request.minor) < (MAJOR, OLDEST_MINOR):
        raise ProtocolError(
            f"the kernel's FUSE protocol is {request.major}.{request.minor}, and {MAJOR}."
            f"{OLDEST_MINOR} is needed"
        )
    flags = request.flags & WANTED
    pages = MAX_DATA // 4096
    return _INIT_OUT.pack(
        *(MAJOR, min(request.minor, MINOR), request.max_readahead, flags),
        *(_BACKGROUND, _BACKGROUND * 3 // 4, MAX_DATA, 1_000_000, pages, 0, 0, 0),
    )


#: How many reads ahead and delayed writes the kernel sends at the same time.
_BACKGROUND = 12


def encode_entry(node: int, attributes: Attributes, valid_ns: int) -> bytes:
    """Return a name's node and attributes, which the kernel may keep for `valid_ns`."""
    return _entry(node, valid_ns) + attributes.encode()


def encode_missing(valid_ns: int) -> bytes:
    """Return that there is no such name, which the kernel may keep for `valid_ns`."""
    return _entry(0, valid_ns) + bytes(_ATTR.size)


def _entry(node: int, valid_ns: int) -> bytes:
    seconds, nanoseconds = divmod(valid_ns, 1_000_000_000)
    return _ENTRY.pack(node, 0, seconds, seconds, nanoseconds, nanoseconds)


def encode_attributes(attributes: Attributes, valid_ns: int) -> bytes:
    seconds, nanoseconds = divmod(valid_ns, 1_000_000_000)
    return _ATTR_OUT.pack(seconds, nanoseconds, 0) + attributes.encode()


def encode_open(handle: int) -> bytes:
    return struct.pack("<QII", handle, 0, 0)


def encode_written(size: int) -> bytes:
    return struct.pack("<II", size, 0)


def encode_space(space: Space) -> bytes:
    block = 4096
    return _STATFS.pack(
        *(space.bytes_total // block, space.bytes_free // block, space.bytes_free // block),
        *(space.names_total, space.names_free, block, LONGEST_NAME, block, 0),
    )


def encode_directory_entry(name: bytes, inode: int, offset: int, file_type: int) -> bytes:
    """Return an entry of a directory; `file_type` is as in a mode. `offset` is where the next
    READDIR goes on after it."""
    entry = _DIRENT.pack(inode, offset, len(name), file_type >> 12) + name
    return entry + bytes(-len(entry) % 8)


def encode_entry_plus(
    name: bytes, node: int, attributes: Attributes, offset: int, valid_ns: int
) -> bytes:
    """Return an entry of a directory, as `encode_entry` and `encode_directory_entry` together."""
    seconds, nanoseconds = divmod(valid_ns, 1_000_000_000)
    # One call for all fields: a directory may have many thousands of entries.
    entry = _ENTRY_PLUS.pack(
        *(node, 0, seconds, seconds, nanoseconds, nanoseconds),
        *attributes.fields(),
        *(attributes.inode, offset, len(name), attributes.mode >> 12),
    )
    return entry + name + bytes(-(len(entry) + len(name)) % 8)


class Page:
    """Entries of a directory, as many as fit into an answer."""

    def __init__(self, size: int) -> None:
        self._free = size
        self._entries: list[bytes] = []

    def add(self, entry: bytes) -> bool:
        """Add an entry; return False if it does not fit."""
        if len(entry) > self._free:
            return False
        self._entries.append(entry)
        self._free -= len(entry)
        return True

    @property
    def payload(self) -> bytes:
        return b"".join(self._entries)
