"""Which published environments are in use: by the tags of the applications that have not ended.

An application that waits in a queue counts too: its node has yet to fetch the archive.
"""

from __future__ import annotations

from collections import Counter

from hadoop_client.configuration import Configuration, ConfigurationError
from hadoop_client.rpc.blocking import BlockingClient
from hadoop_client.rpc.call import ConnectError, Login, RpcError
from hadoop_client.security import kerberos
from hadoop_client.yarn.lazy_reports import LazyApplicationReports
from hadoop_client.yarn.resourcemanager import (
    APPLICATION_CLIENT_PROTOCOL,
    GET_APPLICATIONS,
    GetApplicationsRequest,
)
from yarnspawner.launch.environments import KEY_TAG
from yarnspawner.launcher.interface import ALIVE


class UsageUnknownError(Exception):
    """YARN did not tell what runs; one sentence that says why."""

    exit_code = 6


def used_keys() -> Counter[str]:
    """Count the applications that use each key; raises UsageUnknownError."""
    request = GetApplicationsRequest(application_states=ALIVE)
    try:
        configuration = Configuration.load()
        with BlockingClient(
            configuration.resourcemanager_addresses(),
            APPLICATION_CLIENT_PROTOCOL,
            Login(user=kerberos.own_user(configuration)),
            prepare=kerberos.logins(configuration, kerberos.RESOURCEMANAGER),
        ) as client:
            reports = LazyApplicationReports(client.call(GET_APPLICATIONS, request).encoded)
    except (ConfigurationError, ConnectError, RpcError) as error:
        raise UsageUnknownError(
            f"YARN did not tell which environments are in use: {str(error).rstrip('.')}. "
            "See that HADOOP_CONF_DIR names a ResourceManager that runs, and try again."
        ) from error
    return Counter(
        tag.removeprefix(KEY_TAG)
        for report in reports.values()
        for tag in report.tags
        if tag.startswith(KEY_TAG)
    )
