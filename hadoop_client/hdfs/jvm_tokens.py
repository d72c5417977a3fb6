"""New delegation tokens for the JVM in this process, which reads their file once, when it logs in.

- The file is replaced long before its tokens end (`token_file.py`). Before each call of libhdfs it
  is looked at, which takes microseconds, and another file's tokens are given to Java's login.
- Java takes them for each connection that it makes from then on; file systems and files that were
  open before go on with them.
- They get there by JNI, which libhdfs has brought: no library that is kept calls a JVM that it has
  not started itself.
"""

from __future__ import annotations

import ctypes
import logging
import threading
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path

from hadoop_client.security.token_file import TokenFile

log = logging.getLogger(__name__)

_HADOOP = "org/apache/hadoop"
_CREDENTIALS = f"{_HADOOP}/security/Credentials"
_LOGIN = f"{_HADOOP}/security/UserGroupInformation"

# Where functions are in JNI's two tables, by its specification.
_ATTACH_CURRENT_THREAD, _DETACH_CURRENT_THREAD = 4, 5
_FIND_CLASS, _EXCEPTION_CLEAR, _EXCEPTION_CHECK = 6, 17, 228
_NEW_OBJECT, _NEW_STRING = 30, 167
_GET_METHOD, _CALL_VOID_METHOD = 33, 63
_GET_STATIC_METHOD, _CALL_STATIC_OBJECT_METHOD = 113, 116

_Object = ctypes.c_void_p


class JvmTokens:
    """What the JVM of this process knows of the token file; there is one such JVM at most."""

    def __init__(self) -> None:
        self._file = TokenFile()
        self._file.changed_path()  # what the JVM logs in with: it has not been started yet
        self._looking = threading.Lock()

    def renew(self, libhdfs: ctypes.CDLL) -> None:
        """Give the JVM the tokens of a file that it has not read."""
        with self._looking:
            path = self._file.changed_path()
            if path is None:
                return
            try:
                # A thread of its own: libhdfs looks after those that it is called in.
                with ThreadPoolExecutor(1, "hdfs-tokens") as thread:
                    thread.submit(_add_tokens, libhdfs, path).result()
            except OSError as error:
                log.warning("libhdfs goes on with its old tokens: %s", error)
            else:
                log.info("libhdfs has new tokens")


def _add_tokens(libhdfs: ctypes.CDLL, path: Path) -> None:
    """UserGroupInformation.getLoginUser().addCredentials(Credentials.readTokenStorageFile(…))"""
    with _attached(libhdfs) as java:
        name = java.call(_NEW_STRING, str(path).encode())
        file = java.new("java/io/File", "(Ljava/lang/String;)V", name)
        configuration = java.new(f"{_HADOOP}/conf/Configuration", "()V")
        credentials = java.call_static(
            _CREDENTIALS,
            "readTokenStorageFile",
            f"(Ljava/io/File;L{_HADOOP}/conf/Configuration;)L{_CREDENTIALS};",
            file,
            configuration,
        )
        login = java.call_static(_LOGIN, "getLoginUser", f"()L{_LOGIN};")
        java.call_void(login, _LOGIN, "addCredentials", f"(L{_CREDENTIALS};)V", credentials)


@contextmanager
def _attached(libhdfs: ctypes.CDLL) -> Iterator[_Java]:
    """Let the current thread call Java; what it gets there is let go of at the end."""
    machine, count, environment = _Object(), ctypes.c_int(), _Object()
    libhdfs.JNI_GetCreatedJavaVMs(ctypes.byref(machine), 1, ctypes.byref(count))
    if not count.value:
        raise OSError("there is no JVM in this process")
    attach = _function(machine, _ATTACH_CURRENT_THREAD, ctypes.c_int)
    if attach(machine, ctypes.byref(environment), None):
        raise OSError("the JVM takes no more threads")
    try:
        yield _Java(environment)
    finally:
        _function(machine, _DETACH_CURRENT_THREAD, ctypes.c_int)(machine)


class _Java:
    """The few calls of JNI that it takes. What Java throws is an OSError."""

    def __init__(self, environment: _Object) -> None:
        self._environment = environment

    def new(self, class_name: str, signature: str, *values: _Object) -> _Object:
        """Make an object, by the constructor with this signature."""
        class_ = self.call(_FIND_CLASS, class_name.encode())
        method = self.call(_GET_METHOD, class_, b"<init>", signature.encode())
        return self.call(_NEW_OBJECT, class_, method, _array(values))

    def call_static(
        self, class_name: str, method_name: str, signature: str, *values: _Object
    ) -> _Object:
        """Call a static method that returns an object."""
        class_ = self.call(_FIND_CLASS, class_name.encode())
        method = self.call(_GET_STATIC_METHOD, class_, method_name.encode(), signature.encode())
        return self.call(_CALL_STATIC_OBJECT_METHOD, class_, method, _array(values))

    def call_void(
        self, this: _Object, class_name: str, method_name: str, signature: str, *values: _Object
    ) -> None:
        """Call a method that returns nothing."""
        class_ = self.call(_FIND_CLASS, class_name.encode())
        method = self.call(_GET_METHOD, class_, method_name.encode(), signature.encode())
        self.call(_CALL_VOID_METHOD, this, method, _array(values))

    def call(self, index: int, *values: object) -> _Object:
        """Call a function of JNI's."""
        found = _function(self._environment, index, _Object)(self._environment, *values)
        if _function(self._environment, _EXCEPTION_CHECK, ctypes.c_ubyte)(self._environment):
            _function(self._environment, _EXCEPTION_CLEAR, None)(self._environment)
            raise OSError("Java does not take the token file")
        return _Object(found)


def _function(owner: _Object, index: int, result: type | None) -> Callable[..., int]:
    """Return a function of the table that a JVM, or a thread's environment, begins with."""
    table = ctypes.cast(owner, ctypes.POINTER(ctypes.POINTER(_Object)))[0]
    return ctypes.CFUNCTYPE(result)(table[index] or 0)


def _array(values: tuple[_Object, ...]) -> ctypes.Array[_Object]:
    return (_Object * len(values))(*values)
