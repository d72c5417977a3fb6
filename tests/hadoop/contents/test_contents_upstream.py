"""jupyter_server's own contents tests, on this manager and HDFS.

`tests/upstream/contents` says which of them are left out, and why.
"""

from __future__ import annotations

import os
import re
import subprocess
import sys
from importlib.metadata import version
from pathlib import Path

import pytest

from yarnhub.minihadoop import MiniHadoop

HELD_TO = Path(__file__).parents[2] / "upstream" / "contents"


@pytest.fixture(scope="session")
def jupyter_server_source(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The source distribution of the jupyter_server that is installed: it has the tests."""
    folder = tmp_path_factory.mktemp("source")
    wanted = f"jupyter_server=={version('jupyter_server')}"
    command = [sys.executable, "-m", "pip", "download", "--no-deps", "--no-binary=:all:"]
    got = subprocess.run([*command, "-d", folder, wanted], capture_output=True, text=True)
    assert got.returncode == 0, got.stderr
    (archive,) = folder.glob("jupyter_server-*.tar.gz")
    subprocess.run(["tar", "-xzf", archive, "-C", folder, "--strip-components=1"], check=True)
    return folder


@pytest.mark.heavy
def test_jupyter_servers_own_tests_pass_on_hdfs(
    hadoop: MiniHadoop, jupyter_server_source: Path, tmp_path: Path
) -> None:
    done = subprocess.run(
        [sys.executable, "-m", "pytest", "-q", f"--basetemp={tmp_path / 'temp'}", HELD_TO],
        cwd=HELD_TO,
        env={
            **os.environ,
            **hadoop.env(),
            "HADOOP_USER_NAME": "alice",
            "PYTHONPATH": f"{HELD_TO}:{jupyter_server_source}",
        },
        capture_output=True,
        text=True,
    )
    assert done.returncode == 0, done.stdout[-20_000:] + done.stderr
    passed = re.search(r"(\d+) passed", done.stdout)
    assert passed, done.stdout
    assert int(passed[1]) > 150, done.stdout
