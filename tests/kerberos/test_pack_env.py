"""Who publishes an environment, where there is Kerberos."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

from tests.unit.env_packaging.prefixes import copy_python, install, make_venv
from yarnhub.minihadoop import MiniHadoop
from yarnhub.minihadoop.configuration import HUB_USER


def test_an_environment_is_published_as_whose_keytab_there_is(hadoop: MiniHadoop, tmp_path: Path):
    venv = make_venv(copy_python(tmp_path / "python"), tmp_path / "venv")
    install(venv, "demo")

    def pack(keytab_of: str, user: str) -> subprocess.CompletedProcess[str]:
        login = {**hadoop.identity(keytab_of), "HADOOP_USER_NAME": user}
        return subprocess.run(
            [sys.executable, "-m", "yarnhub", "pack-env", venv, "--name", f"of-{keytab_of}"],
            env={**os.environ, **hadoop.env(), **login},
            capture_output=True,
            text=True,
            timeout=120,
        )

    published = pack(HUB_USER, "alice")
    assert published.returncode == 0, published.stderr
    refused = pack("alice", HUB_USER)
    assert (refused.returncode, "user=alice" in refused.stderr) == (6, True)
