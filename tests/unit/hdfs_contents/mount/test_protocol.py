"""Requests of the kernel are decoded, whatever their bytes are, and answers have its layout."""

from __future__ import annotations

import errno
import stat
import struct
from contextlib import suppress

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hadoop_client.hdfs.interface import FileStatus
from hdfs_contents.mount import messages, protocol
from hdfs_contents.mount.attributes import attributes

U32 = st.integers(0, 2**32 - 1)
U64 = st.integers(0, 2**64 - 1)
NAME = st.binary(min_size=1, max_size=255).filter(lambda name: not {0, 47} & set(name))


def request(opcode: int, body: bytes, unique: int = 7, node: int = 1) -> memoryview:
    header = struct.pack("<IIQQIIIHH", 40 + len(body), opcode, unique, node, 0, 0, 0, 0, 0)
    return memoryview(header + body)


def text(name: bytes) -> str:
    return name.decode("utf-8", "surrogateescape")


@given(U64, U64, NAME)
def test_a_name_is_any_bytes(unique: int, node: int, name: bytes) -> None:
    decoded = protocol.decode(request(1, name + b"\0", unique, node))
    assert decoded == (unique, node, messages.Lookup(text(name)))


@given(U64, NAME, NAME, U32)
def test_a_rename_has_two_names(parent: int, name: bytes, new: bytes, flags: int) -> None:
    names = name + b"\0" + new + b"\0"
    old = protocol.decode(request(12, struct.pack("<Q", parent) + names)).body
    assert old == messages.Rename(text(name), parent, text(new), 0)
    latest = protocol.decode(request(45, struct.pack("<QII", parent, flags, 0) + names)).body
    assert latest == messages.Rename(text(name), parent, text(new), flags)


@given(U64, U64, st.binary(max_size=300), U32)
def test_a_write_has_its_data(handle: int, offset: int, data: bytes, flags: int) -> None:
    body = struct.pack("<QQIIQII", handle, offset, len(data), 0, 0, flags, 0) + data
    assert protocol.decode(request(16, body)).body == messages.Write(handle, offset, data, flags)


@given(st.lists(st.tuples(U64, U64), max_size=20))
def test_many_nodes_are_forgotten_at_once(pairs: list[tuple[int, int]]) -> None:
    body = struct.pack("<II", len(pairs), 0) + b"".join(struct.pack("<QQ", *p) for p in pairs)
    assert protocol.decode(request(42, body)).body == messages.Forget(tuple(pairs))
    assert protocol.decode(request(2, struct.pack("<Q", 3), node=9)).body.lookups == ((9, 3),)


@given(NAME, st.binary(max_size=300))
def test_an_extended_attribute_has_any_bytes(name: bytes, value: bytes) -> None:
    body = struct.pack("<II", len(value), 0) + name + b"\0" + value
    assert protocol.decode(request(21, body)).body == messages.SetXAttr(text(name), value)


def setattr_body(valid: int, **fields: int) -> bytes:
    names = (
        *("valid", "padding", "fh", "size", "lock", "atime", "mtime", "ctime"),
        *("atimensec", "mtimensec", "ctimensec", "mode", "u4", "uid", "gid", "u5"),
    )
    values = [valid, *(fields.get(name, 0) for name in names[1:])]
    return struct.pack("<IIQQQQQQIIIIIIII", *values)


def test_only_the_attributes_that_are_to_change_are_given() -> None:
    nothing = protocol.decode(request(4, setattr_body(0, size=5, mode=0o777))).body
    assert nothing == messages.SetAttr(None, None, None, None, None, None, None)
    body = setattr_body((1 << 3) | (1 << 0) | (1 << 5), size=5, mode=0o100640, mtime=2, mtimensec=3)
    changed = protocol.decode(request(4, body)).body
    assert (changed.size, changed.mode, changed.modified_ns) == (5, 0o640, 2_000_000_003)
    now = protocol.decode(request(4, setattr_body((1 << 5) | (1 << 8), mtime=9))).body
    assert now.modified_ns == messages.NOW
    old = protocol.decode(request(4, setattr_body(1 << 5, mtime=2**64 - 1))).body
    assert old.modified_ns == -1_000_000_000


@given(st.integers(0, 60), st.binary(max_size=120))
def test_any_bytes_are_a_request_or_an_error(opcode: int, body: bytes) -> None:
    with suppress(protocol.ProtocolError):
        protocol.decode(request(opcode, body))
    with pytest.raises(protocol.ProtocolError):
        protocol.decode(memoryview(bytes(request(opcode, body))[:39]))


def test_what_both_sides_can_do_is_agreed_on() -> None:
    answer = protocol.encode_init(messages.Init(7, 45, 131072, 2**32 - 1))
    assert len(answer) == 64
    major, minor, readahead, flags = struct.unpack_from("<IIII", answer)
    assert (major, minor, readahead, flags) == (7, 31, 131072, protocol.WANTED)
    locks = (1 << 1) | (1 << 10)
    assert not flags & locks
    assert protocol.encode_init(messages.Init(7, 28, 4096, 0))[4] == 28
    with pytest.raises(protocol.ProtocolError, match=r"7\.22"):
        protocol.encode_init(messages.Init(7, 22, 4096, 0))


def test_answers_have_the_kernels_layout() -> None:
    shown = protocol.Attributes(5, 1000, -1_500_000_000, 0o100644, 1, 2, 1)
    assert len(shown.encode()) == 88
    assert struct.unpack_from("<QQQqqq", shown.encode()) == (5, 1000, 2, -2, -2, -2)
    assert len(protocol.encode_entry(3, shown, 10**9)) == 128
    assert len(protocol.encode_attributes(shown, 10**9)) == 104
    assert len(protocol.encode_open(1)) == 16
    assert len(protocol.encode_space(protocol.Space(1, 2, 3, 4))) == 80
    assert protocol.answer(9, errno.EIO, 4) == struct.pack("<IiQ", 20, -errno.EIO, 9)


@given(st.integers(-(2**63), 2**63 - 1))
def test_a_file_has_any_time_that_hdfs_keeps(modified_ms: int) -> None:
    file = FileStatus("/a", False, 10, modified_ms, 0o644, "alice", "users")
    shown = attributes(file, "alice", 5, 1, 2)
    (seconds,) = struct.unpack_from("<q", shown.encode(), 32)
    assert seconds == modified_ms // 1000
    assert protocol.encode_entry_plus(b"a", 7, shown, 1, 10**9)


@given(NAME, U64, U64)
def test_entries_of_a_directory_are_aligned(name: bytes, inode: int, offset: int) -> None:
    entry = protocol.encode_directory_entry(name, inode, offset, stat.S_IFDIR)
    assert len(entry) % 8 == 0
    assert entry[24 : 24 + len(name)] == name
    assert struct.unpack_from("<QQII", entry) == (inode, offset, len(name), 4)


@given(NAME, U64, U64, st.sampled_from([stat.S_IFDIR, stat.S_IFREG, stat.S_IFLNK]))
def test_an_entry_with_attributes_is_both_together(
    name: bytes, inode: int, offset: int, file_type: int
) -> None:
    shown = protocol.Attributes(inode, 1000, 5, file_type | 0o644, 1, 2, 1)
    assert protocol.encode_entry_plus(name, 7, shown, offset, 10**9) == protocol.encode_entry(
        7, shown, 10**9
    ) + protocol.encode_directory_entry(name, inode, offset, file_type)
