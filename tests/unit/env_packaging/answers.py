"""Prints what an environment answers, as JSON. Runs in the environment's interpreter.

Answers name no place: the directories of the environment and of its base are cut off.
"""

from __future__ import annotations

import hashlib
import importlib
import json
import pkgutil
import re
import shutil
import sqlite3
import ssl
import subprocess
import sys
import sysconfig
from importlib.metadata import distributions
from pathlib import Path

NOISE = {"__pycache__", "zz_base_packages.pth", "EXTERNALLY-MANAGED"}
BIN = Path(sys.executable).parent


def main() -> None:
    found = list(distributions())
    versions: dict[str, str] = {}
    for distribution in found:
        versions.setdefault(distribution.metadata["Name"], distribution.version)
    entry_points = [
        f"{point.group} {point.name} = {point.value}"
        for distribution in found
        for point in distribution.entry_points
    ]
    directories = package_directories()
    answers = {
        "versions": versions,
        "entry points": entry_points,
        "path": [
            sorted({entry.name for entry in Path(path).iterdir()} - NOISE) for path in directories
        ],
        "modules": {
            module.name: imported(module.name) for module in pkgutil.iter_modules(directories)
        },
        "libraries": [ssl.OPENSSL_VERSION, sqlite3.sqlite_version],
        "commands": {name: run(name) for name in sys.argv[1:]},
        "kernels": {
            file.parent.name: shutil.which(
                json.loads(file.read_text())["argv"][0], path=search_path()
            )
            is not None
            for file in Path(sys.prefix).glob("share/jupyter/kernels/*/kernel.json")
        },
    }
    sys.stdout.write(json.dumps(answers))


def package_directories() -> list[str]:
    """Return the directories of sys.path other than those of the standard library."""
    library = sysconfig.get_path("stdlib")
    own = {library, f"{library}/lib-dynload", sys.path[0] if not sys.flags.isolated else ""}
    return [path for path in sys.path if path not in own and Path(path).is_dir()]


def imported(name: str) -> str:
    """Return a hash of a module's source, or the error of its import."""
    try:
        module = importlib.import_module(name)
    except Exception as error:  # noqa: BLE001 - the answer is the error
        return placeless(f"{type(error).__name__}: {error}")
    origin = getattr(module, "__file__", None)
    if not origin or not origin.endswith(".py"):
        return "imported"
    return hashlib.sha256(Path(origin).read_bytes()).hexdigest()


def run(name: str) -> tuple[int, str]:
    """Return exit code and output of a command that is looked for in PATH."""
    try:
        done = subprocess.run(
            [name, "--version"],
            env={"PATH": search_path(), "HOME": "/nonexistent"},
            capture_output=True,
            text=True,
            check=False,
            stdin=subprocess.DEVNULL,
            timeout=60,
        )
    except OSError:  # its interpreter is missing
        return 127, ""
    return done.returncode, placeless(done.stdout)


def search_path() -> str:
    return f"{BIN}:/usr/bin:/bin"


def placeless(text: str) -> str:
    for path in sorted({str(BIN.parent), sys.prefix, sys.base_prefix}, key=len, reverse=True):
        text = text.replace(path, "PREFIX")
    return re.sub(r"(local/)?lib/python3[.\d]*/(site|dist|base)-packages(-\d)?", "PACKAGES", text)


if __name__ == "__main__":
    main()
