from __future__ import annotations

import dataclasses
from collections.abc import Callable
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
import skein

from hadoop_client.configuration import ConfigurationError
from hadoop_client.yarn.records import ApplicationState, Url
from yarnspawner.container.payload import Launch
from yarnspawner.failures import (
    ApplicationFailedError,
    ImpersonationError,
    OptionsError,
    QueueError,
)
from yarnspawner.launch.spec import LaunchSpec, LocalizedFile
from yarnspawner.launcher import skein as skein_launcher
from yarnspawner.launcher.interface import (
    ClusterRefusedError,
    ClusterUnreachableError,
    Container,
    Phase,
)
from yarnspawner.launcher.port_endpoint import RECEIVED_PORTS
from yarnspawner.launcher.skein import SkeinLauncher, application_spec, check_supported, report_of

SPEC = LaunchSpec(
    user="alice",
    name="jupyterhub-alice",
    queue="default",
    memory_mb=1056,
    vcores=1,
    tags=("yarnhub-1", "yarnhub-spawn-1"),
    python="environment/bin/python",
    files=(LocalizedFile("environment", Url("hdfs", "nn", 8020, "/envs/a.tar.gz"), 12, 34, True),),
    viewers=("jupyterhub",),
    launch=Launch(["jupyter-labhub"], {"JUPYTERHUB_API_TOKEN": "s3cr3t"}, []),
)


@pytest.fixture
async def cluster(monkeypatch: pytest.MonkeyPatch) -> Any:
    """A launcher, and the client that its driver calls, whose methods the test sets."""
    cluster = SkeinLauncher(None, None)
    client: Any = SimpleNamespace()
    monkeypatch.setattr(cluster._driver, "call", lambda do, deadline: do(client))
    yield cluster, client
    await cluster.close()


def raises(error: Exception) -> Callable[..., None]:
    def call(*_: object, **__: object) -> None:
        raise error

    return call


@pytest.mark.parametrize(
    ("message", "failure"),
    [
        ("User: hub is not allowed to impersonate alice", ImpersonationError),
        ("something else", ApplicationFailedError),
    ],
)
async def test_a_refused_submit_shows_the_first_line_of_yarns_error(
    cluster: Any, message: str, failure: type[Exception]
):
    ours, client = cluster
    text = f"Failed to submit application, exception:\n{message}\n\tat org.apache.Java"
    client.submit = raises(skein.exceptions.DriverError(text))
    client.get_queue = lambda name: None
    with pytest.raises(failure, match=message) as refused:
        await ours.submit("", SPEC)
    assert "org.apache" not in str(refused.value)


async def test_a_dead_driver_makes_the_cluster_unreachable(cluster: Any):
    ours, client = cluster
    client.get_applications = raises(skein.exceptions.ConnectionError("Unable to connect"))
    with pytest.raises(ClusterUnreachableError):
        await ours.list_applications("yarnhub-1")
    client.get_applications = raises(skein.exceptions.DriverError(""))
    with pytest.raises(ClusterRefusedError):
        await ours.list_applications("yarnhub-1")


async def test_the_payload_is_private_and_gone_after_the_submit(cluster: Any):
    ours, client = cluster
    seen: list[Path] = []

    def submit(spec: Any) -> str:
        path = Path(spec.master.files[skein_launcher.PROGRAM].source.removeprefix("file://"))
        assert path.stat().st_mode & 0o777 == 0o600
        seen.append(path)
        return "application_1_0001"

    client.submit = submit
    assert await ours.submit("", SPEC) == "application_1_0001"
    assert not seen[0].exists()


async def test_a_submit_to_an_unknown_queue_raises_a_queue_error(cluster: Any):
    ours, client = cluster
    client.submit = raises(skein.exceptions.DriverError("exception:\nnull"))
    client.get_queue = raises(ValueError("Queue 'default' does not exist"))
    with pytest.raises(QueueError, match="there is no queue default"):
        await ours.submit("", SPEC)


async def test_an_application_unknown_to_yarn_has_no_report_and_can_be_killed(cluster: Any):
    ours, client = cluster
    client.get_applications = lambda states: [report(id="application_1_0002")]
    client.application_report = client.kill_application = raises(
        ValueError("Unknown ApplicationId 'application_1_0001'")
    )
    assert await ours.report("application_1_0001") is None
    await ours.kill("alice", "application_1_0001", "")


