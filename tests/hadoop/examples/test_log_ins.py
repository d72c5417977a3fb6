"""The log-ins in examples/, each in a real hub: who gets in, as whom, and who does not."""

from __future__ import annotations

import os
import pwd
import secrets
import shutil
import subprocess
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from typing import Any

import httpx
import pytest

from tests.hadoop.examples.test_examples import EXAMPLES, example
from tests.hadoop.hub import Hub, running_hub
from yarnhub.demo.browser import Browser, UnexpectedPageError
from yarnhub.minihadoop import MiniHadoop
from yarnhub.minihadoop.ports import held_ports

SECRET = secrets.token_hex(16)
PASSWORDS = {"alice": "for alice", "mallory": "for mallory"}


@pytest.fixture(scope="module")
def remote_hub(hadoop: MiniHadoop, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Hub]:
    folder = tmp_path_factory.mktemp("remote")
    (folder / "remote_user.secret").write_text(f"{SECRET}\n")
    as_by_default = "c.Authenticator.allow_all = False\n"
    config = example("remote_user.py", **{"/etc/jupyterhub": str(folder)})
    with running_hub(folder, hadoop.env(), as_by_default + config) as hub:
        yield hub


@pytest.fixture(scope="module")
def web_server(
    remote_hub: Hub, tmp_path_factory: pytest.TempPathFactory, wait_until: Callable[..., Any]
) -> Iterator[httpx.URL]:
    """nginx with the example's configuration, without TLS; yields its address."""
    program = shutil.which("nginx", path=f"{os.environ['PATH']}:/usr/sbin")
    if program is None:
        pytest.skip("there is no nginx here (Debian: apt install nginx-light)")
    tmp_path = tmp_path_factory.mktemp("nginx")
    ports = ExitStack()
    (port,) = ports.enter_context(held_ports(1))
    people = tmp_path / "htpasswd"
    people.write_text("".join(f"{name}:{hashed(word)}\n" for name, word in PASSWORDS.items()))
    text = (EXAMPLES / "remote_user.nginx.conf").read_text()
    lines = [line for line in text.splitlines() if "ssl_certificate" not in line]
    text = "\n".join(lines)
    for old, new in (
        ("listen 443 ssl", f"listen 127.0.0.1:{port}"),
        ("http://127.0.0.1:8000", remote_hub.url),
        ("/etc/nginx/hub.htpasswd", str(people)),
        ("SECRET", SECRET),
    ):
        assert old in text
        text = text.replace(old, new)
    config = tmp_path / "nginx.conf"
    # For people who may not write where an installed one does.
    config.write_text(f"pid {tmp_path}/nginx.pid;\ndaemon off;\nuser root;\n{text}")
    process = subprocess.Popen(
        [program, "-p", tmp_path, "-c", config, "-e", tmp_path / "nginx.log"]
    )
    try:
        with httpx.Client(
            base_url=f"http://127.0.0.1:{port}", trust_env=False, timeout=60
        ) as client:
            wait_until(lambda: process.poll() is not None or answers(client), 30, "nginx")
            assert process.poll() is None, (tmp_path / "nginx.log").read_text()
            yield client.base_url
    finally:
        process.terminate()
        process.wait(60)
        ports.close()


def hashed(password: str) -> str:
    done = subprocess.run(
        ["openssl", "passwd", "-apr1", password], capture_output=True, text=True, check=True
    )
    return done.stdout.strip()


def answers(client: httpx.Client) -> bool:
    try:
        return client.get("/hub/health").is_success
    except httpx.TransportError:
        return False


def log_in(address: httpx.URL, **more: Any) -> httpx.Response:
    """What a browser sees that is sent to log in, and whose requests have `more`."""
    with httpx.Client(
        base_url=address, trust_env=False, follow_redirects=True, timeout=60, **more
    ) as browser:
        page = browser.get("/hub/remote_login?next=/hub/api/user")
        return browser.get("/hub/api/user") if page.is_success else page


def test_who_the_web_server_knows_is_that_person_whatever_their_browser_claims(
    remote_hub: Hub, web_server: httpx.URL
):
    claims = {"X-Remote-User": "bob", "X-Remote-Secret": SECRET}
    known = ("alice", PASSWORDS["alice"])
    assert log_in(web_server, auth=known, headers=claims).json()["name"] == "alice"
    assert log_in(web_server, headers=claims).status_code == 401
    assert log_in(web_server, auth=("alice", "guessed")).status_code == 401
    # Known to the web server, but not allowed at the hub.
    assert log_in(web_server, auth=("mallory", PASSWORDS["mallory"])).status_code == 403


def test_past_the_web_server_nobody_gets_in_by_a_header(remote_hub: Hub):
    claims = {"X-Remote-User": "bob", "X-Remote-Secret": "guessed"}
    assert log_in(httpx.URL(remote_hub.url), headers=claims).status_code == 403
    without = {"X-Remote-User": "bob"}
    assert log_in(httpx.URL(remote_hub.url), headers=without).status_code == 403


def test_a_notebook_server_is_not_told_the_web_servers_secret(
    remote_hub: Hub, web_server: httpx.URL
):
    remote_hub.start_server("alice")
    with httpx.Client(
        base_url=web_server, trust_env=False, timeout=60, headers={"X-Remote-User": "bob"}
    ) as browser:
        seen = browser.get("/user/alice/environment")
    assert seen.json()["environment"]["JUPYTERHUB_USER"] == "alice"
    headers = {name.lower() for name in seen.json()["headers"]}
    assert "host" in headers
    assert not headers & {"x-remote-user", "x-remote-secret"}
    remote_hub.stop_servers()


@contextmanager
def no_account_of_alices() -> Iterator[None]:
    """A machine on which alice has no account, before and after."""
    if os.geteuid() != 0 or not shutil.which("adduser", path="/usr/sbin:/usr/bin"):
        pytest.skip("accounts are made by root, with adduser")
    if any(each.pw_name == "alice" for each in pwd.getpwall()):
        pytest.skip("alice has an account on this machine, which is not the tests' to change")
    try:
        yield
    finally:
        subprocess.run(["userdel", "--remove", "alice"], check=False, capture_output=True)


def set_password(name: str, password: str) -> None:
    subprocess.run(["chpasswd"], input=f"{name}:{password}", text=True, check=True)


async def test_who_has_a_password_on_the_edge_node_gets_in_and_has_an_account_there(make_hub: Any):
    with no_account_of_alices():
        hub: Hub = make_hub(example("pam.py", **{'{"alice", "bob"}': '{"alice"}'}))
        assert pwd.getpwnam("alice").pw_uid >= 1000
        set_password("alice", "right horse")
        async with Browser(hub.url, "alice") as browser:
            with pytest.raises(UnexpectedPageError, match="refused"):
                await browser.log_in("wrong horse")
            await browser.log_in("right horse")
            events = [message async for message in browser.start_server()]
        assert events
        environment = hub.get("/user/alice/environment").json()["environment"]
        assert environment["HADOOP_USER_NAME"] == "alice"
