"""The check calls the hub where servers call it, for each form of address that JupyterHub has."""

from __future__ import annotations

import socket
from pathlib import Path
from types import SimpleNamespace

import pytest
from jupyterhub.app import JupyterHub
from traitlets.config.loader import Config

from yarnhub.check.callback import check_callback
from yarnhub.check.hub_address import HubAddress, hub_address
from yarnhub.check.results import Verdict
from yarnhub.check.settings import read_settings
from yarnspawner import YarnSpawner
from yarnspawner.container.hub import parse_api_url

HOST = socket.gethostname()

#: Lines of a configuration, and the URL of the hub's API that a server gets.
FORMS = [
    ("", "http://127.0.0.1:8081/hub/api"),
    ("c.JupyterHub.hub_ip = ''", f"http://{HOST}:8081/hub/api"),
    ("c.JupyterHub.hub_ip = '0.0.0.0'", f"http://{HOST}:8081/hub/api"),
    ("c.JupyterHub.hub_ip = '::'", f"http://{HOST}:8081/hub/api"),
    ("c.JupyterHub.hub_ip = '10.0.0.1'", "http://10.0.0.1:8081/hub/api"),
    ("c.JupyterHub.hub_ip = '::1'", "http://[::1]:8081/hub/api"),
    (
        "c.JupyterHub.hub_ip = '10.0.0.1'\nc.JupyterHub.hub_port = 9000",
        "http://10.0.0.1:9000/hub/api",
    ),
    (
        "c.JupyterHub.hub_ip = '0.0.0.0'\nc.JupyterHub.hub_connect_ip = 'edge'",
        "http://edge:8081/hub/api",
    ),
    ("c.JupyterHub.hub_connect_ip = 'fd00::1'", "http://[fd00::1]:8081/hub/api"),
    ("c.JupyterHub.hub_bind_url = 'http://10.0.0.2:9001'", "http://10.0.0.2:9001/hub/api"),
    ("c.JupyterHub.hub_bind_url = 'http://10.0.0.2'", "http://10.0.0.2:80/hub/api"),
    ("c.JupyterHub.hub_bind_url = 'http://[::1]:9001'", "http://[::1]:9001/hub/api"),
    ("c.JupyterHub.hub_bind_url = 'http://:9001'", f"http://{HOST}:9001/hub/api"),
    (
        "c.JupyterHub.hub_bind_url = 'http://0.0.0.0:9001'\nc.JupyterHub.hub_connect_ip = 'edge'",
        "http://edge:9001/hub/api",
    ),
    ("c.JupyterHub.hub_connect_url = 'http://edge:9002'", "http://edge:9002/hub/api"),
    ("c.JupyterHub.hub_connect_url = 'http://[fd00::2]:9002'", "http://[fd00::2]:9002/hub/api"),
    ("c.JupyterHub.hub_connect_url = 'https://edge.example'", "https://edge.example/hub/api"),
    (
        "c.JupyterHub.hub_bind_url = 'http+unix://%2Frun%2Fhub.sock'\n"
        "c.JupyterHub.hub_connect_url = 'http://edge:9003'",
        "http://edge:9003/hub/api",
    ),
    ("c.JupyterHub.base_url = '/lab'", "http://127.0.0.1:8081/lab/hub/api"),
    ("c.JupyterHub.bind_url = 'http://:8000/lab/'", "http://127.0.0.1:8081/lab/hub/api"),
    (
        "c.JupyterHub.base_url = '/lab/'\nc.JupyterHub.hub_connect_url = 'http://edge:9002'",
        "http://edge:9002/lab/hub/api",
    ),
    ("c.JupyterHub.internal_ssl = True", "https://127.0.0.1:8081/hub/api"),
    (
        "c.JupyterHub.internal_ssl = True\nc.JupyterHub.hub_connect_ip = 'edge'",
        "https://edge:8081/hub/api",
    ),
    ("c.JupyterHub.public_url = 'https://lab.example/'", "http://127.0.0.1:8081/hub/api"),
    ("c.Spawner.hub_connect_url = 'http://edge:9004'", "http://edge:9004/hub/api"),
    (
        "c.JupyterHub.hub_connect_url = 'http://other:1'\n"
        "c.YarnSpawner.hub_connect_url = 'http://edge:9005'\n"
        "c.Spawner.hub_connect_url = 'http://edge:9004'",
        "http://edge:9005/hub/api",
    ),
]


