"""The launcher skein, through a hub: starts, ends, and what happens when its driver does not."""

from __future__ import annotations

import json
import os
import signal
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest

from tests.hadoop.hub import CONFIGURED_BY_STARTS, LIGHT_SERVER, Hub
from tests.hadoop.mounted_server import check_files_of_both_sides
from tests.hadoop.yarn_rest import application, running_applications
from yarnhub.minihadoop import MiniHadoop
from yarnspawner.container.payload import Launch
from yarnspawner.container.sealing import authorization, new_nonce

CONFIG = 'c.YarnSpawner.launcher = "skein"\n'
ADMIN = 'c.Authenticator.admin_users = {"carol"}\n'
NOTEBOOK_MB, MASTER_MB, SKEIN_MB = 256, 32, 209


def driver_of(hub: Hub) -> int | None:
    """Return the process of the hub's driver."""
    for folder in Path("/proc").glob("[0-9]*"):
        try:
            parent = int((folder / "stat").read_text().rpartition(")")[2].split()[1])
            command = (folder / "cmdline").read_bytes()
        except OSError:
            continue  # it has just ended
        if parent == hub.pid and b"com.anaconda.skein.Driver" in command:
            return int(folder.name)
    return None


def environment_of(hub: Hub, user: str) -> dict[str, str]:
    return hub.get(f"/user/{user}/environment").json()["environment"]


def report_port(url: str, key: bytes, report: Any) -> int:
    body = json.dumps(report).encode()
    headers = {"Authorization": authorization(key, new_nonce(), "port", body)}
    return httpx.post(url, content=body, headers=headers, trust_env=False, timeout=60).status_code


def key_of(application_id: str) -> bytes | None:
    """Return the key of a start, from its server's launch."""
    environment = environment_of_process(application_id)
    return Launch.read(environment["YARNHUB_PROGRAM"]).key if environment else None


def token_of(application_id: str) -> str | None:
    """Return the token of a server that does not listen yet, from its process."""
    environment = environment_of_process(application_id)
    return environment["JUPYTERHUB_API_TOKEN"] if environment else None


def environment_of_process(application_id: str) -> dict[str, str] | None:
    """Return the environment with which a server's process was started."""
    # Between them stands the epoch of a ResourceManager that was restarted.
    of_container = application_id.removeprefix("application") + "_"
    for folder in Path("/proc").glob("[0-9]*"):
        try:
            variables = (folder / "environ").read_text(errors="replace").split("\0")
        except OSError:
            continue  # it has just ended
        environment = dict(variable.partition("=")[::2] for variable in variables)
        is_of_server = {"JUPYTERHUB_API_TOKEN", "YARNHUB_PROGRAM"} <= environment.keys()
        if is_of_server and of_container in environment.get("CONTAINER_ID", ""):
            return environment
    return None


@pytest.fixture
def waiting_hub(make_hub: Any, tmp_path: Path) -> Iterator[tuple[Hub, Path]]:
    """A hub whose servers listen as soon as there is a certain file."""
    go = tmp_path / "go"
    command = [str(LIGHT_SERVER), "wait", str(go)]
    yield make_hub(CONFIG + f"c.YarnSpawner.cmd = {command!r}\n" + ADMIN), go
    go.touch()


def test_a_server_starts_runs_as_its_user_and_stops(make_hub: Any, hadoop: MiniHadoop):
    hub = make_hub(CONFIG)
    application_id = hub.start_server("alice")
    running = application(hadoop, application_id)
    assert (running["user"], running["applicationType"]) == ("alice", "skein")
    assert running["allocatedMB"] >= NOTEBOOK_MB + MASTER_MB + SKEIN_MB
    environment = environment_of(hub, "alice")
    assert environment["HADOOP_USER_NAME"] == "alice"
    assert "YARNHUB_PROGRAM" not in environment
    key = key_of(application_id)
    assert key is not None
    url = f"{hub.url}/hub/api/users/alice/server/port"
    assert report_port(url, key, {"port": 1}) == 409
    hub.stop_server("alice")
    assert application(hadoop, application_id)["state"] == "KILLED"
    assert report_port(url, key, {"port": 1}) == 403


@pytest.mark.heavy
async def test_code_and_the_file_browser_see_the_same_files(make_hub: Any, fuse_device: Path):
    await check_files_of_both_sides(make_hub(CONFIG + CONFIGURED_BY_STARTS), fuse_device)


@pytest.mark.heavy
def test_the_launch_is_nobody_elses_to_read(make_hub: Any, hadoop: MiniHadoop):
    hub = make_hub(CONFIG)
    hub.start_server("alice")
    environment = environment_of(hub, "alice")
    folder = Path(environment["HADOOP_TOKEN_FILE_LOCATION"]).parent
    assert (folder / "yarnhub-payload").stat().st_mode & 0o077 == 0
    token = environment["JUPYTERHUB_API_TOKEN"].encode()
    scripts = [file for file in folder.iterdir() if file.suffix in (".sh", ".txt")]
    assert scripts
    assert not any(token in file.read_bytes() for file in scripts)


