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

#: One or two of each module; all of them take several minutes.
ALWAYS = (
    "spawner::test_spawner_bad_api_token",
    "spawner::test_apply_user_options_dict",
    "api::test_spawn",
    "named_servers::test_delete_named_server",
    "pages::test_spawn_pending",
    "singleuser::test_singleuser_auth[access_scopes3-named-True]",
)


@pytest.fixture
def hub_of_anybody(hadoop: MiniHadoop) -> Iterator[MiniHadoop]:
    """A cluster in which the hub may act for whom it likes: the tests have many names."""
    anybody = {f"hadoop.proxyuser.{HUB_USER}.users": "*"}
    with reconfigured(hadoop, "core-site.xml", anybody, "-refreshSuperUserGroupsConfiguration"):
        yield hadoop


def run(hadoop: MiniHadoop, folder: Path, *tests: str) -> int:
    """Run tests of JupyterHub in a process of their own; returns how many have passed."""
    command = [sys.executable, "-m", "pytest", "-q", f"--basetemp={folder / 'temp'}", "--pyargs"]
    done = subprocess.run(
        [*command, *(f"jupyterhub.tests.test_{test}" for test in tests)],
        cwd=HELD_TO,
        env={
            **os.environ,
            **hadoop.env(),
            "HADOOP_USER_NAME": HUB_USER,
            "PYTHONPATH": str(HELD_TO),
        },
        capture_output=True,
        text=True,
    )
    assert done.returncode == 0, done.stdout[-20_000:] + done.stderr
    passed = re.search(r"(\d+) passed", done.stdout)
    assert passed, done.stdout
    assert running_applications(hadoop) == []
    return int(passed[1])


def test_a_part_of_jupyterhubs_own_tests_passes_with_this_spawner(
    hub_of_anybody: MiniHadoop, tmp_path: Path
) -> None:
    assert run(hub_of_anybody, tmp_path, *ALWAYS) >= len(ALWAYS)


@pytest.mark.heavy
@pytest.mark.timeout(3600)
@pytest.mark.parametrize("module", MODULES)
def test_jupyterhubs_own_tests_pass_with_this_spawner(
    hub_of_anybody: MiniHadoop, tmp_path: Path, module: str
) -> None:
    assert run(hub_of_anybody, tmp_path, module) > 30
