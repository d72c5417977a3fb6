"""Who publishes an environment, where there is Kerberos."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

from tests.unit.env_packaging.prefixes import copy_python, install, make_venv
from yarnhub.minihadoop import MiniHadoop
from yarnhub.minihadoop.settings import HUB_USER


def test_an_environment_is_published_as_whose_keytab_there_is(hadoop: MiniHadoop, tmp_path: Path):
    venv = make_venv(copy_python(tmp_path / "python"), tmp_path / "venv")
    install(venv, "demo")

    def yarnhub(keytab_of: str, user: str, *arguments: str) -> subprocess.CompletedProcess[str]:
        login = {**hadoop.identity(keytab_of), "HADOOP_USER_NAME": user}
        return subprocess.run(
            [sys.executable, "-m", "yarnhub", *arguments],
            env={**os.environ, **hadoop.env(), **login},
            capture_output=True,
            text=True,
            timeout=300,
        )

    pack = ("pack-env", str(venv), "--name")
    published = yarnhub(HUB_USER, "alice", *pack, "demo")
    assert published.returncode == 0, published.stderr
    shown = yarnhub(HUB_USER, "alice", "envs", "show", "demo", "--json")
    assert json.loads(shown.stdout)["manifest"]["created_by"] == HUB_USER
    refused = yarnhub("alice", HUB_USER, *pack, "another")
    assert refused.returncode == 6
    assert "as alice" in refused.stderr
    assert "user=alice" in refused.stderr
