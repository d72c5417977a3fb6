"""The application master's calls, to a server on loopback with the ResourceManager's own rules.

The rules are those of ApplicationMasterService: who has not registered is told so, who registers
twice is refused, and a heartbeat's `response_id` has to be the one of the last response.
"""

from __future__ import annotations

import os
import socket
import threading
from collections.abc import Iterator
from contextlib import closing, suppress

import pytest

from hadoop_client.rpc.call import CallTimeoutError, ConnectError, RpcError
from hadoop_client.rpc.connection import ResponseHeader, RpcStatus, SaslMessage
from hadoop_client.security.credentials import Token
from hadoop_client.yarn.applicationmaster import (
    AllocateRequest,
    AllocateResponse,
    Command,
    FinalStatus,
    FinishApplicationMasterRequest,
    FinishApplicationMasterResponse,
    RegisterApplicationMasterRequest,
    RegisterApplicationMasterResponse,
)
from tests.unit.hadoop_client.digest_server import Refused
from tests.unit.hadoop_client.rpc_server import Call, Handler, RpcServer, ServerSide
from yarnspawner.container import scheduler as module
from yarnspawner.container.scheduler import AttemptOverError, Scheduler

TOKEN = Token(b"identifier", b"password", "YARN_AM_RM_TOKEN", "")
NEXT_TOKEN = Token(b"next identifier", b"next password", "YARN_AM_RM_TOKEN", "")
EXCEPTIONS = "org.apache.hadoop.yarn.exceptions."
FORGOTTEN = EXCEPTIONS + "ApplicationAttemptNotFoundException"
NOT_REGISTERED = EXCEPTIONS + "ApplicationMasterNotRegisteredException"
INVALID_REQUEST = EXCEPTIONS + "InvalidApplicationMasterRequestException"
INVALID_TOKEN = "org.apache.hadoop.security.token.SecretManager$InvalidToken"
REGISTRATION = RegisterApplicationMasterRequest("node1", 4711, "http://hub/user/alice/")
FINISH = FinishApplicationMasterRequest("exit code 1", final_status=FinalStatus.FAILED)
REQUESTS = {
    "registerApplicationMaster": RegisterApplicationMasterRequest,
    "allocate": AllocateRequest,
    "finishApplicationMaster": FinishApplicationMasterRequest,
}
Request = RegisterApplicationMasterRequest | AllocateRequest | FinishApplicationMasterRequest


class TokenSide(ServerSide):
    """Refuses a token that it does not know as the ResourceManager does."""

    def _negotiate(self, said: SaslMessage) -> None:
        try:
            super()._negotiate(said)
        except Refused:
            message = "appattempt_1_0001_000001 not found in AMRMTokenSecretManager."
            self.send(ResponseHeader(-33, RpcStatus.FATAL, INVALID_TOKEN, message))
            self.dropped = True


class ResourceManager(RpcServer):
    """Knows one attempt. `instead` does something else with the next call of a method."""

    def __init__(self) -> None:
        self.requests: list[Request] = []
        self.sides_used: list[ServerSide] = []
        self.ends = threading.Semaphore(0)  # one for each connection that has ended
        self.instead: dict[str, Handler] = {}
        self.token = TOKEN
        self.qop = "auth"
        self.new_token: Token | None = None
        self.command: Command | None = None
        self.finishes_until_kept = 1
        self.restart()
        super().__init__(self._handle)

    def restart(self) -> None:
        self.registered, self.response_id = False, 0

    def beats(self) -> list[int]:
        return [each.response_id for each in self.requests if isinstance(each, AllocateRequest)]

    def handle(self, call: Call) -> None:
        request = REQUESTS[call.method].decode(call.body)
        if isinstance(request, RegisterApplicationMasterRequest):
            self._register(call)
        elif not self.registered:
            call.refuse(NOT_REGISTERED, "AM is not registered for known application attempt")
        elif isinstance(request, AllocateRequest):
            self._allocate(call, request)
        else:
            self.finishes_until_kept -= 1
            call.answer(FinishApplicationMasterResponse(self.finishes_until_kept <= 0))

    def _handle(self, call: Call) -> None:
        self.requests.append(REQUESTS[call.method].decode(call.body))
        self.sides_used.append(call.side)
        self.instead.pop(call.method, self.handle)(call)

    def _register(self, call: Call) -> None:
        if self.registered:
            call.refuse(INVALID_REQUEST, "Application Master is already registered")
        else:
            self.registered, self.response_id = True, 0
            call.answer(RegisterApplicationMasterResponse("root.default"))

    def _allocate(self, call: Call, request: AllocateRequest) -> None:
        if request.response_id != self.response_id:
            call.refuse(INVALID_REQUEST, "Invalid responseId")
            return
        self.response_id += 10  # not the next number: who counts by himself is found out
        token = self.new_token
        call.answer(AllocateResponse(self.command, self.response_id, am_rm_token=token))

    def _serve(self, sock: socket.socket) -> None:
        side = TokenSide(self._handler, sock.sendall, self.token, self.qop)
        self.sides.append(side)
        with sock, suppress(OSError):
            while not side.dropped and (data := sock.recv(65536)):
                side.receive(data)
        self.ends.release()


