"""A notebook server on a cluster with Kerberos: who it is, and for how long."""

from __future__ import annotations

import base64
import os
import subprocess
import sys
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager, suppress
from pathlib import Path
from typing import Any

import httpx
import pytest

from hadoop_client.configuration import Configuration
from hadoop_client.hdfs.namenode import CLIENT_PROTOCOL, GET_FILE_INFO, GetFileInfoRequest
from hadoop_client.rpc.blocking import BlockingClient
from hadoop_client.rpc.call import Login, RpcError
from hadoop_client.security.credentials import Credentials, Token
from hadoop_client.security.delegation import HDFS_KIND, identity_of
from tests.containers import environment, processes_of
from tests.hadoop.hub import CONFIGURED_BY_STARTS, LIGHT_SERVER, Hub
from tests.hadoop.local_files import contents_of, files_below
from tests.hadoop.mounted_server import check_files_of_both_sides
from tests.hadoop.yarn_rest import application
from tests.kerberos.conftest import SECURITY
from yarnhub.demo.browser import Browser
from yarnhub.minihadoop import MiniHadoop
from yarnspawner.container.payload import TOKENS_FILE, Launch
from yarnspawner.container.sealing import authorization, new_nonce, unseal

NOTEBOOKS = """
c.YarnSpawner.contents_manager = "hdfs_contents.HDFSContentsManager"
c.YarnSpawner.cmd = ["jupyter-labhub"]
c.YarnSpawner.args = ["--allow-root"]
c.YarnSpawner.mem_limit = "512M"
"""
READ_COLLECTED = """
import sys
from hadoop_client.hdfs.filesystem import open_filesystem
hdfs = open_filesystem()
def read(folder):
    for each in hdfs.list_dir(folder):
        if each.is_dir:
            read(each.path)
        elif sys.argv[1] in each.path:
            with hdfs.open_read(each.path) as file:
                sys.stdout.buffer.write(file.read())
read("/tmp/logs/alice")
"""
HUB_CONFIG = CONFIGURED_BY_STARTS + NOTEBOOKS
#: A server that is ready at once, in the place of a notebook server.
LIGHT = f"c.YarnSpawner.contents_manager = ''\nc.YarnSpawner.cmd = [{str(LIGHT_SERVER)!r}]\n"
FILE = "/user/alice/api/contents/a.txt"


@asynccontextmanager
async def browser_of(hub: Hub, user: str) -> AsyncIterator[Browser]:
    """A browser in which this person has started a server."""
    async with Browser(hub.url, user) as browser:
        await browser.log_in("any")
        async for _ in browser.start_server():
            pass
        await browser.request("GET", f"/user/{user}/lab")  # which gives the token against forgery
        yield browser


async def save(browser: Browser, text: str) -> None:
    body = {"type": "file", "format": "text", "content": text}
    await browser.request("PUT", FILE, json=body)


async def load(browser: Browser) -> str:
    return (await browser.request("GET", FILE)).json()["content"]


def token_file(hadoop: MiniHadoop, application_id: str) -> Path:
    container = f"yarn/node1/local/usercache/*/appcache/{application_id}/*"
    (file,) = hadoop.state.folder.glob(f"{container}/{TOKENS_FILE}")
    return file


def tokens_of(hadoop: MiniHadoop, application_id: str) -> dict[str, Token]:
    """The server's tokens, as they are now in its container's folder."""
    file = token_file(hadoop, application_id)
    assert file.stat().st_mode & 0o777 == 0o600
    return {
        token.kind: token for token in Credentials.from_bytes(file.read_bytes()).tokens.values()
    }


def is_good(hadoop: MiniHadoop, token: Token) -> bool:
    """Ask the NameNode."""
    addresses = Configuration.load(hadoop.conf_dir).namenode_addresses()
    with BlockingClient(addresses, CLIENT_PROTOCOL, Login(token=token)) as client:
        try:
            client.call(GET_FILE_INFO, GetFileInfoRequest("/"))
        except RpcError as error:
            if error.name != "InvalidToken":
                raise
            return False
        return True


async def test_a_server_is_its_user_to_hdfs_by_tokens_alone(hub: Hub, hadoop: MiniHadoop):
    async with browser_of(hub, "alice") as browser:
        await save(browser, "hello")
        assert await load(browser) == "hello"
    assert owner_of(hadoop, "/user/alice/notebooks/a.txt") == "alice"
    tokens = tokens_of(hadoop, hub.application_of("alice"))
    assert {identity_of(token).owner for token in tokens.values()} == {"alice"}


