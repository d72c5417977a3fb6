"""The two calls that only `yarnhub check` makes: the ACLs of queues, and HDFS's safe mode.

Field numbers are those of yarn_protos.proto and ClientNamenodeProtocol.proto in Hadoop 3.4.
"""

from __future__ import annotations

from dataclasses import dataclass

from hadoop_client.hdfs.namenode import CLIENT_PROTOCOL
from hadoop_client.rpc.call import Method
from hadoop_client.wire import Message, OpenEnum, bool_, enum, message, repeated, string
from hadoop_client.yarn.resourcemanager import APPLICATION_CLIENT_PROTOCOL


class QueueAcl(OpenEnum):
    SUBMIT_APPLICATIONS = 1
    ADMINISTER_QUEUE = 2


class SafeModeAction(OpenEnum):
    LEAVE = 1
    ENTER = 2
    GET = 3


@dataclass(frozen=True)
class QueueUserAcls(Message):
    queue_name: str = string(1, "")
    user_acls: tuple[QueueAcl, ...] = repeated(enum(2, QueueAcl))


@dataclass(frozen=True)
class GetQueueUserAclsRequest(Message):
    """Asks for the ACLs of the calling user."""


@dataclass(frozen=True)
class GetQueueUserAclsResponse(Message):
    queue_user_acls: tuple[QueueUserAcls, ...] = repeated(message(1, QueueUserAcls))


GET_QUEUE_USER_ACLS = Method(
    APPLICATION_CLIENT_PROTOCOL,
    "getQueueUserAcls",
    GetQueueUserAclsRequest,
    GetQueueUserAclsResponse,
)


@dataclass(frozen=True)
class SetSafeModeRequest(Message):
    """GET changes nothing, and needs no right."""

    action: SafeModeAction = enum(1, SafeModeAction, SafeModeAction.GET)


@dataclass(frozen=True)
class SetSafeModeResponse(Message):
    result: bool = bool_(1, False)


GET_SAFE_MODE = Method(CLIENT_PROTOCOL, "setSafeMode", SetSafeModeRequest, SetSafeModeResponse)
