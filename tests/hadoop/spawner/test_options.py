"""What an administrator can set of YarnSpawner, seen in YARN and in the server."""

from __future__ import annotations

import getpass
import json
import re
from collections.abc import Callable
from datetime import datetime
from pathlib import Path
from typing import Any

import httpx
import pytest

from hadoop_client.hdfs.filesystem import FileSystem, open_filesystem
from tests.hadoop.hdfs_files import open_anew
from tests.hadoop.hub import LIGHT_SERVER, Hub
from tests.hadoop.yarn_rest import application, end_lifetime_in, running_applications
from yarnhub.minihadoop import MiniHadoop


@pytest.fixture
def hdfs(hadoop: MiniHadoop, monkeypatch: pytest.MonkeyPatch) -> FileSystem:
    """HDFS as its superuser."""
    for name, value in hadoop.env().items():
        monkeypatch.setenv(name, value)
    monkeypatch.setenv("HADOOP_USER_NAME", getpass.getuser())  # as whom the NameNode runs
    return open_filesystem()


def test_what_is_set_reaches_yarn(hub: Hub, hadoop: MiniHadoop):
    config = (
        "c.YarnSpawner.tags = ['team-a']\n"
        "c.YarnSpawner.priority = 3\n"
        "c.YarnSpawner.lifetime = 3600\n"
        "c.YarnSpawner.cpu_limit = 2\n"
    )
    seen = application(hadoop, hub.start_server("alice", config=config))
    tags = seen["applicationTags"].split(",")
    assert "team-a" in tags
    assert len([tag for tag in tags if tag.startswith("yarnhub-spawn-")]) == 1
    assert seen["allocatedVCores"] == 2
    (timeout,) = seen["timeouts"]["timeout"]
    assert 3000 < timeout["remainingTimeInSeconds"] <= 3600


def test_yarn_ends_a_server_at_the_end_of_its_lifetime(
    hub: Hub, hadoop: MiniHadoop, wait_until: Callable[..., Any]
):
    application_id = hub.start_server("alice", config="c.YarnSpawner.lifetime = 3600\n")
    # The end comes when the server is ready, however long that took.
    wait_until(lambda: end_lifetime_in(2, hadoop, application_id), 60, "YARN to take it")
    wait_until(lambda: not hub.api("GET", "users/alice")["servers"], 60, "the server's end")
    assert "ended" in hub.log()


def test_a_server_extends_its_lifetime_as_far_as_its_start_allows(hub: Hub, hadoop: MiniHadoop):
    config = "c.YarnSpawner.lifetime = 3600\nc.YarnSpawner.max_lifetime = 1800\n"
    application_id = hub.start_server("bob", config=config)
    hub.start_server("alice")
    assert end_lifetime_in(600, hadoop, application_id, "bob")

    def call(method: str, user: str, caller: str) -> httpx.Response:
        token = hub.environment_of(caller)["JUPYTERHUB_API_TOKEN"]
        return httpx.request(
            method,
            f"{hub.url}/hub/api/users/{user}/server/lifetime",
            headers={"Authorization": f"token {token}"},
            trust_env=False,
            timeout=60,
        )

    extended = call("POST", "bob", "bob").json()
    seen = application(hadoop, application_id)
    (timeout,) = seen["timeouts"]["timeout"]
    ends = datetime.strptime(timeout["expiryTime"], "%Y-%m-%dT%H:%M:%S.%f%z").timestamp()
    assert extended["ends_ms"] == extended["latest_ms"] == round(ends * 1000)
    assert abs(ends - seen["startedTime"] / 1000 - 1800) < 1
    assert call("POST", "bob", "bob").json() == extended, "it is as long as it may be"
    assert call("GET", "alice", "alice").json() == {"ends_ms": None, "latest_ms": None}
    refused = call("POST", "alice", "alice")
    assert (refused.status_code, refused.json()["message"]) == (
        409,
        "The server has no time limit.",
    )
    assert call("POST", "bob", "alice").status_code == 404, "a token of another user's server"
    url = f"{hub.url}/hub/api/users/bob/server/lifetime"
    assert httpx.post(url, trust_env=False, timeout=60).status_code == 403
    hub.stop_server("bob")
    assert hub.api("POST", "users/bob/server/lifetime", ok=False)["status"] == 404