def owner_of(hadoop: MiniHadoop, path: str) -> str:
    url = f"{hadoop.namenode_url}/webhdfs/v1{path}"
    params = {"op": "GETFILESTATUS", "user.name": "alice"}
    answer = httpx.get(url, params=params, trust_env=False, timeout=60).json()
    return answer["FileStatus"]["owner"]


async def test_code_and_the_file_browser_see_the_same_files(hub: Hub, fuse_device: Path):
    await check_files_of_both_sides(hub, fuse_device)


async def test_notebooks_outlive_the_tokens_of_their_start_and_a_restart_of_the_hub(
    hub: Hub, hadoop: MiniHadoop, wait_until: Any
):
    async with browser_of(hub, "alice") as browser:
        first = tokens_of(hadoop, hub.application_of("alice"))[HDFS_KIND]
        assert is_good(hadoop, first)
        await save(browser, "before")
        hub.stop_process()
        hub.start()
        lifetime = SECURITY.token_max_seconds + 30
        wait_until(lambda: not is_good(hadoop, first), lifetime, "the first token has ended")
        await save(browser, "after")
        assert await load(browser) == "after"
    assert "the server has new tokens" in container_log(hadoop, hub.application_of("alice"))


def container_log(hadoop: MiniHadoop, application_id: str) -> str:
    files = hadoop.state.folder.glob(f"yarn/node1/logs/{application_id}/*/stderr")
    return "".join(file.read_text() for file in files)


def test_whom_hadoop_does_not_let_the_hub_act_for_is_told_so(hub: Hub):
    assert "does not let JupyterHub act for mallory" in hub.refuse_server("mallory", LIGHT)


def test_new_tokens_are_for_the_server_itself_and_nobody_else(hub: Hub, hadoop: MiniHadoop):
    for user in ("alice", "bob"):
        hub.start_server(user, config=LIGHT)
    own_key, key_of_bob = (key_of(hadoop, hub.application_of(user)) for user in ("alice", "bob"))
    own, of_bob = (hub.environment_of(user)["JUPYTERHUB_API_TOKEN"] for user in ("alice", "bob"))
    of_alice = hub.api("POST", "users/alice/tokens")["token"]

    def answer(header: str, path: str = "users/alice/server/tokens") -> httpx.Response:
        headers = {"Authorization": header}
        return httpx.get(f"{hub.url}/hub/api/{path}", headers=headers, trust_env=False, timeout=60)

    def signed(key: bytes) -> str:
        return authorization(key, new_nonce(), "tokens", b"")

    nonce = new_nonce()
    given = answer(authorization(own_key, nonce, "tokens", b""))
    assert given.status_code == 200, given.text
    tokens = Credentials.from_bytes(unseal(own_key, nonce, given.content)).tokens.values()
    assert {identity_of(token).owner for token in tokens} == {"alice"}
    assert not any(token.password in given.content for token in tokens)
    for other in (own, of_bob, of_alice, "guessed"):
        assert answer(f"token {other}").status_code == 403
    assert answer(signed(key_of_bob)).status_code == 403
    assert hub.get("/hub/api/users/alice/server/tokens").status_code == 403
    assert answer(signed(own_key), "users/alice/servers/none/tokens").status_code == 403
    assert answer(signed(own_key), "users/bob/server/tokens").status_code == 403


def key_of(hadoop: MiniHadoop, application_id: str) -> bytes:
    """The key of a start, which its container's credentials hold."""
    (program,) = token_file(hadoop, application_id).parent.glob("container_tokens")
    return Launch.read(str(program)).key


