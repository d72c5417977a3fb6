"""Gives new delegation tokens to this process's JVM, which reads the token file only at login.

- The file is replaced long before its tokens expire (`token_file.py`). It is checked before each
  call of libhdfs, which takes microseconds. A new file's tokens are added to Java's login.
- Java uses them for each new connection, also of file systems and files that are already open.
- They are added through JNI, which libhdfs has loaded, because no maintained library can call a JVM
  that it has not started.
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

# Indexes of functions in JNI's two tables, from its specification.
_ATTACH_CURRENT_THREAD, _DETACH_CURRENT_THREAD = 4, 5
_FIND_CLASS, _EXCEPTION_CLEAR, _EXCEPTION_CHECK = 6, 17, 228
_NEW_OBJECT, _NEW_STRING = 30, 167
_GET_METHOD, _CALL_VOID_METHOD = 33, 63
_GET_STATIC_METHOD, _CALL_STATIC_OBJECT_METHOD = 113, 116

_Object = ctypes.c_void_p


class JvmTokens:
    """The tokens of this process's JVM, of which there is one at most."""

    def __init__(self) -> None:
        self._file = TokenFile()
        self._file.changed_path()  # the JVM, which has not started yet, logs in with this file
        self._checking = threading.Lock()

    def renew(self, libhdfs: ctypes.CDLL) -> None:
        """Give the JVM the tokens of a file that it has not read."""
        with self._checking:
            path = self._file.changed_path()
            if path is None:
                return
            try:
                # A separate thread, because libhdfs manages the JVM's threads that call it.
                with ThreadPoolExecutor(1, "hdfs-tokens") as thread:
                    thread.submit(_add_tokens, libhdfs, path).result()
            except OSError as error:
                log.warning("libhdfs keeps its old tokens: %s", error)
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
    """Attach the current thread to the JVM. Detaching releases its references."""
    machine, count, environment = _Object(), ctypes.c_int(), _Object()
    libhdfs.JNI_GetCreatedJavaVMs(ctypes.byref(machine), 1, ctypes.byref(count))
    if not count.value:
        raise OSError("there is no JVM in this process")
    attach = _function(machine, _ATTACH_CURRENT_THREAD, ctypes.c_int)
    if attach(machine, ctypes.byref(environment), None):
        raise OSError("the JVM cannot attach another thread")
    try:
        yield _Java(environment)
    finally:
        _function(machine, _DETACH_CURRENT_THREAD, ctypes.c_int)(machine)


class _Java:
    """The calls of JNI that are needed. A Java exception is raised as an OSError."""

    def __init__(self, environment: _Object) -> None:
        self._environment = environment

    def new(self, class_name: str, signature: str, *values: _Object) -> _Object:
        """Call the constructor with this signature."""
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
        """Call a JNI function."""
        result = _function(self._environment, index, _Object)(self._environment, *values)
        if _function(self._environment, _EXCEPTION_CHECK, ctypes.c_ubyte)(self._environment):
            _function(self._environment, _EXCEPTION_CLEAR, None)(self._environment)
            raise OSError("Java rejected the token file")
        return _Object(result)


def _function(owner: _Object, index: int, result: type | None) -> Callable[..., int]:
    """Return a function from the table of a JVM or of a thread's environment."""
    table = ctypes.cast(owner, ctypes.POINTER(ctypes.POINTER(_Object)))[0]
    return ctypes.CFUNCTYPE(result)(table[index] or 0)


def _array(values: tuple[_Object, ...]) -> ctypes.Array[_Object]:
    return (_Object * len(values))(*values)
