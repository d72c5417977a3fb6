"""What a script, or VS Code, does with a token of the hub at a server of the default command; and
that pages of other sites cannot do it with the cookies of a browser.
"""

from __future__ import annotations

import asyncio
import json
import os
import re
import subprocess
from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest

from tests.hadoop.hub import Hub, Person, running_hub
from yarnhub.demo.browser import UnexpectedPageError, run_code
from yarnhub.minihadoop import MiniHadoop

DEFAULT_COMMAND = """
del c.YarnSpawner.cmd
c.YarnSpawner.args = ["--allow-root"]
c.YarnSpawner.mem_limit = "1G"
c.YarnSpawner.contents_manager = "hdfs_contents.HDFSContentsManager"
"""
KERNELS = "/user/alice/api/kernels"
FILE = "/user/alice/api/contents/by-a-script.txt"
TEXT = {"type": "file", "format": "text", "content": "saved"}
PAGES_XSRF = ("_xsrf", "/user/alice/")

_PAGE = Path(__file__).parents[3] / "docs" / "scripts.md"
START, USE, STOP = re.split(
    r"\n(?=# Write|# Stop)", re.findall(r"```sh\n(.*?)```", _PAGE.read_text(), re.S)[0]
)
AUTH = START.partition("\n")[0]


@pytest.fixture(scope="module")
def hub(hadoop: MiniHadoop, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Hub]:
    """A hub at which alice's server runs; the commands of the docs start and stop it."""
    with running_hub(tmp_path_factory.mktemp("hub"), hadoop.env(), DEFAULT_COMMAND) as hub:
        token = new_token(hub, "alice", "servers!user")
        assert '"ready": true' in run(START, hub, token)
        yield hub
        run(f"{AUTH}\n{STOP}", hub, token)


def new_token(hub: Hub, user: str, *scopes: str) -> str:
    hub.api("POST", f"users/{user}", ok=False)
    return str(hub.api("POST", f"users/{user}/tokens", {"scopes": scopes})["token"])


def run(commands: str, hub: Hub, token: str) -> str:
    """Run commands of the docs, which fail with curl; returns their output."""
    done = subprocess.run(
        ["bash", "-euc", f'curl() {{ command curl -fsS "$@"; echo; }}\n{commands}'],
        env={**os.environ, "HUB": hub.url, "TOKEN": token, "no_proxy": "*"},
        capture_output=True,
        text=True,
    )
    assert done.returncode == 0, f"{done.stderr}\n{hub.log()}"
    return done.stdout


@pytest.fixture
def script(hub: Hub) -> Iterator[httpx.Client]:
    """A client with alice's token, and no cookies."""
    headers = {"Authorization": f"token {new_token(hub, 'alice', 'access:servers!user')}"}
    with httpx.Client(base_url=hub.url, headers=headers, timeout=60, trust_env=False) as client:
        yield client


def test_the_commands_of_the_docs_save_and_read_a_file_and_start_a_kernel(
    hub: Hub, script: httpx.Client
):
    token = new_token(hub, "alice", "access:servers!user")
    saved, read, kernel = run(f"{AUTH}\n{USE}", hub, token).splitlines()
    assert json.loads(saved)["path"] == "data.csv"
    assert read == "a,b"
    assert json.loads(kernel)["name"] == "python3"
    assert script.delete(f"/user/alice/api/contents/{json.loads(saved)['path']}").is_success


@pytest.mark.smoke
def test_a_script_runs_code_in_a_kernel(hub: Hub, script: httpx.Client):
    started = script.post(KERNELS, json={"name": "python3"})
    assert started.status_code == httpx.codes.CREATED, started.text
    kernel = f"{KERNELS}/{started.json()['id']}"
    channels = f"{hub.url}{kernel}/channels"
    headers = {"Authorization": script.headers["Authorization"]}
    assert asyncio.run(run_code(channels, headers, "print(6 * 7)")) == "42\n"
    with pytest.raises(UnexpectedPageError, match="403"):
        asyncio.run(run_code(channels, {"Authorization": "token of-nobody"}, "print(6 * 7)"))
    assert script.delete(kernel).status_code == httpx.codes.NO_CONTENT


def test_a_script_saves_renames_and_deletes_a_file(script: httpx.Client):
    assert script.put(FILE, json=TEXT).is_success
    assert script.get(FILE).json()["content"] == "saved"
    renamed = script.patch(FILE, json={"path": "renamed.txt"})
    assert renamed.is_success, renamed.text
    assert script.delete(FILE.replace("by-a-script", "renamed")).is_success


@pytest.mark.parametrize(
    ("user", "scope"), [("bob", "access:servers!user"), ("alice", "read:users:name!user")]
)
def test_a_token_without_access_is_refused(hub: Hub, user: str, scope: str):
    headers = {"Authorization": f"token {new_token(hub, user, scope)}"}
    answer = httpx.post(hub.url + KERNELS, headers=headers, json={}, trust_env=False, timeout=60)
    assert answer.status_code == httpx.codes.FORBIDDEN


@pytest.mark.smoke
def test_a_request_with_the_cookies_of_a_browser_needs_the_xsrf_token_of_the_page(
    hub: Hub, script: httpx.Client
):
    alice = Person(hub, "alice").http
    assert alice.get("/user/alice/lab").is_success
    (xsrf,) = (each.value for each in alice.cookies.jar if (each.name, each.path) == PAGES_XSRF)
    kernels = script.get(KERNELS).json()
    for forged in ({}, {"Authorization": "token of-nobody"}, {"X-XSRFToken": "of-another-page"}):
        for method, path, body in (("POST", KERNELS, {}), ("PUT", FILE, TEXT)):
            answer = alice.request(method, path, json=body, headers=forged)
            assert answer.status_code == httpx.codes.FORBIDDEN, (method, forged)
    assert [each["id"] for each in script.get(KERNELS).json()] == [each["id"] for each in kernels]
    assert script.get(FILE).status_code == httpx.codes.NOT_FOUND
    assert alice.put(FILE, json=TEXT, headers={"X-XSRFToken": str(xsrf)}).is_success
    assert script.delete(FILE).is_success
