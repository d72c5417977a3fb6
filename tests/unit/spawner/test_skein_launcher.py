from __future__ import annotations

import dataclasses
import subprocess
import threading
from collections.abc import Callable, Iterator
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
import skein

from yarnspawner import skein_launcher
from yarnspawner.callback import RECEIVED_PORTS
from yarnspawner.cluster import ClusterAway, ClusterRefused
from yarnspawner.container.payload import Launch
from yarnspawner.failures import (
    ApplicationFailed,
    ImpersonationRefused,
    OptionsRefused,
    QueueRefused,
)
from yarnspawner.hadoop.configuration import ConfigurationError
from yarnspawner.hadoop.records import ApplicationState, Url
from yarnspawner.launch import LaunchSpec, LocalizedFile
from yarnspawner.skein_launcher import (
    Driver,
    DriverPaused,
    SkeinCluster,
    application_spec,
    check_supported,
    report_of,
)

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


class FakeClient:
    """skein's client with a real process for a driver, and calls that can hang until it ends."""

    def __init__(self) -> None:
        self._proc = subprocess.Popen(["sleep", "1000"])
        self.closed = False

    def answer(self) -> str:
        return "answer"

    def hang(self) -> None:
        self._proc.wait()
        raise skein.exceptions.ConnectionError("Unable to connect to driver")

    def close(self) -> None:
        assert self._proc.poll() is not None, "skein would wait for its end"
        self.closed = True


class Starts:
    """What starts drivers, and has started."""

    def __init__(self) -> None:
        self.clients: list[FakeClient] = []
        self.failure: Exception | None = None
        self.lock = threading.Lock()

    def __call__(self) -> FakeClient:
        with self.lock:
            self.clients.append(FakeClient())
            if self.failure:
                raise self.failure
            return self.clients[-1]


@pytest.fixture
def starts() -> Iterator[Starts]:
    starts = Starts()
    yield starts
    for client in starts.clients:
        client._proc.kill()
        client._proc.wait()


@pytest.fixture
def now(monkeypatch: pytest.MonkeyPatch) -> Callable[[float], None]:
    """`now(seconds)`: let that much time pass for the driver's pauses."""
    clock = SimpleNamespace(seconds=0.0)
    monkeypatch.setattr(
        skein_launcher, "time", SimpleNamespace(monotonic=lambda: clock.seconds), raising=True
    )

    def pass_time(seconds: float) -> None:
        clock.seconds += seconds

    return pass_time


def test_one_driver_serves_all_calls(starts: Starts):
    driver = Driver(starts)
    assert [driver.call(FakeClient.answer, 60) for _ in range(3)] == ["answer"] * 3
    assert len(starts.clients) == 1


