"""libhdfs.so for tests, which no package here has: compiled once, and kept in the user's cache.

The C sources are Hadoop's own, as the Rust package hdfs-sys carries them; cargo fetches it and
verifies its checksum. It takes a gcc, a cargo and the headers of a JDK.
"""

from __future__ import annotations

import fcntl
import os
import shutil
import subprocess
import tempfile
from pathlib import Path

from yarnhub.minihadoop.artifacts import cache_dir

_CRATE = "0.3.1"
_SOURCES = "libhdfs/hdfs_3_3"
_CARGO = f"""\
[package]
name = "fetch"
version = "0.0.0"
edition = "2021"
[lib]
path = "lib.rs"
[dependencies]
hdfs-sys = "={_CRATE}"
"""


class CannotBuild(Exception):
    """There is no libhdfs on this machine; the text says why."""


def libhdfs_folder(java_home: Path) -> Path:
    """Return the folder that has libhdfs.so."""
    folder = cache_dir() / f"libhdfs-{_CRATE}"
    if not folder.exists():
        for tool in ("cargo", "gcc"):
            if not shutil.which(tool):
                raise CannotBuild(f"there is no {tool} to build libhdfs with")
        cache_dir().mkdir(parents=True, exist_ok=True)
        with (cache_dir() / "libhdfs.lock").open("w") as lock:
            fcntl.flock(lock, fcntl.LOCK_EX)
            if not folder.exists():
                _build(folder, java_home)
    return folder


def _build(folder: Path, java_home: Path) -> None:
    with tempfile.TemporaryDirectory(dir=cache_dir()) as name:
        work = Path(name)
        (work / "Cargo.toml").write_text(_CARGO)
        (work / "lib.rs").touch()
        _run(["cargo", "vendor", "--quiet", "vendor"], work)
        sources = work / "vendor" / "hdfs-sys" / _SOURCES
        (work / "built").mkdir()
        _run(_compile(sources, java_home, work / "built" / "libhdfs.so"), work)
        (work / "built").rename(folder)


def _compile(sources: Path, java_home: Path, library: Path) -> list[str]:
    includes = [sources.parent, sources, sources / "include", sources / "os", sources / "os/posix"]
    includes += [java_home / "include", java_home / "include/linux"]
    # Two files of os/posix have the names of two others, which is why each is named here.
    files = [sources / f"{name}.c" for name in ("exception", "hdfs", "jclasses", "jni_helper")]
    files += [sources / f"os/posix/{name}.c" for name in ("mutexes", "thread_local_storage")]
    jvm = next(java_home.rglob("libjvm.so"), None)
    if jvm is None:
        raise CannotBuild(f"there is no libjvm.so in {java_home}")
    # fmt: off
    return [
        "gcc", "-shared", "-fPIC", "-O2", "-w", "-fcommon", "-o", str(library),
        *(f"-I{include}" for include in includes), *map(str, files),
        f"-L{jvm.parent}", f"-Wl,-rpath,{jvm.parent}", "-ljvm", "-lpthread",
    ]
    # fmt: on


def _run(command: list[str], folder: Path) -> None:
    done = subprocess.run(
        command, cwd=folder, env={**os.environ}, capture_output=True, text=True, errors="replace"
    )
    if done.returncode:
        last = (done.stderr.strip().splitlines() or ["it said nothing"])[-1]
        raise CannotBuild(f"{command[0]} could not build libhdfs: {last}")
