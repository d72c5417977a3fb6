"""What the tests of packed environments on a real Hadoop share."""

from __future__ import annotations

import os
import shlex
import shutil
import subprocess
import sys
import sysconfig
from importlib.metadata import PackageNotFoundError, distribution
from pathlib import Path
from typing import Any

from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

from hadoop_client.hdfs.filesystem import FileSystem, open_filesystem
from yarnhub.minihadoop import MiniHadoop
from yarnhub.minihadoop.settings import HUB_USER

ROOT = Path(__file__).parents[2]


def pack_env(
    hadoop: MiniHadoop, *arguments: str | Path, user: str = HUB_USER, **variables: str
) -> subprocess.CompletedProcess[str]:
    """`yarnhub pack-env` in a process of its own, as that user."""
    return subprocess.run(
        [sys.executable, "-m", "yarnhub", "pack-env", *arguments],
        env=client_environment(hadoop, user) | variables,
        capture_output=True,
        text=True,
        timeout=300,
        check=False,
    )


def run_script(
    hadoop: MiniHadoop, script: str, *arguments: str | Path
) -> subprocess.CompletedProcess[str]:
    """A Python program in a process of its own, as the hub's user."""
    return subprocess.run(
        [sys.executable, "-c", script, *arguments],
        env=client_environment(hadoop, HUB_USER),
        capture_output=True,
        text=True,
        timeout=500,
        check=False,
    )


def on_a_terminal(hadoop: MiniHadoop, *arguments: str | Path, keys: str = "") -> str:
    """What `yarnhub` shows on a terminal of its own, where somebody types these keys; it has to
    succeed."""
    command = shlex.join([sys.executable, "-m", "yarnhub", *map(str, arguments)])
    done = subprocess.run(
        ["script", "-qec", command, "/dev/null"],
        env=client_environment(hadoop, HUB_USER) | {"TERM": "xterm", "COLUMNS": "120"},
        input=keys,
        capture_output=True,
        text=True,
        timeout=600,
        check=False,
    )
    assert done.returncode == 0, done.stdout
    return done.stdout


def client_environment(hadoop: MiniHadoop, user: str) -> dict[str, str]:
    return {**os.environ, **hadoop.env(), "HADOOP_USER_NAME": user, "PYTHONPATH": str(ROOT)}


def open_hdfs(hadoop: MiniHadoop) -> FileSystem:
    """HDFS, for looking at what is there."""
    return open_filesystem(hadoop.default_fs)


def download(filesystem: FileSystem, path: str, target: Path) -> Path:
    with filesystem.open_read(path) as source, target.open("wb") as file:
        while piece := source.read(4 << 20):
            file.write(piece)
    return target


def bring_along(venv: Path, *requirements: str) -> None:
    """Installs distributions, and what they require, from where these tests run; needs no
    network."""
    here = Path(sysconfig.get_path("purelib"))
    packages = next(venv.glob("lib/python3.*/site-packages"))
    for name in required_by(*requirements):
        for file in distribution(name).files or ():
            source = Path(os.path.normpath(here / file))
            target = Path(os.path.normpath(packages / file))
            if not source.is_file():
                continue
            target.parent.mkdir(parents=True, exist_ok=True)
            if target.parent == venv / "bin":
                copy_script(source, target)
            else:
                copy_quickly(source, target)


def copy_script(source: Path, target: Path) -> None:
    """Copy what pip has made for an entry point; it names its interpreter."""
    script = source.read_bytes()
    target.write_bytes(script.replace(os.fsencode(sys.prefix), os.fsencode(target.parents[1]), 1))
    target.chmod(0o755)


def copy_quickly(source: Path, target: Path) -> None:
    try:
        target.hardlink_to(source)
    except OSError:  # on another file system
        shutil.copy2(source, target)


def required_by(*requirements: str) -> set[str]:
    """Distributions and all that they require here, with the extras that are asked for."""
    seen: set[tuple[str, str]] = set()
    waiting = [Requirement(each) for each in requirements]
    while waiting:
        requirement = waiting.pop()
        name = canonicalize_name(requirement.name)
        for extra in {"", *requirement.extras} - {extra for known, extra in seen if known == name}:
            try:
                needed = map(Requirement, distribution(name).requires or [])
            except PackageNotFoundError:
                break  # an alternative that is not the one installed here
            seen.add((name, extra))
            waiting += [r for r in needed if not r.marker or r.marker.evaluate({"extra": extra})]
    return {name for name, _ in seen}


def as_somebody_else(environment: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    """Runs the environment's Python with nothing of this process's settings; as `nobody` where we
    are root, whom no mode of a file would stop."""
    nobody = {"user": "nobody", "group": Path("/").stat().st_gid, "extra_groups": []}
    identity: dict[str, Any] = nobody if os.geteuid() == 0 else {}
    return subprocess.run(
        [environment / "bin" / "python", *arguments],
        cwd="/",
        env={"PATH": "/usr/bin:/bin", "HOME": "/nonexistent"},
        capture_output=True,
        text=True,
        check=True,
        timeout=300,
        **identity,
    )
