"""Loads libhdfs with its JVM into this process, and calls it.

- A process has one JVM. It reads its options and the class path, which includes Hadoop's
  configuration, only when it starts.
- A Java exception is raised as a `JavaError` with its stack trace.
- The JVM always has the current delegation tokens.
"""

from __future__ import annotations

import ctypes
import errno
import os
import re
import shutil
import subprocess
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, ParamSpec, TypeVar
from urllib.parse import urlsplit

from hadoop_client.configuration import site_directory
from hadoop_client.hdfs.errors import JavaError
from hadoop_client.hdfs.jvm_tokens import JvmTokens

if TYPE_CHECKING:
    from pyarrow import NativeFile

P = ParamSpec("P")
T = TypeVar("T")

_SO = "libhdfs.so"

#: Signals stay Python's. The default heap would be a quarter of the machine's memory, of which a
#: container has only a part. LIBHDFS_OPTS may override both.
_OPTIONS = "-Xrs -Xmx256m -XX:+UseSerialGC"

#: The variables for Hadoop's installation directory; YARN sets them in containers.
_HOMES = ("HADOOP_HOME", "HADOOP_COMMON_HOME", "HADOOP_HDFS_HOME")

#: libhdfs cannot create a file with a mode, so the umask makes it private at first, but for the
#: directory's default ACL. The other properties report an unreachable NameNode soon.
_CONFIGURATION = {
    "fs.permissions.umask-mode": "077",
    "ipc.client.connect.max.retries": "3",
    "ipc.client.connect.retry.interval": "300",
    "dfs.client.failover.max.attempts": "3",
    "dfs.client.failover.sleep.base.millis": "100",
    "dfs.client.failover.sleep.max.millis": "500",
}

#: Protects the environment, which the whole process shares.
_starting = threading.Lock()

#: One for the process, as the JVM and its login are.
_tokens = JvmTokens()


class Library:
    """libhdfs, connected to one HDFS."""

    def __init__(self, url: str | None) -> None:
        """Start the JVM if there is none. Raises an OSError, ELIBACC, if something is missing."""
        try:
            from pyarrow.fs import HadoopFileSystem
        except ImportError as error:
            raise OSError(
                errno.ELIBACC,
                "libhdfs requires the Python package pyarrow: pip install 'yarnhub[libhdfs]'",
            ) from error
        address = urlsplit(url or "//default")
        with _starting, _prepared_environment():
            try:
                self._hdfs = HadoopFileSystem(
                    address.hostname or "default", address.port or 0, extra_conf=_CONFIGURATION
                )
                # The same library that pyarrow has loaded.
                self._so = ctypes.CDLL(str(Path(os.environ.get("ARROW_LIBHDFS_DIR", "")) / _SO))
            except OSError as error:
                raise _unusable(str(error).split("\n", 1)[0]) from error
        self._so.hdfsGetLastExceptionStackTrace.restype = ctypes.c_char_p

    def open_read(self, path: str) -> NativeFile:
        return self.call(self._hdfs.open_input_file, java_name(path))

    def open_write(self, path: str) -> NativeFile:
        return self.call(self._hdfs.open_output_stream, java_name(path), None)

    def open_append(self, path: str) -> NativeFile:
        return self.call(self._hdfs.open_append_stream, java_name(path), None)

    def call(self, function: Callable[P, T], *args: P.args, **kwargs: P.kwargs) -> T:
        """Call a function of pyarrow; raises `JavaError` for a Java exception."""
        _tokens.renew(self._so)
        try:
            return function(*args, **kwargs)
        except OSError as error:
            # libhdfs keeps the trace per thread, and crashes if the thread has not called it. An
            # errno shows that it has.
            trace = self._so.hdfsGetLastExceptionStackTrace() if error.errno else None
            if trace is None:
                raise
            raise JavaError(trace.decode(errors="replace")) from error


def java_name(path: str) -> bytes:
    """Encode a path for JNI, in "modified UTF-8".

    In it a character beyond the first 65,536 is a pair of UTF-16 surrogates, each encoded
    separately, and no byte is 0. With plain UTF-8 libhdfs would misread a name with an emoji.
    """
    path.encode()  # raises UnicodeEncodeError for a lone surrogate
    surrogates = re.sub(r"[^\0-\uffff]", _surrogates, path)
    return surrogates.encode("utf-8", "surrogatepass").replace(b"\0", b"\xc0\x80")


def _surrogates(match: re.Match[str]) -> str:
    number = ord(match[0]) - 0x10000
    return chr(0xD800 + (number >> 10)) + chr(0xDC00 + (number & 0x3FF))


@contextmanager
def _prepared_environment() -> Iterator[None]:
    """Set the variables of pyarrow and libhdfs, and restore them, because kernels inherit them."""
    before = dict(os.environ)
    library = _library_directory()
    try:
        if library:
            os.environ["ARROW_LIBHDFS_DIR"] = str(library)
        os.environ["CLASSPATH"] = _class_path()
        os.environ["LIBHDFS_OPTS"] = f"{_OPTIONS} {before.get('LIBHDFS_OPTS', '')}".strip()
        yield
    finally:
        for name in ("ARROW_LIBHDFS_DIR", "CLASSPATH", "LIBHDFS_OPTS"):
            os.environ.pop(name, None)
            if name in before:
                os.environ[name] = before[name]


def _library_directory() -> Path | None:
    """Return the directory of libhdfs.so; None leaves the search to the system's loader."""
    named = [Path(os.environ["ARROW_LIBHDFS_DIR"])] if "ARROW_LIBHDFS_DIR" in os.environ else []
    homes = [os.environ[name] for name in _HOMES if os.environ.get(name)]
    directories = [*named, *(Path(home) / "lib" / "native" for home in homes)]
    return next((path for path in directories if (path / _SO).is_file()), None)


def _class_path() -> str:
    """Return the configuration that hdfs-native reads, then each of Hadoop's jars by name."""
    jars = os.environ.get("CLASSPATH", "")
    if "hadoop-common" not in jars:
        jars = _class_path_of_command()
    return os.pathsep.join(part for part in (str(site_directory()), jars) if part)


def _class_path_of_command() -> str:
    homes = [f"{os.environ[name]}/bin" for name in _HOMES if os.environ.get(name)]
    path = os.pathsep.join([*homes, os.environ.get("PATH", os.defpath)])
    for name in ("hadoop", "yarn"):
        if command := shutil.which(name, path=path):
            done = subprocess.run(
                [command, "classpath", "--glob"], capture_output=True, text=True, timeout=15
            )
            if done.returncode == 0 and "hadoop-common" in done.stdout:
                return done.stdout.strip()
    raise _unusable("no `hadoop` command to get the class path from, and no jars in CLASSPATH")


def _unusable(why: str) -> OSError:
    return OSError(
        errno.ELIBACC,
        f"libhdfs cannot be used ({why}): it needs JAVA_HOME, libhdfs.so in "
        "HADOOP_HOME/lib/native or in ARROW_LIBHDFS_DIR, and Hadoop's jars in CLASSPATH or a "
        "`hadoop` command",
    )
