"""A session in HDFS: what a person had in one server, on the next one with an empty home."""

from __future__ import annotations

import io
import json
import os
import signal
import sqlite3
import subprocess
import sys
import tarfile
import uuid
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx
import pytest
from jupyter_client import BlockingKernelClient

from hadoop_client.hdfs.filesystem import FileSystem
from tests.unit.hdfs_contents.manager.models import notebook
from yarnhub.minihadoop import MiniHadoop

SETTING = "lab/api/settings/@jupyterlab/apputils-extension:themes"
WORKSPACE = "lab/api/workspaces/mine"
TOKEN = "secret"
HDFS_CONTENTS = "hdfs_contents.HDFSContentsManager"
LOCAL_CONTENTS = "jupyter_server.services.contents.largefilemanager.AsyncLargeFileManager"


@dataclass
class Server:
    """A notebook server of alice's in a process of its own, with a home of its own."""

    process: subprocess.Popen[bytes]
    home: Path
    http: httpx.Client

    def end(self, how: signal.Signals) -> None:
        self.process.send_signal(how)
        self.process.wait(60)

    def log(self, words: str) -> list[str]:
        """The lines with these words in them."""
        return [line for line in (self.home / "log").read_text().splitlines() if words in line]

    @contextmanager
    def kernel(self) -> Iterator[BlockingKernelClient]:
        kernel = self.http.post("api/kernels", json={}).json()["id"]
        (connection,) = self.home.rglob(f"kernel-{kernel}.json")
        client = BlockingKernelClient(connection_file=str(connection))
        client.load_connection_file()
        # Without the heartbeat, which takes a busy machine's kernel for a dead one.
        client.start_channels(iopub=False, stdin=False, hb=False)
        try:
            yield client
        finally:
            client.stop_channels()


@pytest.fixture
def session(fs: FileSystem) -> Iterator[str]:
    """An own directory in HDFS for the session, which is not there yet."""
    path = f"/user/alice/session-{uuid.uuid4().hex}"
    yield path
    if fs.exists(path):
        fs.delete(path, recursive=True)


@pytest.fixture
def start(
    hadoop: MiniHadoop, root: str, session: str, tmp_path: Path, wait_until: Callable[..., Any]
) -> Iterator[Callable[..., Server]]:
    """`start(option, …, contents=…, variable=value, …)`: a server, when it answers."""
    servers: list[Server] = []

    def make(*options: str, contents: str = HDFS_CONTENTS, **variables: str) -> Server:
        home = tmp_path / f"home-{len(servers)}"
        home.mkdir()
        command = [
            *(sys.executable, "-m", "jupyter_server", "--no-browser", "--allow-root"),
            f"--ServerApp.contents_manager_class={contents}",
            f"--HDFSContentsManager.root_dir={root}",
            "--ServerApp.jpserver_extensions=hdfs_contents.session.app=True",
            "--SessionState.enabled=True",
            f"--SessionState.directory_template={session}",
            f"--IdentityProvider.token={TOKEN}",
            f"--ServerApp.root_dir={home}",
            "--ServerApp.port=0",
            *options,
        ]
        clean = {name: value for name, value in os.environ.items() if "JUPYTER" not in name}
        own = {"HADOOP_USER_NAME": "alice", "HOME": str(home), **variables}
        with (home / "log").open("wb") as log:
            process = subprocess.Popen(
                command, env={**clean, **hadoop.env(), **own}, stdout=log, stderr=log
            )
        http = httpx.Client(
            headers={"Authorization": f"token {TOKEN}"}, timeout=60, trust_env=False
        )
        servers.append(server := Server(process, home, http))
        wait_until(lambda: process.poll() is not None or answers(server), 120, "it has started")
        assert process.poll() is None, (home / "log").read_text()
        return server

    yield make
    for server in servers:
        server.http.close()
        server.process.terminate()
        server.process.wait()


def answers(server: Server) -> bool:
    info = server.home / f".local/share/jupyter/runtime/jpserver-{server.process.pid}.json"
    with suppress(OSError, ValueError, httpx.TransportError):
        server.http.base_url = json.loads(info.read_text())["url"]
        return server.http.get("api").status_code == 200
    return False


def live(server: Server) -> None:
    """Do what a person does whom the next server shall know again."""
    theme = {"raw": '{"theme": "JupyterLab Dark"}'}
    assert server.http.put(SETTING, json=theme).status_code == 204
    workspace = {"data": {"cursor": 7}, "metadata": {"id": "mine"}}
    assert server.http.put(WORKSPACE, json=workspace).status_code == 204
    server.http.put("api/contents/a.ipynb", json=of_somebody_else())
    assert not trusts(server)
    assert server.http.post("api/contents/a.ipynb/trust").status_code == 201
    assert trusts(server)
    with server.kernel() as kernel:
        kernel.execute("6 * 7", reply=True, timeout=60)


def of_somebody_else() -> dict[str, Any]:
    """A notebook with an output that could act for the person, if they trusted it."""
    model = notebook("show()")
    html = {"text/html": ["<script>alert(1)</script>"]}
    model["content"]["cells"][0]["outputs"] = [
        {"output_type": "display_data", "data": html, "metadata": {}}
    ]
    return model


def trusts(server: Server) -> bool:
    answer = server.http.get("api/contents/a.ipynb").json()
    return bool(answer["content"]["cells"][0]["metadata"]["trusted"])