def test_a_hook_has_the_last_word_on_what_is_submitted(hub: Hub, hadoop: MiniHadoop):
    config = (
        "import dataclasses\n"
        "async def hook(spawner, spec):\n"
        "    return dataclasses.replace(spec, name='hooked-' + spec.user, memory_mb=512)\n"
        "c.YarnSpawner.modify_spec_hook = hook\n"
    )
    seen = application(hadoop, hub.start_server("alice", config=config))
    assert (seen["name"], seen["allocatedMB"]) == ("hooked-alice", 512)


def test_the_server_listens_in_the_ports_that_are_allowed(hub: Hub):
    hub.start_server("alice", config="c.YarnSpawner.port_range = (31000, 31100)\n")
    url = hub.environment_of("alice")["JUPYTERHUB_SERVICE_URL"]
    port = int(url.split(":")[2].partition("/")[0])
    assert 31000 <= port <= 31100


def test_a_node_is_reached_where_the_host_map_says(hub: Hub):
    hosts = {"localhost": "127.0.0.2", "127.0.0.2": "127.0.0.2"}
    hub.start_server("alice", config=f"c.YarnSpawner.host_map = {hosts!r}\n")
    assert hub.get("/user/alice/api").is_success
    routes = re.findall("/user/alice/ => (http://[^:]*)", hub.log())
    assert set(routes) == {"http://127.0.0.2"}


def test_a_node_that_can_not_be_reached_is_told_as_such(hub: Hub, hadoop: MiniHadoop):
    config = (
        "c.YarnSpawner.host_map = lambda node: '127.9.9.9'\n"
        "c.YarnSpawner.ip = '127.0.0.1'\n"
        "c.Spawner.http_timeout = 5\n"
    )
    assert "host_map" in hub.refuse_server("alice", config)
    assert running_applications(hadoop) == []


def test_localized_files_and_a_prologue_work_as_in_the_retired_spawner(
    hub: Hub, hdfs: FileSystem, tmp_path: Path
):
    hdfs.mkdirs("/apps/files", 0o755)
    with open_anew(hdfs, "/apps/files/greeting.txt") as file:
        file.write(b"from HDFS")
    small = tmp_path / "small.txt"
    small.write_text("from the edge node")
    files = {
        "greeting.txt": {"source": "hdfs:///apps/files/greeting.txt", "visibility": "public"},
        "small.txt": str(small),
    }
    prologue = 'export GREETING="$(cat greeting.txt)" SMALL="$(cat small.txt)"'
    hub.start_server(
        "alice",
        config=f"c.YarnSpawner.localize_files = {files!r}\nc.YarnSpawner.prologue = {prologue!r}\n",
    )
    environment = hub.environment_of("alice")
    assert environment["GREETING"] == "from HDFS"
    assert environment["SMALL"] == "from the edge node"


def test_a_public_file_that_not_everybody_may_read_is_refused_before_the_submit(
    hub: Hub, hdfs: FileSystem
):
    hdfs.mkdirs("/apps/files", 0o755)
    with open_anew(hdfs, "/apps/files/secret.txt", 0o600) as file:
        file.write(b"secret")
    files = {"secret.txt": {"source": "hdfs:///apps/files/secret.txt", "visibility": "public"}}
    config = f"c.YarnSpawner.localize_files = {files!r}\n"
    assert "hdfs dfs -chmod o+r" in hub.refuse_server("alice", config)


def test_an_epilogue_runs_after_a_server_that_ends_by_itself(
    hub: Hub, tmp_path: Path, wait_until: Callable[..., Any]
):
    ended = tmp_path / "ended"
    hub.start_server("alice", config=f"c.YarnSpawner.epilogue = 'touch {ended}'\n")
    hub.get("/user/alice/end")
    wait_until(ended.exists, 30, "the epilogue")


