"""The embedded Hadoop as its users see it: the context manager, the command, and their ends."""

from __future__ import annotations

import os
import signal
import socket
import stat
import subprocess
import sys
import tarfile
import urllib.parse
import zipfile
from pathlib import Path

import psutil
import pytest

from tests.hadoop.yarn_rest import end_application
from yarnhub.minihadoop import MiniHadoop
from yarnhub.minihadoop.class_archive import archive_file
from yarnhub.minihadoop.ports import held_ports
from yarnhub.minihadoop.processes import containers, daemons, is_running, wait_end
from yarnhub.minihadoop.rest import get_json
from yarnhub.minihadoop.state import load

ROOT = Path(__file__).parents[2]
SMALL = ["--datanodes", "1", "--memory-mb", "1024", "--allow-root"]

# Prints where its cluster is, and then waits to be killed.
OWNER = """
import sys
from yarnhub.minihadoop import MiniHadoop
from yarnhub.minihadoop.class_archive import archive_file
with MiniHadoop(datanodes=1, memory_mb=1024) as hadoop:
    print(hadoop.state.folder, flush=True)
    sys.stdin.read()
"""


def yarnhub(*arguments: str, timeout: float = 400) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "yarnhub", *arguments],
        cwd=ROOT,
        capture_output=True,
        text=True,
        timeout=timeout,
    )


def webhdfs(hadoop, path: str, operation: str, **query: str):
    query |= {"op": operation}
    url = f"{hadoop.namenode_url}/webhdfs/v1{path}?{urllib.parse.urlencode(query)}"
    return get_json(url, timeout=60)


def application(hadoop, name: str) -> dict:
    url = f"{hadoop.resourcemanager_url}/ws/v1/cluster/apps/{name}"
    return get_json(url, timeout=60).get("app", {})


def test_a_cluster_has_the_nodes_and_queues_that_were_asked_for(hadoop):
    cluster = f"{hadoop.resourcemanager_url}/ws/v1/cluster"
    nodes = get_json(f"{cluster}/nodes", timeout=60)["nodes"]["node"]
    assert [node["state"] for node in nodes] == ["RUNNING", "RUNNING"]
    assert len({node["nodeHostName"] for node in nodes}) == 2
    scheduler = get_json(f"{cluster}/scheduler", timeout=60)
    queues = scheduler["scheduler"]["schedulerInfo"]["queues"]["queue"]
    assert {queue["queueName"] for queue in queues} == {"default", "research"}
    assert {daemon.name for daemon in hadoop.daemons} == set(hadoop.logs)


@pytest.mark.parametrize(
    ("path", "owner", "mode"),
    [
        ("/user/alice", "alice", "700"),
        ("/user/bob", "bob", "700"),
        ("/user/jupyterhub", "jupyterhub", "700"),
        ("/apps/yarnhub/envs", "jupyterhub", "755"),
        ("/tmp", None, "1777"),
    ],
)
def test_a_new_hdfs_has_homes_that_belong_to_their_users(hadoop, path, owner, mode):
    status = webhdfs(hadoop, path, "GETFILESTATUS")["FileStatus"]
    assert status["permission"] == mode
    assert owner in (None, status["owner"])


@pytest.mark.parametrize(
    ("user", "act_for", "allowed"),
    [
        ("jupyterhub", "alice", True),
        ("jupyterhub", "mallory", False),
        ("jupyterhub", "hdfs", False),
        ("bob", "alice", False),
    ],
)
def test_the_hub_may_act_for_people_and_nobody_else_may(hadoop, user, act_for, allowed):
    query = {"user.name": user, "doas": act_for}
    answer = webhdfs(hadoop, "/user/alice", "GETFILESTATUS", **query)
    assert ("FileStatus" in answer) is allowed


def test_a_user_can_not_look_into_the_home_of_another(hadoop):
    assert webhdfs(hadoop, "/user/alice", "LISTSTATUS", **{"user.name": "alice"})
    assert not webhdfs(hadoop, "/user/alice", "LISTSTATUS", **{"user.name": "bob"})


def test_modes_of_local_files_are_set_and_a_missing_file_is_reported(hadoop, tmp_path):
    def chmod(mode: str, file: Path) -> subprocess.CompletedProcess[str]:
        ours = "-Dfs.file.impl=yarnhub.minihadoop.NioLocalFileSystem"
        command = ["hdfs", "dfs", ours, "-chmod", mode, file.as_uri()]
        return subprocess.run(command, env=hadoop.env(), capture_output=True, text=True)

    file = tmp_path / "file"
    file.touch()
    assert chmod("1751", file).returncode == 0
    assert stat.S_IMODE(file.stat().st_mode) == 0o1751
    missing = chmod("600", tmp_path / "missing")
    assert missing.returncode == 1
    assert "No such file" in missing.stderr