def refuse(exception_class: str, message: str = "no") -> Handler:
    return lambda call: call.refuse(exception_class, message)


@pytest.fixture
def rm() -> Iterator[ResourceManager]:
    with ResourceManager() as server:
        yield server


@pytest.fixture
def scheduler(rm: ResourceManager) -> Iterator[Scheduler]:
    scheduler = Scheduler([rm.address], TOKEN)
    yield scheduler
    scheduler.close()


@pytest.fixture
def registered(scheduler: Scheduler) -> Scheduler:
    register(scheduler)
    return scheduler


def test_the_connection_is_encrypted_if_the_configuration_says_so(rm: ResourceManager) -> None:
    """A server that prefers less does not get it, and neither does an attacker on the network."""
    rm.qop = "auth,auth-int,auth-conf"
    with closing(Scheduler([rm.address], TOKEN, ("privacy",))) as scheduler:
        register(scheduler)
        rm.new_token = rm.token = NEXT_TOKEN
        scheduler.heartbeat()
        scheduler.heartbeat()
    assert {side.is_encrypted for side in rm.sides_used} == {True}


def test_a_scheduler_without_the_configured_protection_is_refused(rm: ResourceManager) -> None:
    rm.qop = "auth,auth-int"
    with (
        closing(Scheduler([rm.address], TOKEN, ("privacy",))) as scheduler,
        pytest.raises(ConnectError, match=r"the server offers auth, auth-int .* is privacy"),
    ):
        register(scheduler)
    assert not rm.requests


def register(scheduler: Scheduler) -> None:
    scheduler.register(REGISTRATION.host, REGISTRATION.port, REGISTRATION.tracking_url)


def finish(scheduler: Scheduler) -> None:
    scheduler.finish(FINISH.final_status, FINISH.diagnostics)


CALLS = zip(REQUESTS, (register, Scheduler.heartbeat, finish), strict=True)
EACH_CALL = pytest.mark.parametrize(("method", "call"), list(CALLS))


def lose_answer(rm: ResourceManager) -> Handler:
    """Do what is asked, and break the connection instead of saying so."""

    def handle(call: Call) -> None:
        call.side.flush = lambda data: None
        rm.handle(call)
        call.drop()

    return handle


def test_the_registration_says_where_the_server_is(rm, registered):
    assert rm.requests == [REGISTRATION]


def test_each_heartbeat_echoes_the_last_responses_id(rm, registered):
    for _ in range(3):
        registered.heartbeat()
    assert rm.beats() == [0, 10, 20]
    assert rm.connections == 1


def test_a_heartbeat_reports_the_memory_in_use(rm, registered, monkeypatch):
    monkeypatch.setattr(module.os, "getsid", lambda _: os.getpid())
    registered.heartbeat()
    (beat,) = (request for request in rm.requests if isinstance(request, AllocateRequest))
    assert beat.progress * module.FULL_BYTES > 5 << 20, "a Python is larger"


def test_a_restarted_resource_manager_is_registered_with_again_and_counts_anew(rm, registered):
    registered.heartbeat()
    rm.restart()
    registered.heartbeat()
    registered.heartbeat()
    registered.heartbeat()
    assert rm.requests.count(REGISTRATION) == 2
    assert rm.beats() == [0, 10, 0, 10]


def test_a_heartbeat_that_was_answered_unheard_gets_the_next_one_through(rm, registered):
    def repeat(call: Call) -> None:
        call.answer(AllocateResponse(response_id=rm.response_id))

    def answer_unheard(call: Call) -> None:
        lose_answer(rm)(call)
        rm.instead["allocate"] = repeat  # what the ResourceManager does with a request come twice

    registered.heartbeat()
    rm.instead["allocate"] = answer_unheard
    registered.heartbeat()
    registered.heartbeat()
    assert rm.beats() == [0, 10, 10, 20]


def test_a_registration_whose_answer_was_lost_counts_when_it_is_tried_again(rm, scheduler):
    rm.instead["registerApplicationMaster"] = lose_answer(rm)
    with pytest.raises(ConnectError, match="may or may not have been executed"):
        register(scheduler)
    register(scheduler)
    scheduler.heartbeat()
    assert rm.requests[:2] == [REGISTRATION, REGISTRATION]
    assert rm.beats() == [0]


