"""Relocates an environment's files when they are packed, by replacing the prefix in them.

Files cannot be relocated in the container: YARN makes unpacked files read-only, and the user of the
container does not own them. So a file that would be wrong at another path is rewritten here to be
right at any path:

- a script's interpreter becomes `/usr/bin/env PROGRAM`; the environment's `bin` is first in PATH;
- a kernel's interpreter becomes `python`, which Jupyter replaces by the one that it runs in, and
  the prefix in its arguments becomes `{prefix}`, which Jupyter replaces too;
- a directory in a path file (`.pth`) becomes relative to the file;
- a search path of an ELF file below the prefix becomes relative to the file (`$ORIGIN`);
- conda's records lose the paths from which packages were unpacked, and the records of conda and pip
  the credentials in addresses.

All functions are pure: bytes and names in, bytes out.
"""

from __future__ import annotations

import json
import os
import posixpath
import re
import shlex
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Literal

from env_packaging.build.credentials import is_record, without_credentials
from env_packaging.build.elf import MAGIC, read_dynamic, replace_search_path
from env_packaging.build.members import PACKAGE_DIRECTORY

#: What installers write if a shebang would be too long or contain a space: a line for the shell
#: that Python reads as part of a string. The string ends on the next line (pip, uv, installer) or
#: in a comment on the same one (conda, mamba, rattler).
_SHELL_SHEBANG = re.compile(
    rb"""\A\#!/bin/sh\n(?P<command>'''exec'\ [^\r\n]*?)(?:\ \#'''|\n'\ ''')\n""", re.X
)
_SHEBANG = re.compile(rb"\A#![ \t]*(?P<program>/[^ \t\r\n]*)[ \t]*(?P<options>[^\r\n]*)")

#: The name of a file in which Python looks for further directories of packages.
PATH_FILE = re.compile(rf".*/{PACKAGE_DIRECTORY}/[^/]+\.pth", re.DOTALL)

#: The variables that `conda env config vars` sets, and the script that sets them on a node. Its
#: name is sorted before those of packages, as conda sets variables before it runs scripts.
CONDA_STATE = "conda-meta/state"
CONDA_VARIABLES = "etc/conda/activate.d/00_env_vars.sh"

#: Stands for a variable in conda's state file that was unset.
_UNSET = "***unset***"

#: Stands for the prefix in a value until that is quoted.
_MARK = "\x01"

FileFormat = Literal["text", "binary"]


@dataclass(frozen=True)
class PrefixPaths:
    """The paths of an environment on this machine in each spelling, and its `pythonX.Y`."""

    paths: Sequence[str]
    program: str

    def occur_in(self, data: bytes) -> bool:
        """Return whether one of the paths is in the data, not as the start of a longer name."""
        return any(
            literal in data and re.search(re.escape(literal) + rb"(?![\w.-])", data)
            for literal in self._literals
        )

    @cached_property
    def _literals(self) -> list[bytes]:
        return [os.fsencode(path) for path in self.paths]

    def replace(self, text: str, replacement: str) -> str:
        """Replace the paths in a text where they are not the start of a longer name."""
        for path in self.paths:
            text = re.sub(re.escape(path) + r"(?![\w.-])", lambda _: replacement, text)
        return text

    @property
    def interpreter(self) -> str:
        """The interpreter's name in the archive."""
        return f"bin/{self.program}"

    def relative(self, path: str) -> str | None:
        """Return a path relative to the environment, None if it is outside."""
        for root in self.paths:
            if path == root or path.startswith(root + "/"):
                return path[len(root) + 1 :]
        return None


def relocate(name: str, data: bytes, prefix_paths: PrefixPaths) -> bytes:
    """Return a file's content for the archive.

    It is unchanged if it contains neither the prefix nor, in a record, credentials.
    """
    if name == "conda-meta/history":
        return b""  # commands with paths and times; an empty file still marks a conda environment
    if name == prefix_paths.interpreter and data.startswith(MAGIC):
        return _relocate_interpreter(data, prefix_paths)
    if name == CONDA_VARIABLES:
        return _variables_script(data, prefix_paths)
    if is_record(name):
        data = without_credentials(data)
    if data.startswith(b"#!"):
        return _relocate_script(data, prefix_paths)  # a path may be spelt in a shell's quotes
    if posixpath.basename(name) == "kernel.json":
        return _relocate_kernel(data, prefix_paths)  # or in JSON's escapes
    if not prefix_paths.occur_in(data):
        return data
    if data.startswith(MAGIC):
        return _relocate_elf(name, data, prefix_paths)
    if name.startswith("conda-meta/") and name.endswith(".json"):
        return _relocate_conda_record(data)
    if PATH_FILE.fullmatch(name):
        return _relocate_path_file(name, data, prefix_paths)
    return data


def remaining_prefix(data: bytes, prefix_paths: PrefixPaths) -> FileFormat | None:
    """Return the format of a relocated file that still contains the prefix, None if it does not."""
    if not prefix_paths.occur_in(data):
        return None
    return "binary" if b"\0" in data else "text"


@dataclass(frozen=True)
class ScriptStart:
    """The interpreter of a script and its options, and where the rest of the script begins."""

    program: str
    options: str
    end: int