async def test_no_secret_is_where_others_see_it(hub: Hub, hadoop: MiniHadoop, wait_until: Any):
    async with browser_of(hub, "alice") as browser:
        await save(browser, "x")
        application_id = hub.application_of("alice")
        tokens = None
        while tokens != tokens_of(hadoop, application_id):  # else it has got new ones meanwhile
            tokens = tokens_of(hadoop, application_id)
            secrets = [form for token in tokens.values() for form in forms_of(token.password)]
            secrets += forms_of(api_token_of(application_id))
            secrets += forms_of(key_of(hadoop, application_id))
            seen = seen_by_others(hadoop, application_id, hub.folder)
            holders = files_with(hadoop, secrets)
    hub.stop_server("alice")
    wait_until(lambda: logs_are_collected(hadoop, application_id), 60, "the logs to be collected")
    seen["collected"] = collected_logs(hadoop, application_id)
    afterwards = seen_by_others(hadoop, application_id, hub.folder)
    seen |= {f"{name}, afterwards": content for name, content in afterwards.items()}

    assert b"Permission denied: user=bob" in collected_logs(hadoop, application_id, "bob")

    assert b"launch_container.sh" in seen["collected"]
    assert b"[yarnhub]" in seen["collected"] or b"ServerApp" in seen["collected"]
    assert any("launch_container.sh" in name for name in seen)
    assert any(name.endswith(".sqlite") for name in seen)
    assert b"[D " in seen[str(hub.log_file)]
    for secret in secrets:
        assert [name for name, content in seen.items() if secret in content] == []
    assert {TOKENS_FILE, "container_tokens"} <= {file.name for file in holders}
    for file, mode in holders.items():
        assert {"nmPrivate", "rm-state"} & set(file.parts) or mode & 0o077 == 0, file


def forms_of(secret: bytes) -> tuple[bytes, ...]:
    return secret, base64.b64encode(secret), secret.hex().encode()


def api_token_of(application_id: str) -> bytes:
    """The server's own token for the hub, from its process."""
    for process in processes_of(application_id):
        for variable in environment(process).split(b"\0"):
            if variable.startswith(b"JUPYTERHUB_API_TOKEN="):
                return variable.partition(b"=")[2]
    pytest.fail(f"{application_id} has no server with a token")


def files_with(hadoop: MiniHadoop, secrets: list[bytes]) -> dict[Path, int]:
    """Which of YARN's files hold one of these, and their modes."""
    found = {}
    for file, content in contents_of(files_below(hadoop.state.folder / "yarn")):
        if any(secret in content for secret in secrets):
            with suppress(OSError):
                found[file] = file.stat().st_mode
    return found


def logs_are_collected(hadoop: MiniHadoop, application_id: str) -> bool:
    return bool(application(hadoop, application_id).get("logAggregationStatus") == "SUCCEEDED")


def collected_logs(hadoop: MiniHadoop, application_id: str, reader: str = "alice") -> bytes:
    """What YARN keeps of alice's server's logs in HDFS, as far as somebody may read it."""
    done = subprocess.run(
        [sys.executable, "-c", READ_COLLECTED, application_id],
        env={**os.environ, **hadoop.env(), **hadoop.identity(reader)},
        capture_output=True,
        timeout=300,
    )
    return done.stdout if done.returncode == 0 else done.stderr


def seen_by_others(hadoop: MiniHadoop, application_id: str, hub: Path) -> dict[str, bytes]:
    """What administrators, other users and backups see of a launch."""
    folder = hadoop.state.folder
    files = [*files_below(folder / "yarn/node1/logs")]
    files += [each for each in files_below(folder / "yarn") if each.name == "launch_container.sh"]
    files += [*folder.glob("logs/*.log"), *hub.glob("jupyterhub.*")]
    url = f"{hadoop.resourcemanager_url}/ws/v1/cluster/apps/{application_id}"
    urls = (url, f"{url}/appattempts", f"{hadoop.resourcemanager_url}/ws/v1/cluster/apps")
    return {
        **{each: httpx.get(each, trust_env=False, timeout=60).content for each in urls},
        "ps": subprocess.run(["ps", "axww"], capture_output=True, check=True).stdout,
        **{str(file): content for file, content in contents_of(files)},
    }


@pytest.mark.parametrize(
    ("extra_config", "sentence"),
    [
        (
            "c.YarnSpawner.keytab = '/nowhere/hub.keytab'\n",
            "The keytab /nowhere/hub.keytab cannot be read (no such file or directory). Correct",
        ),
        (
            "c.YarnSpawner.principal = 'ghost@YARNHUB.TEST'\n",
            "no key for ghost@YARNHUB.TEST, only for jupyterhub/localhost@YARNHUB.TEST. Correct",
        ),
    ],
    ids=["no-keytab", "another-principal"],
)
def test_a_hub_that_can_not_log_in_says_what_to_do(
    make_secure_hub: Callable[..., Hub], extra_config: str, sentence: str
):
    hub = make_secure_hub(extra_config)
    assert sentence in hub.refuse_server("alice")
