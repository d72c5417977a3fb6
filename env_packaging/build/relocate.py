"""Settles, while packing, what in an environment's files says where the environment is.

In a container nothing can be settled any more: YARN sets unpacked files read-only, and whoever runs
them is not their owner. So a file that would be wrong at another place is rewritten here to be
right at any:

- a script's interpreter becomes `/usr/bin/env PROGRAM`, found as the environment's `bin` is first
  in PATH;
- a kernel's interpreter becomes `python`, for which Jupyter takes the one that it runs in;
- an ELF file's search path below the prefix becomes one relative to the file (`$ORIGIN`);
- conda's records lose the places on this machine where packages were unpacked from.

All of it is pure: bytes and names in, bytes out.
"""

from __future__ import annotations

import json
import os
import posixpath
import re
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Literal

from env_packaging.build.elf import MAGIC, read_dynamic, replace_search_path

#: What pip writes where a shebang would be too long or has a space in it: a line for the shell
#: that Python reads as a string (pip's distlib, scripts.py).
_SHELL_SHEBANG = re.compile(
    rb"""\A\#!/bin/sh\n'''exec'\ "?(?P<program>[^"\n]+?)"?\ "\$0"\ "\$@"\n'\ '''\n""", re.X
)
_SHEBANG = re.compile(rb"\A#![ \t]*(?P<program>/[^ \t\r\n]*)[ \t]*(?P<options>[^\r\n]*)")

Residue = Literal["text", "binary"]


@dataclass(frozen=True)
class PrefixPaths:
    """Where an environment is on this machine, in each spelling, and which `pythonX.Y` it runs."""

    paths: Sequence[str]
    program: str

    def is_in(self, data: bytes) -> bool:
        """Tell whether one of the paths is in the data, as itself, not as a longer name's start."""
        return any(
            literal in data and re.search(re.escape(literal) + rb"(?![\w.-])", data)
            for literal in self._literals
        )

    @cached_property
    def _literals(self) -> list[bytes]:
        return [os.fsencode(path) for path in self.paths]

    @property
    def interpreter(self) -> str:
        """The interpreter's name in the archive."""
        return f"bin/{self.program}"

    def below(self, path: str) -> str | None:
        """Return a path relative to the environment, None if it isn't in it."""
        for root in self.paths:
            if path == root or path.startswith(root + "/"):
                return path[len(root) + 1 :]
        return None


def relocate(name: str, data: bytes, place: PrefixPaths) -> bytes:
    """Return a file's content for the archive: the same bytes where nothing names the place."""
    if name == "conda-meta/history":
        return b""  # commands with paths and times; its presence is what marks an environment
    if name == place.interpreter and data.startswith(MAGIC):
        return _settle_interpreter(data, place)
    if not place.is_in(data):
        return data
    if data.startswith(MAGIC):
        return _settle_elf(name, data, place)
    if data.startswith(b"#!"):
        return _settle_script(data, place)
    if name.startswith("conda-meta/") and name.endswith(".json"):
        return _settle_conda_record(data)
    if posixpath.basename(name) == "kernel.json":
        return _settle_kernel(data, place)
    return data


def remaining_prefix(data: bytes, place: PrefixPaths) -> Residue | None:
    """Tell whether settled content still names the place, and in what kind of file."""
    if not place.is_in(data):
        return None
    return "binary" if b"\0" in data else "text"


def _settle_script(data: bytes, place: PrefixPaths) -> bytes:
    match = _SHELL_SHEBANG.match(data) or _SHEBANG.match(data)
    if match is None:
        return data
    inside = place.below(match["program"].decode(errors="surrogateescape"))
    if inside is None:
        return data
    program = posixpath.basename(inside)
    if re.fullmatch(r"pythonw?[0-9.]*", program):
        program = place.program
    options = match.groupdict().get("options") or b""
    line = f"#!/usr/bin/env {program}".encode()
    if options:
        # Without -S, env would look for a program with a space in its name.
        line = f"#!/usr/bin/env -S {program} ".encode() + options
    if match.re is _SHELL_SHEBANG:
        line += b"\n"
    return line + data[match.end() :]


def _settle_kernel(data: bytes, place: PrefixPaths) -> bytes:
    try:
        spec = json.loads(data)
        inside = place.below(spec["argv"][0])
    except (ValueError, KeyError, IndexError, TypeError, AttributeError):
        return data  # no kernel spec that Jupyter would take; what is left in it is reported
    if inside is None:
        return data
    program = posixpath.basename(inside)
    spec["argv"][0] = "python" if program.startswith("python") else program
    return (json.dumps(spec, indent=1) + "\n").encode()


def _settle_conda_record(data: bytes) -> bytes:
    try:
        record = json.loads(data)
        for key in ("extracted_package_dir", "package_tarball_full_path"):
            if key in record:
                record[key] = ""
        if record.get("link"):
            record["link"]["source"] = ""
    except (ValueError, TypeError, AttributeError):
        return data
    return json.dumps(record, indent=1, sort_keys=True).encode()


def _settle_elf(name: str, data: bytes, place: PrefixPaths) -> bytes:
    dynamic = read_dynamic(data)
    for path in dynamic.search_paths if dynamic else ():
        text = relative_search_path(name, path.text, place)
        if text != path.text:
            data = replace_search_path(data, path, text) or data
    return data


def _settle_interpreter(data: bytes, place: PrefixPaths) -> bytes:
    """Let an interpreter find its own library, which is packed in `lib`, wherever it was built to
    look for it: a Python that was moved or copied still names the place that it was built for."""
    data = _settle_elf(place.interpreter, data, place)
    dynamic = read_dynamic(data)
    if dynamic and any(each.startswith("libpython") for each in dynamic.needed):
        for path in dynamic.search_paths:
            if "$ORIGIN" not in path.text:
                data = replace_search_path(data, path, "$ORIGIN/../lib") or data
    return data


def relative_search_path(name: str, text: str, place: PrefixPaths) -> str:
    """Return an RPATH or RUNPATH with each folder in the environment relative to the file."""
    return ":".join(_relative_folder(name, folder, place) for folder in text.split(":"))


def _relative_folder(name: str, folder: str, place: PrefixPaths) -> str:
    inside = place.below(posixpath.normpath(folder)) if folder.startswith("/") else None
    if inside is None:
        return folder
    steps = posixpath.relpath(inside or ".", posixpath.dirname(name) or ".")
    return "$ORIGIN" if steps == "." else f"$ORIGIN/{steps}"
