"""`docker compose up`, as a newcomer runs it: a JupyterHub on a Hadoop of eight hosts.

The image is built, the cluster comes up, people work on it, and all of it is removed, down to the
image: only what was there before the tests is there after them.
"""

from __future__ import annotations

import json

import pytest

from tests.compose.engine import run
from tests.compose.services import Compose
from yarnhub.demo.browser import Browser

DAEMONS = (
    *("namenode", "datanode1", "datanode2", "datanode3"),
    *("resourcemanager", "nodemanager1", "nodemanager2"),
)
NOTEBOOK = {"cells": [], "metadata": {"kept": True}, "nbformat": 4, "nbformat_minor": 5}

#: Prints the Python that it runs in, and where else anything was imported from.
WHERE_FROM = """
import json, os, sys, jupyterhub, jupyterlab, hdfs_contents
files = [getattr(module, "__file__", None) or "" for module in list(sys.modules.values())]
print(json.dumps({
    "python": list(map(os.path.realpath, [sys.prefix, sys.base_prefix, sys.executable])),
    "elsewhere": [file for file in files if file and not file.startswith(sys.prefix + "/")],
}))
"""

pytestmark = [pytest.mark.heavy, pytest.mark.compose, pytest.mark.timeout(2400)]


def test_the_check_of_the_edge_node_finds_nothing_wrong(compose: Compose):
    done = compose("run", "--rm", "-T", "edge", "yarnhub", "check", check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    assert "failed" not in done.stdout
    assert "lab is /apps/yarnhub/envs/lab/" in done.stdout


def test_two_people_walk_the_whole_round(compose: Compose):
    done = compose("exec", "-T", "edge", "walk-the-round", check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    assert "The check passed." in done.stdout


async def test_a_notebook_runs_in_nothing_but_the_environment_from_hdfs(compose: Compose):
    async with Browser(compose.url, "alice") as browser:
        await browser.log_in(compose.password())
        await _start(browser)
        seen = json.loads(await browser.run_cell(WHERE_FROM))
        body = {"type": "notebook", "format": "json", "content": NOTEBOOK}
        await browser.api("PUT", "contents/kept.ipynb", body)
        await browser.stop_server()
    assert all("/filecache/" in path for path in seen["python"]), seen
    assert seen["elsewhere"] == []


@pytest.mark.parametrize("service", [*DAEMONS, "edge"])
def test_nothing_runs_as_root_and_no_daemon_is_published(compose: Compose, service: str):
    user = "jupyterhub" if service == "edge" else "hadoop"
    assert compose("exec", "-T", service, "id", "-un").stdout.strip() == user
    (container,) = compose("ps", "--quiet", service).stdout.split()
    ports = run(["docker", "port", container], compose.environment).stdout.split()
    assert ports == (["8000/tcp", "->", compose.url.removeprefix("http://")] * (service == "edge"))


async def test_a_new_user_works_after_an_end_that_loses_nobodys_notebooks(compose: Compose):
    password = compose.password()
    compose("down")
    compose.up("alice bob carol")
    done = compose("run", "--rm", "-T", "edge", "yarnhub", "check", "--user", "carol", check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    assert "Unchanged, nothing uploaded" in compose("logs", "--no-color", "edge").stdout
    async with Browser(compose.url, "alice") as browser:
        await browser.log_in(password)
        await _start(browser)
        found = await browser.api("GET", "contents/kept.ipynb")
        await browser.stop_server()
    assert found["content"]["metadata"]["kept"] is True


async def _start(browser: Browser) -> None:
    async for _ in browser.start_server():
        pass
    await browser.open_lab()
