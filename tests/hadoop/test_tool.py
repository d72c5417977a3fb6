"""The edge-node tool on a real cluster."""

from __future__ import annotations

import contextlib
import json
import os
import re
import signal
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from hadoop_client.hdfs.filesystem import open_filesystem
from tests.containers import processes_of
from tests.hadoop.administration import reconfigure
from tests.hadoop.env_tools import on_a_terminal
from yarnhub.minihadoop import MiniHadoop
from yarnhub.minihadoop.settings import HUB_USER, PEOPLE


def yarnhub(
    hadoop: MiniHadoop, *arguments: str, user: str = HUB_USER
) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "yarnhub", *arguments],
        env={**os.environ, **hadoop.env(), "HADOOP_USER_NAME": user, "COLUMNS": "200"},
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        timeout=300,
    )


def verdicts(done: subprocess.CompletedProcess[str]) -> dict[str, set[str]]:
    found: list[dict[str, Any]] = json.loads(done.stdout)
    return {
        each["group"]: {one["verdict"] for one in found if one["group"] == each["group"]}
        for each in found
    }


def test_nothing_fails_on_an_edge_node_that_is_in_order(hadoop):
    groups = ("rm", "queues", "proxyuser", "hdfs", "homes", "clocks")
    done = yarnhub(hadoop, "check", *groups, "--user", "alice", "--json")
    assert done.returncode == 0, done.stdout + done.stderr
    assert verdicts(done) == {group: {"ok"} for group in groups}


def test_a_hub_that_may_not_impersonate_is_shown_hadoops_denial(hadoop):
    done = yarnhub(hadoop, "check", "proxyuser", "--user", "alice", user="bob")
    assert done.returncode == 1
    assert "bob is not allowed to impersonate alice" in done.stdout
    assert "hadoop.proxyuser.bob.hosts" in done.stdout


def test_somebody_without_a_home_is_found(hadoop):
    done = yarnhub(hadoop, "check", "homes", "--user", "nobody")
    assert done.returncode == 1
    assert "hdfs dfs -mkdir -p /user/nobody" in done.stdout


def test_a_queue_that_is_not_there_is_told_with_those_that_are(hadoop, tmp_path):
    config = tmp_path / "jupyterhub_config.py"
    config.write_text('c = get_config()\nc.YarnSpawner.queue = "absent"\n')
    done = yarnhub(hadoop, "check", "queues", "--config", str(config), "--user", "alice")
    assert done.returncode == 1
    assert "There is no queue absent" in done.stdout
    assert "default" in done.stdout


def test_an_environment_that_is_not_published_is_found(hadoop, tmp_path):
    config = tmp_path / "jupyterhub_config.py"
    config.write_text('c = get_config()\nc.YarnSpawner.python_env = "absent"\n')
    done = yarnhub(hadoop, "check", "environments", "--config", str(config), "--json")
    assert done.returncode == 1
    assert verdicts(done) == {"environments": {"failed"}}


def test_profiles_that_can_never_start_are_found(hadoop, tmp_path):
    config = tmp_path / "jupyterhub_config.py"
    config.write_text(
        "c = get_config()\n"
        "c.YarnSpawner.profiles = [\n"
        '    {"name": "small", "memory": "256M", "cores": 1},\n'
        '    {"name": "huge", "memory": "4T", "gpus": 1},\n'
        '    {"name": "ml", "memory": "256M", "environment": "absent", "queue": "absent"},\n'
        "]\n"
    )
    done = yarnhub(hadoop, "check", "profiles", "--config", str(config), "--user", "alice")
    assert done.returncode == 1
    assert "The profile huge can never start. 4T of memory is more than" in done.stdout
    assert "Set memory to at most " in done.stdout
    assert "This cluster has no GPUs." in done.stdout
    assert "The profile ml can never start. There is no queue absent" in done.stdout
    assert "There is no environment 'absent'" in done.stdout
    assert "small" not in done.stdout

    config.write_text('c = get_config()\nc.YarnSpawner.mem_limit = "256M"\n')
    done = yarnhub(hadoop, "check", "profiles", "--config", str(config), "--json")
    assert verdicts(done) == {"profiles": {"ok"}}


def test_ones_own_folder_can_be_used_and_is_left_as_it_was(hadoop, monkeypatch):
    for name, value in {**hadoop.env(), "HADOOP_USER_NAME": "alice"}.items():
        monkeypatch.setenv(name, value)
    before = open_filesystem().list_dir("/user/alice")
    done = yarnhub(hadoop, "check", "contents", "/user/alice", "--json", user="alice")
    assert done.returncode == 0, done.stdout + done.stderr
    assert verdicts(done) == {"contents": {"ok"}}
    whys = " ".join(each["why"] for each in json.loads(done.stdout))
    assert "go to the trash" in whys
    trash = "/user/alice/.Trash"
    after = [each for each in open_filesystem().list_dir("/user/alice") if each.path != trash]
    assert after == [each for each in before if each.path != trash]


def test_somebody_elses_folder_is_refused_in_a_sentence(hadoop):
    done = yarnhub(hadoop, "check", "contents", "/user/alice", user="bob")
    assert done.returncode == 1
    assert "/user/alice" in done.stdout
    assert "Traceback" not in done.stderr


