"""Each configuration in examples/, in a real hub: as it is, but for the addresses."""

from __future__ import annotations

import json
import re
import secrets
import shlex
import subprocess
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import httpx
import pytest
from tornado.httpclient import HTTPRequest
from tornado.websocket import WebSocketClientConnection, websocket_connect

from tests.hadoop.hub import REAL_SERVER, Hub
from tests.hadoop.yarn_rest import application, application_ids, running_applications
from yarnhub.minihadoop import MiniHadoop

EXAMPLES = Path(__file__).parents[3] / "examples"


def example(name: str, **changes: str) -> str:
    """The example `name` for a hub of the tests, with some texts of it changed."""
    text = (EXAMPLES / name).read_text()
    for old, new in changes.items():
        assert old in text
        text = text.replace(old, new)
    return beside_the_tests(text)


def beside_the_tests(text: str) -> str:
    """A configuration after which the tests' own addresses, environment and services hold again."""
    return (
        "import copy\ntests = copy.deepcopy(c)\n"
        f"{text}\n"
        'for each in ("bind_url", "hub_bind_url"):\n'
        "    c.JupyterHub[each] = tests.JupyterHub[each]\n"
        "c.ConfigurableHTTPProxy.api_url = tests.ConfigurableHTTPProxy.api_url\n"
        "c.YarnSpawner.python_env = tests.YarnSpawner.python_env\n"
        'for each in ("services", "load_roles"):\n'
        "    mine = tests.JupyterHub[each]\n"
        "    c.JupyterHub[each] = mine + [x for x in c.JupyterHub[each] if x not in mine]\n"
    )


def test_subdomains_lead_each_persons_host_to_their_own_server(make_hub: Any):
    hub = make_hub(example("subdomains.py") + 'c.JupyterHub.ssl_cert = c.JupyterHub.ssl_key = ""\n')
    hub.start_server("alice")
    hub.start_server("bob")

    def page(host: str, path: str) -> httpx.Response:
        # Whatever DNS says, a browser would send this.
        return httpx.get(hub.url + path, headers={"Host": host}, trust_env=False, timeout=60)

    alice = page("alice.hub.example.com", "/user/alice/environment")
    assert alice.json()["environment"]["JUPYTERHUB_USER"] == "alice"
    bob = page("bob.hub.example.com", "/user/bob/environment")
    assert bob.json()["environment"]["JUPYTERHUB_USER"] == "bob"
    assert page("hub.example.com", "/hub/login").is_success
    for host in ("bob.hub.example.com", "hub.example.com"):
        assert not page(host, "/user/alice/environment").is_success


@contextmanager
def running(hub: Hub) -> Iterator[Hub]:
    """Run a hub that the fixture can't make; it and alice's server are gone afterwards."""
    hub.start()
    try:
        yield hub
    finally:
        if hub.api("GET", "users/alice")["servers"]:
            hub.stop_server("alice")
        hub.stop()


@contextmanager
def proxy_service(hub: Hub) -> Iterator[None]:
    """Run the proxy as its unit says, on the ports that the hub expects it at."""
    unit = (EXAMPLES / "configurable-http-proxy.service").read_text()
    (line,) = re.findall(r"^ExecStart=(.+)$", unit, re.M)
    ports = re.findall(r'(?:bind_url|api_url) = "http://127.0.0.1:(\d+)', hub.config.read_text())
    for documented, ours in zip(("8000", "8081", "8001"), ports[:3], strict=True):
        line = re.sub(rf"\b{documented}\b", ours, line)
    _, *options = shlex.split(line)
    process = subprocess.Popen(["configurable-http-proxy", *options, "--ip", "127.0.0.1"])
    try:
        yield
    finally:
        process.terminate()
        process.wait(60)


