"""Opens HDFS, and re-exports the names of its interface."""

from __future__ import annotations

from hadoop_client.hdfs.interface import (
    CALL_TIMEOUT_SECONDS,
    FileStatus,
    FileSystem,
    Kind,
    Reader,
    Usage,
    Writer,
)

__all__ = ["FileStatus", "FileSystem", "Kind", "Reader", "Usage", "Writer", "open_filesystem"]


def open_filesystem(url: str | None = None, kind: Kind = "auto") -> FileSystem:
    """Open HDFS at `url`: `hdfs://host:port` or `hdfs://nameservice`, by default `fs.defaultFS`.

    `kind` selects the library that reads and writes content: hdfs-native ("native"), libhdfs
    ("libhdfs"), or libhdfs only for files that hdfs-native cannot decrypt ("auto"). With "auto" a
    JVM starts only when it is needed. All other calls use hdfs-native.

    The configuration is that of HADOOP_CONF_DIR, see `hadoop_client.configuration.site_directory`.
    The first call connects, so an unreachable NameNode is an error of that call.

    Raises OSError (EINVAL) if the URL or the configuration names no HDFS, OSError (ELIBACC) if
    libhdfs is selected and cannot be used, and ImportError if hdfs-native is not installed.
    """
    from hadoop_client.hdfs.native import NativeFileSystem

    if kind == "native":
        return NativeFileSystem(url, CALL_TIMEOUT_SECONDS)
    from hadoop_client.hdfs.libhdfs import AutoFileSystem, LibhdfsFileSystem

    chosen = LibhdfsFileSystem if kind == "libhdfs" else AutoFileSystem
    return chosen(url, CALL_TIMEOUT_SECONDS)