@pytest.mark.parametrize(("lines", "url"), FORMS)
def test_the_hubs_address_is_the_one_that_servers_get(lines: str, url: str):
    config = Config()
    exec(lines, {"c": config})
    assert hub_address(config).api_url == url == url_of_a_server(config)
    address = parse_api_url(url)
    assert (address.host, address.prefix) in url_parts(url)


def url_of_a_server(config: Config) -> str:
    """Return what JupyterHub puts into a server's environment."""
    app = JupyterHub(config=config)
    app.init_hub()
    user = SimpleNamespace(name="alice", escaped_name="alice", url="/user/alice/")
    spawner = YarnSpawner(config=config, hub=app.hub, user=user, oauth_client_id="alice")
    return str(spawner.get_env()["JUPYTERHUB_API_URL"])


def url_parts(url: str) -> list[tuple[str, str]]:
    netloc, _, path = url.partition("://")[2].partition("/")
    return [(netloc.rpartition(":")[0].strip("[]") or netloc, f"/{path}"), (netloc, f"/{path}")]


@pytest.mark.parametrize(
    ("lines", "listen"),
    [
        ("", ("127.0.0.1", 8081)),
        ("c.JupyterHub.hub_ip = ''", ("", 8081)),
        ("c.JupyterHub.hub_connect_url = 'https://edge.example'", ("127.0.0.1", 8081)),
        (
            "c.JupyterHub.hub_bind_url = 'http+unix://%2Frun%2Fhub.sock'\n"
            "c.JupyterHub.hub_connect_url = 'http://edge:9003'",
            None,
        ),
    ],
)
def test_the_check_listens_where_the_hub_would(lines: str, listen: tuple[str, int] | None):
    config = Config()
    exec(lines, {"c": config})
    assert hub_address(config).listen == listen


@pytest.mark.parametrize(
    ("url", "parts"),
    [
        ("http://edge:8081/hub/api", (False, "edge", 8081, "/hub/api")),
        ("http://[::1]:8081/hub/api/", (False, "::1", 8081, "/hub/api")),
        ("https://edge.example/lab/hub/api", (True, "edge.example", 443, "/lab/hub/api")),
        ("http://edge", (False, "edge", 80, "")),
    ],
)
def test_a_url_of_the_api_is_split_into_what_a_container_connects_to(url: str, parts: object):
    assert parse_api_url(url) == parts


@pytest.mark.parametrize("url", ["http+unix://%2Frun%2Fhub.sock/hub/api", "edge:8081", "http://"])
def test_a_url_that_a_container_cannot_call_is_refused(url: str):
    with pytest.raises(ValueError, match="is neither http://HOST nor https://HOST"):
        parse_api_url(url)


@pytest.mark.parametrize(
    ("lines", "said"),
    [
        (
            "c.JupyterHub.hub_bind_url = 'http+unix://%2Fhub.sock'",
            "/hub/api is neither http://HOST",
        ),
        ("c.JupyterHub.hub_port = 'x'", "'hub_port'"),
        ("c.JupyterHub.hub_ip = '203.0.113.1'", "it cannot listen at 203.0.113.1:8081, "),
    ],
)
def test_an_address_that_cannot_work_fails_without_a_container(
    lines: str, said: str, tmp_path: Path
):
    file = tmp_path / "jupyterhub_config.py"
    file.write_text(f"c = get_config()\nc.YarnSpawner.python_env = 'lab'\n{lines}\n")
    (result,) = check_callback(read_settings(file))
    assert result.verdict is Verdict.FAILED
    assert result.why.startswith("Servers cannot call the hub: ")
    assert said in result.why
    assert result.remedy


def test_two_configurations_do_not_share_an_address():
    first, second = Config(), Config()
    first.JupyterHub.hub_connect_ip = "one"
    assert hub_address(first).api_url == "http://one:8081/hub/api"
    assert hub_address(second) == HubAddress("http://127.0.0.1:8081/hub/api", ("127.0.0.1", 8081))
