"""The mounted folder under the test programs of file systems: fsx and pjdfstest."""

from __future__ import annotations

import re
import subprocess
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from tests.mounts import Mount

pytestmark = pytest.mark.heavy  # builds the programs, and runs for minutes

CRATES = Path.home() / ".cache" / "yarnhub" / "crates"

#: Fewer are published than changed, as with programs: each publication takes HDFS some 20 ms.
FSX = """
nomsyncafterwrite = true
[weights]
close_open = 0.2
fsync = 0.2
read = 10
write = 10
mapread = 10
mapwrite = 10
truncate = 5
"""
OPERATIONS = "10000"

PJDFSTEST = """
[features]
utimensat = {}
utime_now = {}
[settings]
naptime = 0.01
allow_remount = false
[dummy_auth]
entries = [["nobody", "nogroup"], ["games", "games"]]
"""

#: What HDFS has not, with the tests that need it.
EXCLUDED = {
    "There are only files and directories": (
        r".*::(fifo|char|block|socket|symlink)"
        r"|(mkfifo|mknod)::(changed_time_fields_success|permission_bits_from_mode)"
        r"|open::(fifo_nonblock_wronly|open_nofollow|socket_error)"
        r"|symlink::(create_symlink::(dir|regular)|create_symlink_to_symlink)"
        r"|symlink::changed_parent_time_success"
        r"|((chmod|chown|chown::lchown|link|mkdir|mkfifo|mknod|open|rename|rmdir|truncate|unlink)::"
        r"eloop_comp)"
        r"|(chmod|chown)::(eloop_final_comp|enoent_symlink)"
        r"|rename::preserve_metadata_symlink|utimensat::follow_symlink"
    ),
    "A file has one name": (
        r"link::(changed_ctime_success|remove_link|share_metadata|unchanged_ctime_fails)::regular"
        r"|rename::to_multiply_linked::regular|unlink::update_ctime_success::regular"
    ),
    "All files of a mount have one owner, and no number changes it": (
        r"(mkdir|mkfifo|mknod|open)::uid_gid_eq_euid_egid"
        r"|chmod::(change_perm|failed_chmod_unchanged_ctime)::(dir|regular)|chmod::clear_isgid_bit"
        r"|ftruncate::affected_create_flags_only"
        r"|rename::(preserve_metadata::regular|write_access_required_subdir)"
        r"|rename::unchanged_ctime_failed::(dir|regular)"
        r"|truncate::unchanged_ctime_failed|unlink::unchanged_ctime_failed::regular"
        r"|utimensat::(nobody|utime_now_nobody|utime_now_write_perm|write_perm)"
    ),
    "Only the time of the last change is kept": (
        r"utimensat::(changes_timestamps::(dir|regular)|subsecond|utime_omit|y2038)"
    ),
    "A change of the attributes has no time of its own": r"chmod::update_ctime::(dir|regular)",
    "Subdirectories are not counted": r"rename::updates_link_parent",
}


def crate(name: str, version: str) -> str:
    """Build a program that crates.io has, once; returns its path."""
    folder = CRATES / f"{name}-{version}"
    command = ["cargo", "install", "--quiet", "--locked", f"{name}@{version}", "--root", folder]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    return str(folder / "bin" / name)


@pytest.fixture(scope="module")
def fsx() -> str:
    return crate("fsx", "0.3.2")


@contextmanager
def killed_again_and_again(mount: Mount) -> Iterator[None]:
    """Kill the daemon every two seconds, and start another one."""
    over = threading.Event()

    def kill() -> None:
        while not over.wait(2):
            mount.kill()
            mount.start()

    thread = threading.Thread(target=kill)
    thread.start()
    try:
        yield
    finally:
        over.set()
        thread.join()


@pytest.mark.parametrize("seed", range(1, 6))
def test_a_file_has_what_was_written_after_any_operations(
    seed: int, fsx: str, folder: Path, mount: Mount, tmp_path: Path
) -> None:
    (tmp_path / "fsx.toml").write_text(FSX)
    configuration = str(tmp_path / "fsx.toml")
    mount.run(folder, fsx, "-f", configuration, "-N", OPERATIONS, "-S", str(seed), "file")


def test_a_file_has_what_was_written_although_the_daemon_is_killed(
    fsx: str, folder: Path, mount: Mount, tmp_path: Path
) -> None:
    (tmp_path / "fsx.toml").write_text(FSX)
    configuration = str(tmp_path / "fsx.toml")
    with killed_again_and_again(mount):
        mount.run(folder, fsx, "-f", configuration, "-N", OPERATIONS, "-S", "6", "file")


def test_calls_do_what_posix_says_but_for_what_hdfs_has_not(
    folder: Path, mount: Mount, tmp_path: Path
) -> None:
    (tmp_path / "pjdfstest.toml").write_text(PJDFSTEST)
    options = ["-c", str(tmp_path / "pjdfstest.toml"), "-p", ".", "--secondary-fs", str(tmp_path)]
    command = mount.command(folder, crate("pjdfstest", "0.2.2"), *options)
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    results = dict(re.findall(r"^([a-z_0-9:]+) +(ok|FAILED|skipped)$", done.stdout, re.MULTILINE))
    excluded = re.compile("|".join(EXCLUDED.values()))
    failed = [name for name, result in results.items() if result == "FAILED"]
    assert [name for name in failed if not excluded.fullmatch(name)] == [], done.stdout
    assert sum(result == "ok" for result in results.values()) > 120, done.stdout + done.stderr
    for reason, pattern in EXCLUDED.items():
        assert any(re.fullmatch(pattern, name) for name in failed), reason