def test_two_threads_that_need_a_driver_start_one(starts: Starts):
    driver = Driver(starts)
    together = threading.Barrier(2)

    def call() -> None:
        together.wait()
        driver.call(FakeClient.answer, 60)

    threads = [threading.Thread(target=call) for _ in range(2)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(starts.clients) == 1


def test_a_driver_that_was_killed_is_started_again(starts: Starts, now: Any):
    driver = Driver(starts)
    driver.call(FakeClient.answer, 60)
    starts.clients[0]._proc.kill()
    starts.clients[0]._proc.wait()
    now(skein_launcher.FIRST_PAUSE_SECONDS)
    assert driver.call(FakeClient.answer, 60) == "answer"
    assert [client.closed for client in starts.clients] == [True, False]


def test_a_call_that_hangs_ends_the_driver_and_comes_back(starts: Starts):
    driver = Driver(starts)
    with pytest.raises(skein.exceptions.ConnectionError):
        driver.call(FakeClient.hang, 0.01)
    assert starts.clients[0]._proc.poll() is not None


def test_drivers_that_do_not_start_are_tried_less_and_less_often(starts: Starts, now: Any):
    driver = Driver(starts)
    starts.failure = skein.exceptions.DriverError("Failed to start java process")
    pause = skein_launcher.FIRST_PAUSE_SECONDS
    for tries in range(1, 10):
        with pytest.raises(skein.exceptions.DriverError):
            driver.call(FakeClient.answer, 60)
        now(pause * 0.9)
        with pytest.raises(DriverPaused):
            driver.call(FakeClient.answer, 60)
        assert len(starts.clients) == tries
        now(pause * 0.2)
        pause = min(skein_launcher.LONGEST_PAUSE_SECONDS, pause * 2)


def test_a_driver_that_answers_ends_the_growing_of_the_pauses(starts: Starts, now: Any):
    driver = Driver(starts)
    for _ in range(10):
        driver.call(FakeClient.answer, 60)
        starts.clients[-1]._proc.kill()
        starts.clients[-1]._proc.wait()
        now(skein_launcher.FIRST_PAUSE_SECONDS)
    assert len(starts.clients) == 10


def test_a_start_that_hangs_is_ended(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(skein_launcher, "START_DEADLINE_SECONDS", 0.01)

    def start() -> None:
        subprocess.check_call(["sleep", "1000"])

    with pytest.raises(subprocess.CalledProcessError):
        Driver(start).call(FakeClient.answer, 60)


def test_closing_ends_a_driver_that_hangs(starts: Starts):
    driver = Driver(starts)
    driver.call(FakeClient.answer, 60)
    starts.clients[0]._proc.send_signal(19)
    driver.close()
    assert starts.clients[0].closed


@pytest.fixture
async def cluster(monkeypatch: pytest.MonkeyPatch) -> Any:
    """A cluster whose driver does what the test says: `cluster.client` is what it calls."""
    cluster = SkeinCluster(None, None)
    client: Any = SimpleNamespace()
    monkeypatch.setattr(cluster._driver, "call", lambda do, deadline: do(client))
    yield cluster, client
    await cluster.close()


def raises(error: Exception) -> Callable[..., None]:
    def call(*_: object, **__: object) -> None:
        raise error

    return call


@pytest.mark.parametrize(
    ("said", "failure"),
    [
        ("User: hub is not allowed to impersonate alice", ImpersonationRefused),
        ("something else", ApplicationFailed),
    ],
)
async def test_a_refused_submit_is_told_in_yarns_first_words(
    cluster: Any, said: str, failure: type[Exception]
):
    ours, client = cluster
    text = f"Failed to submit application, exception:\n{said}\n\tat org.apache.Java"
    client.submit = raises(skein.exceptions.DriverError(text))
    client.get_queue = lambda name: None
    with pytest.raises(failure, match=said) as refused:
        await ours.submit("", SPEC)
    assert "org.apache" not in str(refused.value)


async def test_a_dead_driver_is_a_cluster_that_is_away(cluster: Any):
    ours, client = cluster
    client.get_applications = raises(skein.exceptions.ConnectionError("Unable to connect"))
    with pytest.raises(ClusterAway):
        await ours.list_applications("yarnhub-1")
    client.get_applications = raises(skein.exceptions.DriverError(""))
    with pytest.raises(ClusterRefused):
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


async def test_a_submit_to_an_unknown_queue_says_so(cluster: Any):
    ours, client = cluster
    client.submit = raises(skein.exceptions.DriverError("exception:\nnull"))
    client.get_queue = raises(ValueError("Queue 'default' does not exist"))
    with pytest.raises(QueueRefused, match="does not exist"):
        await ours.submit("", SPEC)


async def test_what_yarn_does_not_know_has_no_report_and_is_ended(cluster: Any):
    ours, client = cluster
    client.get_applications = lambda states: [report(id="application_1_0002")]
    client.application_report = client.kill_application = raises(
        ValueError("Unknown ApplicationId 'application_1_0001'")
    )
    assert await ours.report("application_1_0001") is None
    await ours.kill("alice", "application_1_0001", "")


async def test_what_the_driver_calls_unknown_may_be_known_or_yarn_away(cluster: Any):
    ours, client = cluster
    client.application_report = raises(ValueError("Unknown ApplicationId"))
    client.get_applications = lambda states: [report()]
    assert (await ours.report("application_1_0001")).host == "node1"
    client.get_applications = raises(skein.exceptions.DriverError("Failed to get applications"))
    with pytest.raises(ClusterRefused):
        await ours.report("application_1_0001")


async def test_no_other_refusal_means_that_an_application_has_ended(cluster: Any):
    ours, client = cluster
    client.application_report = client.kill_application = raises(ValueError("what?"))
    with pytest.raises(ClusterRefused):
        await ours.report("application_1_0001")
    with pytest.raises(ClusterRefused):
        await ours.kill("alice", "application_1_0001", "")


def test_a_principal_without_a_keytab_is_refused():
    with pytest.raises(ConfigurationError):
        SkeinCluster("hub@EXAMPLE.COM", None)


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


async def test_the_port_is_what_the_server_reported_and_not_skeins_own(
    cluster: Any, monkeypatch: pytest.MonkeyPatch
):
    ours, _ = cluster
    running = report_of(report())
    assert ours.server_port(running) is None
    monkeypatch.setitem(RECEIVED_PORTS, "yarnhub-spawn-1", 20000)
    assert ours.server_port(running) == 20000
    ended = dataclasses.replace(running, state=ApplicationState.KILLED)
    assert ours.server_port(ended) is None


def test_an_application_has_certificates_memory_and_acls_of_its_own():
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
def test_what_skein_can_not_ask_for_is_refused(changes: dict[str, Any]):
    check_supported(SPEC)
    with pytest.raises(OptionsRefused, match="launcher skein"):
        check_supported(dataclasses.replace(SPEC, **changes))
