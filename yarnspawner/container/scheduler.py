"""The ResourceManager's scheduler, as an application master uses it.

- It registers again after a restart of the ResourceManager, and takes over new tokens.
- It raises `ConnectError` if no ResourceManager answers, `RpcError` if it refuses a call, and
  `AttemptOverError` if the attempt must end.
"""

from __future__ import annotations

import os
import time

from hadoop_client.rpc.blocking import BlockingClient
from hadoop_client.rpc.call import (
    CallTimeoutError,
    ConnectError,
    Login,
    Method,
    Request,
    Response,
    RpcError,
)
from hadoop_client.security.credentials import Token
from hadoop_client.yarn.applicationmaster import (
    ALLOCATE,
    APPLICATION_MASTER_PROTOCOL,
    FINISH_APPLICATION_MASTER,
    REGISTER_APPLICATION_MASTER,
    AllocateRequest,
    FinalStatus,
    FinishApplicationMasterRequest,
    RegisterApplicationMasterRequest,
)
from yarnspawner.container.processes import resident_bytes

NOT_REGISTERED = "ApplicationMasterNotRegisteredException"
INVALID_REQUEST = "InvalidApplicationMasterRequestException"
FORGOTTEN = ("ApplicationAttemptNotFoundException", "InvalidToken")
FINISH_SECONDS = 120.0

#: The memory in use that is reported as a progress of 1: a float keeps seven digits of less.
FULL_BYTES = 1 << 40
FINISH_PAUSE_SECONDS, AWAY_PAUSE_SECONDS = 0.1, 1.0


class AttemptOverError(Exception):
    """The ResourceManager asked this attempt to end, or no longer knows it."""


class Scheduler:
    """A `Reporter` to the ResourceManager, at its addresses for application masters."""

    def __init__(
        self,
        addresses: list[tuple[str, int]],
        token: Token,
        protections: tuple[str, ...] = (),
    ) -> None:
        self._addresses = addresses
        self._protections = protections
        self._client = self._connect(token)
        self._registration = RegisterApplicationMasterRequest()
        self._response_id = 0

    def _connect(self, token: Token) -> BlockingClient:
        login = Login(token=token, protections=self._protections)
        return BlockingClient(self._addresses, APPLICATION_MASTER_PROTOCOL, login)

    def register(self, host: str, port: int, tracking_url: str) -> None:
        """Report that the server is ready: the application is RUNNING from now on."""
        self._registration = RegisterApplicationMasterRequest(host, port, tracking_url)
        self._register()

    def _register(self) -> None:
        self._response_id = 0  # the ResourceManager's too, even if its response is lost
        try:
            self._call(REGISTER_APPLICATION_MASTER, self._registration)
        except RpcError as error:
            # An earlier try has succeeded, and only its response was lost.
            if error.name != INVALID_REQUEST:
                raise

    def heartbeat(self) -> None:
        """Report the memory in use; raises `AttemptOverError` if the attempt must end."""
        # YARN counts from the container's first process, which leads the session.
        used = resident_bytes(os.getsid(0))
        request = AllocateRequest(self._response_id, min(1.0, used / FULL_BYTES))
        try:
            response = self._call(ALLOCATE, request)
        except RpcError as error:
            if error.name != NOT_REGISTERED:
                raise
            # A restarted ResourceManager knows the attempt, but not its registration.
            self._register()
            return
        self._response_id = response.response_id
        if response.am_rm_token is not None:
            # The master key rolls about once a day. The old token is rejected some time later.
            self._client.close()
            self._client = self._connect(response.am_rm_token)
        if response.shut_down:
            raise AttemptOverError("the ResourceManager asked the application to shut down")

    def finish(self, status: FinalStatus, diagnostics: str) -> None:
        """Report how the server ended, and wait until the ResourceManager has stored it.

        A ResourceManager that restarts is waited for, for at most `FINISH_SECONDS`, because only we
        know the cause.
        """
        request = FinishApplicationMasterRequest(diagnostics, final_status=status)
        deadline = time.monotonic() + FINISH_SECONDS
        while True:
            pause = FINISH_PAUSE_SECONDS
            try:
                if self._is_stored(request):
                    return
            except ConnectError:
                if time.monotonic() >= deadline:
                    raise
                pause = AWAY_PAUSE_SECONDS
            if time.monotonic() >= deadline:
                raise CallTimeoutError(f"not stored within {FINISH_SECONDS:.0f} seconds", {})
            time.sleep(pause)

    def _is_stored(self, request: FinishApplicationMasterRequest) -> bool:
        try:
            return self._call(FINISH_APPLICATION_MASTER, request).is_unregistered
        except RpcError as error:
            if error.name == INVALID_REQUEST:
                return True  # an earlier try has succeeded, and ended the attempt
            # The server never listened, or the ResourceManager was restarted.
            if error.name != NOT_REGISTERED:
                raise
            self._register()
            return False

    def _call(self, method: Method[Request, Response], request: Request) -> Response:
        try:
            return self._client.call(method, request)
        except RpcError as error:
            if error.name in FORGOTTEN:
                raise AttemptOverError(error.message) from error
            raise

    def close(self) -> None:
        """Close the connection."""
        self._client.close()