def test_a_server_is_listed_and_can_be_stopped_by_its_users_name(hadoop, hub, wait_until):
    application_id = hub.start_server("alice")
    (server,) = json.loads(yarnhub(hadoop, "apps", "--json").stdout)
    assert (server["user"], server["server"]) == ("alice", "")
    assert (server["state"], server["application_id"]) == ("RUNNING", application_id)
    assert server["node"]
    assert server["memory_mb"] >= 256
    assert application_id in yarnhub(hadoop, "apps").stdout
    assert json.loads(yarnhub(hadoop, "status", "--json").stdout)["servers"] == {"running": 1}

    assert yarnhub(hadoop, "stop", "alice").returncode == 2
    assert yarnhub(hadoop, "stop", "bob", "--yes").returncode == 4
    done = yarnhub(hadoop, "stop", "alice", "--yes")
    assert done.returncode == 0, done.stderr
    assert json.loads(yarnhub(hadoop, "apps", "--json").stdout) == []
    wait_until(
        lambda: not hub.api("GET", "users/alice")["servers"], 30, "the hub sees that it has ended"
    )


@pytest.mark.heavy
def test_the_memory_in_use_is_that_of_the_containers_processes(hadoop, hub, wait_until):
    """A server reports it with a heartbeat to YARN, every 30 seconds."""
    application_id = hub.start_server("alice")

    def used_mb():
        return hub.api("GET", "users/alice/server/yarn")["server"]["memory_used_mb"]

    reported = wait_until(used_mb, 120, "a report of the memory in use")
    measured = sum(resident_mb(process) for process in processes_of(application_id))
    assert measured / 1.5 < reported < measured * 1.5
    (server,) = json.loads(yarnhub(hadoop, "apps", "--json").stdout)
    assert measured / 1.5 < server["used_mb"] < measured * 1.5
    seen = json.loads(yarnhub(hadoop, "status", "--json").stdout)
    assert seen["servers_used_mb"] > 0
    assert seen["servers_granted_mb"] >= 256


def resident_mb(process):
    """Return the resident memory of a process."""
    with contextlib.suppress(OSError):  # it has ended
        for line in Path(f"/proc/{process}/status").read_text().splitlines():
            if line.startswith("VmRSS:"):
                return int(line.split()[1]) / 1024
    return 0


def test_the_list_follows_what_happens_until_ctrl_c(hadoop, hub, wait_until):
    reader, writer = os.openpty()  # as on a terminal
    watching = subprocess.Popen(
        [sys.executable, "-m", "yarnhub", "apps", "--watch"],
        env={**os.environ, **hadoop.env(), "HADOOP_USER_NAME": HUB_USER, "COLUMNS": "200"},
        stdin=subprocess.DEVNULL,
        stdout=writer,
        stderr=subprocess.PIPE,
    )
    os.close(writer)
    os.set_blocking(reader, False)
    shown = bytearray()

    def has_shown(text: str) -> bool:
        with contextlib.suppress(BlockingIOError, OSError):
            shown.extend(os.read(reader, 65536))
        return text.encode() in shown

    try:
        wait_until(lambda: has_shown("USER/SERVER"), 30, "the list")
        application_id = hub.start_server("alice")
        wait_until(lambda: has_shown(application_id), 30, "the server in the list")
        watching.send_signal(signal.SIGINT)
        assert watching.wait(60) == 130
        assert b"Traceback" not in watching.communicate()[1]
    finally:
        watching.kill()
        watching.wait()
        os.close(reader)


