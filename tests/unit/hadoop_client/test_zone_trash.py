"""What is deleted in an encryption zone goes where no other user can read or replace it."""

from __future__ import annotations

import errno
from pathlib import Path

import pytest

from hadoop_client.hdfs import zone_trash
from hadoop_client.hdfs.interface import FileStatus
from hadoop_client.hdfs.local import LocalFileSystem

FILE = "/zone/shared/private/secret"
INNER = "/zone/shared/.Trash"
OUTER = "/zone/.Trash"


class Zones(LocalFileSystem):
    """The HDFS of alice, with one encryption zone. `owners` are those of other users' files."""

    def __init__(self, directory: Path, zone: str = "/zone") -> None:
        super().__init__("", directory, "alice")
        self.owners: dict[str, str] = {}
        self._zone = zone
        self.make("/zone/shared/private", 0o700)
        (directory / FILE[1:]).write_bytes(b"secret")

    def make(self, path: str, mode: int, owner: str = "alice") -> None:
        self.mkdirs(path)
        self.set_permission(path, mode)
        self.owners[path] = owner

    def stat(self, path: str) -> FileStatus:
        status = super().stat(path)
        return status._replace(owner=self.owners.get(path, status.owner))

    def mkdirs(self, path: str, mode: int | None = None, *, umask: int = 0) -> None:
        """Give each new directory the mode, as HDFS does."""
        above = path.rpartition("/")[0]
        if above:
            self.mkdirs(above, mode, umask=umask)
        if not self.exists(path):
            if above and self.stat(above).owner != "alice" and not self.stat(above).mode & 0o002:
                raise PermissionError(errno.EACCES, "permission denied", above)
            super().mkdirs(path, mode, umask=umask)
            self.set_permission(path, 0o755 if mode is None else mode)

    def rename(self, source: str, target: str, *, overwrite: bool = False) -> None:
        if source.startswith(f"{self._zone}/") != target.startswith(f"{self._zone}/"):
            raise OSError(errno.EXDEV, "into or out of an encryption zone", target)
        super().rename(source, target, overwrite=overwrite)


@pytest.fixture
def fs(tmp_path: Path) -> Zones:
    fs = Zones(tmp_path)
    fs.make(OUTER, 0o1777, "hdfs")
    return fs


def test_the_zones_trash_is_used_and_what_is_in_it_stays(fs: Zones) -> None:
    trashed = zone_trash.trash(fs, FILE)
    assert trashed == f"{OUTER}/alice/Current{FILE}"
    assert fs.exists(trashed)
    assert not fs.exists(FILE)
    assert fs.stat(f"{OUTER}/alice").mode == 0o700
    assert zone_trash.trash(fs, trashed) is None


@pytest.mark.parametrize(
    ("made", "mode", "owner"),
    [
        (f"{INNER}/alice/Current/zone/shared/private", 0o777, "mallory"),
        (f"{INNER}/alice/Current", 0o777, "mallory"),
        (f"{INNER}/alice", 0o777, "mallory"),
        (f"{INNER}/alice", 0o700, "mallory"),
        (f"{INNER}/alice", 0o770, "alice"),
        (f"{INNER}/alice/Current/zone", 0o703, "alice"),
        (INNER, 0o777, "mallory"),
        (INNER, 0o770, "alice"),
        (INNER, 0o700, "mallory"),
    ],
)
def test_a_trash_that_another_user_controls_is_passed_over(
    made: str, mode: int, owner: str, fs: Zones
) -> None:
    fs.make(INNER, 0o1777, "mallory")
    fs.make(made, mode, owner)
    assert zone_trash.trash(fs, FILE) == f"{OUTER}/alice/Current{FILE}"


def test_without_another_trash_the_file_stays_and_the_reason_is_told(fs: Zones) -> None:
    fs.make(f"{OUTER}/alice", 0o777, "mallory")
    reason = f"other users can write to {OUTER}/alice, which would be in its trash"
    with pytest.raises(OSError, match=reason) as raised:
        zone_trash.trash(fs, FILE)
    assert raised.value.errno == errno.EXDEV
    assert fs.exists(FILE)


def test_a_zone_without_a_trash_is_told(tmp_path: Path) -> None:
    fs = Zones(tmp_path, zone="/zone/shared")
    fs.make(OUTER, 0o1777, "hdfs")
    with pytest.raises(OSError, match="its encryption zone has no trash") as raised:
        zone_trash.trash(fs, FILE)
    assert raised.value.errno == errno.EXDEV
    assert fs.exists(FILE)