async def test_an_external_proxy_keeps_notebooks_connected_while_the_hub_is_restarted(
    hadoop: MiniHadoop, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setenv("CONFIGPROXY_AUTH_TOKEN", secrets.token_hex(16))
    hub = Hub(tmp_path, hadoop.env(), example("external_proxy.py") + REAL_SERVER)
    with proxy_service(hub), running(hub):
        hub.start_server("alice")
        token = hub.api("POST", "users/alice/tokens")["token"]
        events = await subscribe(hub.url, token)
        assert await announced(events, hub.url, token, "before")
        hub.stop_process()
        assert not hub.is_answering()
        assert await announced(events, hub.url, token, "while-the-hub-is-away")
        hub.start()
        assert await announced(events, hub.url, token, "afterwards")
        events.close()


async def subscribe(url: str, token: str) -> WebSocketClientConnection:
    """A websocket on which alice's server tells what happens to files."""
    address = f"ws://{urlsplit(url).netloc}/user/alice/api/events/subscribe"
    headers = {"Authorization": f"token {token}"}
    return await websocket_connect(
        HTTPRequest(address, headers=headers, connect_timeout=60, request_timeout=60)
    )


async def announced(events: WebSocketClientConnection, url: str, token: str, name: str) -> bool:
    """Save a file, and tell whether the open websocket says so."""
    async with httpx.AsyncClient(trust_env=False, timeout=60) as http:
        saved = await http.put(
            f"{url}/user/alice/api/contents/{name}",
            headers={"Authorization": f"token {token}"},
            json={"type": "file", "format": "text", "content": ""},
        )
    assert saved.is_success, saved.text
    while message := await events.read_message():
        event = json.loads(message)
        if event.get("action") == "save" and event["path"] == name:
            return True
    return False


def test_prometheus_reads_the_figures_by_the_token_that_the_page_gives_it(make_hub: Any):
    page = (EXAMPLES.parent / "docs" / "monitoring.md").read_text()
    (config,) = re.findall(r"```python\n(.*?)```", page, re.S)
    hub: Hub = make_hub(beside_the_tests(config))
    (secret,) = re.findall(r'"api_token": "(.*?)"', config)
    headers = {"Authorization": f"token {secret}"}
    told = httpx.get(f"{hub.url}/hub/metrics", headers=headers, trust_env=False, timeout=60)
    named = set(re.findall(r"^\| `(\w+)", page, re.M))
    assert {name for name in named if f"# TYPE {name} " not in told.text} == set()
    assert httpx.get(f"{hub.url}/hub/metrics", trust_env=False, timeout=60).status_code == 403


def test_the_idle_culler_ends_what_nobody_uses(
    make_hub: Any, hadoop: MiniHadoop, wait_until: Callable[..., Any]
):
    hub = make_hub(
        example("idle_culler.py", **{"timeout=7200": "timeout=1", "every=300": "every=1"})
    )
    before = application_ids(hadoop)
    hub.api("POST", "users/alice")
    hub.api("POST", "users/alice/server")

    def ends() -> list[str]:
        return [application(hadoop, each)["state"] for each in application_ids(hadoop) - before]

    # It may be over as soon as it is ready: what is starting is not culled.
    wait_until(lambda: ends() == ["KILLED"], 120, "the end of what is idle")
    wait_until(lambda: not hub.api("GET", "users/alice")["servers"], 30, "the hub to know")
    assert "Culling server alice" in hub.log()


def test_several_hubs_on_one_cluster_have_servers_of_their_own(
    hadoop: MiniHadoop, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    def hub(name: str) -> Hub:
        (tmp_path / name).mkdir()
        text = f"import os\nos.environ['HUB'] = {name!r}\n" + example("several_hubs.py")
        return Hub(tmp_path / name, hadoop.env(), text, prefix=f"/{name}/")

    with running(hub("research")) as research, running(hub("teaching")) as teaching:
        theirs, ours = research.start_server("alice"), teaching.start_server("alice")
        assert {each["id"] for each in running_applications(hadoop)} == {theirs, ours}
        assert application(hadoop, theirs)["queue"] == "root.research"
        assert application(hadoop, ours)["queue"] == "root.default"
        research.stop_server("alice")
        assert application(hadoop, theirs)["state"] == "KILLED"
        assert application(hadoop, ours)["state"] == "RUNNING"
        assert teaching.get("/user/alice/api").is_success
