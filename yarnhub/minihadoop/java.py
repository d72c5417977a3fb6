"""Finds a Java that can run a given version of Hadoop.

Java 11 is the oldest because the daemons are started with `--add-opens`, and our classes are
compiled for it. Hadoop 3.5 itself is compiled for 17. Hadoop before 3.4.3 runs up to Java 22: it
calls Subject.getSubject, which later versions refuse.
"""

from __future__ import annotations

import os
import re
import shutil
import subprocess
from pathlib import Path

from yarnhub.minihadoop.errors import MissingToolError

_INSTALL = "Install one (Debian: apt install openjdk-17-jdk-headless) or set JAVA_HOME to it."

#: Options for a quick start and little memory, instead of speed in long runs. The bytecode of the
#: jars is not verified, which saves a sixth of a start: Maven has verified their checksums.
SMALL_JVM = (
    "-XX:+UseSerialGC",
    "-XX:TieredStopAtLevel=1",
    "-Xshare:auto",
    "-XX:-UsePerfData",
    "-XX:+UnlockDiagnosticVMOptions",
    "-XX:-BytecodeVerificationRemote",
)


def find_java(hadoop_version: str) -> Path:
    """Return the home of a Java for this Hadoop: JAVA_HOME, else that of `java` on the PATH.

    Raises MissingToolError if there is none, or if its version does not fit.
    """
    home = _java_home()
    problem = java_problem(java_major(home), hadoop_version)
    if problem:
        raise MissingToolError(f"{problem} JAVA_HOME or PATH selects {home}. {_INSTALL}")
    return home


def require_compiler(java_home: Path) -> None:
    if not (java_home / "bin" / "javac").exists():
        raise MissingToolError(
            f"{java_home} is a Java runtime without the compiler javac, which is needed once. "
            "Install a JDK (Debian: apt install openjdk-17-jdk-headless) or set JAVA_HOME to one."
        )


def java_problem(major: int, hadoop_version: str) -> str:
    """Return a sentence on why this Java cannot run this Hadoop; empty if it can."""
    hadoop = tuple(int(part) for part in re.findall(r"\d+", hadoop_version)[:3])
    oldest = 17 if hadoop >= (3, 5) else 11
    if major < oldest:
        return f"Java {major} is too old: Hadoop {hadoop_version} needs Java {oldest} or later."
    if major > 22 and hadoop < (3, 4, 3):
        return f"Java {major} is too new: Hadoop {hadoop_version} runs on Java {oldest} to 22."
    return ""


def java_major(home: Path) -> int:
    """Return the Java's major version, from its release file, else from `java -version`."""
    release = home / "release"
    text = release.read_text(errors="replace") if release.exists() else ""
    if "JAVA_VERSION=" not in text:
        done = subprocess.run([home / "bin" / "java", "-version"], capture_output=True, text=True)
        text = done.stderr
    return parse_major(text)


def parse_major(text: str) -> int:
    """Return the major version in a `release` file or in `java -version`'s output; 8 for "1.8"."""
    match = re.search(r'(?:JAVA_VERSION=|version )"(?:1\.)?(\d+)', text)
    if not match:
        raise MissingToolError(f"Java's version is not recognised in {text[:80]!r}. {_INSTALL}")
    return int(match[1])


def _java_home() -> Path:
    java_home = os.environ.get("JAVA_HOME")
    if java_home:
        if not (Path(java_home) / "bin" / "java").exists():
            raise MissingToolError(f"JAVA_HOME is {java_home}, which has no bin/java. {_INSTALL}")
        return Path(java_home)
    on_path = shutil.which("java")
    if not on_path:
        raise MissingToolError(f"There is no Java on this machine. {_INSTALL}")
    return Path(on_path).resolve().parent.parent
