"""JupyterHub's own tests of spawners, named servers, pages, progress and single-user servers, with
YarnSpawner in place of its local one.

`tests/upstream/hub/on_yarn.py` says how, and which of them are left out.
"""

from __future__ import annotations

import os
import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.hadoop.administration import reconfigured
from tests.hadoop.yarn_rest import running_applications
from yarnhub.minihadoop import MiniHadoop
from yarnhub.minihadoop.settings import HUB_USER

HELD_TO = Path(__file__).parents[2] / "upstream" / "hub"
MODULES = ("spawner", "api", "named_servers", "pages", "singleuser")


@pytest.fixture
def hub_of_anybody(hadoop: MiniHadoop) -> Iterator[MiniHadoop]:
    """A cluster in which the hub may act for whom it likes: the tests have many names."""
    anybody = {f"hadoop.proxyuser.{HUB_USER}.users": "*"}
    with reconfigured(hadoop, "core-site.xml", anybody, "-refreshSuperUserGroupsConfiguration"):
        yield hadoop


@pytest.mark.heavy
@pytest.mark.timeout(3600)
@pytest.mark.parametrize("module", MODULES)
def test_jupyterhubs_own_tests_pass_with_this_spawner(
    hub_of_anybody: MiniHadoop, tmp_path: Path, module: str
) -> None:
    command = [sys.executable, "-m", "pytest", "-q", f"--basetemp={tmp_path / 'temp'}", "--pyargs"]
    done = subprocess.run(
        [*command, f"jupyterhub.tests.test_{module}"],
        cwd=HELD_TO,
        env={
            **os.environ,
            **hub_of_anybody.env(),
            "HADOOP_USER_NAME": HUB_USER,
            "PYTHONPATH": str(HELD_TO),
        },
        capture_output=True,
        text=True,
    )
    assert done.returncode == 0, done.stdout[-20_000:] + done.stderr
    passed = re.search(r"(\d+) passed", done.stdout)
    assert passed, done.stdout
    assert int(passed[1]) > 30
    assert running_applications(hub_of_anybody) == []
