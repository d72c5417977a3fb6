"""`yarnhub envs warm`, on a cluster of two nodes."""

from __future__ import annotations

import json
import re
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from env_packaging.registry import DEFAULT_ENV_ROOT, resolve
from tests.hadoop.env_tools import (
    HUB_USER,
    client_environment,
    on_a_terminal,
    open_hdfs,
    pack_env,
    run_script,
)
from tests.hadoop.hdfs_files import open_anew
from tests.hadoop.yarn_rest import running_applications
from tests.unit.env_packaging.prefixes import install, make_venv
from yarnhub.minihadoop import MiniHadoop


@pytest.fixture(scope="module")
def key(hadoop: MiniHadoop, tmp_path_factory: pytest.TempPathFactory) -> str:
    """A published environment, `warmed`, that no node has yet."""
    venv = make_venv(Path(sys.base_prefix), tmp_path_factory.mktemp("warmed") / "venv")
    install(venv, "demo")
    done = pack_env(hadoop, venv, "--name", "warmed", "--quiet")
    assert done.returncode == 0, done.stderr
    return resolve(open_hdfs(hadoop), DEFAULT_ENV_ROOT, "warmed").key


def warm(hadoop: MiniHadoop, *arguments: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "yarnhub", "envs", "warm", *arguments],
        env=client_environment(hadoop, HUB_USER),
        capture_output=True,
        text=True,
        timeout=600,
        check=False,
    )


def localized(hadoop: MiniHadoop, key: str) -> list[Path]:
    """Where nodes have unpacked the archive for everybody."""
    unpacked = f"yarn/node*/local/filecache/*/{key}.tar.gz/bin/python"
    return sorted(hadoop.state.folder.glob(unpacked))


def test_each_node_has_the_environment_afterwards_and_nothing_runs(
    hadoop: MiniHadoop, key: str
) -> None:
    done = warm(hadoop, "warmed", "--json")
    assert done.returncode == 0, done.stderr
    outcomes = json.loads(done.stdout)
    assert len(outcomes) == 2
    assert all(each["ok"] for each in outcomes.values())
    assert len(localized(hadoop, key)) == 2
    shown = on_a_terminal(hadoop, "envs", "warm", "warmed")
    for host in outcomes:  # a bar for each
        assert f"{host}: has it" in shown
        assert re.search(rf"{re.escape(host)}[^\n]*has it[^\n]*0:0\d:", shown)
    assert running_applications(hadoop) == []


def test_what_can_not_be_warmed_is_a_line_and_an_exit_code(hadoop: MiniHadoop, key: str) -> None:
    absent = warm(hadoop, "absent")
    assert (absent.returncode, "There is no environment 'absent'" in absent.stderr) == (4, True)
    nowhere = warm(hadoop, "warmed", "--node", "nowhere")
    assert nowhere.returncode == 2
    assert "No node nowhere is running" in nowhere.stderr


def test_an_archive_that_yarn_can_not_unpack_is_told_with_the_node(
    hadoop: MiniHadoop, tmp_path: Path
) -> None:
    venv = make_venv(Path(sys.base_prefix), tmp_path / "venv")
    install(venv, "broken")
    assert pack_env(hadoop, venv, "--name", "broken", "--quiet").returncode == 0
    hdfs = open_hdfs(hadoop)
    archive = resolve(hdfs, DEFAULT_ENV_ROOT, "broken")
    with open_anew(hdfs, archive.path) as file:
        file.write(bytes(archive.size_bytes))
    host = next(iter(json.loads(warm(hadoop, "broken", "--json").stdout)))
    done = warm(hadoop, "broken", "--node", host)
    assert done.returncode == 1
    assert done.stderr.startswith(
        f"Not every node has broken.\n{host}: The node could not fetch the Python environment"
    )
    assert "Traceback" not in done.stderr
    assert running_applications(hadoop) == []


INTERRUPTED = """
import os, signal
from yarnhub.probes import Probe, ProbeRequest, run_probes

request = ProbeRequest("default", "warmed", "/apps/yarnhub/envs")
run_probes(
    {"one": Probe("sleep 300")}, request, 60, lambda *_: os.kill(os.getpid(), signal.SIGINT)
)
"""


def test_ctrl_c_leaves_no_application_behind(
    hadoop: MiniHadoop, key: str, wait_until: Callable[..., object]
) -> None:
    done = run_script(hadoop, INTERRUPTED)
    assert "KeyboardInterrupt" in done.stderr
    wait_until(lambda: running_applications(hadoop) == [], 60, "the application to be ended")