def settings_of(server: Server) -> dict[str, Any]:
    return server.http.get(SETTING).json()["settings"]


def assert_knows(server: Server) -> None:
    assert settings_of(server) == {"theme": "JupyterLab Dark"}
    assert server.http.get(WORKSPACE).json()["data"] == {"cursor": 7}
    assert trusts(server)
    with server.kernel() as kernel:
        history = kernel.history(hist_access_type="tail", n=5, reply=True, timeout=60)
    assert "6 * 7" in [line for _, _, line in history["content"]["history"]]


def kept_history(fs: FileSystem, session: str, scratch: Path) -> list[str]:
    """IPython's history as it is in HDFS."""
    if not fs.exists(f"{session}/default.tar.gz"):
        return []
    with fs.open_read(f"{session}/default.tar.gz") as file:
        archive = io.BytesIO(file.read())
    with tarfile.open(fileobj=archive) as tar:
        if "ipython/history.sqlite" not in tar.getnames():
            return []
        history = tar.extractfile("ipython/history.sqlite")
        assert history is not None
        scratch.write_bytes(history.read())
    # IPython makes the file first, and its tables one after the other.
    with (
        closing(sqlite3.connect(scratch)) as database,
        suppress(sqlite3.OperationalError),
    ):
        return [line for (line,) in database.execute("SELECT source FROM history")]
    return []


def local_history(server: Server) -> list[str]:
    path = server.home / ".ipython/profile_default/history.sqlite"
    with closing(sqlite3.connect(path)) as database:
        return [line for (line,) in database.execute("SELECT source FROM history")]


def test_a_session_outlives_a_server_that_is_killed_after_a_save(
    start: Callable[..., Server],
    fs: FileSystem,
    session: str,
    tmp_path: Path,
    wait_until: Callable[..., Any],
) -> None:
    one = start("--SessionState.save_interval=0.2")
    live(one)
    scratch = tmp_path / "history"
    wait_until(lambda: "6 * 7" in kept_history(fs, session, scratch), 60, "it was saved")
    one.end(signal.SIGKILL)
    assert_knows(start())
    assert fs.stat(f"{session}/default.tar.gz").mode == 0o600
    assert fs.stat(session).mode == 0o700


def test_what_has_changed_since_the_last_look_is_saved_at_the_servers_end(
    start: Callable[..., Server], wait_until: Callable[..., Any]
) -> None:
    one = start("--SessionState.save_interval=3600")
    live(one)
    wait_until(lambda: "6 * 7" in local_history(one), 60, "the kernel has written its history")
    one.end(signal.SIGTERM)
    assert_knows(start())


def test_without_the_switch_nothing_is_kept(
    start: Callable[..., Server], fs: FileSystem, session: str
) -> None:
    one = start("--SessionState.enabled=False")
    one.http.put(SETTING, json={"raw": '{"theme": "JupyterLab Dark"}'})
    one.end(signal.SIGTERM)
    assert not fs.exists(session)


def test_a_damaged_copy_is_set_aside_and_the_server_starts_fresh(
    start: Callable[..., Server], fs: FileSystem, session: str
) -> None:
    fs.mkdirs(session, 0o700)
    with fs.open_write(f"{session}/default.tar.gz", 0o600) as file:
        file.write(b"\x1f\x8b no archive")
    server = start()
    assert settings_of(server) == {}
    (aside,) = [status.name for status in fs.list_dir(session)]
    assert aside.startswith("default.tar.gz.damaged-")
    assert len(server.log(aside)) == 1
    assert not server.log("Traceback")


def test_a_full_quota_costs_one_line_and_what_was_not_saved_is_saved_later(
    start: Callable[..., Server],
    fs: FileSystem,
    session: str,
    hdfs: Callable[..., str],
    wait_until: Callable[..., Any],
) -> None:
    fs.mkdirs(session, 0o700)
    hdfs("dfsadmin", "-setSpaceQuota", "1", session)
    server = start("--SessionState.save_interval=0.2")
    server.http.put(SETTING, json={"raw": '{"theme": "JupyterLab Dark"}'})
    wait_until(lambda: server.log("could not be saved"), 60, "it could not be saved")
    assert settings_of(server) == {"theme": "JupyterLab Dark"}
    hdfs("dfsadmin", "-clrSpaceQuota", session)
    wait_until(lambda: server.log("session was saved"), 60, "it was saved")
    assert len(server.log("could not be saved")) == 1
    assert [status.name for status in fs.list_dir(session)] == ["default.tar.gz"]
    server.end(signal.SIGTERM)
    assert settings_of(start()) == {"theme": "JupyterLab Dark"}


def test_a_server_starts_where_hdfs_is_away_and_says_so_once(
    start: Callable[..., Server], tmp_path: Path
) -> None:
    (tmp_path / "core-site.xml").write_text(
        "<configuration><property><name>fs.defaultFS</name>"
        "<value>hdfs://127.0.0.1:9</value></property></configuration>"
    )
    server = start(
        "--SessionState.save_interval=0.2",
        contents=LOCAL_CONTENTS,
        HADOOP_CONF_DIR=str(tmp_path),
    )
    assert settings_of(server) == {}
    server.end(signal.SIGTERM)
    assert len(server.log("could not be restored")) == 1
    assert not server.log("Traceback")
