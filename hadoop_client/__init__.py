"""A YARN and HDFS client for Python, without a JVM.

    from hadoop_client import YarnClient, open_filesystem

    for status in open_filesystem().list_dir("/user/alice"):
        print(status.path, status.size)

The public API is what docs/hadoop_client.md describes: the names in this package, and those in the
`__all__` of its modules. Everything else may change in any release.

The names below are imported on first use. So `import hadoop_client` loads nothing, and the YARN
side works without hdfs-native: it needs the standard library only, and python-gssapi for Kerberos.
"""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from hadoop_client.configuration import Configuration, ConfigurationError
    from hadoop_client.hdfs.filesystem import FileStatus, FileSystem, open_filesystem
    from hadoop_client.rpc.aio import AsyncClient
    from hadoop_client.rpc.blocking import BlockingClient
    from hadoop_client.rpc.call import (
        CallTimeoutError,
        ConnectError,
        Login,
        LoginError,
        Method,
        RpcError,
    )
    from hadoop_client.rpc.pool import ClientPool
    from hadoop_client.security.credentials import Credentials, CredentialsError, Token
    from hadoop_client.yarn.client import YarnClient

__all__ = [
    "AsyncClient",
    "BlockingClient",
    "CallTimeoutError",
    "ClientPool",
    "Configuration",
    "ConfigurationError",
    "ConnectError",
    "Credentials",
    "CredentialsError",
    "FileStatus",
    "FileSystem",
    "Login",
    "LoginError",
    "Method",
    "RpcError",
    "Token",
    "YarnClient",
    "open_filesystem",
]

_MODULES = {
    "AsyncClient": "rpc.aio",
    "BlockingClient": "rpc.blocking",
    "CallTimeoutError": "rpc.call",
    "ClientPool": "rpc.pool",
    "Configuration": "configuration",
    "ConfigurationError": "configuration",
    "ConnectError": "rpc.call",
    "Credentials": "security.credentials",
    "CredentialsError": "security.credentials",
    "FileStatus": "hdfs.filesystem",
    "FileSystem": "hdfs.filesystem",
    "Login": "rpc.call",
    "LoginError": "rpc.call",
    "Method": "rpc.call",
    "RpcError": "rpc.call",
    "Token": "security.credentials",
    "YarnClient": "yarn.client",
    "open_filesystem": "hdfs.filesystem",
}


def __getattr__(name: str) -> object:
    if name in _MODULES:
        return getattr(importlib.import_module(f"{__name__}.{_MODULES[name]}"), name)
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")


def __dir__() -> list[str]:
    return sorted([*globals(), *__all__])
