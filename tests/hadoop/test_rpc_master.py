"""ApplicationMasterProtocol on a real ResourceManager, with this process as application master."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass

import pytest

from hadoop_client.configuration import Configuration
from hadoop_client.rpc.blocking import BlockingClient
from hadoop_client.rpc.call import ConnectError, Login, Method, RpcError
from hadoop_client.security.credentials import Token
from hadoop_client.wire import Message, bool_, message
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
from hadoop_client.yarn.records import ApplicationId, ApplicationState, ApplicationSubmissionContext
from hadoop_client.yarn.reports import ApplicationReport
from hadoop_client.yarn.resourcemanager import (
    APPLICATION_CLIENT_PROTOCOL,
    GET_NEW_APPLICATION,
    SUBMIT_APPLICATION,
    GetApplicationReportRequest,
    GetNewApplicationRequest,
)
from yarnhub.minihadoop import MiniHadoop
from yarnhub.minihadoop.settings import HUB_USER
from yarnspawner.container.scheduler import Scheduler


@dataclass(frozen=True)
class UnmanagedContext(ApplicationSubmissionContext):
    """An application whose master is no container: this process."""

    unmanaged_am: bool = bool_(7, True)


@dataclass(frozen=True)
class UnmanagedSubmission(Message):
    context: UnmanagedContext = message(1, UnmanagedContext, UnmanagedContext())


@dataclass(frozen=True)
class UnmanagedReport(ApplicationReport):
    """The token of the application master is reported to its owner when it is unmanaged."""

    am_rm_token: Token | None = message(19, Token)


@dataclass(frozen=True)
class UnmanagedReportResponse(Message):
    report: UnmanagedReport = message(1, UnmanagedReport, UnmanagedReport())


SUBMIT_UNMANAGED = Method(
    APPLICATION_CLIENT_PROTOCOL,
    "submitApplication",
    UnmanagedSubmission,
    SUBMIT_APPLICATION.response,
)
GET_UNMANAGED_REPORT = Method(
    APPLICATION_CLIENT_PROTOCOL,
    "getApplicationReport",
    GetApplicationReportRequest,
    UnmanagedReportResponse,
)


@pytest.fixture
def client(hadoop: MiniHadoop) -> Iterator[BlockingClient]:
    """The ResourceManager, for alice."""
    addresses = Configuration.load(hadoop.conf_dir).resourcemanager_addresses()
    with BlockingClient(addresses, APPLICATION_CLIENT_PROTOCOL, Login("alice", HUB_USER)) as made:
        yield made


def report_of(client: BlockingClient, application_id: ApplicationId) -> UnmanagedReport:
    return client.call(GET_UNMANAGED_REPORT, GetApplicationReportRequest(application_id)).report


@pytest.fixture
def attempt(
    client: BlockingClient, wait_until: Callable[..., Token]
) -> tuple[ApplicationId, Token]:
    """An application that waits for its application master, and that one's token."""
    application_id = client.call(GET_NEW_APPLICATION, GetNewApplicationRequest()).application_id
    context = UnmanagedContext(application_id=application_id, application_name="unmanaged")
    client.call(SUBMIT_UNMANAGED, UnmanagedSubmission(context))
    token = wait_until(lambda: report_of(client, application_id).am_rm_token, 60, "its token")
    return application_id, token


def test_an_application_masters_life(
    hadoop: MiniHadoop,
    client: BlockingClient,
    attempt: tuple[ApplicationId, Token],
    wait_until: Callable[..., bool],
) -> None:
    application_id, token = attempt
    assert token.kind == "YARN_AM_RM_TOKEN"
    addresses = Configuration.load(hadoop.conf_dir).scheduler_addresses()
    with BlockingClient(addresses, APPLICATION_MASTER_PROTOCOL, Login(token=token)) as master:
        with pytest.raises(RpcError) as caught:
            master.call(ALLOCATE, AllocateRequest())
        assert caught.value.name == "ApplicationMasterNotRegisteredException"

        registration = RegisterApplicationMasterRequest("a-host", 40000, "http://url/")
        assert master.call(REGISTER_APPLICATION_MASTER, registration).queue == "root.default"
        wait_until(
            lambda: report_of(client, application_id).state == ApplicationState.RUNNING,
            60,
            "the ResourceManager has taken note of it",
        )
        assert report_of(client, application_id).host == "a-host"
        with pytest.raises(RpcError) as caught:
            master.call(REGISTER_APPLICATION_MASTER, registration)
        assert caught.value.name == "InvalidApplicationMasterRequestException"

        response_id = 0
        for beat in range(1, 4):
            answer = master.call(ALLOCATE, AllocateRequest(response_id, 0.5))
            response_id = answer.response_id
            assert (response_id, answer.shut_down) == (beat, False)
        # The same heartbeat again, as after a lost connection, gets the same answer.
        assert master.call(ALLOCATE, AllocateRequest(response_id - 1)).response_id == response_id

        finish = FinishApplicationMasterRequest("why é", "", FinalStatus.FAILED)
        wait_until(
            lambda: master.call(FINISH_APPLICATION_MASTER, finish).is_unregistered,
            60,
            "the ResourceManager has written down how the application ended",
        )

    wait_until(lambda: report_of(client, application_id).state.ended, 60, "its end")
    report = report_of(client, application_id)
    assert (report.state, report.host, report.port) == (ApplicationState.FINISHED, "a-host", 40000)
    assert (report.final_status, report.diagnostics) == (FinalStatus.FAILED, "why é")


def test_a_restarted_resourcemanager_is_registered_with_again_and_ends_no_attempt(
    hadoop: MiniHadoop,
    client: BlockingClient,
    attempt: tuple[ApplicationId, Token],
    wait_until: Callable[..., bool],
) -> None:
    """Asked again and again from its first moment: an attempt that it is about to recover is never
    said to be unknown."""
    application_id, token = attempt
    scheduler = Scheduler(Configuration.load(hadoop.conf_dir).scheduler_addresses(), token)
    scheduler.register("a-host", 40000, "")
    scheduler.heartbeat()
    hadoop.resourcemanager.stop()
    answers = []

    def beat() -> bool:
        try:
            scheduler.heartbeat()
        except ConnectError:
            return False
        answers.append("yes")
        return len(answers) > 10

    with pytest.raises(ConnectError):
        scheduler.heartbeat()
    hadoop.resourcemanager.start()
    wait_until(beat, 90, "the ResourceManager answers")
    hadoop.wait_ready()
    wait_until(
        lambda: report_of(client, application_id).state == ApplicationState.RUNNING,
        60,
        "the ResourceManager has taken note of it",
    )
    scheduler.finish(FinalStatus.SUCCEEDED, "")
    scheduler.close()
    wait_until(lambda: report_of(client, application_id).state.ended, 60, "its end")
