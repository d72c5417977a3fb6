"""What the dynamic section of an ELF file says, and where: the libraries that it needs, the folders
where it has them looked for, and the glibc that it was built for.

Source of the layout: System V ABI, "Object Files" and "Dynamic Linking"
(https://refspecs.linuxfoundation.org/elf/gabi4+/contents.html), and for versions the LSB's "Symbol
Versioning" (https://refspecs.linuxfoundation.org/LSB_5.0.0/LSB-Core-generic). 64-bit little-endian
files only; that is every Linux that Hadoop runs on.
"""

from __future__ import annotations

import mmap
import re
import struct
from collections.abc import Iterator
from dataclasses import dataclass

MAGIC = b"\x7fELF"

Buffer = bytes | mmap.mmap

_CLASS_64_LITTLE = b"\x02\x01"
_PT_LOAD, _PT_DYNAMIC = 1, 2
_DT_NULL, _DT_NEEDED, _DT_STRTAB, _DT_RPATH, _DT_RUNPATH = 0, 1, 5, 15, 29

_DT_VERNEED, _DT_VERNEEDNUM = 0x6FFFFFFE, 0x6FFFFFFF

_PROGRAM_HEADER = struct.Struct("<IIQQQQQQ")
_DYNAMIC_ENTRY = struct.Struct("<qQ")
_VERSION_NEED, _VERSION_AUX = struct.Struct("<HHIII"), struct.Struct("<IHHII")
_GLIBC = re.compile(r"GLIBC_(\d+)\.(\d+)(\.\d+)?")


@dataclass(frozen=True)
class SearchPath:
    """An RPATH or RUNPATH: its text (folders with `:` between) and where in the file it begins."""

    text: str
    offset: int


@dataclass(frozen=True)
class Dynamic:
    """What a dynamic linker would read of a file. `glibc` is the oldest that has all symbols of
    it that the file asks for, as (2, 34); empty where it asks for none."""

    needed: tuple[str, ...]
    search_paths: tuple[SearchPath, ...]
    glibc: tuple[int, ...] = ()


def read_dynamic(data: Buffer) -> Dynamic | None:
    """Return the dynamic section of a file; None if it is no ELF file, has none, or is cut off."""
    if data[:4] != MAGIC or data[4:6] != _CLASS_64_LITTLE:
        return None
    try:
        segments = _segments(data)
        entries = _dynamic_entries(data, segments)
        table = next((value for tag, value in entries if tag == _DT_STRTAB), None)
        if table is None:
            return None
        strings = _file_offset(table, segments)
        needed = tuple(_text(data, strings + value) for tag, value in entries if tag == _DT_NEEDED)
        paths = tuple(
            SearchPath(_text(data, strings + value), strings + value)
            for tag, value in entries
            if tag in (_DT_RPATH, _DT_RUNPATH)
        )
        versions = [_GLIBC.fullmatch(each) for each in _versions(data, entries, segments, strings)]
        glibc = max(((int(each[1]), int(each[2])) for each in versions if each), default=())
    except (struct.error, ValueError, OverflowError):
        return None
    return Dynamic(needed, paths, glibc)


def replace_search_path(data: bytes, path: SearchPath, text: str) -> bytes | None:
    """Return the file with one search path replaced in place; None if the new one is longer."""
    old, new = path.text.encode(errors="surrogateescape"), text.encode()
    if len(new) > len(old):
        return None
    end = path.offset + len(old)
    return data[: path.offset] + new.ljust(len(old), b"\0") + data[end:]


def _segments(data: Buffer) -> list[tuple[int, int, int, int]]:
    """Return type, file offset, virtual address and size in the file of each segment."""
    (table,) = struct.unpack_from("<Q", data, 32)
    size, count = struct.unpack_from("<HH", data, 54)
    found = []
    for index in range(count):
        header = _PROGRAM_HEADER.unpack_from(data, table + index * size)
        kind, _flags, offset, address, _physical, file_size, _memory_size, _align = header
        found.append((kind, offset, address, file_size))
    return found


def _dynamic_entries(
    data: Buffer, segments: list[tuple[int, int, int, int]]
) -> list[tuple[int, int]]:
    for kind, offset, _address, size in segments:
        if kind == _PT_DYNAMIC:
            entries = _DYNAMIC_ENTRY.iter_unpack(data[offset : offset + size])
            found = list(entries)
            ends = [index for index, (tag, _value) in enumerate(found) if tag == _DT_NULL]
            return found[: ends[0]] if ends else found
    return []


def _versions(
    data: Buffer,
    entries: list[tuple[int, int]],
    segments: list[tuple[int, int, int, int]],
    strings: int,
) -> Iterator[str]:
    """Yield the versions of symbols that a file needs, of whichever library."""
    found = dict(entries)
    if _DT_VERNEED not in found:
        return
    offset = _file_offset(found[_DT_VERNEED], segments)
    for _ in range(min(found.get(_DT_VERNEEDNUM, 0), 0xFFFF)):
        _version, count, _file, auxiliary, following = _VERSION_NEED.unpack_from(data, offset)
        place = offset + auxiliary
        for _ in range(count):
            _hash, _flags, _other, name, next_one = _VERSION_AUX.unpack_from(data, place)
            yield _text(data, strings + name)
            place += next_one
            if not next_one:
                break
        offset += following
        if not following:
            break


def _file_offset(address: int, segments: list[tuple[int, int, int, int]]) -> int:
    for kind, offset, start, size in segments:
        if kind == _PT_LOAD and start <= address < start + size:
            return address - start + offset
    raise ValueError("an address outside of every segment")


def _text(data: Buffer, offset: int) -> str:
    end = data.find(b"\0", offset)
    if end < 0:
        raise ValueError("a string without an end")
    return data[offset:end].decode(errors="surrogateescape")
