"""Which of a pair of ResourceManagers or NameNodes is active, changed by hand as an administrator
would.

Nothing fences a ResourceManager or a NameNode off from the state that the pair shares: so the
active one is made to stand by first, if it still answers.

Where there is Kerberos each order is a process of its own: this one is somebody else, or nobody.
"""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from hadoop_client.configuration import Configuration
from hadoop_client.rpc.blocking import BlockingClient
from hadoop_client.rpc.call import Address, ConnectError, Login, Method, RpcError
from hadoop_client.security import kerberos
from hadoop_client.security.sasl import Prepare
from hadoop_client.wire import Message, int32, message
from yarnhub.minihadoop.errors import DaemonError
from yarnhub.minihadoop.settings import superuser

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


@dataclass(frozen=True)
class HaPair:
    """Where the two take an administrator's calls. `service` is what the configuration calls their
    principal by, `identity` what makes a process the superuser where there is Kerberos."""

    addresses: Sequence[Address]
    service: str
    identity: Mapping[str, str] | None = None

    def make_active(self, index: int) -> None:
        """Make the one with this index the active one. Raises DaemonError."""
        self._order("standby", 1 - index)  # one that is dead does no harm
        if not self._order("active", index):
            raise DaemonError(f"Number {index + 1} of the pair did not become active.")

    def takes_orders(self, index: int) -> bool:
        """Tell whether this one could be made active or stand by now."""
        return self._order("status", index)

    def _order(self, what: str, index: int) -> bool:
        """Tell whether it did as it was told."""
        host, port = self.addresses[index]
        if self.identity is None:
            return give_order(what, (host, port), None)
        command = [sys.executable, "-m", __name__, what, host, str(port), self.service]
        environment = {**os.environ, **self.identity}
        return subprocess.run(command, env=environment, capture_output=True).returncode == 0


def give_order(what: str, address: Address, prepare: Prepare | None) -> bool:
    """Tell a service to be active or to stand by, or ask for its status; whether it answered."""
    login = Login(user=superuser())
    with BlockingClient([address], HA_SERVICE_PROTOCOL, login, prepare=prepare) as client:
        try:
            if what == "status":
                client.call(GET_STATUS, StatusRequest())
            else:
                method = TO_ACTIVE if what == "active" else TO_STANDBY
                client.call(method, TransitionRequest(StateChangeRequestInfo(0)))
        except (RpcError, ConnectError):
            return False
    return True


if __name__ == "__main__":
    order, to_host, to_port, of_service = sys.argv[1:]
    prepared = kerberos.logins(Configuration.load(), of_service)
    sys.exit(not give_order(order, (to_host, int(to_port)), prepared))
