"""ClientProtocol: the little that we ask a NameNode directly.

Field numbers: hdfs.proto and ClientNamenodeProtocol.proto of Hadoop 3.4.
"""

from __future__ import annotations

from dataclasses import dataclass

from yarnspawner.hadoop.resourcemanager import GetDelegationTokenRequest, GetDelegationTokenResponse
from yarnspawner.hadoop.rpc import Method
from yarnspawner.hadoop.wire import Message, OpenEnum, enum, int64, message, string, uint

CLIENT_PROTOCOL = "org.apache.hadoop.hdfs.protocol.ClientProtocol"


class FileType(OpenEnum):
    DIRECTORY = 1
    FILE = 2
    SYMLINK = 3


@dataclass(frozen=True)
class FsPermission(Message):
    """The mode bits, as in os.stat."""

    mode: int = uint(1, 0)


@dataclass(frozen=True)
class FileStatus(Message):
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
    """No status where there is no such file."""

    status: FileStatus | None = message(1, FileStatus)


GET_FILE_INFO = Method(CLIENT_PROTOCOL, "getFileInfo", GetFileInfoRequest, GetFileInfoResponse)

GET_DELEGATION_TOKEN = Method(
    CLIENT_PROTOCOL, "getDelegationToken", GetDelegationTokenRequest, GetDelegationTokenResponse
)