async def test_an_unknown_application_is_checked_in_the_list_of_all(cluster: Any):
    ours, client = cluster
    client.application_report = raises(ValueError("Unknown ApplicationId"))
    client.get_applications = lambda states: [report()]
    assert (await ours.report("application_1_0001")).host == "node1"
    client.get_applications = raises(skein.exceptions.DriverError("Failed to get applications"))
    with pytest.raises(ClusterRefusedError):
        await ours.report("application_1_0001")


async def test_no_other_refusal_means_that_an_application_has_ended(cluster: Any):
    ours, client = cluster
    client.application_report = client.kill_application = raises(ValueError("what?"))
    with pytest.raises(ClusterRefusedError):
        await ours.report("application_1_0001")
    with pytest.raises(ClusterRefusedError):
        await ours.kill("alice", "application_1_0001", "")


def test_a_principal_without_a_keytab_is_refused():
    with pytest.raises(ConfigurationError):
        SkeinLauncher("hub@EXAMPLE.COM", None)


def report(**changes: Any) -> Any:
    fields: dict[str, Any] = {
        "id": "application_1_0001",
        "name": "",
        "user": "alice",
        "queue": "default",
        "tags": {"yarnhub-1", "yarnhub-spawn-1"},
        "host": "node1",
        "port": 4711,
        "tracking_url": "",
        "state": "RUNNING",
        "final_status": "UNDEFINED",
        "diagnostics": "",
    }
    return SimpleNamespace(**{**fields, **changes})


async def test_only_applications_with_the_hubs_tag_are_its_own(cluster: Any):
    ours, client = cluster
    theirs = report(id="application_1_0002", tags={"yarnhub-2"})
    client.get_applications = lambda states: [report(), theirs]
    assert list(await ours.list_applications("yarnhub-1")) == ["application_1_0001"]


async def test_the_port_is_the_reported_one_and_not_skeins(
    cluster: Any, monkeypatch: pytest.MonkeyPatch
):
    ours, _ = cluster
    running = report_of(report())
    assert ours.server_port(running) is None
    monkeypatch.setitem(RECEIVED_PORTS, "yarnhub-spawn-1", 20000)
    assert ours.server_port(running) == 20000
    ended = dataclasses.replace(running, state=ApplicationState.KILLED)
    assert ours.server_port(ended) is None


@pytest.mark.parametrize("host", ["127.0.0.1", "hub.example", "node1.evil.example"])
async def test_a_host_that_is_not_a_node_is_not_the_servers(cluster: Any, host: str):
    ours, client = cluster
    client.get_nodes = lambda: [SimpleNamespace(host="node1"), SimpleNamespace(host="node2")]
    assert await ours.container(report_of(report(host=host))) is None
    assert await ours.container(report_of(report())) == Container("node1", Phase.RUNNING)


def test_each_application_has_its_own_certificates_memory_and_acls():
    first, second = (application_spec(SPEC, "/tmp/payload") for _ in range(2))
    assert first.master.security.cert_bytes != second.master.security.cert_bytes
    assert first.master.resources.memory == SPEC.memory_mb + skein_launcher.SKEIN_MEMORY_MB
    assert first.acls.enable
    assert first.acls.view_users == ["alice", "jupyterhub"]
    assert first.acls.modify_users == []
    assert first.max_attempts == 1
    assert "s3cr3t" not in str(first.to_dict())
    environment = first.master.files["environment"]
    assert environment.source == "hdfs://nn:8020/envs/a.tar.gz"
    assert (str(environment.type), str(environment.visibility)) == ("ARCHIVE", "PUBLIC")


@pytest.mark.parametrize(
    "changes", [{"priority": 0}, {"lifetime_seconds": 60}, {"resources": {"fpga": 1}}]
)
def test_features_that_skein_lacks_are_refused(changes: dict[str, Any]):
    check_supported(SPEC)
    with pytest.raises(OptionsError, match="skein launcher does not support"):
        check_supported(dataclasses.replace(SPEC, **changes))
