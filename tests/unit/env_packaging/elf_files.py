"""The smallest ELF files that a dynamic linker would take a search path from."""

from __future__ import annotations

import struct

DT_NEEDED, DT_STRTAB, DT_RPATH, DT_RUNPATH, DT_NULL = 1, 5, 15, 29, 0
_ADDRESS = 0x400000


def make_elf(needed: list[str], search_path: str | None = None, tag: int = DT_RUNPATH) -> bytes:
    """A 64-bit little-endian ELF file with one loaded segment and a dynamic section."""
    strings = bytearray(b"\0")
    entries = []
    for library in needed:
        entries.append((DT_NEEDED, len(strings)))
        strings += library.encode() + b"\0"
    if search_path is not None:
        entries.append((tag, len(strings)))
        strings += search_path.encode() + b"\0"
    dynamic_offset = 64 + 2 * 56
    strings_offset = dynamic_offset + 16 * (len(entries) + 2)
    entries += [(DT_STRTAB, _ADDRESS + strings_offset), (DT_NULL, 0)]
    dynamic = b"".join(struct.pack("<qQ", *entry) for entry in entries)
    size = strings_offset + len(strings)
    header = b"\x7fELF\x02\x01\x01".ljust(16, b"\0") + struct.pack(
        "<HHIQQQIHHHHHH", 3, 62, 1, 0, 64, 0, 0, 64, 56, 2, 0, 0, 0
    )
    load = struct.pack("<IIQQQQQQ", 1, 5, 0, _ADDRESS, _ADDRESS, size, size, 0x1000)
    address = _ADDRESS + dynamic_offset
    length = len(dynamic)
    section = struct.pack("<IIQQQQQQ", 2, 6, dynamic_offset, address, address, length, length, 8)
    return header + load + section + dynamic + bytes(strings)