def test_who_has_no_home_is_told_what_an_administrator_runs(hub: Hub, hdfs: FileSystem):
    config = "c.YarnSpawner.contents_manager = 'hdfs_contents.HDFSContentsManager'\n"
    hdfs.rename("/user/bob", "/user/bob-away")
    try:
        message = hub.refuse_server("bob", config)
        assert "hdfs dfs -mkdir -p /user/bob && hdfs dfs -chown bob /user/bob" in message
    finally:
        hdfs.rename("/user/bob-away", "/user/bob")


def test_no_server_is_started_for_a_superuser(hub: Hub, hadoop: MiniHadoop):
    for name in ("hdfs", "root", "yarn", "jupyterhub"):
        assert "starts no server for" in hub.refuse_server(name)
    assert running_applications(hadoop) == []


def test_who_has_another_name_in_hadoop_acts_there_by_that_one(hub: Hub, hadoop: MiniHadoop):
    config = "c.YarnSpawner.hadoop_name_hook = lambda name: name.removesuffix('@example.com')\n"
    seen = application(hadoop, hub.start_server("alice@example.com", config=config))
    # By which `yarnhub apps` and `yarnhub stop` tell whose a server is, and which of theirs.
    assert (seen["user"], seen["name"]) == ("alice", "jupyterhub-alice")
    environment = hub.environment_of("alice@example.com")
    assert environment["HADOOP_USER_NAME"] == "alice"
    assert environment["JUPYTERHUB_USER"] == "alice@example.com"
    hub.stop_server("alice@example.com")
    assert "starts no server for hdfs" in hub.refuse_server("hdfs@example.com", config)


def test_refused_options_do_not_stick(make_hub: Any):
    hub = make_hub(
        "def apply(spawner, options):\n"
        "    spawner.queue = options.get('queue', 'default')\n"
        "c.YarnSpawner.apply_user_options = apply\n"
    )
    refused = hub.request_server("alice", options={"queue": "nope"})
    assert "nope" in refused[-1]["message"]
    hub.start_server("alice")


def test_the_figures_are_in_the_hubs_own_metrics(make_hub: Any):
    hub = make_hub(
        "c.JupyterHub.authenticate_prometheus = False\nc.YarnSpawner.forbidden_users = {'eve'}\n"
    )
    hub.start_server("alice")
    hub.refuse_server("eve")
    lines = hub.get("/hub/metrics").text.splitlines()
    figures = dict(line.rsplit(" ", 1) for line in lines if line.startswith("yarnspawner"))
    assert float(figures["yarnspawner_submits_total"]) == 1
    assert float(figures['yarnspawner_start_failures_total{reason="impersonation"}']) == 1
    assert float(figures['yarnspawner_state_seconds_count{state="ACCEPTED"}']) == 1
    assert float(figures["yarnspawner_snapshot_age_seconds"]) < 60
    assert any("rm_call_seconds_count" in name and "submit" in name for name in figures)


def test_cmd_may_be_any_program(hub: Hub, tmp_path: Path):
    wrapper = tmp_path / "start.sh"
    wrapper.write_text(f'#!/bin/sh\nexport WRAPPED=yes\nexec {LIGHT_SERVER} "$@"\n')
    wrapper.chmod(0o755)
    hub.start_server("alice", config=f"c.YarnSpawner.cmd = [{str(wrapper)!r}]\n")
    assert hub.environment_of("alice")["WRAPPED"] == "yes"


def test_nothing_of_the_launch_is_in_the_hubs_debug_log_but_what_it_is_for(hub: Hub):
    hub.start_server("alice")
    token = hub.environment_of("alice")["JUPYTERHUB_API_TOKEN"]
    log = hub.log()
    assert token not in log
    calls = [json.loads(line[line.index("{") :]) for line in log.splitlines() if '"method"' in line]
    assert {"submitApplication", "getApplications"} <= {call["method"] for call in calls}