def test_an_unpacked_archive_is_its_users_alone(hadoop, submit, wait_until, tmp_path):
    (tmp_path / "script").write_text("echo hello\n")
    with tarfile.open(tmp_path / "archive.tar.gz", "w:gz") as archive:
        archive.add(tmp_path / "script", "folder/script")
    put = ["hdfs", "dfs", "-put", str(tmp_path / "archive.tar.gz"), "/tmp"]
    subprocess.run(put, env=hadoop.env(), check=True)
    status = webhdfs(hadoop, "/tmp/archive.tar.gz", "GETFILESTATUS")["FileStatus"]
    resource = {
        "resource": f"{hadoop.default_fs}/tmp/archive.tar.gz",
        "type": "ARCHIVE",
        "visibility": "PRIVATE",
        "size": status["length"],
        "timestamp": status["modificationTime"],
    }
    seen = tmp_path / "seen"
    command = f"stat -c %a env/folder/script > {seen}.new; mv {seen}.new {seen}"
    submit(hadoop.resourcemanager_url, command, resources={"env": resource})
    wait_until(seen.exists, 30, "the container has run")
    assert seen.read_text().strip() == "500"


def test_a_container_sees_the_configuration_of_clients(hadoop, submit, wait_until, tmp_path):
    seen = tmp_path / "seen"
    submit(hadoop.resourcemanager_url, f"echo $HADOOP_CONF_DIR > {seen}.new; mv {seen}.new {seen}")
    wait_until(seen.exists, 30, "the container has run")
    assert seen.read_text().strip() == str(hadoop.conf_dir)


def test_a_restarted_resourcemanager_keeps_applications_and_their_containers(
    hadoop, submit, wait_until
):
    name = submit(hadoop.resourcemanager_url, "exec sleep 1000")
    before = wait_until(lambda: sleepers_of(hadoop, name), 30, "the container runs")
    hadoop.resourcemanager.kill()
    assert not hadoop.resourcemanager.is_running
    hadoop.resourcemanager.start()
    hadoop.wait_ready()
    wait_until(lambda: application(hadoop, name).get("state") == "ACCEPTED", 30, "it is recovered")
    assert all(is_running(process) for process in before)

    end_application(hadoop, name)
    for process in before:
        assert wait_end(process, 90)


def sleepers_of(hadoop, name: str) -> list[psutil.Process]:
    """What an application's container runs; not what prepares that, and ends by itself."""
    return [
        process
        for process in containers(hadoop.state.folder)
        if name in look_at(process.pid, "environ")
        and look_at(process.pid, "cmdline").startswith("sleep\0")
    ]


def look_at(pid: int, what: str) -> str:
    try:
        return Path(f"/proc/{pid}/{what}").read_text()
    except OSError:  # it has ended since
        return ""


def test_a_suspended_daemon_accepts_connections_and_answers_when_it_is_resumed(hadoop):
    url = f"{hadoop.resourcemanager_url}/ws/v1/cluster/info"
    hadoop.resourcemanager.suspend()
    try:
        socket.create_connection(
            (urllib.parse.urlsplit(url).hostname, urllib.parse.urlsplit(url).port), timeout=60
        ).close()
        assert get_json(url, timeout=0.5) == {}
    finally:
        hadoop.resourcemanager.resume()
    assert get_json(url, timeout=120)["clusterInfo"]["state"] == "STARTED"


def test_a_datanode_that_was_killed_serves_again_after_a_start(hadoop):
    hadoop.datanodes[0].kill()
    hadoop.datanodes[0].start()
    hadoop.datanodes[0].wait_ready()
    assert hadoop.datanodes[0].is_running


def test_the_archive_of_classes_fits_the_class_path_of_daemons(hadoop, wait_until):
    built = hadoop.state.distribution
    archive = archive_file(built)
    wait_until(archive.exists, 200, "the archive of classes, which the first start makes")
    command = [built.java, "-Xshare:on", f"-XX:SharedArchiveFile={archive}"]
    # With `on` Java ends if the archive does not fit; daemons start without it.
    path = ["-cp", built.classpath(hadoop.conf_dir / "namenode")]
    done = subprocess.run(
        [*command, *path, "org.apache.hadoop.util.VersionInfo"], capture_output=True, text=True
    )
    assert done.returncode == 0, done.stdout + done.stderr


def test_no_jar_has_a_file_that_would_replace_the_clusters_configuration(hadoop):
    names = {file.name for file in hadoop.conf_dir.iterdir() if file.is_file()}
    assert "core-site.xml" in names
    for jar in (hadoop.state.distribution.home / "lib").glob("*.jar"):
        with zipfile.ZipFile(jar) as opened:
            assert names.isdisjoint(opened.namelist()), jar.name