@pytest.mark.heavy
def test_a_start_goes_on_after_a_restart_of_the_hub(
    waiting_hub: tuple[Hub, Path], hadoop: MiniHadoop, wait_until: Callable[..., Any]
):
    hub, go = waiting_hub
    hub.api("POST", "users/alice")
    hub.api("POST", "users/alice/server")
    (pending,) = wait_until(lambda: running_applications(hadoop), 60, "the application")
    hub.kill()
    hub.start()
    go.touch()
    wait_until(lambda: hub.get("/user/alice/api").is_success, 60, "the server to be ready")
    assert hub.application_of("alice") == pending["id"]


@pytest.mark.heavy
def test_a_start_is_told_its_port_by_its_own_server_only(
    waiting_hub: tuple[Hub, Path], hadoop: MiniHadoop, wait_until: Callable[..., Any]
):
    hub, _ = waiting_hub
    for user in ("alice", "bob"):
        hub.api("POST", f"users/{user}")
    hub.api("POST", "users/alice/server")
    (first,) = wait_until(lambda: running_applications(hadoop), 60, "the application")
    own = wait_until(lambda: key_of(first["id"]), 60, "the server's process")
    hub.api("POST", "users/alice/servers/second")
    second = wait_until(
        lambda: [each for each in running_applications(hadoop) if each["id"] != first["id"]],
        60,
        "the other application",
    )
    other = wait_until(lambda: key_of(second[0]["id"]), 60, "the other server's process")
    strangers = {
        name: hub.api("POST", f"users/{name}/tokens")["token"] for name in ("alice", "bob", "carol")
    }
    url = f"{hub.url}/hub/api/users/alice/server/port"
    assert report_port(url, other, {"port": 1}) == 403
    tokens = token_of(first["id"]), token_of(second[0]["id"]), hub._token, *strangers.values()
    for token in (*tokens, "nonsense"):
        headers = {"Authorization": f"token {token}"}
        refused = httpx.post(url, json={"port": 1}, headers=headers, trust_env=False, timeout=60)
        assert refused.status_code == 403
    for body in ({"port": 1, "host": "evil"}, {"port": 0}, {}, 1):
        assert report_port(url, own, body) == 400
    assert report_port(f"{hub.url}/hub/api/users/alice/servers/third/port", own, {"port": 1}) == 403
    assert report_port(f"{hub.url}/hub/api/users/bob/server/port", own, {"port": 1}) == 403
    assert "port_report" in str(hub.api("GET", "users/alice")["servers"][""]["state"])
    assert hub.api("GET", "users/alice")["servers"][""]["state"]["port_report"]["port"] == 0


@pytest.mark.heavy
@pytest.mark.parametrize("how", [signal.SIGKILL, signal.SIGSTOP])
def test_a_driver_that_ends_or_hangs_is_started_again(
    make_hub: Any, hadoop: MiniHadoop, wait_until: Callable[..., Any], how: signal.Signals
):
    quick = "import yarnspawner.launcher.skein as s; s.QUERY_DEADLINE_SECONDS = 5\n"
    hub = make_hub(CONFIG + quick)
    application_id = hub.start_server("alice")
    old = driver_of(hub)
    assert old is not None
    os.kill(old, how)
    new = wait_until(lambda: driver_of(hub) not in (None, old), 60, "another driver")
    assert new
    assert hub.get("/user/alice/api").is_success
    assert hub.api("GET", "users/alice")["servers"][""]["ready"]
    assert application(hadoop, application_id)["state"] == "RUNNING"
    hub.stop_server("alice")
    assert application(hadoop, application_id)["state"] == "KILLED"


@pytest.mark.heavy
def test_features_that_skein_lacks_are_refused(make_hub: Any):
    hub = make_hub(CONFIG + "c.YarnSpawner.lifetime = 60\n")
    assert "skein launcher does not support" in hub.refuse_server("alice")


@pytest.mark.heavy
def test_a_server_that_ends_at_once_is_told_of_at_once(make_hub: Any):
    hub = make_hub(CONFIG + f"c.YarnSpawner.cmd = [{str(LIGHT_SERVER)!r}, 'fail', 'broken']\n")
    assert "before it was ready" in hub.refuse_server("alice")


@pytest.mark.heavy
def test_a_script_starts_the_server_too(make_hub: Any):
    hub = make_hub(CONFIG + "c.YarnSpawner.prologue = 'export GREETING=hello'\n")
    hub.start_server("alice")
    assert environment_of(hub, "alice")["GREETING"] == "hello"


@pytest.mark.heavy
def test_an_unknown_queue_is_refused_by_name(make_hub: Any):
    hub = make_hub(CONFIG + "c.YarnSpawner.queue = 'nosuch'\n")
    assert "there is no queue nosuch" in hub.refuse_server("alice")
