"""Manual failover between two ResourceManagers or NameNodes, as an administrator does it.

Nothing fences a ResourceManager or NameNode off from the state that the pair shares. So the active
one becomes standby first, if it still answers.

With Kerberos each request is sent by another process, which logs in as the superuser.
"""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from hadoop_client.configuration import Configuration
from hadoop_client.python_module import module_command
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
    """HAStateChangeRequestInfoProto. Source 0 is a request by a user."""

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
    """GetServiceStatusResponseProto. Its fields are not read: any response means ready."""


def _method(name: str) -> Method[TransitionRequest, TransitionResponse]:
    return Method(HA_SERVICE_PROTOCOL, name, TransitionRequest, TransitionResponse)


GET_STATUS = Method(HA_SERVICE_PROTOCOL, "getServiceStatus", StatusRequest, StatusResponse)
TO_ACTIVE = _method("transitionToActive")
TO_STANDBY = _method("transitionToStandby")


@dataclass(frozen=True)
class HaPair:
    """The addresses of a pair's HA service.

    `service` is the property with their principal. `identity` has the superuser's variables for a
    process, None without Kerberos.
    """

    addresses: Sequence[Address]
    service: str
    identity: Mapping[str, str] | None = None

    def make_active(self, index: int) -> None:
        """Make the one with this index, from 0, the active one. Raises DaemonError."""
        self._request("standby", 1 - index)  # Fails harmlessly if that one is dead.
        if not self._request("active", index):
            raise DaemonError(f"Number {index + 1} of the pair did not become active.")

    def accepts_requests(self, index: int) -> bool:
        """Return whether this one could become active or standby now."""
        return self._request("status", index)

    def _request(self, action: str, index: int) -> bool:
        host, port = self.addresses[index]
        if self.identity is None:
            return send_request(action, (host, port), None)
        command = module_command(sys.executable, __name__, action, host, str(port), self.service)
        environment = {**os.environ, **self.identity}
        return subprocess.run(command, env=environment, capture_output=True).returncode == 0


def send_request(action: str, address: Address, prepare: Prepare | None) -> bool:
    """Request "active", "standby" or "status" from a service; returns whether it succeeded."""
    login = Login(user=superuser())
    with BlockingClient([address], HA_SERVICE_PROTOCOL, login, prepare=prepare) as client:
        try:
            if action == "status":
                client.call(GET_STATUS, StatusRequest())
            else:
                method = TO_ACTIVE if action == "active" else TO_STANDBY
                client.call(method, TransitionRequest(StateChangeRequestInfo(0)))
        except (RpcError, ConnectError):
            return False
    return True


if __name__ == "__main__":
    action, host, port, service = sys.argv[1:]
    prepare = kerberos.logins(Configuration.load(), service)
    sys.exit(not send_request(action, (host, int(port)), prepare))
