"""The ResourceManager as an application master sees it.

- Registers again with a ResourceManager that was restarted, and follows its tokens as they roll.
- Tells what went wrong as `ConnectError` (nobody answers), `RpcError` (it refuses), or
  `AttemptOverError` (it wants no more of this attempt).
"""

from __future__ import annotations

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

NOT_REGISTERED = "ApplicationMasterNotRegisteredException"
INVALID_REQUEST = "InvalidApplicationMasterRequestException"
FORGOTTEN = ("ApplicationAttemptNotFoundException", "InvalidToken")
FINISH_SECONDS = 120.0
FINISH_PAUSE_SECONDS, AWAY_PAUSE_SECONDS = 0.1, 1.0


class AttemptOverError(Exception):
    """The ResourceManager wants this attempt to end, or has forgotten it."""


class Scheduler:
    """The ResourceManager as an application master sees it."""

    def __init__(self, addresses: list[tuple[str, int]], token: Token) -> None:
        self._addresses = addresses
        self._client = self._connect(token)
        self._registration = RegisterApplicationMasterRequest()
        self._response_id = 0

    def _connect(self, token: Token) -> BlockingClient:
        return BlockingClient(self._addresses, APPLICATION_MASTER_PROTOCOL, Login(token=token))

    def register(self, host: str, port: int, tracking_url: str) -> None:
        """Say that the server is ready: the application is RUNNING from now on."""
        self._registration = RegisterApplicationMasterRequest(host, port, tracking_url)
        self._register()

    def _register(self) -> None:
        self._response_id = 0  # also where only the answer gets lost
        try:
            self._call(REGISTER_APPLICATION_MASTER, self._registration)
        except RpcError as error:
            # The answer to an earlier try was lost, not the registration itself.
            if error.name != INVALID_REQUEST:
                raise

    def heartbeat(self) -> None:
        """Stay alive to the ResourceManager; raises `AttemptOverError` when it wants no more of
        it."""
        request = AllocateRequest(response_id=self._response_id, progress=0.5)
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
            # Tokens roll over about once a day; the old one is refused some time later.
            self._client.close()
            self._client = self._connect(response.am_rm_token)
        if response.shut_down:
            raise AttemptOverError("the ResourceManager asked the application to shut down")

    def finish(self, status: FinalStatus, diagnostics: str) -> None:
        """Say how the server ended, and wait until that is kept; a ResourceManager that restarts is
        waited for, as nobody else could tell it why."""
        request = FinishApplicationMasterRequest(diagnostics, final_status=status)
        deadline = time.monotonic() + FINISH_SECONDS
        while True:
            pause = FINISH_PAUSE_SECONDS
            try:
                if self._is_kept(request):
                    return
            except ConnectError:
                if time.monotonic() >= deadline:
                    raise
                pause = AWAY_PAUSE_SECONDS
            if time.monotonic() >= deadline:
                raise CallTimeoutError(f"not kept within {FINISH_SECONDS:.0f} seconds", {})
            time.sleep(pause)

    def _is_kept(self, request: FinishApplicationMasterRequest) -> bool:
        try:
            return self._call(FINISH_APPLICATION_MASTER, request).is_unregistered
        except RpcError as error:
            if error.name == INVALID_REQUEST:
                return True  # at an earlier try, and the attempt is gone since
            # The server never listened, or the ResourceManager has just been restarted.
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
