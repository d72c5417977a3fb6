"""What a person sets in Lab is there again in the container of their next server."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from hadoop_client.hdfs.filesystem import open_filesystem
from tests.hadoop.hdfs_files import SESSION, session_holds
from yarnhub.demo.browser import Browser
from yarnhub.minihadoop import MiniHadoop

LAB = """
c.YarnSpawner.cmd = ["jupyter-labhub"]
c.YarnSpawner.args = ["--allow-root", "--SessionState.save_interval=1"]
c.YarnSpawner.mem_limit = "1G"
c.YarnSpawner.contents_manager = "hdfs_contents.HDFSContentsManager"
"""
THEME = "/user/alice/lab/api/settings/@jupyterlab/apputils-extension:themes"
DARK = '{"theme": "JupyterLab Dark"}'


@pytest.mark.heavy  # tests/browser sees it too
async def test_lab_settings_come_back_with_the_next_server(
    make_hub: Any,
    hadoop: MiniHadoop,
    wait_until: Callable[..., Any],
    monkeypatch: pytest.MonkeyPatch,
):
    monkeypatch.setenv("HADOOP_CONF_DIR", str(hadoop.conf_dir))
    monkeypatch.setenv("HADOOP_USER_NAME", "alice")
    hdfs = open_filesystem()
    if hdfs.exists(SESSION):
        hdfs.delete(SESSION)
    hub = make_hub(LAB)
    async with Browser(hub.url, "alice") as alice:
        await alice.log_in("any")
        first = hub.start_server("alice")
        await alice.open_lab()
        await alice.request("PUT", THEME, json={"raw": DARK})
        wait_until(lambda: session_holds(hdfs, "JupyterLab Dark"), 30, "the setting to be saved")
        hub.stop_server("alice")
        assert hub.start_server("alice") != first
        await alice.open_lab()
        assert (await alice.request("GET", THEME)).json()["raw"] == DARK
