"""Finds files that cannot work on a node, because they need a directory of this machine."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from env_packaging.build.inspection import LARGE_BYTES, Inspected
from env_packaging.build.plan import Plan
from env_packaging.build.relocate import PATH_FILE, relocate, script_start
from env_packaging.errors import PrefixError

#: Directories with programs and libraries of the system, which are taken to be on each node.
_SYSTEM_DIRECTORIES = ("/bin/", "/sbin/", "/usr/", "/lib/", "/lib64/", "/etc/", "/proc/", "/dev/")

#: Programs and settings whose paths matter: commands, activation scripts, kernels, Jupyter's
#: settings.
_PROGRAMS = re.compile(
    r"bin/[^/]+|etc/conda/activate\.d/.+|etc/jupyter/.+|share/jupyter/kernels/.+/kernel\.json",
    re.DOTALL,
)

#: As much of a large file, which is packed unchanged, as has its interpreter.
_BEGINNING_BYTES = 1 << 12

_PATH_IN_CODE = re.compile(r"""(?P<quote>['"])(?P<path>/[^'"\n]+)(?P=quote)""")


@dataclass(frozen=True)
class UnusableFile:
    """A file that cannot work on a node, and the reason."""

    name: str
    reason: str

    def __str__(self) -> str:
        return f"{self.name} ({self.reason})"


def unusable_files(plan: Plan) -> Iterator[UnusableFile]:
    """Yield Python scripts, kernels and path files that need a path of this machine.

    Raises PrefixError if one cannot be read.
    """
    for file in plan.files:
        name = file.member.name
        if name.startswith("bin/"):
            reason = _reason_of_script(_beginning(file, plan), plan)
        elif name.endswith("/kernel.json"):
            reason = _reason_of_kernel(_content(file, plan), plan)
        elif PATH_FILE.fullmatch(name):
            reason = _reason_of_path_file(_content(file, plan), plan)
        else:
            reason = ""
        if reason:
            yield UnusableFile(name, reason)


def programs_with_prefix(plan: Plan) -> list[str]:
    """Return the names of programs and settings that still contain the prefix."""
    return [
        file.member.name
        for file in plan.files
        if file.remaining_prefix == "text" and _PROGRAMS.fullmatch(file.member.name)
    ]


def _beginning(file: Inspected, plan: Plan) -> bytes:
    """Return the content of a script, nothing of another file."""
    try:
        with file.member.source.open("rb") as source:
            if source.read(2) != b"#!":
                return b""
    except OSError as error:
        raise PrefixError(f"{file.member.source} cannot be read: {error.strerror}.") from error
    return _content(file, plan)


def _content(file: Inspected, plan: Plan) -> bytes:
    """Return the content in the archive, of a large file its beginning."""
    try:
        with file.member.source.open("rb") as source:
            if file.stamp.size > LARGE_BYTES:
                return source.read(_BEGINNING_BYTES)
            data = source.read()
    except OSError as error:
        raise PrefixError(f"{file.member.source} cannot be read: {error.strerror}.") from error
    return relocate(file.member.name, data, plan.prefix_paths)


def _reason_of_script(data: bytes, plan: Plan) -> str:
    start = script_start(data)
    if start is None or not _is_outside(start.program, plan) or "python" not in start.program:
        return ""
    return f"its interpreter {start.program} is not in the environment"


def _reason_of_kernel(data: bytes, plan: Plan) -> str:
    try:
        program = json.loads(data)["argv"][0]
        return (
            f"its program {program} is not in the environment" if _is_outside(program, plan) else ""
        )
    except (ValueError, KeyError, IndexError, TypeError, AttributeError):
        return ""  # Jupyter does not offer it


def _reason_of_path_file(data: bytes, plan: Plan) -> str:
    for line in data.decode(errors="surrogateescape").splitlines():
        if line.startswith(("import ", "import\t")):
            for match in _PATH_IN_CODE.finditer(line):
                path = match["path"]
                inside = plan.prefix_paths.relative(path) is not None
                if inside or (_is_outside(path, plan) and Path(path).exists()):
                    return f"its code names {path}"
    return ""


def _is_outside(path: str, plan: Plan) -> bool:
    """Return whether nodes may lack a path: it is neither the system's nor in an assumed base."""
    prefix = plan.prefix
    base = (f"{prefix.interpreter.base_prefix}/",) if prefix.assumes_base else ()
    return path.startswith("/") and not path.startswith((*_SYSTEM_DIRECTORIES, *base))
