"""Which local directory stands for the root in HDFS."""

from __future__ import annotations

from pathlib import Path

import pytest

from hdfs_contents import local_root
from hdfs_contents.local_root import SCRATCH, LocalRoot
from yarnspawner.container import payload

ROOT = "/user/alice/notebooks"


@pytest.fixture
def on_yarn(tmp_path: Path) -> dict[str, str]:
    """The environment of a server in a container with a mount, which is a local directory here."""
    (tmp_path / f"mount{ROOT}").mkdir(parents=True)
    return {
        local_root.MOUNT_VARIABLE: str(tmp_path / "mount"),
        local_root.LOCAL_ROOT_VARIABLE: str(tmp_path / "local"),
    }


def test_the_variables_are_those_that_the_container_sets():
    for name in ("MOUNT_VARIABLE", "MOUNT_FAILURE_VARIABLE", "LOCAL_ROOT_VARIABLE"):
        assert getattr(local_root, name) == getattr(payload, name)


def test_a_server_outside_yarn_has_none():
    assert local_root.find(ROOT, {}) is None


def test_with_a_mount_it_is_the_root_itself(on_yarn: dict[str, str], tmp_path: Path):
    found = local_root.find(ROOT, on_yarn)
    assert found == LocalRoot(f"{tmp_path}/mount{ROOT}")
    assert found.mounted
    assert found.shown == {}
    assert found.kernel_directory("a/b/c.ipynb") == "a/b"
    assert found.kernel_directory("c.ipynb") == ""
    assert not (tmp_path / "local").exists()


def test_the_root_of_hdfs_is_the_mount_itself(on_yarn: dict[str, str], tmp_path: Path):
    assert local_root.find("/", on_yarn) == LocalRoot(f"{tmp_path}/mount")


@pytest.mark.parametrize(
    ("failure", "reason"), [("No device.", "No device."), ("", "c.YarnSpawner.mount")]
)
def test_without_a_mount_it_has_a_scratch_directory_that_says_why(
    on_yarn: dict[str, str], tmp_path: Path, failure: str, reason: str
):
    del on_yarn[local_root.MOUNT_VARIABLE]
    found = local_root.find(ROOT, on_yarn | {local_root.MOUNT_FAILURE_VARIABLE: failure})
    assert found is not None
    assert not found.mounted
    assert found.shown == {SCRATCH: f"{tmp_path}/local/{SCRATCH}"}
    readme = (tmp_path / "local" / SCRATCH / "README.md").read_text()
    assert "lost when the server stops" in readme
    assert reason in readme


def test_kernels_start_in_scratch_unless_their_notebook_is_below_it(
    on_yarn: dict[str, str], tmp_path: Path
):
    local = LocalRoot(str(tmp_path), SCRATCH, "No device.")
    assert local.kernel_directory("a/b.ipynb") == SCRATCH
    assert local.kernel_directory("b.ipynb") == SCRATCH
    assert local.kernel_directory(f"{SCRATCH}2/b.ipynb") == SCRATCH
    assert local.kernel_directory(f"{SCRATCH}/a/b.ipynb") == f"{SCRATCH}/a"


def test_a_file_of_the_user_in_scratch_is_kept(on_yarn: dict[str, str], tmp_path: Path):
    del on_yarn[local_root.MOUNT_VARIABLE]
    local_root.find(ROOT, on_yarn)
    readme = tmp_path / "local" / SCRATCH / "README.md"
    readme.write_text("mine")
    local_root.find(ROOT, on_yarn)
    assert readme.read_text() == "mine"


def test_a_mount_of_another_file_system_or_that_fails_is_not_used(
    on_yarn: dict[str, str], tmp_path: Path
):
    other = local_root.find(ROOT, on_yarn, other_filesystem=True)
    assert other is not None
    assert "hdfs_host" in other.reason
    missing = local_root.find("/user/bob", on_yarn)
    assert missing is not None
    assert "/mount/user/bob cannot be reached: No such file or directory." in missing.reason