def test_the_command_starts_shows_and_ends_a_cluster(tmp_path, submit, wait_until):
    folder = tmp_path / "state"
    where = ["--state-dir", str(folder)]
    up = yarnhub("minihadoop", "up", *where, *SMALL, "--user", "carol")
    try:
        assert up.returncode == 0, up.stderr
        state = load(folder)
        assert state.resourcemanager_url in up.stdout
        shown = yarnhub("minihadoop", "status", *where)
        assert shown.returncode == 0, shown.stderr
        assert "resourcemanager" in shown.stdout

        exports = yarnhub("minihadoop", "env", *where).stdout
        script = f"{exports}\nhdfs dfs -test -d /user/carol && yarn node -list"
        client = subprocess.run(["sh", "-c", script], capture_output=True, text=True)
        assert client.returncode == 0, client.stderr
        assert "Total Nodes:1" in client.stdout

        again = yarnhub("minihadoop", "up", *where, *SMALL)
        assert again.returncode == 5
        assert "already running" in again.stderr

        submit(state.resourcemanager_url, "sleep 1000", user="carol")
        inside = wait_until(lambda: containers(folder), 30, "the container runs")
        running = daemons(folder)
        # Whoever merely uses the cluster is left alone.
        shell = subprocess.Popen(["sleep", "1000"], env={**os.environ, **state.variables()})
        try:
            down = yarnhub("minihadoop", "down", *where)
            assert down.returncode == 0, down.stderr
            assert shell.poll() is None
        finally:
            shell.kill()
            shell.wait()
        assert not any(is_running(process) for process in [*inside, *running.values()])
        assert sorted(entry.name for entry in folder.iterdir()) == ["lock", "logs"]
        assert yarnhub("minihadoop", "status", *where).returncode == 1
        assert yarnhub("minihadoop", "env", *where).returncode == 1
    finally:
        yarnhub("minihadoop", "down", *where)


@pytest.mark.heavy
def test_files_are_found_again_in_a_named_state_folder(tmp_path):
    folder = tmp_path / "state"
    (tmp_path / "note").write_text("remember")

    def hdfs(*arguments: str) -> str:
        with MiniHadoop(datanodes=1, memory_mb=1024, state_dir=folder) as own:
            command = ["hdfs", "dfs", *arguments]
            return subprocess.run(
                command, env=own.env(), capture_output=True, text=True, check=True
            ).stdout

    hdfs("-put", str(tmp_path / "note"), "/user/alice/note")
    assert daemons(folder) == {}
    assert hdfs("-cat", "/user/alice/note") == "remember"


def test_a_killed_owner_leaves_no_process_and_no_folder(submit, wait_until):
    owner = subprocess.Popen(
        [sys.executable, "-c", OWNER],
        cwd=ROOT,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    )
    try:
        folder = Path(owner.stdout.readline().strip())
        submit(load(folder).resourcemanager_url, "sleep 1000 & exec sleep 1000")
        wait_until(lambda: len(containers(folder)) > 1, 30, "the container and its child run")
        everything = [*containers(folder), *daemons(folder).values()]
    finally:
        owner.kill()
        owner.communicate()
    for process in everything:
        assert wait_end(process, 90), process
    wait_until(lambda: not folder.exists(), 30, "the temporary folder is gone")


def test_an_interrupted_start_leaves_nothing(tmp_path, wait_until):
    folder = tmp_path / "state"
    up_here = ["minihadoop", "up", "--allow-root", "--state-dir", str(folder)]
    command = [sys.executable, "-m", "yarnhub", *up_here]
    up = subprocess.Popen(command, cwd=ROOT, stderr=subprocess.PIPE, text=True)
    started = wait_until(lambda: daemons(folder), 120, "a daemon has been started")
    up.send_signal(signal.SIGINT)
    _, errors = up.communicate(timeout=180)
    assert up.returncode == 130
    assert "Interrupted." in errors
    assert "Traceback" not in errors
    assert not any(is_running(process) for process in started.values())
    assert daemons(folder) == {}


def test_a_port_that_is_taken_is_named(tmp_path):
    with held_ports(4) as ports, socket.create_server(("127.0.0.1", ports[3])):
        where = ["--allow-root", "--state-dir", str(tmp_path)]
        up = yarnhub("minihadoop", "up", *where, "--port", str(ports[0]))
    assert up.returncode == 5
    assert f"Port {ports[3]} on 127.0.0.1 is taken" in up.stderr
    assert "Traceback" not in up.stderr
    assert daemons(tmp_path) == {}
