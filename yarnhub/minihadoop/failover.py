"""Which of a pair of ResourceManagers or NameNodes is active, changed by hand as an administrator
would.

Nothing fences a ResourceManager or a NameNode off from the state that the pair shares: so the
active one is made to stand by first, if it still answers.
"""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass

from yarnhub.minihadoop.configuration import superuser
from yarnspawner.hadoop.blocking import BlockingClient
from yarnspawner.hadoop.rpc import (
    Address,
    ConnectError,
    Login,
    Method,
    Request,
    Response,
    RpcError,
)
from yarnspawner.hadoop.wire import Message, int32, message

HA_SERVICE_PROTOCOL = "org.apache.hadoop.ha.HAServiceProtocol"


@dataclass(frozen=True)
class StateChangeRequestInfo(Message):
    """HAStateChangeRequestInfoProto; 0: a person asks for it."""

    request_source: int | None = int32(1)


@dataclass(frozen=True)
class TransitionRequest(Message):
    request_info: StateChangeRequestInfo | None = message(1, StateChangeRequestInfo)


@dataclass(frozen=True)
class TransitionResponse(Message):
    pass


@dataclass(frozen=True)
class StatusRequest(Message):
    """GetServiceStatusRequestProto"""


@dataclass(frozen=True)
class StatusResponse(Message):
    """GetServiceStatusResponseProto, of which nothing is read: that it comes says enough."""


def _method(name: str) -> Method[TransitionRequest, TransitionResponse]:
    return Method(HA_SERVICE_PROTOCOL, name, TransitionRequest, TransitionResponse)


GET_STATUS = Method(HA_SERVICE_PROTOCOL, "getServiceStatus", StatusRequest, StatusResponse)
TO_ACTIVE = _method("transitionToActive")
TO_STANDBY = _method("transitionToStandby")


def make_active(pair: Sequence[Address], index: int) -> None:
    """Make the one with this index the active one of the pair, both where they take such calls."""
    with suppress(ConnectError):  # one that is dead does no harm
        _call(pair[1 - index], TO_STANDBY, TransitionRequest(StateChangeRequestInfo(0)))
    _call(pair[index], TO_ACTIVE, TransitionRequest(StateChangeRequestInfo(0)))


def takes_orders(address: Address) -> bool:
    """Tell whether it could be made active or stand by now."""
    try:
        _call(address, GET_STATUS, StatusRequest())
    except (RpcError, ConnectError):
        return False
    return True


def _call(address: Address, method: Method[Request, Response], request: Request) -> None:
    with BlockingClient([address], HA_SERVICE_PROTOCOL, Login(user=superuser())) as client:
        client.call(method, request)
