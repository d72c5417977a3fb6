"""Opening HDFS, and the names of its interface for everybody who uses it."""

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
    """Open `url` (`hdfs://host:port`, or `hdfs://nameservice`), or what `fs.defaultFS` names in
    the configuration in HADOOP_CONF_DIR (or HADOOP_HOME/etc/hadoop).

    The NameNode is asked by hdfs-native whatever the kind. Content is moved by it ("native"), by
    libhdfs ("libhdfs"), or by libhdfs only where hdfs-native can't ("auto"): then no JVM is started
    before it is needed.

    No call is made yet: a NameNode that is away shows with the first one. Raises OSError (EINVAL)
    where the url or the configuration names no HDFS, or (ELIBACC) where libhdfs was chosen and
    can't be used, and ImportError without hdfs-native.
    """
    from hadoop_client.hdfs.native import NativeFileSystem

    if kind == "native":
        return NativeFileSystem(url, CALL_TIMEOUT_SECONDS)
    from hadoop_client.hdfs.libhdfs import AutoFileSystem, LibhdfsFileSystem

    chosen = LibhdfsFileSystem if kind == "libhdfs" else AutoFileSystem
    return chosen(url, CALL_TIMEOUT_SECONDS)
