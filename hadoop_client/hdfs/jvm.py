"""libhdfs in this process: found, given its JVM, and called.

- There is one JVM in a process. It reads its options, the class path and with it Hadoop's
  configuration when it starts, and never again.
- It leaves the signals to Python, and takes at most 256 MB of heap unless LIBHDFS_OPTS says
  otherwise: by itself it would take a quarter of the machine, of which a container has its share.
- What Java throws is raised as a `JavaError` with its stack trace.
- It has the delegation tokens that this server has now, however long it has been running.
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
from typing import TYPE_CHECKING, Any, TypeVar
from urllib.parse import urlsplit

from hadoop_client.configuration import site_folder
from hadoop_client.hdfs.errors import JavaError
from hadoop_client.hdfs.jvm_tokens import JvmTokens

if TYPE_CHECKING:
    from pyarrow import NativeFile

T = TypeVar("T")

_SO = "libhdfs.so"
_OPTIONS = "-Xrs -Xmx256m -XX:+UseSerialGC"

#: Where Hadoop may be installed; YARN tells its containers.
_HOMES = ("HADOOP_HOME", "HADOOP_COMMON_HOME", "HADOOP_HDFS_HOME")

#: What creates a file through libhdfs can't give it a mode: it is its owner's alone at first, or
#: open to whom the directory's default ACL names. The others let it say soon that nobody answers.
_CONFIGURATION = {
    "fs.permissions.umask-mode": "077",
    "ipc.client.connect.max.retries": "3",
    "ipc.client.connect.retry.interval": "300",
    "dfs.client.failover.max.attempts": "3",
    "dfs.client.failover.sleep.base.millis": "100",
    "dfs.client.failover.sleep.max.millis": "500",
}

#: The environment is the whole process's.
_starting = threading.Lock()

#: So are the JVM, and who it is to Hadoop.
_tokens = JvmTokens()


class Library:
    """libhdfs, connected to one HDFS."""

    def __init__(self, url: str | None) -> None:
        """Start the JVM if there is none. Raises an OSError, ELIBACC, that says what is missing."""
        try:
            from pyarrow.fs import HadoopFileSystem
        except ImportError as error:
            raise OSError(
                errno.ELIBACC,
                "libhdfs can't be used without the Python package pyarrow: "
                "pip install 'yarnhub[libhdfs]'",
            ) from error
        address = urlsplit(url or "//default")
        with _starting, _prepared_environment():
            try:
                self._hdfs = HadoopFileSystem(
                    address.hostname or "default", address.port or 0, extra_conf=_CONFIGURATION
                )
                # The one that pyarrow has loaded.
                self._so = ctypes.CDLL(str(Path(os.environ.get("ARROW_LIBHDFS_DIR", "")) / _SO))
            except OSError as error:
                raise _unusable(str(error).split("\n", 1)[0]) from error
        self._so.hdfsGetLastExceptionStackTrace.restype = ctypes.c_char_p

    def open_read(self, path: str) -> NativeFile:
        return self.call(self._hdfs.open_input_file, java_name(path))

    def open_write(self, path: str) -> NativeFile:
        return self.call(self._hdfs.open_output_stream, java_name(path), None)

    def call(self, function: Callable[..., T], *args: Any) -> T:
        """Return what the function, which is pyarrow's, returns."""
        _tokens.renew(self._so)
        try:
            return function(*args)
        except OSError as error:
            # libhdfs keeps the trace by thread. In a thread in which it was not called it would
            # crash; an errno says that it was.
            trace = self._so.hdfsGetLastExceptionStackTrace() if error.errno else None
            if trace is None:
                raise
            raise JavaError(trace.decode(errors="replace")) from error


def java_name(path: str) -> bytes:
    """Return a path as JNI takes it: "modified UTF-8", in which a character beyond the first 65,536
    is the two halves that it has in UTF-16, each by itself, and no byte is 0.

    In plain UTF-8 libhdfs would take the name of a file with an emoji for another one.
    """
    path.encode()  # a lone half is no character: UnicodeEncodeError
    halves = re.sub(r"[^\0-\uffff]", _halves, path)
    return halves.encode("utf-8", "surrogatepass").replace(b"\0", b"\xc0\x80")


def _halves(match: re.Match[str]) -> str:
    number = ord(match[0]) - 0x10000
    return chr(0xD800 + (number >> 10)) + chr(0xDC00 + (number & 0x3FF))


@contextmanager
def _prepared_environment() -> Iterator[None]:
    """Set what pyarrow and libhdfs look for, and take it back: kernels inherit the environment."""
    before = dict(os.environ)
    found = _folder_of_library()
    try:
        if found:
            os.environ["ARROW_LIBHDFS_DIR"] = str(found)
        os.environ["CLASSPATH"] = _class_path()
        os.environ["LIBHDFS_OPTS"] = f"{_OPTIONS} {before.get('LIBHDFS_OPTS', '')}".strip()
        yield
    finally:
        for name in ("ARROW_LIBHDFS_DIR", "CLASSPATH", "LIBHDFS_OPTS"):
            os.environ.pop(name, None)
            if name in before:
                os.environ[name] = before[name]


def _folder_of_library() -> Path | None:
    """Return where libhdfs.so is; None leaves it to the system's loader."""
    named = [Path(os.environ["ARROW_LIBHDFS_DIR"])] if "ARROW_LIBHDFS_DIR" in os.environ else []
    homes = [os.environ[name] for name in _HOMES if os.environ.get(name)]
    folders = [*named, *(Path(home) / "lib" / "native" for home in homes)]
    return next((folder for folder in folders if (folder / _SO).is_file()), None)


def _class_path() -> str:
    """Return Hadoop's jars, each by its name, after the configuration that hdfs-native reads."""
    jars = os.environ.get("CLASSPATH", "")
    if "hadoop-common" not in jars:
        jars = _class_path_of_command()
    return os.pathsep.join(part for part in (str(site_folder()), jars) if part)


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
    raise _unusable("there is no `hadoop` command to ask for the class path, and no CLASSPATH")


def _unusable(why: str) -> OSError:
    return OSError(
        errno.ELIBACC,
        f"libhdfs can't be used ({why}): it needs JAVA_HOME, libhdfs.so in HADOOP_HOME/lib/native "
        "or in ARROW_LIBHDFS_DIR, and Hadoop's jars in CLASSPATH or a `hadoop` command",
    )
