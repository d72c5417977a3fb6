"""ClientProtocol: the few calls of the NameNode that are made without hdfs-native.

Field numbers: hdfs.proto and ClientNamenodeProtocol.proto of Hadoop 3.4.
"""

from __future__ import annotations

from dataclasses import dataclass

from hadoop_client.rpc.call import Method
from hadoop_client.security.delegation import (
    GetDelegationTokenRequest,
    GetDelegationTokenResponse,
)
from hadoop_client.wire import Message, OpenEnum, bool_, enum, int64, message, string, uint

__all__ = [
    "CLIENT_PROTOCOL",
    "DELETE",
    "GET_DELEGATION_TOKEN",
    "GET_FILE_INFO",
    "IS_FILE_CLOSED",
    "MKDIRS",
    "SET_OWNER",
    "SET_QUOTA",
    "UNCHANGED",
    "DeleteRequest",
    "DeleteResponse",
    "FileType",
    "FsPermission",
    "GetFileInfoRequest",
    "GetFileInfoResponse",
    "HdfsFileStatus",
    "IsFileClosedRequest",
    "IsFileClosedResponse",
    "MkdirsRequest",
    "MkdirsResponse",
    "SetOwnerRequest",
    "SetOwnerResponse",
    "SetQuotaRequest",
    "SetQuotaResponse",
]

CLIENT_PROTOCOL = "org.apache.hadoop.hdfs.protocol.ClientProtocol"

#: A quota that is left as it is (HdfsConstants.QUOTA_DONT_SET).
UNCHANGED = (1 << 63) - 1


class FileType(OpenEnum):
    DIRECTORY = 1
    FILE = 2
    SYMLINK = 3


@dataclass(frozen=True)
class FsPermission(Message):
    """The mode bits, as in os.stat."""

    mode: int = uint(1, 0)


@dataclass(frozen=True)
class HdfsFileStatus(Message):
    """`length` in bytes, times in milliseconds since 1970."""

    type: FileType = enum(1, FileType, FileType.FILE)
    length: int = int64(3, 0)
    permission: FsPermission = message(4, FsPermission, FsPermission())
    owner: str = string(5, "")
    group: str = string(6, "")
    modification_time: int = int64(7, 0)
    access_time: int = int64(8, 0)


@dataclass(frozen=True)
class GetFileInfoRequest(Message):
    path: str = string(1, "")


@dataclass(frozen=True)
class GetFileInfoResponse(Message):
    """`status` is None if the path does not exist."""

    status: HdfsFileStatus | None = message(1, HdfsFileStatus)


GET_FILE_INFO = Method(CLIENT_PROTOCOL, "getFileInfo", GetFileInfoRequest, GetFileInfoResponse)


@dataclass(frozen=True)
class IsFileClosedRequest(Message):
    path: str = string(1, "")


@dataclass(frozen=True)
class IsFileClosedResponse(Message):
    """`result` is False while a client is writing the file."""

    result: bool = bool_(1, False)


IS_FILE_CLOSED = Method(CLIENT_PROTOCOL, "isFileClosed", IsFileClosedRequest, IsFileClosedResponse)


@dataclass(frozen=True)
class MkdirsRequest(Message):
    """`masked` is the directory's final mode: applying a umask is the client's task."""

    path: str = string(1, "")
    masked: FsPermission = message(2, FsPermission, FsPermission(0o755))
    create_parent: bool = bool_(3, False)


@dataclass(frozen=True)
class MkdirsResponse(Message):
    result: bool = bool_(1, False)


MKDIRS = Method(CLIENT_PROTOCOL, "mkdirs", MkdirsRequest, MkdirsResponse)


@dataclass(frozen=True)
class SetOwnerRequest(Message):
    """None leaves the user or the group as it is."""

    path: str = string(1, "")
    user: str | None = string(2)
    group: str | None = string(3)


@dataclass(frozen=True)
class SetOwnerResponse(Message):
    pass


SET_OWNER = Method(CLIENT_PROTOCOL, "setOwner", SetOwnerRequest, SetOwnerResponse)


@dataclass(frozen=True)
class SetQuotaRequest(Message):
    """Limits of a directory tree: the number of names, and of bytes with all replicas."""

    path: str = string(1, "")
    namespace_quota: int = int64(2, UNCHANGED)
    storagespace_quota: int = int64(3, UNCHANGED)


@dataclass(frozen=True)
class SetQuotaResponse(Message):
    pass


SET_QUOTA = Method(CLIENT_PROTOCOL, "setQuota", SetQuotaRequest, SetQuotaResponse)


@dataclass(frozen=True)
class DeleteRequest(Message):
    path: str = string(1, "")
    recursive: bool = bool_(2, False)


@dataclass(frozen=True)
class DeleteResponse(Message):
    """`result` is False if the path did not exist."""

    result: bool = bool_(1, False)


# If sent again, it would delete a file that another client has created in between.
DELETE = Method(CLIENT_PROTOCOL, "delete", DeleteRequest, DeleteResponse, idempotent=False)

GET_DELEGATION_TOKEN = Method(
    CLIENT_PROTOCOL, "getDelegationToken", GetDelegationTokenRequest, GetDelegationTokenResponse
)
