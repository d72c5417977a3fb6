"""Runs in the interpreter of the environment that is packed: compiles for exactly that Python.

Reads lines of JSON, each a list of files, [path, name in the archive], and answers each line with
the lengths of their bytecode files, in 4 bytes each (big-endian), and then their contents; length 0
where a file can't be compiled, as templates and code of Python 2 can't. Standard library only, no
package of ours, any Python 3.7 or later.

The answer is an "unchecked hash" file (PEP 552): Python takes it without
looking at the source's time, which unpacking does not keep.
"""

from __future__ import annotations

import importlib.util
import io
import json
import marshal
import os
import struct
import sys

HEADER_BYTES = 16
UNCHECKED_HASH = 1


def compiled(path: str, name: str) -> bytes:
    with open_unbuffered(path) as file:
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


def open_unbuffered(path: str) -> io.FileIO:
    """Open a file that is read at once: a buffer, or a path object, for each takes as long as most
    of them take to be read."""
    return open(path, "rb", buffering=0)  # noqa: PTH123


def existing_code(path: str, source: bytes, state: os.stat_result) -> bytes | None:
    """Return the code in the source's __pycache__, if Python itself would take it."""
    try:
        with open_unbuffered(importlib.util.cache_from_source(path, optimization="")) as file:
            data = file.read()
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
        content = [compiled_if_there(path, name) for path, name in json.loads(line)]
        answers.write(struct.pack(f">{len(content)}I", *map(len, content)))
        answers.writelines(content)
        answers.flush()


def compiled_if_there(path: str, name: str) -> bytes:
    try:
        return compiled(path, name)
    except OSError:
        return b""  # gone meanwhile: the packer finds that out when it reads the source


if __name__ == "__main__":
    main()
