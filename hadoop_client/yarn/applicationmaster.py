"""ApplicationMasterProtocol: what an application master says to the ResourceManager's scheduler.

Apart from `resourcemanager` because containers get this module and not that one.

Field numbers: yarn_service_protos.proto and yarn_protos.proto of Hadoop 3.4.
"""

from __future__ import annotations

from dataclasses import dataclass

from hadoop_client.rpc.call import Method
from hadoop_client.security.credentials import Token
from hadoop_client.wire import Message, OpenEnum, bool_, enum, float_, int32, message, string

APPLICATION_MASTER_PROTOCOL = "org.apache.hadoop.yarn.api.ApplicationMasterProtocolPB"


class FinalStatus(OpenEnum):
    """How an application ended, in its own view."""

    UNDEFINED = 0
    SUCCEEDED = 1
    FAILED = 2
    KILLED = 3
    ENDED = 4


class Command(OpenEnum):
    """What the ResourceManager tells an application master to do."""

    RESYNC = 1
    SHUTDOWN = 2


@dataclass(frozen=True)
class RegisterApplicationMasterRequest(Message):
    """`port` -1 and `host` "" mean that there is none."""

    host: str = string(1, "")
    port: int = int32(2, -1)
    tracking_url: str = string(3, "")


@dataclass(frozen=True)
class RegisterApplicationMasterResponse(Message):
    queue: str = string(5, "")


@dataclass(frozen=True)
class AllocateRequest(Message):
    """A heartbeat. `response_id` echoes that of the last response, 0 after a registration."""

    response_id: int = int32(4, 0)
    progress: float = float_(5, 0.0)
    tracking_url: str | None = string(11)


@dataclass(frozen=True)
class AllocateResponse(Message):
    """`am_rm_token` comes when tokens roll over: connect again with it."""

    command: Command | None = enum(1, Command)
    response_id: int = int32(2, 0)
    cluster_nodes: int = int32(7, 0)
    am_rm_token: Token | None = message(12, Token)

    @property
    def shut_down(self) -> bool:
        """Whether the application master has to end."""
        return self.command == Command.SHUTDOWN


@dataclass(frozen=True)
class FinishApplicationMasterRequest(Message):
    diagnostics: str = string(1, "")
    tracking_url: str = string(2, "")
    final_status: FinalStatus = enum(3, FinalStatus, FinalStatus.UNDEFINED)


@dataclass(frozen=True)
class FinishApplicationMasterResponse(Message):
    """The application master asks again until `is_unregistered`, and only then may end."""

    is_unregistered: bool = bool_(1, False)


REGISTER_APPLICATION_MASTER = Method(
    APPLICATION_MASTER_PROTOCOL,
    "registerApplicationMaster",
    RegisterApplicationMasterRequest,
    RegisterApplicationMasterResponse,
    # Said twice, it is refused with an InvalidApplicationMasterRequestException.
    idempotent=False,
)

# Of these two, a repeated request gets the first one's answer, as long as the container lives.
ALLOCATE = Method(APPLICATION_MASTER_PROTOCOL, "allocate", AllocateRequest, AllocateResponse)
FINISH_APPLICATION_MASTER = Method(
    APPLICATION_MASTER_PROTOCOL,
    "finishApplicationMaster",
    FinishApplicationMasterRequest,
    FinishApplicationMasterResponse,
)
