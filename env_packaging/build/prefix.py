"""What kind of prefix a folder is, and what its interpreter says of itself.

Three kinds can be packed: a conda environment, a venv, and a CPython installed with nothing else in
a folder of its own. The layout of a Python is asked of that Python, never guessed: where the
standard library and site-packages are differs between Debian, Fedora, conda and plain builds.
"""

from __future__ import annotations

import json
import os
import subprocess
from dataclasses import dataclass
from enum import Enum
from pathlib import Path
from typing import Any

from env_packaging.errors import PrefixError

#: Prefixes that hold an operating system too. A venv's base may be one; none is packed as a whole,
#: and to find one's path in a file says nothing about that file.
SYSTEM_PREFIXES = frozenset({"/", "/usr", "/usr/local"})

#: Until an interpreter that does not answer is given up.
INTERPRETER_TIMEOUT_SECONDS = 60.0

_FACTS = """
import json, platform, site, sys, sysconfig
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
}))
"""


class PrefixKind(Enum):
    """What can be packed."""

    CONDA = "conda"
    VENV = "venv"
    CPYTHON = "cpython"


@dataclass(frozen=True)
class Interpreter:
    """What an interpreter says of itself.

    `site_directories` are where it would look for packages below any prefix, relative to that
    prefix, in its order; `stdlib` and `include` are absolute and of the base if it is in a venv.
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
        """The name that means exactly this version: `python3.11`."""
        return f"python{self.short_version}"


@dataclass(frozen=True)
class Prefix:
    """A prefix that can be packed. `base` is the Python that a venv was made from and is packed
    with it; None where there is none, or every node is assumed to have it."""

    path: Path
    kind: PrefixKind
    interpreter: Interpreter
    base: Prefix | None = None

    @property
    def assumes_base(self) -> bool:
        """Whether this is a venv whose Python every node has, at the same path."""
        return self.kind is PrefixKind.VENV and self.base is None

    @property
    def embedded_paths(self) -> tuple[str, ...]:
        """Where this environment is on this machine, in each spelling that a file may carry; the
        longest first, as one may be the beginning of another."""
        own = {str(self.path), os.path.realpath(self.path)} - SYSTEM_PREFIXES
        inherited = self.base.embedded_paths if self.base else ()
        return tuple(sorted(own | set(inherited), key=lambda path: (-len(path), path)))


def kind_of(path: Path) -> PrefixKind | None:
    """Return the kind of prefix that a folder looks like, by its marks; None if it is none."""
    if (path / "conda-meta").is_dir():
        return PrefixKind.CONDA
    if (path / "pyvenv.cfg").is_file():
        return PrefixKind.VENV
    if find_program(path) and any(path.glob("lib*/python3*/os.py")):
        return PrefixKind.CPYTHON
    return None


def find_program(path: Path) -> Path | None:
    """Find the interpreter in a prefix's `bin`, whatever it is called there."""
    candidates = [path / "bin" / "python", path / "bin" / "python3"]
    candidates += sorted((path / "bin").glob("python3.*[0-9]"))
    return next((each for each in candidates if os.access(each, os.X_OK)), None)


def open_prefix(path: Path, *, assume_base: bool = False) -> Prefix:
    """Look at a prefix and ask its interpreter, and the base's for a venv, unless every node is
    assumed to have that.

    Raises PrefixError for a folder that is no prefix or has no interpreter that runs.
    """
    path = path.expanduser().absolute()
    if not path.is_dir():
        raise PrefixError(f"There is no folder {path}: give the prefix of an environment.")
    kind = kind_of(path)
    if kind is None:
        raise PrefixError(
            f"{path} is neither a conda environment, nor a venv, nor a complete Python: it has no "
            "conda-meta, no pyvenv.cfg, and no bin/python with its library."
        )
    if kind is PrefixKind.CPYTHON and os.path.realpath(path) in SYSTEM_PREFIXES:
        raise PrefixError(
            f"{path} holds the operating system too: make a venv with its Python and pack that."
        )
    program = find_program(path)
    if program is None:
        raise PrefixError(
            f"{path} has no interpreter in bin that can be run: install Python in it."
        )
    interpreter = ask_interpreter(program)
    if not path.samefile(interpreter.prefix):
        raise PrefixError(
            f"The interpreter {program} belongs to {interpreter.prefix}, not to {path}: "
            "give that prefix, or make the environment again where it is to be packed."
        )
    if kind is PrefixKind.VENV and not assume_base:
        return Prefix(path, kind, interpreter, _base_of(interpreter))
    if kind is not PrefixKind.VENV and assume_base:
        raise PrefixError(f"{path} has a Python of its own: --assume-base is for a venv.")
    return Prefix(path, kind, interpreter)


def _base_of(interpreter: Interpreter) -> Prefix:
    """Return the base of a venv; unlike a prefix to be packed it may be the system's own Python."""
    base = ask_interpreter(interpreter.base_prefix / "bin" / interpreter.program)
    kind = kind_of(base.prefix)
    if kind is not PrefixKind.CONDA:
        kind = PrefixKind.CPYTHON
    return Prefix(base.prefix, kind, base)


def ask_interpreter(program: Path) -> Interpreter:
    """Run an interpreter, isolated from the caller's settings, and take its answer."""
    values: dict[str, Any] = json.loads(run_python(program, _FACTS))
    return Interpreter(
        executable=program,
        version=values["version"],
        short_version=values["short_version"],
        prefix=Path(values["prefix"]),
        base_prefix=Path(values["base_prefix"]),
        stdlib=Path(values["stdlib"]),
        include=Path(values["include"]),
        site_directories=tuple(each.lstrip("/") for each in values["site_directories"]),
        cache_tag=values["cache_tag"],
        platform=values["platform"],
        libc=values["libc"],
    )


def run_python(program: Path, script: str) -> str:
    """Return what a script prints in another interpreter, which is started isolated from the
    caller's settings (`-I`) and writes no bytecode into its prefix (`-B`).

    Raises PrefixError with the last line of its complaint if it doesn't run.
    """
    try:
        done = subprocess.run(
            [program, "-I", "-B", "-c", script],
            capture_output=True,
            text=True,
            check=True,
            timeout=INTERPRETER_TIMEOUT_SECONDS,
            stdin=subprocess.DEVNULL,
        )
    except subprocess.CalledProcessError as error:
        complaint = (error.stderr.strip().splitlines() or [f"exit status {error.returncode}"])[-1]
        raise PrefixError(f"The interpreter {program} does not run: {complaint}") from error
    except subprocess.TimeoutExpired as error:
        raise PrefixError(
            f"The interpreter {program} did not answer within {error.timeout:.0f} seconds."
        ) from error
    except OSError as error:
        raise PrefixError(f"The interpreter {program} does not run: {error.strerror}") from error
    return done.stdout
