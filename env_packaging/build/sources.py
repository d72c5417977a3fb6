"""The sources that can be packed: a prefix, the name of a conda environment, or a file that
describes an environment, which is built in a temporary directory.

Builds use the tools of this machine: conda, mamba or micromamba for an `environment.yml`, uv or pip
for a `requirements.txt`. Their output goes to stderr.
"""

from __future__ import annotations

import importlib.util
import json
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

from env_packaging.build.prefix import permission_errors
from env_packaging.errors import MissingPackageError, PrefixError

#: Suffixes of files that describe an environment.
_DESCRIPTIONS = (".yml", ".yaml", ".txt")

_CONDA_PROGRAMS = ("conda", "mamba", "micromamba")


@contextmanager
def prefix_of(source: str) -> Iterator[Path]:
    """Yield the prefix of a source. A prefix that was built is deleted afterwards.

    Raises PrefixError if the source is not an environment or cannot be built, and
    MissingPackageError if this machine lacks the tool to build it.
    """
    if not source:
        raise PrefixError("The source is empty. Give the prefix or the name of an environment.")
    path = Path(source).expanduser()
    with permission_errors():
        is_file, exists = path.is_file(), path.exists()
    if is_file:
        with _built(path) as prefix:
            yield prefix
    elif exists or "/" in source:
        yield path
    elif path.suffix in _DESCRIPTIONS:
        raise PrefixError(f"There is no file {source} in {Path.cwd()}.")
    else:
        yield _named(source)


def file_of(source: str) -> str:
    """Return the path of the file that a source is, empty for another one."""
    path = Path(source).expanduser().absolute()
    return str(path) if path.is_file() else ""


@contextmanager
def _built(file: Path) -> Iterator[Path]:
    with tempfile.TemporaryDirectory(prefix="yarnhub-build-") as directory:
        prefix = Path(directory) / "environment"
        if file.suffix in (".yml", ".yaml"):
            _build_conda(file, prefix)
        elif file.suffix == ".txt":
            _build_venv(file, prefix)
        else:
            raise PrefixError(
                f"{file} is not an environment. Give a prefix, an environment.yml or a "
                "requirements.txt."
            )
        yield prefix


def _build_conda(file: Path, prefix: Path) -> None:
    program = _conda_program(f"Building {file}")
    if Path(program).name == "micromamba":
        command = [program, "create", "--yes", "--prefix", str(prefix), "--file", str(file)]
    else:
        command = [program, "env", "create", "--prefix", str(prefix), "--file", str(file)]
    _build(file, command)


def _build_venv(file: Path, prefix: Path) -> None:
    python = prefix / "bin" / "python"
    uv = shutil.which("uv")
    if uv:
        _build(file, [uv, "venv", "--python", sys.executable, str(prefix)])
        _build(file, [uv, "pip", "install", "--python", str(python), "-r", str(file)])
    elif importlib.util.find_spec("pip"):
        _build(file, [sys.executable, "-m", "venv", "--without-pip", str(prefix)])
        pip = [sys.executable, "-m", "pip", "--python", str(python), "install"]
        _build(file, [*pip, "--disable-pip-version-check", "-r", str(file)])
    else:
        raise MissingPackageError(f"Building {file} needs uv or pip. Install one of them.")


def _build(file: Path, command: Sequence[str]) -> None:
    done = subprocess.run(command, stdout=sys.stderr, stdin=subprocess.DEVNULL, check=False)
    if done.returncode:
        raise PrefixError(
            f"{file} could not be built: {' '.join(command[:3])}… failed with exit code "
            f"{done.returncode}. See its output above."
        )


def _named(name: str) -> Path:
    program = _conda_program(
        f"{name} is not a file or directory. Finding a conda environment of that name"
    )
    command = [program, "env", "list", "--json"]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    try:
        prefixes = [Path(path) for path in json.loads(done.stdout)["envs"]]
    except (ValueError, KeyError, TypeError) as error:
        raise PrefixError(
            f"{program} did not list its environments. Give the prefix instead."
        ) from error
    matches = [prefix for prefix in prefixes if prefix.name == name]
    if not matches:
        names = ", ".join(sorted(prefix.name for prefix in prefixes)) or "none"
        raise PrefixError(
            f"There is neither a directory nor a conda environment {name}. Conda environments: "
            f"{names}."
        )
    return matches[0]


def _conda_program(purpose: str) -> str:
    for name in _CONDA_PROGRAMS:
        if program := shutil.which(name):
            return program
    raise MissingPackageError(
        f"{purpose} needs conda, mamba or micromamba. Put one of them in PATH, or give the prefix "
        "of an environment."
    )