def test_what_a_running_server_writes_and_the_last_words_of_one_that_ended(hadoop, hub, wait_until):
    assert yarnhub(hadoop, "logs", "alice/never-was").returncode == 4
    application_id = hub.start_server("alice")

    def written() -> str:
        running = yarnhub(hadoop, "logs", "alice")
        assert running.returncode == 0, running.stderr
        told = "[yarnhub] registered: the server listens on port" in running.stdout
        return running.stdout if told else ""

    # It is written when YARN, and so the hub, knows already.
    assert "LogType" not in wait_until(written, 60, "what the server writes when it is registered")
    assert len(yarnhub(hadoop, "logs", "alice", "-n", "1").stdout.splitlines()) == 1
    following = subprocess.Popen(
        [sys.executable, "-m", "yarnhub", "logs", "-f", "alice"],
        env={**os.environ, **hadoop.env(), "HADOOP_USER_NAME": HUB_USER},
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    assert following.stdout is not None
    first = following.stdout.readline()
    hub.stop_server("alice")
    output, told = following.communicate(timeout=120)
    assert following.returncode == 0, told
    assert "registered: the server listens on port" in first + output
    assert "The server has ended. Application application_" in told
    ended = yarnhub(hadoop, "logs", "alice")
    assert ended.returncode == 0, ended.stderr
    assert f"last output of {application_id}" in ended.stderr
    assert f"yarn logs -applicationId {application_id} -appOwner alice" in ended.stderr


def test_a_configuration_is_written_that_passes_its_check_and_starts_a_server(
    hadoop, make_hub, tmp_path, wait_until
):
    file, unit = tmp_path / "written.py", tmp_path / "jupyterhub.service"
    arguments = ["config", "-o", str(file), "--hub-host", "127.0.0.1", "--env", sys.prefix]
    done = yarnhub(hadoop, *arguments, "--users", "alice", "--unit", str(unit))
    assert done.returncode == 0, done.stdout + done.stderr
    assert "alice may submit to the queue default" in done.stdout
    assert f"-f {file}" in unit.read_text()
    hub = make_hub(file.read_text())
    hub.start_server("alice")
    culls = re.compile(r" (\d+) GET /hub/api/users\S* \(idle-culler@")
    wait_until(lambda: culls.search(hub.log()), 60, "the idle culler to look for servers")
    assert {found[1] for found in culls.finditer(hub.log())} == {"200"}

    again = yarnhub(hadoop, *arguments)
    assert again.returncode == 5
    assert "--force" in again.stderr


def test_what_is_not_given_is_asked_for_on_a_terminal(hadoop, tmp_path):
    file = tmp_path / "jupyterhub_config.py"
    arguments = ("config", "-o", file, "--env", sys.prefix, "--users", "alice")
    shown = on_a_terminal(hadoop, *arguments, keys="127.0.0.1\nresearch\n")
    assert "The cluster has: default, research" in shown
    assert 'c.YarnSpawner.queue = "research"' in file.read_text()
    assert 'c.JupyterHub.hub_connect_ip = "127.0.0.1"' in file.read_text()


@pytest.fixture
def hub_at(ports: list[int], tmp_path: Path) -> Callable[[str], str]:
    """`hub_at(host)`: a configuration of a hub that servers call there, in an environment that all
    nodes have; returns its path."""
    config = tmp_path / "jupyterhub_config.py"

    def make(host: str) -> str:
        config.write_text(
            "c = get_config()\n"
            f"c.JupyterHub.hub_connect_ip = {host!r}\n"
            f"c.JupyterHub.hub_port = {ports[0]}\n"
            f"c.YarnSpawner.python_env = {sys.prefix!r}\n"
            "c.YarnSpawner.launcher = 'skein'\n"
        )
        return str(config)

    return make


def test_a_container_calls_the_hub_though_that_does_not_run_yet(hadoop, hub_at):
    config = hub_at("127.0.0.1")
    done = yarnhub(hadoop, "check", "callback", "--config", config, "--json")
    assert done.returncode == 0, done.stdout + done.stderr
    assert verdicts(done) == {"callback": {"ok"}}


def test_a_hub_that_containers_can_not_reach_is_found(hadoop, hub_at):
    config = hub_at("::1")  # where nobody listens
    done = yarnhub(hadoop, "check", "callback", "--config", config)
    assert done.returncode == 1
    assert "A container cannot reach the hub at [::1]:" in done.stdout
    assert "Connection refused" in done.stdout
    assert "Set c.JupyterHub.hub_ip" in done.stdout


def test_a_container_mounts_where_its_node_allows_it(hadoop, hub_at):
    done = yarnhub(hadoop, "check", "mount", "--config", hub_at("127.0.0.1"), "--json")
    assert done.returncode == 0, done.stdout + done.stderr
    allowed = os.access("/dev/fuse", os.R_OK | os.W_OK)
    assert verdicts(done) == {"mount": {"ok" if allowed else "warning"}}, done.stdout


@pytest.mark.heavy
def test_probes_need_the_right_to_the_queue_for_the_hubs_own_user(hub_at):
    queues = "yarn.scheduler.capacity.root"
    rights = {
        f"{queues}.{each}": " " for each in ("acl_submit_applications", "acl_administer_queue")
    }
    submit = f"{queues}.default.acl_submit_applications"
    check = ("check", "queues", "callback", "-f", hub_at("127.0.0.1"), "--user", "alice")
    with MiniHadoop(yarn={"yarn.acl.enable": "true"}) as cluster:
        reconfigure(
            cluster, "capacity-scheduler.xml", {**rights, submit: f" {PEOPLE}"}, "-refreshQueues"
        )
        done = yarnhub(cluster, *check, "--json")
        assert "alice may submit to the queue default" in done.stdout
        assert f"{HUB_USER} may not submit to queue default" in done.stdout
        assert "submitted as the hub's own user" in done.stdout
        allowed = {submit: f"{HUB_USER} {PEOPLE}"}
        reconfigure(cluster, "capacity-scheduler.xml", allowed, "-refreshQueues")
        done = yarnhub(cluster, *check, "--json")
    assert verdicts(done) == {"queues": {"ok"}, "callback": {"ok"}}, done.stdout


def test_java_is_looked_for_only_where_the_launcher_needs_it(hadoop, hub_at):
    assert verdicts(yarnhub(hadoop, "check", "java", "--json")) == {"java": {"skipped"}}
    config = hub_at("127.0.0.1")
    done = yarnhub(hadoop, "check", "java", "--config", config, "--json")
    assert verdicts(done) == {"java": {"ok"}}, done.stdout
