"""Applications that are no server's, for tests of YARN itself."""

from __future__ import annotations

import json
import urllib.request
from collections.abc import Callable

import pytest


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
    with opener.open(request, timeout=60) as response:
        return json.loads(response.read() or b"{}")
