"""Servers that end for good: idle ones, and those that are deleted with all that they have kept."""

from __future__ import annotations

import secrets
from collections.abc import Callable
from typing import Any

import pytest

from hadoop_client.hdfs.filesystem import FileSystem, open_filesystem
from tests.hadoop.hdfs_files import open_anew
from tests.hadoop.hub import Hub, culling
from tests.hadoop.yarn_rest import application, running_applications
from yarnhub.minihadoop import MiniHadoop

SESSIONS = "/user/alice/.yarnhub/session"
CULLERS_TOKEN = secrets.token_hex(16)
CULLER = f"""
c.JupyterHub.last_activity_interval = 1
c.JupyterHub.services.append({{"name": "culler", "api_token": {CULLERS_TOKEN!r}}})
c.JupyterHub.load_roles.append({{"name": "culler", "services": ["culler"], "scopes": [
    "list:users", "read:users:activity", "read:servers", "delete:servers"]}})
"""


@pytest.fixture
def alices_hdfs(hadoop: MiniHadoop, monkeypatch: pytest.MonkeyPatch) -> FileSystem:
    """HDFS as alice."""
    monkeypatch.setenv("HADOOP_CONF_DIR", str(hadoop.conf_dir))
    monkeypatch.setenv("HADOOP_USER_NAME", "alice")
    return open_filesystem()


def keep_session(hdfs: FileSystem, *names: str) -> None:
    """Have what servers keep."""
    hdfs.mkdirs(SESSIONS, 0o700)
    for name in names:
        with open_anew(hdfs, f"{SESSIONS}/{name}") as file:
            file.write(b"settings")


def test_an_idle_server_is_culled_and_its_application_ends_and_a_used_one_runs_on(
    make_hub: Any, hadoop: MiniHadoop, wait_until: Callable[..., Any]
):
    hub: Hub = make_hub(CULLER)
    used, idle = hub.start_server("bob"), hub.start_server("alice")

    def last_use() -> str:
        assert hub.get("/user/bob/api").is_success
        return hub.api("GET", "users/bob")["servers"][""]["last_activity"]

    def is_culled() -> bool:
        assert last_use()
        return not hub.api("GET", "users/alice")["servers"]

    # Until the hub has noted a use, a server counts as idle since its start was asked for.
    first = last_use()
    wait_until(lambda: last_use() > first, 30, "the hub to note a use")
    with culling(hub, CULLERS_TOKEN):
        wait_until(is_culled, 60, "the idle server to be culled")
    ended = application(hadoop, idle)
    assert ended["state"] == "KILLED"
    assert "stopped in JupyterHub" in ended["diagnostics"]
    assert [each["id"] for each in running_applications(hadoop)] == [used]


def test_a_deleted_server_takes_along_what_it_kept_and_nothing_else(
    hub: Hub, alices_hdfs: FileSystem
):
    keep_session(alices_hdfs, "default.tar.gz", "named-second.tar.gz", "named-third.tar.gz")
    hub.start_server("alice", "second")
    hub.stop_server("alice", "second")
    assert alices_hdfs.exists(f"{SESSIONS}/named-second.tar.gz")
    hub.api("DELETE", "users/alice/servers/second", {"remove": True})
    left = {entry.path.rpartition("/")[2] for entry in alices_hdfs.list_dir(SESSIONS)}
    assert left == {"default.tar.gz", "named-third.tar.gz"}


def test_a_deleted_user_leaves_no_application_and_nothing_kept(
    hub: Hub, hadoop: MiniHadoop, alices_hdfs: FileSystem
):
    keep_session(alices_hdfs, "default.tar.gz", "named-second.tar.gz")
    application_id = hub.start_server("alice")
    hub.api("DELETE", "users/alice")
    assert application(hadoop, application_id)["state"] == "KILLED"
    assert not alices_hdfs.exists(SESSIONS)
    assert alices_hdfs.exists("/user/alice")


def test_a_configured_session_directory_is_found_and_only_archives_are_deleted_in_it(
    make_hub: Any, alices_hdfs: FileSystem
):
    hub: Hub = make_hub(
        'c.YarnSpawner.args = ["--SessionState.directory_template=/user/{username}/work"]'
    )
    alices_hdfs.mkdirs("/user/alice/work", 0o700)
    for name in ("default.tar.gz", "named-second.tar.gz", "thesis.ipynb"):
        with open_anew(alices_hdfs, f"/user/alice/work/{name}") as file:
            file.write(b"content")
    hub.api("POST", "users/alice")
    hub.api("PUT", "users/alice/servers/second", {})
    hub.api("DELETE", "users/alice")
    left = [entry.name for entry in alices_hdfs.list_dir("/user/alice/work")]
    alices_hdfs.delete("/user/alice/work", recursive=True)
    assert left == ["thesis.ipynb"]


def test_what_is_kept_and_can_not_be_deleted_is_told_in_the_log(hub: Hub):
    hub.api("POST", "users/mallory")
    hub.api("PUT", "users/mallory/servers/second", {})
    hub.api("DELETE", "users/mallory")
    session = "/user/mallory/.yarnhub/session"
    assert f"was not deleted from HDFS: HDFS did not delete {session}" in hub.log()
    assert "Traceback" not in hub.log()


def test_a_renamed_server_starts_under_its_new_name(hub: Hub, hadoop: MiniHadoop):
    hub.start_server("alice", "second")
    hub.stop_server("alice", "second")
    hub.api("PATCH", "users/alice/servers/second", {"name": "other"})
    application_id = hub.start_server("alice", "other")
    assert application(hadoop, application_id)["name"] == "jupyterhub-alice-other"
    assert hub.get("/user/alice/other/api").is_success
    assert "second" not in hub.api("GET", "users/alice?include_stopped_servers")["servers"]