def script_start(data: bytes) -> ScriptStart | None:
    """Read the interpreter of a script; None if it has none with an absolute path."""
    if match := _SHELL_SHEBANG.match(data):
        try:
            words = shlex.split(os.fsdecode(match["command"]))
        except ValueError:  # an open quote
            return None
        if len(words) < 4 or words[0] != "exec" or words[-2:] != ["$0", "$@"]:
            return None
        return ScriptStart(words[1], shlex.join(words[2:-2]), match.end() - len("\n"))
    if match := _SHEBANG.match(data):
        program, options = (os.fsdecode(match[group]) for group in ("program", "options"))
        return ScriptStart(program, options, match.end())
    return None


def _relocate_script(data: bytes, prefix_paths: PrefixPaths) -> bytes:
    start = script_start(data)
    relative = prefix_paths.relative(start.program) if start else None
    if start is None or relative is None:
        return data
    program = posixpath.basename(relative)
    if re.fullmatch(r"pythonw?[0-9.]*", program):
        program = prefix_paths.program
    line = f"#!/usr/bin/env {program}"
    if start.options:
        # Without -S, env would look for a program whose name contains the options.
        line = f"#!/usr/bin/env -S {program} {start.options}"
    return os.fsencode(line) + data[start.end :]


def _relocate_kernel(data: bytes, prefix_paths: PrefixPaths) -> bytes:
    try:
        spec = json.loads(data)
        relative = prefix_paths.relative(spec["argv"][0])
        arguments = [prefix_paths.replace(text, "{prefix}") for text in spec["argv"][1:]]
    except (ValueError, KeyError, IndexError, TypeError, AttributeError):
        return data  # Jupyter rejects such a spec too; a prefix that remains in it is reported
    if relative is None and arguments == spec["argv"][1:]:
        return data
    if relative is not None:
        program = posixpath.basename(relative)
        spec["argv"][0] = "python" if program.startswith("python") else program
    spec["argv"][1:] = arguments
    return (json.dumps(spec, indent=1) + "\n").encode()


def _relocate_path_file(name: str, data: bytes, prefix_paths: PrefixPaths) -> bytes:
    lines = os.fsdecode(data).splitlines(keepends=True)
    for number, line in enumerate(lines):
        relative = prefix_paths.relative(line.strip())
        if relative is not None:
            directory = posixpath.relpath(relative or ".", posixpath.dirname(name))
            lines[number] = line.replace(line.strip(), directory)
    return os.fsencode("".join(lines))


def _relocate_conda_record(data: bytes) -> bytes:
    try:
        record = json.loads(data)
        for field in ("extracted_package_dir", "package_tarball_full_path"):
            if field in record:
                record[field] = ""
        if record.get("link"):
            record["link"]["source"] = ""
    except (ValueError, TypeError, AttributeError):
        return data
    return json.dumps(record, indent=1, sort_keys=True).encode()


def conda_variables(data: bytes) -> dict[str, str]:
    """Return the variables in conda's state file. Raises ValueError if it is damaged."""
    values = json.loads(data)
    variables = values.get("env_vars", {}) if isinstance(values, dict) else {}
    return {
        name: value
        for name, value in variables.items()
        if isinstance(value, str) and value != _UNSET and re.fullmatch(r"[A-Za-z_]\w*", name)
    }


def _variables_script(data: bytes, prefix_paths: PrefixPaths) -> bytes:
    """Return a shell script that sets the variables in conda's state file."""
    lines = []
    for name, value in sorted(conda_variables(data).items()):
        text = shlex.quote(prefix_paths.replace(value, _MARK))
        lines.append(f"export {name}={text}\n".replace(_MARK, "'\"$CONDA_PREFIX\"'"))
    return os.fsencode("".join(lines))


def _relocate_elf(name: str, data: bytes, prefix_paths: PrefixPaths) -> bytes:
    dynamic = read_dynamic(data)
    for path in dynamic.search_paths if dynamic else ():
        text = relative_search_path(name, path.text, prefix_paths)
        if text != path.text:
            data = replace_search_path(data, path, text) or data
    return data


def _relocate_interpreter(data: bytes, prefix_paths: PrefixPaths) -> bytes:
    """Point an interpreter's search path at `lib`, where its own library is packed.

    A Python that was moved or copied still contains the prefix that it was built for.
    """
    data = _relocate_elf(prefix_paths.interpreter, data, prefix_paths)
    dynamic = read_dynamic(data)
    if dynamic and any(library.startswith("libpython") for library in dynamic.needed):
        for path in dynamic.search_paths:
            if "$ORIGIN" not in path.text:
                data = replace_search_path(data, path, "$ORIGIN/../lib") or data
    return data


def relative_search_path(name: str, text: str, prefix_paths: PrefixPaths) -> str:
    """Return an RPATH or RUNPATH whose directories in the environment are relative to the file."""
    return ":".join(
        _relative_directory(name, directory, prefix_paths) for directory in text.split(":")
    )


def _relative_directory(name: str, directory: str, prefix_paths: PrefixPaths) -> str:
    relative = (
        prefix_paths.relative(posixpath.normpath(directory)) if directory.startswith("/") else None
    )
    if relative is None:
        return directory
    steps = posixpath.relpath(relative or ".", posixpath.dirname(name) or ".")
    return "$ORIGIN" if steps == "." else f"$ORIGIN/{steps}"
