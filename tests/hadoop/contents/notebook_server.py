"""A notebook server with its files in HDFS, and how to talk to it."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import uuid
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import httpx

from yarnhub.minihadoop import MiniHadoop

TOKEN = "secret"


MANAGER = "hdfs_contents.HDFSContentsManager"


def command(folder: Path, *options: str, manager: str = MANAGER) -> list[str]:
    return [
        *(sys.executable, "-m", "jupyter_server", "--no-browser", "--allow-root"),
        f"--ServerApp.contents_manager_class={manager}",
        f"--IdentityProvider.token={TOKEN}",
        f"--ServerApp.root_dir={folder}",
        "--ServerApp.port=0",
        *options,
    ]


def environment(hadoop: MiniHadoop, folder: Path, user: str) -> dict[str, str]:
    jupyter = {f"JUPYTER_{kind}_DIR": str(folder / kind) for kind in ("CONFIG", "DATA", "RUNTIME")}
    here = {"PYTHONPATH": str(Path(__file__).parents[3])}
    return {**os.environ, **hadoop.env(), **jupyter, **here, "HADOOP_USER_NAME": user}


@contextmanager
def running(
    hadoop: MiniHadoop,
    folder: Path,
    wait_until: Callable[..., Any],
    manager: str = MANAGER,
    root: str = "",
    *options: str,
) -> Iterator[httpx.Client]:
    """Run a server of alice's, in a directory of its own or in `root`, until the block ends; yield
    a client with her token. It ends as servers do, or the test fails."""
    root = f"--HDFSContentsManager.root_dir={root or f'/user/alice/server-{uuid.uuid4().hex}'}"
    with (folder / "log").open("wb") as log:
        process = subprocess.Popen(
            command(folder, root, *options, manager=manager),
            env=environment(hadoop, folder, "alice"),
            stdout=log,
            stderr=subprocess.STDOUT,
        )
    try:
        started = folder / "RUNTIME" / f"jpserver-{process.pid}.json"
        wait_until(lambda: process.poll() is not None or written(started), 60, "it has started")
        assert process.poll() is None, (folder / "log").read_text()
        with httpx.Client(
            base_url=written(started)["url"],
            headers={"Authorization": f"token {TOKEN}"},
            timeout=120,
            trust_env=False,
        ) as client:
            # It writes the file before it listens.
            wait_until(lambda: process.poll() is not None or answers(client), 60, "it listens")
            yield client
    finally:
        process.terminate()
        process.wait()
    assert "received signal 15, stopping" in (folder / "log").read_text()


def answers(client: httpx.Client) -> bool:
    try:
        return client.get("/api").is_success
    except httpx.TransportError:
        return False


def written(path: Path) -> Any:
    """What the server says of itself in its file, once all of it is there."""
    try:
        return json.loads(path.read_text())
    except (OSError, ValueError):
        return None


def put(server: httpx.Client, path: str, model: dict[str, Any]) -> httpx.Response:
    return server.put(f"/api/contents/{path}", json=model)
