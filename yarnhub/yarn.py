"""YARN as the commands use it: a client, and the notebook servers among the applications.

A notebook server is recognised by the tag that each start gives to its application.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from hadoop_client.configuration import Configuration, ConfigurationError
from hadoop_client.rpc.blocking import BlockingClient
from hadoop_client.rpc.call import ConnectError, Login, LoginError, RpcError
from hadoop_client.security import kerberos
from hadoop_client.yarn.lazy_reports import LazyApplicationReports
from hadoop_client.yarn.records import ApplicationState, NodeState
from hadoop_client.yarn.reports import ApplicationReport, ContainerReport, NodeReport
from hadoop_client.yarn.resourcemanager import (
    APPLICATION_CLIENT_PROTOCOL,
    GET_APPLICATION_ATTEMPT_REPORT,
    GET_APPLICATIONS,
    GET_CLUSTER_NODES,
    GET_CONTAINER_REPORT,
    GetApplicationAttemptReportRequest,
    GetApplicationsRequest,
    GetClusterNodesRequest,
    GetContainerReportRequest,
)
from yarnhub.errors import YarnError
from yarnspawner.tags import spawn_tags

TIMEOUT_SECONDS = 20.0


@contextmanager
def yarn_errors() -> Iterator[None]:
    """Raise YarnError for what YARN's client raises inside the context."""
    try:
        yield
    except ConfigurationError as error:
        raise YarnError(str(error)) from error
    except LoginError as error:
        raise YarnError(error.about("YARN")) from error
    except ConnectError as error:
        remedy = "Check that the ResourceManager runs, and that this machine reaches it."
        raise YarnError(f"{error.about('YARN')} {remedy}") from error
    except RpcError as error:
        raise YarnError(f"YARN refused: {error}.") from error


@contextmanager
def yarn_client(user: str | None = None) -> Iterator[BlockingClient]:
    """Yield a client for YARN that calls as the hub, or on behalf of `user`.

    Raises YarnError, also for calls inside the context.
    """
    with yarn_errors():
        configuration = Configuration.load()
        hub_user = kerberos.own_user(configuration)
        login = Login(user, hub_user) if user else Login(hub_user)
        with resourcemanager_client(configuration, login) as client:
            yield client


def resourcemanager_client(
    configuration: Configuration, login: Login, timeout_seconds: float = TIMEOUT_SECONDS
) -> BlockingClient:
    """Make a client for the ResourceManager. Raises ConfigurationError."""
    return BlockingClient(
        configuration.resourcemanager_addresses(),
        APPLICATION_CLIENT_PROTOCOL,
        login,
        timeout_seconds,
        kerberos.logins(configuration, kerberos.RESOURCEMANAGER),
    )


def application_reports(
    client: BlockingClient, states: tuple[ApplicationState, ...] = ()
) -> list[ApplicationReport]:
    """Return the applications in one of these states, by default all that YARN remembers."""
    request = GetApplicationsRequest(application_states=states)
    encoded = client.call(GET_APPLICATIONS, request).encoded
    return list(LazyApplicationReports(encoded).values())


def server_reports(
    client: BlockingClient, states: tuple[ApplicationState, ...] = ()
) -> list[ApplicationReport]:
    """Return the applications of notebook servers in one of these states, by default in any."""
    reports = application_reports(client, states)
    return [report for report in reports if spawn_tags(report.tags)]


def server_name(user: str, application_name: str) -> str:
    """Return a server's name, from the name that the spawner gave to its application."""
    return application_name.removeprefix(f"jupyterhub-{user}").removeprefix("-")


def server_container(client: BlockingClient, report: ApplicationReport) -> ContainerReport | None:
    """Return the server's container; None before it has one, and after it has ended."""
    request = GetApplicationAttemptReportRequest(report.current_application_attempt_id)
    try:
        attempt = client.call(GET_APPLICATION_ATTEMPT_REPORT, request).application_attempt_report
        if attempt.am_container_id is None:
            return None
        container = GetContainerReportRequest(attempt.am_container_id)
        return client.call(GET_CONTAINER_REPORT, container).container_report
    except RpcError as error:
        if error.name.endswith("NotFoundException"):
            return None
        raise


def node_reports(client: BlockingClient, *states: NodeState) -> tuple[NodeReport, ...]:
    """Return the nodes in one of these states."""
    request = GetClusterNodesRequest(node_states=states)
    return client.call(GET_CLUSTER_NODES, request).node_reports
