"""Hadoop's jars and our Java classes, fetched and built by Maven, in the user's cache.

- A distribution is complete or absent: it is built in another directory, and renamed.
- It is built once: a second process waits for the first.
- Maven verifies the checksums of all downloads, and fails on a wrong one.
- A change to our pom or classes makes a new distribution: their hash is part of its name.

Imports the standard library only: the image of docker-compose.yml fetches Hadoop before it installs
any package.
"""

from __future__ import annotations

import fcntl
import hashlib
import os
import re
import shutil
import subprocess
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from yarnhub.minihadoop.errors import ArtifactsUnavailableError, MissingToolError, SettingsError
from yarnhub.minihadoop.java import find_java, require_compiler

DEFAULT_VERSION = "3.4.2"
_SOURCE = Path(__file__).parent


@dataclass(frozen=True)
class Distribution:
    """A version of Hadoop on this machine, and the Java that runs it."""

    version: str
    home: Path
    java_home: Path

    @property
    def java(self) -> str:
        return str(self.java_home / "bin" / "java")

    @property
    def jars(self) -> str:
        return f"{self.home / 'lib'}/*"

    def classpath(self, conf_dir: Path | str) -> str:
        """Return the class path. The jars, which have no site files, are first: an archive of
        classes fits only if its own class path is the beginning."""
        return f"{self.jars}:{self.home / 'web'}:{conf_dir}"

    def globbed_classpath(self, conf_dir: Path) -> str:
        """Return the class path with each jar listed, as libhdfs needs it."""
        jars = sorted(str(jar) for jar in (self.home / "lib").glob("*.jar"))
        return ":".join([str(conf_dir), *jars])


def distribution(
    version: str = DEFAULT_VERSION, progress: Callable[[str], None] = lambda _: None
) -> Distribution:
    """Return the distribution of this version; Maven builds it if it is not in the cache.

    Raises MissingToolError without a suitable Java or Maven, and ArtifactsUnavailableError if Maven
    fails.
    """
    if not re.fullmatch(r"\d+\.\d+\.\d+[\w.-]*", version):
        raise SettingsError(
            f"{version!r} is not a version of Hadoop. Give one such as {DEFAULT_VERSION}."
        )
    java_home = find_java(version)
    home = cache_dir() / f"hadoop-{version}-{source_hash()}"
    if not home.exists():
        with _lock(cache_dir() / "lock"):
            if not home.exists():
                progress(f"Fetching Hadoop {version} with Maven (90 MB, once)")
                _build(version, java_home, home)
    return Distribution(version, home, java_home)


def cache_dir() -> Path:
    base = os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache"
    return Path(base) / "yarnhub"


def source_hash() -> str:
    digest = hashlib.sha256()
    for file in [_SOURCE / "pom.xml", *sorted((_SOURCE / "java").rglob("*.java"))]:
        digest.update(file.read_bytes())
    return digest.hexdigest()[:12]


@contextmanager
def _lock(path: Path) -> Iterator[None]:
    path.parent.mkdir(parents=True, exist_ok=True)
    with path.open("w") as file:
        fcntl.flock(file, fcntl.LOCK_EX)
        yield


def _build(version: str, java_home: Path, home: Path) -> None:
    maven = shutil.which("mvn")
    if not maven:
        raise MissingToolError(
            "There is no Maven (mvn) on this machine, which fetches Hadoop. Install it (Debian: "
            "apt install maven)."
        )
    require_compiler(java_home)
    work = home.with_name(f"{home.name}.partial")  # Only the holder of the lock uses it.
    shutil.rmtree(work, ignore_errors=True)
    try:
        (work / "build").mkdir(parents=True)
        shutil.copy(_SOURCE / "pom.xml", work / "build")
        shutil.copytree(_SOURCE / "java", work / "build" / "java")
        _run_maven(maven, version, java_home, work)
        shutil.rmtree(work / "build")
        _make_webapps(work / "web")
        work.rename(home)
    finally:
        shutil.rmtree(work, ignore_errors=True)


def _run_maven(maven: str, version: str, java_home: Path, work: Path) -> None:
    # fmt: off
    command = [
        maven, "--batch-mode", "--strict-checksums", "--no-transfer-progress", "--quiet",
        "--update-snapshots",  # Look again for artifacts that were missing the last time.
        "-Dstyle.color=never", f"-Dhadoop.version={version}", f"-Dlib={work / 'lib'}", "package",
    ]
    # fmt: on
    env = {**os.environ, "JAVA_HOME": str(java_home)}
    done = subprocess.run(
        command, cwd=work / "build", env=env, capture_output=True, text=True, errors="replace"
    )
    if done.returncode:
        raise ArtifactsUnavailableError(
            f"Maven could not fetch Hadoop {version}: {maven_reason(done.stdout + done.stderr)}"
        )


def maven_reason(output: str) -> str:
    """Return the reason of a failure in one line, without goals and wrapped exceptions."""
    output = re.sub(r"\x1b\[[0-9;]*m", "", output).strip()
    errors = re.findall(r"^\[ERROR\] (.+)$", output, re.MULTILINE)
    reason = errors[0] if errors else (output.splitlines() or ["it printed nothing"])[-1]
    cause = re.search(r"Could not (?:find|transfer) artifact .*", reason)
    return re.sub(r" ?-> \[Help \d+\]$", "", cause[0] if cause else reason)[:600]


def _make_webapps(web: Path) -> None:
    """Make the directories that the NameNode and DataNodes require, and that no jar contains."""
    for name in ("hdfs", "datanode", "secondary"):
        folder = web / "webapps" / name / "WEB-INF"
        folder.mkdir(parents=True)
        (folder / "web.xml").write_text("<web-app/>\n")
