"""Recognizes the kind of a prefix, and reads the properties of its interpreter.

Three kinds can be packed: a conda environment, a venv, and a CPython in a directory without
anything else. The interpreter itself reports its layout: the paths of the standard library and of
site-packages differ between Debian, Fedora, conda and plain builds.
"""

from __future__ import annotations

import json
import os
import re
import shlex
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from enum import Enum
from pathlib import Path
from typing import TypedDict

from env_packaging.errors import PrefixError

#: Prefixes that also hold the operating system. A venv's base may be one. They are never packed as
#: a whole, and a file that contains their path need not be relocated.
SYSTEM_PREFIXES = frozenset({"/", "/usr", "/usr/local"})

#: How long to wait for an interpreter.
INTERPRETER_TIMEOUT_SECONDS = 60.0

_FACTS = """
import json, os, platform, site, sys, sysconfig
print()  # the environment's own modules may have begun a line
print(json.dumps({
    "version": platform.python_version(),
    "short_version": "%d.%d" % sys.version_info[:2],
    "prefix": sys.prefix,
    "base_prefix": sys.base_prefix,
    "stdlib": sysconfig.get_path("stdlib"),
    "include": sysconfig.get_path("include"),
    "site_directories": site.getsitepackages(["/"]),
    "cache_tag": sys.implementation.cache_tag,
    "platform": sysconfig.get_platform(),
    "libc": " ".join(platform.libc_ver()).strip(),
}), flush=True)
os._exit(0)  # nothing that was registered may print after this
"""


class _Facts(TypedDict):
    """The output of `_FACTS`."""

    version: str
    short_version: str
    prefix: str
    base_prefix: str
    stdlib: str
    include: str
    site_directories: list[str]
    cache_tag: str
    platform: str
    libc: str


class PrefixKind(Enum):
    """The kinds of prefixes that can be packed."""

    CONDA = "conda"
    VENV = "venv"
    CPYTHON = "cpython"


@dataclass(frozen=True)
class Interpreter:
    """The properties of an interpreter.

    `site_directories` are the directories where it looks for packages, relative to any prefix, in
    its order. `stdlib` and `include` are absolute; in a venv they are those of the base.
    """

    executable: Path
    version: str
    short_version: str
    prefix: Path
    base_prefix: Path
    stdlib: Path
    include: Path
    site_directories: tuple[str, ...]
    cache_tag: str
    platform: str
    libc: str

    @property
    def program(self) -> str:
        """The program name of exactly this version, such as `python3.11`."""
        return f"python{self.short_version}"


@dataclass(frozen=True)
class Prefix:
    """A prefix that can be packed.

    `base` is the Python that a venv was made from, to be packed with it. It is None for other
    kinds, and if every node is assumed to have it. `former_path` is the path at which a venv was
    created, empty if it is `path`: scripts name it.
    """

    path: Path
    kind: PrefixKind
    interpreter: Interpreter
    base: Prefix | None = None
    former_path: str = ""

    @property
    def assumes_base(self) -> bool:
        """Whether this is a venv whose Python every node has, at the same path."""
        return self.kind is PrefixKind.VENV and self.base is None

    @property
    def embedded_paths(self) -> tuple[str, ...]:
        """The paths of this environment on this machine, in each spelling that a file may contain.

        The longest is first, because one may be the start of another.
        """
        inherited = self.base.own_paths if self.base else ()
        paths = {*self.own_paths, *inherited}
        return tuple(sorted(paths, key=lambda path: (-len(path), path)))

    @property
    def own_paths(self) -> tuple[str, ...]:
        """The embedded paths without those of the base."""
        own = {str(self.path), os.path.realpath(self.path), self.former_path}
        own -= {*SYSTEM_PREFIXES, ""}
        return tuple(sorted(own, key=lambda path: (-len(path), path)))


def kind_of(path: Path) -> PrefixKind | None:
    """Return the kind of a prefix from its marker files, None if it has none."""
    if (path / "conda-meta").is_dir():
        return PrefixKind.CONDA
    if (path / "pyvenv.cfg").is_file():
        return PrefixKind.VENV
    if find_program(path) and any(path.glob("lib*/python3*/os.py")):
        return PrefixKind.CPYTHON
    return None


def find_program(path: Path) -> Path | None:
    """Find the interpreter in a prefix's `bin`, whatever its name."""
    candidates = [path / "bin" / "python", path / "bin" / "python3"]
    candidates += sorted((path / "bin").glob("python3.*[0-9]"))
    return next((program for program in candidates if os.access(program, os.X_OK)), None)


