"""What can be named to be packed: a prefix; a conda environment by its name; or a file that says
what an environment is to hold, from which one is built in a temporary folder.

Building uses what this machine has: conda, mamba or micromamba for an `environment.yml`, uv or pip
for a `requirements.txt`. Their output goes to stderr, as they write it.
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

from env_packaging.errors import MissingPackageError, PrefixError

_CONDAS = ("conda", "mamba", "micromamba")


@contextmanager
def prefix_of(source: str) -> Iterator[Path]:
    """Yield the prefix of what is named; one that was built for it is gone afterwards.

    Raises PrefixError for what is no environment or can't be built, MissingPackageError where this
    machine has nothing to build it with.
    """
    path = Path(source).expanduser()
    if path.is_file():
        with _built(path) as prefix:
            yield prefix
    elif path.exists() or "/" in source:
        yield path
    else:
        yield _named(source)


@contextmanager
def _built(file: Path) -> Iterator[Path]:
    with tempfile.TemporaryDirectory(prefix="yarnhub-build-") as folder:
        prefix = Path(folder) / "environment"
        if file.suffix in (".yml", ".yaml"):
            _build_conda(file, prefix)
        elif file.suffix == ".txt":
            _build_venv(file, prefix)
        else:
            raise PrefixError(
                f"{file} is no environment: give a prefix, an environment.yml, or a "
                "requirements.txt."
            )
        yield prefix


def _build_conda(file: Path, prefix: Path) -> None:
    program = _conda(f"To build {file}")
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
        raise MissingPackageError(f"To build {file} uv or pip is needed: install one of them.")


def _build(file: Path, command: Sequence[str]) -> None:
    done = subprocess.run(command, stdout=sys.stderr, stdin=subprocess.DEVNULL, check=False)
    if done.returncode:
        raise PrefixError(
            f"{file} could not be built: {' '.join(command[:3])}… ended with {done.returncode}, "
            "and says why above."
        )


def _named(name: str) -> Path:
    program = _conda(f"There is no folder {name}; to look for a conda environment of that name")
    command = [program, "env", "list", "--json"]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    try:
        known = [Path(each) for each in json.loads(done.stdout)["envs"]]
    except (ValueError, KeyError, TypeError) as error:
        raise PrefixError(
            f"{program} did not tell its environments: give the prefix instead."
        ) from error
    found = [each for each in known if each.name == name]
    if not found:
        names = ", ".join(sorted(each.name for each in known)) or "none"
        raise PrefixError(
            f"There is neither a folder nor a conda environment {name}; conda has: {names}."
        )
    return found[0]


def _conda(purpose: str) -> str:
    for name in _CONDAS:
        if program := shutil.which(name):
            return program
    raise MissingPackageError(
        f"{purpose}, conda, mamba or micromamba is needed: put one of them in PATH, or give the "
        "prefix of an environment."
    )
