"""Compiles Python files in the interpreter of the environment that is packed.

Each input line is a JSON list of files, [path, name in the archive]. The response to a line is the
length of each bytecode file, in 4 bytes (big-endian), followed by their contents. The length is 0
if a file cannot be compiled, such as a template or code of Python 2.

A bytecode file is of the "unchecked hash" kind (PEP 552): Python uses it without comparing the
source's modification time, which unpacking does not preserve.

Standard library only, no other module of this project, Python 3.7 or later.
"""

from __future__ import annotations

import importlib.util
import io
import json
import marshal
import os
import struct
import sys
import types
from collections.abc import Iterator

HEADER_BYTES = 16
UNCHECKED_HASH = 1


def compiled(path: str, name: str) -> bytes:
    with open_unbuffered(path) as file:
        source = file.read()
        state = os.fstat(file.fileno())
    code = existing_code(path, source, state)
    if code is None:
        try:
            code = dumped(compile(source, name, "exec", dont_inherit=True, optimize=0))
        except (SyntaxError, ValueError, RecursionError, OverflowError, MemoryError):
            return b""
    flags = struct.pack("<I", UNCHECKED_HASH)
    return importlib.util.MAGIC_NUMBER + flags + importlib.util.source_hash(source) + code


def dumped(code: types.CodeType) -> bytes:
    """Return the same bytes whatever this process has compiled before.

    Before 3.11, marshal writes a string differently if the process has it elsewhere too, such as in
    a module that it has imported meanwhile. So all strings of the code are held twice here.
    """
    held = list(strings_of(code)) if sys.version_info < (3, 11) else None
    data = marshal.dumps(code)
    del held
    return data


def strings_of(value: object) -> Iterator[str]:
    """Yield each string of a code object or of a constant."""
    if isinstance(value, str):
        yield value
    elif isinstance(value, (tuple, frozenset)):
        for part in value:
            yield from strings_of(part)
    elif isinstance(value, types.CodeType):
        yield from (value.co_filename, value.co_name, *value.co_names, *value.co_varnames)
        yield from (*value.co_freevars, *value.co_cellvars)
        yield from strings_of(value.co_consts)


def open_unbuffered(path: str) -> io.FileIO:
    """Open a file that is read whole.

    A buffer or a Path object for each small file would take as long as reading it.
    """
    return open(path, "rb", buffering=0)  # noqa: PTH123


def existing_code(path: str, source: bytes, state: os.stat_result) -> bytes | None:
    """Return the code in the source's __pycache__ if Python would use it."""
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
    output = sys.stdout.buffer
    for line in sys.stdin.buffer:
        content = [compiled_or_empty(path, name) for path, name in json.loads(line)]
        output.write(struct.pack(f">{len(content)}I", *map(len, content)))
        output.writelines(content)
        output.flush()


def compiled_or_empty(path: str, name: str) -> bytes:
    try:
        return compiled(path, name)
    except OSError:
        return b""  # the file was deleted: the packer notices when it reads the source


if __name__ == "__main__":
    main()
