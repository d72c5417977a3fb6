"""The whole path of a server on each version of Hadoop that sites run."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from tests.hadoop.env_tools import bring_along, pack_env
from tests.hadoop.hub import CONFIGURED_BY_STARTS, Hub, keytab_config
from tests.unit.env_packaging.prefixes import make_venv
from yarnhub.minihadoop import MiniHadoop
from yarnhub.minihadoop.settings import HUB_USER, Security

pytestmark = pytest.mark.heavy

#: Those of Amazon EMR 5, of Cloudera and HDP, of Alibaba, and newer.
VERSIONS = ("2.10.2", "3.1.1", "3.2.4", "3.3.6", "3.4.1", "3.5.0")

#: Of these with Kerberos too: what most clusters with Kerberos run.
SECURE_VERSIONS = ("3.1.1", "3.3.6")

#: Not `environments`: that of these servers has no JupyterHub, so a real one could not start.
CHECKED = ("rm", "queues", "proxyuser", "hdfs", "homes", "memory")


def yarnhub(
    hadoop: MiniHadoop, *arguments: str, user: str = HUB_USER
) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "yarnhub", *arguments],
        env={**os.environ, **hadoop.env(), **hadoop.identity(user)},
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        timeout=300,
        check=False,
    )


@pytest.mark.parametrize("version", VERSIONS)
def test_a_server_lives_its_whole_life(version: str, tmp_path: Path, wait_until: Any) -> None:
    with MiniHadoop(version=version, datanodes=1, memory_mb=2048) as hadoop:
        live(hadoop, tmp_path, wait_until)


@pytest.mark.parametrize("version", SECURE_VERSIONS)
def test_a_server_lives_its_whole_life_with_kerberos(
    version: str, tmp_path: Path, wait_until: Any
) -> None:
    security = Security()
    with MiniHadoop(version=version, datanodes=1, memory_mb=2048, security=security) as hadoop:
        live(hadoop, tmp_path, wait_until, keytab_config(hadoop))


def live(hadoop: MiniHadoop, tmp_path: Path, wait_until: Any, login: str = "") -> None:
    """Pack, check, start, save, restart the ResourceManager, list, read logs, and stop.

    With Kerberos, `login` is the configuration of the hub's keytab.
    """
    venv = make_venv(Path(sys.base_prefix), tmp_path / "venv")
    bring_along(venv, "tornado")
    done = pack_env(hadoop, venv, "--name", "light", "--quiet", **hadoop.identity(HUB_USER))
    assert done.returncode == 0, done.stderr
    settings = f"c.YarnSpawner.python_env = 'light'\n{login}"
    config = tmp_path / "check.py"
    config.write_text(f"c = get_config()\n{settings}")
    done = yarnhub(hadoop, "check", *CHECKED, "--config", str(config), "--user", "alice", "--json")
    assert {result["verdict"] for result in json.loads(done.stdout)} == {"ok"}, done.stdout
    done = yarnhub(hadoop, "check", "contents", "/user/alice", user="alice")
    assert done.returncode == 0, done.stdout
    (tmp_path / "hub").mkdir()
    hub = Hub(tmp_path / "hub", hadoop.env(), CONFIGURED_BY_STARTS + settings)
    hub.start()
    try:
        application_id = hub.start_server("alice")
        hadoop.resourcemanager.stop()
        assert hub.get("/user/alice/api").json() == {"version": "light"}
        hadoop.resourcemanager.start()
        hadoop.wait_ready()

        def running() -> list[dict[str, Any]]:
            done = yarnhub(hadoop, "apps", "--json")
            servers = json.loads(done.stdout) if done.returncode == 0 else []
            return [server for server in servers if server["state"] == "RUNNING"]

        (server,) = wait_until(running, 120, "the application master has registered again")
        assert (server["user"], server["application_id"]) == ("alice", application_id)
        # The pages of a node with Kerberos need a ticket: docs/tool.md.
        assert login or yarnhub(hadoop, "logs", "alice").returncode == 0
        assert hub.get("/user/alice/api").json() == {"version": "light"}
        assert yarnhub(hadoop, "stop", "alice", "--yes").returncode == 0
        wait_until(
            lambda: not hub.api("GET", "users/alice")["servers"], 60, "the hub sees that it ended"
        )
        assert f"last output of {application_id}" in yarnhub(hadoop, "logs", "alice").stderr
    finally:
        hub.stop()
