"""A hub with a wrong Hadoop configuration reports it, and counts no server as ended."""

from __future__ import annotations

import asyncio
import logging
import threading
from collections.abc import Callable
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from hadoop_client.configuration import Configuration
from hadoop_client.security import kerberos
from yarnspawner import YarnSpawner
from yarnspawner.failures import ClusterUnavailableError
from yarnspawner.hub.cluster import open_hub_cluster
from yarnspawner.hub.shared import get_hub_cluster

NO_NAMENODE = {"fs.defaultFS": "hdfs:///"}
HALF_A_PAIR = {
    "fs.defaultFS": "hdfs://ns",
    "dfs.nameservices": "ns",
    "dfs.ha.namenodes.ns": "nn1,nn2",
    "dfs.namenode.rpc-address.ns.nn1": "one.example:8020",
}


UNREACHABLE = {
    "fs.defaultFS": "hdfs://127.0.0.1:9",
    "yarn.resourcemanager.address": "127.0.0.1:9",
}


@pytest.fixture
def configure(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[[dict[str, str]], None]:
    """Write a Hadoop configuration with the given properties."""

    def write(properties: dict[str, str]) -> None:
        elements = "".join(
            f"<property><name>{name}</name><value>{value}</value></property>"
            for name, value in properties.items()
        )
        (tmp_path / "core-site.xml").write_text(f"<configuration>{elements}</configuration>")
        monkeypatch.setenv("HADOOP_CONF_DIR", str(tmp_path))
        monkeypatch.setenv("HADOOP_USER_NAME", "jupyterhub")

    return write


@pytest.fixture(params=[NO_NAMENODE, HALF_A_PAIR], ids=["no NameNode", "half a pair"])
def _wrong_configuration(request: pytest.FixtureRequest, configure: Any) -> None:
    configure(request.param)


@pytest.fixture
def _unreachable(configure: Any) -> None:
    configure(UNREACHABLE)


def running_server(settings: dict[str, Any]) -> YarnSpawner:
    """A server that runs according to the hub's database."""
    spawner = YarnSpawner(hub=SimpleNamespace(api_url="http://127.0.0.1:8081/hub/api"))
    spawner.user = SimpleNamespace(name="alice", settings=settings)
    spawner.application_id, spawner.spawn_tag = "application_1_0001", "yarnhub-spawn-1"
    return spawner


@pytest.mark.usefixtures("_wrong_configuration")
async def test_a_wrong_configuration_raises_an_error_with_the_cause():
    with pytest.raises(
        ClusterUnavailableError,
        match=r"its Hadoop configuration: .* Ask an administrator to fix it",
    ):
        await open_hub_cluster("yarnhub-0", YarnSpawner())


@pytest.mark.usefixtures("_wrong_configuration")
async def test_a_wrong_configuration_ends_no_server(caplog: pytest.LogCaptureFixture):
    caplog.set_level(logging.ERROR)
    spawner = running_server({"cookie_secret": b"secret", "users": {}})
    assert await spawner.poll() is None
    assert spawner.application_id == "application_1_0001"
    assert "Ask an administrator to fix it" in caplog.text


async def test_an_error_in_a_poll_ends_no_server(caplog: pytest.LogCaptureFixture):
    spawner = running_server({})  # without a secret there is no hub tag
    assert await spawner.poll() is None
    assert "cookie_secret" in caplog.text


@pytest.mark.usefixtures("_unreachable")
async def test_a_slow_kerberos_login_blocks_no_request_and_happens_once(
    monkeypatch: pytest.MonkeyPatch,
):
    answered = threading.Event()
    asked = []

    def own_user(configuration: Configuration) -> str:
        asked.append(configuration)
        assert answered.wait(60)
        return "jupyterhub"

    monkeypatch.setattr(kerberos, "own_user", own_user)
    settings = {"cookie_secret": b"secret", "users": {}}
    url = "http://127.0.0.1:8081/hub/api"
    waiting = [asyncio.create_task(get_hub_cluster(settings, url, YarnSpawner())) for _ in range(3)]
    # This is the hub's event loop: it is not blocked while the login waits.
    await asyncio.sleep(0)
    answered.set()
    one, *others = await asyncio.gather(*waiting)
    assert all(other is one for other in others)
    assert len(asked) == 1


@pytest.mark.usefixtures("_unreachable")
async def test_a_start_with_certificates_fails_with_a_sentence_while_yarn_is_away():
    spawner = running_server({"cookie_secret": b"secret", "users": {}})
    with pytest.raises(ClusterUnavailableError, match=r"127\.0\.0\.1:9.* Try again in a minute"):
        await spawner.create_certs()
