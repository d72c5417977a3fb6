"""The embedded Hadoop that the tests of this folder share, and its logs beside what fails."""

from __future__ import annotations

import json
import urllib.request
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from yarnhub.minihadoop import MiniHadoop


@pytest.fixture(scope="session")
def hadoop() -> Iterator[MiniHadoop]:
    """One cluster for the whole session, with two nodes and the users alice and bob."""
    with MiniHadoop(nodemanagers=2, users=("alice", "bob")) as cluster:
        yield cluster


@pytest.fixture(scope="session")
def submit() -> Callable[..., str]:
    """`submit(resourcemanager_url, command)`: run a command as an application; returns its id.

    It goes over REST and registers no application master: YARN sees a container and no more.
    """
    return _submit


def _submit(
    resourcemanager_url: str,
    command: str,
    user: str = "alice",
    resources: dict[str, dict[str, object]] | None = None,
) -> str:
    url = f"{resourcemanager_url}/ws/v1/cluster/apps"
    application = _post(f"{url}/new-application?user.name={user}", {})["application-id"]
    wanted = {
        "application-id": application,
        "application-name": "test",
        "max-app-attempts": 1,
        "resource": {"memory": 128, "vCores": 1},
        "am-container-spec": {
            "commands": {"command": command},
            "local-resources": {
                "entry": [
                    {"key": name, "value": value} for name, value in (resources or {}).items()
                ]
            },
        },
    }
    _post(f"{url}?user.name={user}", wanted)
    return application


def _post(url: str, body: dict[str, object]) -> dict[str, str]:
    request = urllib.request.Request(
        url, json.dumps(body).encode(), {"Content-Type": "application/json"}
    )
    opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))
    with opener.open(request, timeout=30) as response:
        return json.loads(response.read() or b"{}")


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    for item in items:
        if Path(__file__).parent in item.path.parents:
            item.add_marker("hadoop")


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(item: pytest.Item, call: pytest.CallInfo[None]):
    report = yield
    if report.failed:
        values = getattr(item, "funcargs", {}).values()
        clusters = {id(value): value for value in values if isinstance(value, MiniHadoop)}
        for cluster in clusters.values():
            report.sections += [
                (f"log of the {name}", tail) for name, tail in cluster.log_tails(lines=20).items()
            ]
    return report
