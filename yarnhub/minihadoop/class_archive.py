"""An archive of the daemons' classes, which Java maps instead of reading jars (class data sharing).

- It is made once for each Java, in the background, from the classes that the first start records.
- It is beside the jars, in a directory that only the user can change. It is complete or absent.
- Java maps it only if it fits: it compares its own build, the class path, and each jar's size and
  time. Otherwise it loads the classes from the jars, as without an archive.
"""

from __future__ import annotations

import fcntl
import hashlib
import os
import re
import shutil
import subprocess
import sys
from collections.abc import Iterable
from contextlib import suppress
from pathlib import Path

from hadoop_client.python_module import module_command
from yarnhub.minihadoop.artifacts import Distribution


def archive_file(distribution: Distribution) -> Path:
    """Return the file for this build of Java. It is empty if this Java cannot make one."""
    stat = (distribution.java_home / "lib" / "modules").stat()
    build = f"{distribution.java_home} {stat.st_size} {stat.st_mtime_ns}"
    return distribution.home / f"classes-{hashlib.sha256(build.encode()).hexdigest()[:12]}.jsa"


def java_options(distribution: Distribution, record: Path) -> list[str]:
    """Return the options that use the archive, or that record the loaded classes in a file."""
    try:
        if archive_file(distribution).stat().st_size:
            return [f"-XX:SharedArchiveFile={archive_file(distribution)}"]
    except FileNotFoundError:
        if _can_be_made(distribution):
            return [f"-XX:DumpLoadedClassList={record}"]
    return []


def make(distribution: Distribution, records: Iterable[Path]) -> None:
    """Begin to make the archive of all recorded classes, if there is none. Does not wait."""
    if not _can_be_made(distribution):
        return
    texts = (record.read_text(errors="replace") for record in records if record.exists())
    names = "".join(f"{name}\n" for name in class_names(texts))
    arguments = (distribution.version, str(distribution.home), str(distribution.java_home))
    subprocess.run(
        module_command(sys.executable, __name__, *arguments),
        input=names.encode(),
        # Whoever waits for the end of our output must not wait for the archive.
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        start_new_session=True,
    )


def class_names(records: Iterable[str]) -> list[str]:
    """Return the lines of all records, each once, without what holds in one process only.

    That is the number of a class (`id`), and the classes of other loaders than the application's.
    """
    lines = (line for record in records for line in record.splitlines())
    return list(
        dict.fromkeys(
            re.sub(r" id: \d+", "", line)
            for line in lines
            if not line.startswith("#") and "source:" not in line
        )
    )


def _can_be_made(distribution: Distribution) -> bool:
    with suppress(FileNotFoundError):  # A Java without the file has no class data sharing.
        return os.access(distribution.home, os.W_OK) and not archive_file(distribution).exists()
    return False


def _make(distribution: Distribution, names: bytes) -> None:
    """Make the archive, unless another process does."""
    work = distribution.home / "classes.partial"  # Only the holder of the lock uses it.
    with (distribution.home / "classes.lock").open("w") as lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            return
        if not _can_be_made(distribution):
            return
        shutil.rmtree(work, ignore_errors=True)
        work.mkdir()
        listed, made = work / "names", work / "archive"
        listed.write_bytes(names)
        # fmt: off
        command = [
            distribution.java, "-Xshare:dump", "-XX:+UseSerialGC",
            f"-XX:SharedClassListFile={listed}", f"-XX:SharedArchiveFile={made}",
            "-cp", distribution.jars,
        ]
        # fmt: on
        if subprocess.run(command).returncode:
            made.write_bytes(b"")
        with made.open("rb") as file:
            os.fsync(file.fileno())  # Java crashes if a loss of power has cut it off.
        made.rename(archive_file(distribution))
        shutil.rmtree(work)


if __name__ == "__main__":
    version, home, java_home = sys.argv[1:]
    class_list = sys.stdin.buffer.read()
    if os.fork() == 0:
        _make(Distribution(version, Path(home), Path(java_home)), class_list)
