"""ApplicationMasterProtocol: an application master's calls of the ResourceManager's scheduler.

Separate from `resourcemanager` because containers get only this module.

Field numbers: yarn_service_protos.proto and yarn_protos.proto of Hadoop 3.4.
"""

from __future__ import annotations

from dataclasses import dataclass

from hadoop_client.rpc.call import Method
from hadoop_client.security.credentials import Token
from hadoop_client.wire import Message, OpenEnum, bool_, enum, float_, int32, message, string

__all__ = [
    "ALLOCATE",
    "APPLICATION_MASTER_PROTOCOL",
    "FINISH_APPLICATION_MASTER",
    "REGISTER_APPLICATION_MASTER",
    "AllocateRequest",
    "AllocateResponse",
    "Command",
    "FinalStatus",
    "FinishApplicationMasterRequest",
    "FinishApplicationMasterResponse",
    "RegisterApplicationMasterRequest",
    "RegisterApplicationMasterResponse",
]

APPLICATION_MASTER_PROTOCOL = "org.apache.hadoop.yarn.api.ApplicationMasterProtocolPB"


class FinalStatus(OpenEnum):
    """The result that an application reports of itself."""

    UNDEFINED = 0
    SUCCEEDED = 1
    FAILED = 2
    KILLED = 3
    ENDED = 4


class Command(OpenEnum):
    """An order of the ResourceManager to an application master."""

    RESYNC = 1
    SHUTDOWN = 2


@dataclass(frozen=True)
class RegisterApplicationMasterRequest(Message):
    """`port` -1 and `host` "" mean none."""

    host: str = string(1, "")
    port: int = int32(2, -1)
    tracking_url: str = string(3, "")


@dataclass(frozen=True)
class RegisterApplicationMasterResponse(Message):
    queue: str = string(5, "")


@dataclass(frozen=True)
class AllocateRequest(Message):
    """A heartbeat. `response_id` is the last response's; 0 after a registration."""

    response_id: int = int32(4, 0)
    progress: float = float_(5, 0.0)
    tracking_url: str | None = string(11)


@dataclass(frozen=True)
class AllocateResponse(Message):
    """`am_rm_token` is set when tokens roll over: reconnect with it."""

    command: Command | None = enum(1, Command)
    response_id: int = int32(2, 0)
    cluster_nodes: int = int32(7, 0)
    am_rm_token: Token | None = message(12, Token)

    @property
    def shut_down(self) -> bool:
        """Whether the application master must end."""
        return self.command == Command.SHUTDOWN


@dataclass(frozen=True)
class FinishApplicationMasterRequest(Message):
    diagnostics: str = string(1, "")
    tracking_url: str = string(2, "")
    final_status: FinalStatus = enum(3, FinalStatus, FinalStatus.UNDEFINED)


@dataclass(frozen=True)
class FinishApplicationMasterResponse(Message):
    """Repeat the call until `is_unregistered`; only then may the application master end."""

    is_unregistered: bool = bool_(1, False)


REGISTER_APPLICATION_MASTER = Method(
    APPLICATION_MASTER_PROTOCOL,
    "registerApplicationMaster",
    RegisterApplicationMasterRequest,
    RegisterApplicationMasterResponse,
    # A second call is refused with InvalidApplicationMasterRequestException.
    idempotent=False,
)

# A repeated request of these two gets the first one's answer while the container lives.
ALLOCATE = Method(APPLICATION_MASTER_PROTOCOL, "allocate", AllocateRequest, AllocateResponse)
FINISH_APPLICATION_MASTER = Method(
    APPLICATION_MASTER_PROTOCOL,
    "finishApplicationMaster",
    FinishApplicationMasterRequest,
    FinishApplicationMasterResponse,
)
