"""A process mounts for itself alone, and a node that does not allow it says why."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path
from tempfile import TemporaryDirectory

import pytest

from tests.mounts import Mount

ROOT = Path(__file__).parents[4]

#: Enters, and prints what is at the path and beside it.
_ENTER = """
import os, sys
from pathlib import Path
from hdfs_contents.mount import namespace
path = Path(sys.argv[1])
try:
    device = namespace.enter(str(path))
except namespace.MountError as error:
    print(error, os.getuid(), path.exists())
else:
    mounted = [line.split() for line in Path("/proc/mounts").read_text().splitlines()]
    (kind, options), = [(m[2], m[3]) for m in mounted if m[1] == str(path)]
    beside = sorted(entry.name for entry in path.parent.iterdir())
    shown = [(path.parent / name).read_text() for name in beside if name == "file"]
    print(kind, {"nosuid", "nodev"} <= set(options.split(",")), os.getuid(), *beside, *shown)
print("numpy" in sys.modules or "hdfs_native" in sys.modules)
"""


def enter(path: Path, *prefix: str, device: str = "") -> str:
    done = subprocess.run(
        [*prefix, sys.executable, "-c", _ENTER, str(path)],
        env={**os.environ, "PYTHONPATH": str(ROOT), "YARNHUB_FUSE_DEVICE": device},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    return done.stdout


def test_a_missing_directory_is_made_beside_what_is_there_and_seen_by_no_other_process(
    tmp_path: Path,
) -> None:
    (tmp_path / "file").write_text("shown")
    (tmp_path / "directory").mkdir()
    (tmp_path / "link").symlink_to("file")
    printed = enter(tmp_path / "hdfs").split()
    user = str(os.getuid())
    assert printed == [
        "fuse.hdfs",
        "True",
        user,
        "directory",
        "file",
        "hdfs",
        "link",
        "shown",
        "False",
    ]
    assert not (tmp_path / "hdfs").exists()


def test_a_directory_that_is_there_is_mounted_on(tmp_path: Path) -> None:
    (tmp_path / "hdfs").mkdir()
    assert enter(tmp_path / "hdfs").split()[:2] == ["fuse.hdfs", "True"]


def test_a_node_without_the_device_is_named_and_the_process_is_as_before(tmp_path: Path) -> None:
    printed = enter(tmp_path / "hdfs", device="/dev/no-such-device")
    assert "this node has no /dev/no-such-device (kernel module fuse)" in printed
    assert f" {os.getuid()} False\n" in printed


def test_a_refusal_of_the_kernel_is_named_and_the_process_is_as_before(tmp_path: Path) -> None:
    printed = enter(tmp_path / "hdfs", device="/dev/null")
    assert "the kernel refused it: invalid argument" in printed
    assert f" {os.getuid()} False\n" in printed


def test_a_path_that_cannot_be_made_is_named(tmp_path: Path) -> None:
    missing = tmp_path / "missing"
    assert f"this node has no directory {missing}" in enter(missing / "hdfs")


def test_a_path_that_another_account_could_replace_is_refused(tmp_path: Path) -> None:
    (tmp_path / "elsewhere").mkdir()
    tmp_path.chmod(0o1777)
    (tmp_path / "hdfs").symlink_to("elsewhere")
    assert f"all accounts of this node can write to {tmp_path}" in enter(tmp_path / "hdfs")


@pytest.mark.skipif(os.getuid() != 0, reason="becomes another account")
def test_another_account_does_not_reach_the_mount(mount: Mount, folder: Path) -> None:
    (folder / "a").write_text("1")
    other = ("setpriv", "--reuid=61002", "--regid=61002", "--clear-groups")
    enter = mount.command(folder, "cat", "a")
    for command in (["cat", str(folder / "a")], ["ls", f"/proc/{mount.daemon}/fd"], enter):
        done = subprocess.run([*other, *command], capture_output=True, text=True, check=False)
        assert "Permission denied" in done.stderr
        assert not done.stdout


@pytest.mark.skipif(os.getuid() != 0, reason="only root makes devices")
def test_an_unprivileged_user_mounts_with_a_device_that_all_may_open() -> None:
    # Not in tmp_path: its parents are closed to other accounts.
    with TemporaryDirectory() as directory:
        Path(directory).chmod(0o755)
        device = Path(directory, "fuse")
        os.mknod(device, 0o666 | 0o020000, os.makedev(10, 229))
        device.chmod(0o666)
        place = Path(directory, "place")
        place.mkdir()
        user = ("setpriv", "--reuid=65534", "--regid=65534", "--clear-groups")
        printed = enter(place / "hdfs", *user, device=str(device))
    assert printed.split()[:4] == ["fuse.hdfs", "True", "65534", "hdfs"]
