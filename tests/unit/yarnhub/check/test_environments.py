"""The environments in which no server can start."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from env_packaging.errors import (
    EnvironmentNotFoundError,
    PackagingError,
    StorageError,
    UnsafeEnvironmentError,
)
from env_packaging.manifest import MODULE_CODE, SERVER_MODULE, Finding
from tests.unit.env_packaging.local_filesystem import LocalFileSystem
from tests.unit.env_packaging.prefixes import write
from tests.unit.env_packaging.test_manifest import MANIFEST
from yarnhub.check.edge_node import EdgeNode
from yarnhub.check.environments import check_environments, faults_in, remedy_of
from yarnhub.check.results import Verdict
from yarnhub.check.settings import HubSettings, read_settings

KEY = "0123456789abcdef0123"
WHY = f"{SERVER_MODULE} cannot be imported, so no notebook server can start in it."


@pytest.fixture
def hdfs(tmp_path: Path) -> LocalFileSystem:
    """The environments `lab`, and `kernels` without JupyterHub."""
    filesystem = LocalFileSystem(tmp_path)
    bare = Finding("warning", MODULE_CODE, WHY, (SERVER_MODULE,))
    no_lab = Finding("warning", MODULE_CODE, "jupyterlab cannot be imported.", ("jupyterlab",))
    for name, finding in (("lab", no_lab), ("kernels", bare)):
        manifest = replace(MANIFEST, name=name, key=KEY, archive_bytes=7, findings=(finding,))
        write(filesystem.at(f"/envs/{name}/{KEY}.tar.gz"), "archive")
        write(filesystem.at(f"/envs/{name}/{KEY}.json"), manifest.to_json())
        write(filesystem.at(f"/envs/{name}/latest"), f'{{"key": "{KEY}"}}\n')
    return filesystem


SETTINGS = HubSettings(env_root="/envs")


def test_an_environment_that_cannot_serve_or_does_not_exist_is_a_fault(hdfs: LocalFileSystem):
    assert faults_in(hdfs, SETTINGS, ["lab", "kernels", "gone"]) == {
        "kernels": f"In the environment kernels, {WHY}",
        "gone": "There is no environment 'gone' in /envs. Published there: kernels, lab.",
    }


def test_another_command_may_need_no_jupyterhub(hdfs: LocalFileSystem):
    assert not faults_in(hdfs, replace(SETTINGS, cmd=["my-server"]), ["kernels"])


def test_an_hdfs_that_fails_is_no_fault_of_an_environment(
    hdfs: LocalFileSystem, monkeypatch: pytest.MonkeyPatch
):
    def fail(path: str) -> None:
        raise OSError(f"no answer for {path}")

    monkeypatch.setattr(hdfs, "stat", fail)
    with pytest.raises(StorageError):
        faults_in(hdfs, SETTINGS, ["lab"])


@pytest.mark.parametrize(
    ("options", "verdict", "why"),
    [
        ("", Verdict.FAILED, "sets no c.YarnSpawner.python_env. No server can start."),
        ("c.YarnSpawner.profiles = [{'name': 'lab'}]", Verdict.SKIPPED, "sets no"),
        ("c.YarnSpawner.localize_files = {'environment': 'hdfs:///a.tar.gz'}", Verdict.SKIPPED, ""),
        ("c.YarnSpawner.localize_files = {'site.conf': '/etc/site.conf'}", Verdict.FAILED, ""),
    ],
)
def test_a_configuration_without_an_environment_starts_no_server(
    options: str, verdict: Verdict, why: str, tmp_path: Path
):
    file = tmp_path / "jupyterhub_config.py"
    file.write_text(f"c = get_config()\n{options}\n")
    [result] = check_environments(EdgeNode(read_settings(file), "alice"))
    assert result.verdict is verdict
    assert why in result.why
    assert "--config" not in result.why


def test_without_a_configuration_the_option_for_it_is_named():
    [result] = check_environments(EdgeNode(HubSettings(), "alice"))
    assert result.verdict is Verdict.SKIPPED
    assert "--config" in result.why


@pytest.mark.parametrize(
    ("error", "remedy"),
    [
        (EnvironmentNotFoundError("gone"), "yarnhub pack-env"),
        (StorageError("HDFS cannot be reached"), "yarnhub check hdfs"),
        (UnsafeEnvironmentError("Run: hdfs dfs -chmod"), ""),
    ],
)
def test_the_remedy_is_that_of_the_error(error: PackagingError, remedy: str):
    found = remedy_of(error)
    assert remedy in found
    assert bool(found) == bool(remedy)