def open_prefix(path: Path, *, assume_base: bool = False) -> Prefix:
    """Inspect a prefix and its interpreter, and for a venv its base unless `assume_base` is set.

    Raises PrefixError if the directory is not a prefix or its interpreter does not run.
    """
    path = path.expanduser().absolute()
    with permission_errors():
        if not path.is_dir():
            raise PrefixError(f"{path} is not a directory. Give the prefix of an environment.")
        kind = kind_of(path)
    if kind is None:
        raise PrefixError(
            f"{path} is neither a conda environment, nor a venv, nor a complete Python: it has no "
            "conda-meta, no pyvenv.cfg, and no bin/python with its library."
        )
    if kind is PrefixKind.CPYTHON and os.path.realpath(path) in SYSTEM_PREFIXES:
        raise PrefixError(
            f"{path} holds the operating system too. Make a venv with its Python and pack that."
        )
    program = find_program(path)
    if program is None:
        raise _without_interpreter(path)
    interpreter = ask_interpreter(program)
    if not path.samefile(interpreter.prefix):
        raise PrefixError(
            f"The interpreter {program} belongs to {interpreter.prefix}, not to {path}. "
            "Give that prefix, or create the environment again at the path where you pack it."
        )
    if kind is PrefixKind.VENV:
        base = None if assume_base else _base_of(interpreter)
        return Prefix(path, kind, interpreter, base, _former_path(path))
    if assume_base:
        raise PrefixError(f"{path} includes its Python: --assume-base is for a venv.")
    return Prefix(path, kind, interpreter)


@contextmanager
def permission_errors() -> Iterator[None]:
    """Turn a PermissionError into a PrefixError."""
    try:
        yield
    except PermissionError as error:
        raise PrefixError(
            f"{error.filename} cannot be read: {error.strerror}. Pack the environment as a user "
            "who can read it."
        ) from error


def _without_interpreter(path: Path) -> PrefixError:
    """Return the error for a prefix without an interpreter that can be run."""
    program = path / "bin" / "python"
    if program.is_symlink():
        return PrefixError(
            f"{program} is a link to {os.path.realpath(program)}, which cannot be run here. "
            "Create the environment again with a Python of this machine."
        )
    return PrefixError(f"{path} has no interpreter in bin that can be run. Install Python in it.")


def install_command(prefix: Prefix, package: str) -> str:
    """Return the command that installs a package in a prefix: uv's for one without pip."""
    program = shlex.quote(str(prefix.interpreter.executable))
    if any(prefix.path.glob("lib/python3*/*-packages/pip")):
        return f"{program} -m pip install {package}"
    return f"uv pip install --python {program} {package}"


def _former_path(venv: Path) -> str:
    """Return the path in a venv's activation script if it is another one.

    A venv that was moved, or was created through a link, has that path in its scripts.
    """
    try:
        text = (venv / "bin" / "activate").read_text(encoding="utf-8", errors="surrogateescape")
    except OSError:
        return ""
    for value in re.findall(r"^\s*(?:export )?VIRTUAL_ENV=(.+)$", text, re.M):
        with suppress(ValueError):  # a quote that an old tool left open
            words = shlex.split(value)
            if len(words) == 1 and words[0].startswith("/"):
                former = os.path.normpath(words[0])
                return "" if former == str(venv) else former
    return ""


def _base_of(interpreter: Interpreter) -> Prefix:
    """Return the base of a venv. Unlike a prefix to pack, it may be the system's Python."""
    base = ask_interpreter(interpreter.base_prefix / "bin" / interpreter.program)
    kind = kind_of(base.prefix)
    if kind is not PrefixKind.CONDA:
        kind = PrefixKind.CPYTHON
    return Prefix(base.prefix, kind, base)


def ask_interpreter(program: Path) -> Interpreter:
    """Run an interpreter, isolated from the caller's settings, to read its properties."""
    values: _Facts = json.loads(run_python(program, _FACTS).splitlines()[-1])
    return Interpreter(
        executable=program,
        version=values["version"],
        short_version=values["short_version"],
        prefix=Path(values["prefix"]),
        base_prefix=Path(values["base_prefix"]),
        stdlib=Path(values["stdlib"]),
        include=Path(values["include"]),
        site_directories=tuple(path.lstrip("/") for path in values["site_directories"]),
        cache_tag=values["cache_tag"],
        platform=values["platform"],
        libc=values["libc"],
    )


def run_python(program: Path, script: str) -> str:
    """Return the output of a script in another interpreter.

    Raises PrefixError, with the last line of its error output, if it fails.
    """
    done = start_python(program, script)
    if done.returncode:
        reason = (done.stderr.strip().splitlines() or [f"exit status {done.returncode}"])[-1]
        raise PrefixError(f"The interpreter {program} does not run: {reason}")
    return done.stdout


def start_python(program: Path, script: str) -> subprocess.CompletedProcess[str]:
    """Run a script in another interpreter.

    The interpreter is isolated from the caller's settings (`-I`) and writes no bytecode into its
    prefix (`-B`). Raises PrefixError if it cannot be started or does not end in time.
    """
    try:
        return subprocess.run(
            [program, "-I", "-B", "-c", script],
            capture_output=True,
            text=True,
            errors="backslashreplace",
            check=False,
            timeout=INTERPRETER_TIMEOUT_SECONDS,
            stdin=subprocess.DEVNULL,
        )
    except subprocess.TimeoutExpired as error:
        raise PrefixError(
            f"The interpreter {program} did not answer within {error.timeout:.0f} seconds."
        ) from error
    except OSError as error:
        raise PrefixError(f"The interpreter {program} does not run: {error.strerror}") from error
