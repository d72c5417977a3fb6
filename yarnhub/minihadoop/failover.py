"""Which ResourceManager of a pair is active, changed by hand as an administrator would.

Nothing fences a ResourceManager off from the state that the pair shares: so the active one is made
to stand by first, if it still answers.
"""

from __future__ import annotations

from contextlib import suppress
from dataclasses import dataclass

from yarnhub.minihadoop.configuration import superuser
from yarnhub.minihadoop.ports import HOST, Ports
from yarnspawner.hadoop.blocking import BlockingClient
from yarnspawner.hadoop.rpc import ConnectError, Login, Method
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


def _method(name: str) -> Method[TransitionRequest, TransitionResponse]:
    return Method(HA_SERVICE_PROTOCOL, name, TransitionRequest, TransitionResponse)


TO_ACTIVE = _method("transitionToActive")
TO_STANDBY = _method("transitionToStandby")


def make_active(ports: Ports, index: int) -> None:
    """Make the ResourceManager with this index the active one of the pair."""
    with suppress(ConnectError):  # one that is dead does no harm
        _transition(ports, 1 - index, TO_STANDBY)
    _transition(ports, index, TO_ACTIVE)


def _transition(
    ports: Ports, index: int, method: Method[TransitionRequest, TransitionResponse]
) -> None:
    address = (HOST, ports.of_resourcemanager(index).admin)
    client = BlockingClient([address], HA_SERVICE_PROTOCOL, Login(user=superuser()))
    try:
        client.call(method, TransitionRequest(StateChangeRequestInfo(0)))
    finally:
        client.close()
