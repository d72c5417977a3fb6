"""The sources that can be packed: a prefix, the name of a conda environment, or a file that
describes an environment, which is built in a temporary directory.

Builds use the tools of this machine: conda, mamba or micromamba for an `environment.yml`, uv or pip
for a `requirements.txt`. Their output goes to stderr.
"""

from __future__ import annotations

import importlib.util
import json
import os
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from env_packaging.build.prefix import permission_errors
from env_packaging.build.requirements import recorded
from env_packaging.errors import MissingPackageError, PrefixError
from hadoop_client.python_module import module_command

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


@dataclass(frozen=True)
class Origin:
    """What a temporary prefix is built from: the path of a file, or the reference of an environment
    that is extended; and the requirements that its manifest records."""

    source: str
    requirements: tuple[str, ...] = ()


def origin_of(source: str) -> Origin | None:
    """Return the origin of what is built from a source, None if it is a prefix."""
    path = Path(source).expanduser().absolute()
    if not path.is_file():
        return None
    text = path.read_text(encoding="utf-8", errors="replace") if path.suffix == ".txt" else ""
    return Origin(str(path), recorded(text))


@contextmanager
def built_from(what: str, requirements: Iterable[str], pins: Iterable[str] = ()) -> Iterator[Path]:
    """Yield a venv with these requirements, in versions that the pins permit; then delete it.

    `what` begins the message of a failure. Raises as `prefix_of` does.
    """
    with _directory() as directory:
        wanted, constraints = directory / "requirements.txt", directory / "constraints.txt"
        wanted.write_text("".join(f"{line}\n" for line in requirements))
        constraints.write_text("".join(f"{pin}\n" for pin in pins))
        prefix = directory / "environment"
        _build_venv(what, prefix, ["-r", str(wanted), "-c", str(constraints)])
        yield prefix


@contextmanager
def _directory() -> Iterator[Path]:
    with tempfile.TemporaryDirectory(prefix="yarnhub-build-") as directory:
        yield Path(directory)


@contextmanager
def _built(file: Path) -> Iterator[Path]:
    with _directory() as directory:
        prefix = directory / "environment"
        if file.suffix in (".yml", ".yaml"):
            _build_conda(file, prefix)
        elif file.suffix == ".txt":
            _build_venv(str(file), prefix, ["-r", str(file)])
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
    _build(str(file), Path(program).name, command)


def _build_venv(what: str, prefix: Path, requirements: Sequence[str]) -> None:
    python = prefix / "bin" / "python"
    uv = shutil.which("uv")
    if uv:
        # Settings of the working directory and of those above it are not read. Another account may
        # have written them, and they can name an index. The user's and the machine's are read.
        configured = [uv, "--project", "/"]
        _build(what, "uv", [*configured, "venv", "--python", sys.executable, str(prefix)])
        install = ["pip", "install", "--python", str(python), *requirements]
        _build(what, "uv", [*configured, *install])
    elif importlib.util.find_spec("pip"):
        venv = module_command(sys.executable, "venv", "--without-pip", str(prefix))
        _build(what, "venv", venv)
        pip = module_command(sys.executable, "pip", "--python", str(python), "install")
        _build(what, "pip", [*pip, "--disable-pip-version-check", *requirements])
    else:
        raise MissingPackageError(f"Building {what} needs uv or pip. Install one of them.")


def _build(what: str, tool: str, command: Sequence[str]) -> None:
    # Kernels of a server that keeps packages have 1. With that, pip does not install in a venv.
    environment = {**os.environ, "PIP_USER": "0"}
    done = subprocess.run(
        command, stdout=sys.stderr, stdin=subprocess.DEVNULL, env=environment, check=False
    )
    if done.returncode:
        raise PrefixError(
            f"{what} could not be built: {tool} failed with exit code {done.returncode}. See its "
            "output above."
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