def test_heartbeats_go_on_after_the_answer_to_a_second_registration_was_lost(rm, registered):
    registered.heartbeat()
    rm.restart()
    rm.instead["registerApplicationMaster"] = lose_answer(rm)
    with pytest.raises(ConnectError, match="may or may not have been executed"):
        registered.heartbeat()
    registered.heartbeat()
    registered.heartbeat()
    assert rm.beats()[-1] == 10


def test_a_new_token_is_logged_in_with_at_the_next_heartbeat(rm, registered):
    rm.token = rm.new_token = NEXT_TOKEN
    registered.heartbeat()
    assert rm.ends.acquire(timeout=60), "the old connection is still open"
    rm.new_token = None
    registered.heartbeat()
    registered.heartbeat()
    assert rm.connections == 2
    assert [side.token for side in rm.sides_used] == [TOKEN, TOKEN, NEXT_TOKEN, NEXT_TOKEN]
    assert rm.beats() == [0, 10, 20]


@EACH_CALL
def test_an_attempt_that_the_resource_manager_has_forgotten_is_over(rm, scheduler, method, call):
    rm.registered = True
    rm.instead[method] = refuse(FORGOTTEN, "Application attempt doesn't exist in cache.")
    with pytest.raises(AttemptOverError, match="doesn't exist in cache"):
        call(scheduler)


@EACH_CALL
def test_any_other_refusal_is_told_and_the_attempt_goes_on(rm, scheduler, method, call):
    rm.instead[method] = refuse("java.io.IOException")
    with pytest.raises(RpcError, match="IOException"):
        call(scheduler)
    call(scheduler)
    assert rm.registered


def test_an_attempt_whose_token_is_no_longer_known_is_over(rm, registered):
    rm.token = NEXT_TOKEN  # and never handed out
    rm.drop_connections()
    with pytest.raises(AttemptOverError, match="not found in AMRMTokenSecretManager"):
        registered.heartbeat()


def test_an_attempt_that_is_told_to_shut_down_is_over(rm, registered):
    rm.command = Command.SHUTDOWN
    with pytest.raises(AttemptOverError, match="asked the application to shut down"):
        registered.heartbeat()


def test_the_end_is_told_until_the_resource_manager_has_kept_it(rm, registered):
    rm.finishes_until_kept = 3
    finish(registered)
    assert rm.requests[1:] == [FINISH] * 3


def test_an_end_that_is_never_kept_is_an_error(rm, registered, monkeypatch):
    monkeypatch.setattr(module, "FINISH_SECONDS", 0.2)
    rm.finishes_until_kept = 1 << 30
    with pytest.raises(CallTimeoutError, match="not stored"):
        finish(registered)


def test_a_resource_manager_that_is_away_for_a_while_is_told_the_end(rm, registered, monkeypatch):
    monkeypatch.setattr(module, "AWAY_PAUSE_SECONDS", 0.01)

    def come_back(call: Call) -> None:
        rm.restart()
        call.drop()

    def go_away(call: Call) -> None:
        call.drop()
        rm.instead["finishApplicationMaster"] = come_back

    rm.instead["finishApplicationMaster"] = go_away
    finish(registered)
    assert rm.requests[-3:] == [FINISH, REGISTRATION, FINISH]


def test_a_resource_manager_that_stays_away_is_told_no_end(monkeypatch):
    monkeypatch.setattr(module, "FINISH_SECONDS", 0.2)
    with socket.socket() as nobody:
        nobody.bind(("127.0.0.1", 0))
        with pytest.raises(ConnectError, match="refused"):
            finish(Scheduler([nobody.getsockname()], TOKEN))


def test_the_end_reaches_a_resource_manager_that_was_restarted(rm, registered):
    rm.restart()
    finish(registered)
    assert rm.requests[1:] == [FINISH, REGISTRATION, FINISH]


def test_an_attempt_that_never_registered_does_so_without_an_address_to_tell_its_end(rm, scheduler):
    nowhere = RegisterApplicationMasterRequest(host="", port=-1, tracking_url="")
    finish(scheduler)
    assert rm.requests == [FINISH, nowhere, FINISH]


def test_an_end_that_was_kept_though_its_answer_was_lost_is_no_error(rm, registered):
    def keep_and_forget(call: Call) -> None:
        rm.instead["finishApplicationMaster"] = refuse(INVALID_REQUEST)
        call.drop()

    rm.instead["finishApplicationMaster"] = keep_and_forget
    finish(registered)
    assert rm.requests[1:] == [FINISH, FINISH]


def test_a_closed_scheduler_has_no_connection(rm, registered):
    registered.close()
    assert rm.ends.acquire(timeout=60)
