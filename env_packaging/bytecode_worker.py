"""Runs in the interpreter of the environment that is packed: compiles for exactly that Python.

Reads lines of JSON, each a list of files, [path, name in the archive], and answers each file with
the length of its bytecode file in 4 bytes (big-endian) and its content; length 0 where the file
can't be compiled, as templates and code of Python 2 can't. Standard library only, no package of
ours, any Python 3.7 or later.

The answer is an "unchecked hash" file (PEP 552): Python takes it without
looking at the source's time, which unpacking does not keep.
"""

from __future__ import annotations

import importlib.util
import json
import marshal
import os
import struct
import sys
from pathlib import Path

HEADER_BYTES = 16
UNCHECKED_HASH = 1


def compiled(path: Path, name: str) -> bytes:
    with path.open("rb") as file:
        source = file.read()
        state = os.fstat(file.fileno())
    code = existing_code(path, source, state)
    if code is None:
        try:
            code = marshal.dumps(compile(source, name, "exec", dont_inherit=True, optimize=0))
        except (SyntaxError, ValueError, RecursionError, OverflowError, MemoryError):
            return b""
    flags = struct.pack("<I", UNCHECKED_HASH)
    return importlib.util.MAGIC_NUMBER + flags + importlib.util.source_hash(source) + code


def existing_code(path: Path, source: bytes, state: os.stat_result) -> bytes | None:
    """Return the code in the source's __pycache__, if Python itself would take it."""
    try:
        data = Path(importlib.util.cache_from_source(path, optimization="")).read_bytes()
    except OSError:
        return None
    if len(data) <= HEADER_BYTES or data[:4] != importlib.util.MAGIC_NUMBER:
        return None
    (flags,) = struct.unpack("<I", data[4:8])
    if flags:
        valid = data[8:16] == importlib.util.source_hash(source)
    else:
        stamp = struct.pack("<II", int(state.st_mtime) & 0xFFFFFFFF, state.st_size & 0xFFFFFFFF)
        valid = data[8:16] == stamp
    return data[HEADER_BYTES:] if valid else None


def main() -> None:
    answers = sys.stdout.buffer
    for line in sys.stdin.buffer:
        for path, name in json.loads(line):
            try:
                data = compiled(Path(path), name)
            except OSError:
                data = b""  # gone meanwhile: the packer finds that out when it reads the source
            answers.write(struct.pack(">I", len(data)) + data)
        answers.flush()


if __name__ == "__main__":
    main()
