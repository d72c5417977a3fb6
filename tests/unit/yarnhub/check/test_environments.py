"""The environments in which no server can start."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from env_packaging.errors import StorageError
from env_packaging.manifest import MODULE_CODE, SERVER_MODULE, Finding
from tests.unit.env_packaging.local_filesystem import LocalFileSystem
from tests.unit.env_packaging.prefixes import write
from tests.unit.env_packaging.test_manifest import MANIFEST
from yarnhub.check.environments import faults_in
from yarnhub.check.settings import HubSettings

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
