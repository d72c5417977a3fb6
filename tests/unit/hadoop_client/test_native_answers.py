"""Paths in a NameNode's answers, which a false NameNode can choose."""

from __future__ import annotations

import errno
from pathlib import Path
from types import SimpleNamespace

import pytest

from hadoop_client.hdfs.filesystem import open_filesystem
from hadoop_client.hdfs.interface import FileSystem

OTHER = "/user/mallory/evil.tar.gz"


class LyingClient:
    """In place of hdfs-native's client. As there, a path is the requested one and the NameNode's
    name for the entry, whatever that is."""

    names = ("a",)

    def __init__(self, *_: object, **options: object) -> None:
        pass

    def get_file_info(self, path: str) -> SimpleNamespace:
        return status(f"{path}/../../..{OTHER}")

    def list_status(self, path: str) -> list[SimpleNamespace]:
        return [status(path.rstrip("/") + f"/{name}" if name else path) for name in self.names]


def status(path: str) -> SimpleNamespace:
    return SimpleNamespace(
        path=path,
        isdir=False,
        length=4242,
        modification_time=1,
        permission=0o644,
        owner="alice",
        group="users",
    )


@pytest.fixture
def filesystem(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> FileSystem:
    monkeypatch.setenv("HADOOP_CONF_DIR", str(tmp_path))
    monkeypatch.setattr("hdfs_native.Client", LyingClient)
    return open_filesystem("hdfs://127.0.0.1:9")


def test_a_status_has_the_path_that_was_requested(filesystem: FileSystem) -> None:
    assert filesystem.stat("/apps/a.tar.gz").path == "/apps/a.tar.gz"


@pytest.mark.parametrize("directory", ["/", "/user/alice", "/user/alice/"])
def test_valid_names_are_listed(
    directory: str, filesystem: FileSystem, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(LyingClient, "names", ("a", "..b", "..."))
    assert [entry.name for entry in filesystem.list_dir(directory)] == ["a", "..b", "..."]


@pytest.mark.parametrize("name", ["", ".", "..", "../../mallory/a", "a/b", "/", "a/", "/etc"])
@pytest.mark.parametrize("directory", ["/", "/user/alice"])
def test_names_that_hdfs_cannot_have_are_refused(
    directory: str, name: str, filesystem: FileSystem, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(LyingClient, "names", ("a", name))
    with pytest.raises(OSError, match="HDFS listed an invalid path") as caught:
        filesystem.list_dir(directory)
    assert (caught.value.errno, caught.value.filename) == (errno.EBADMSG, directory)


def test_what_a_router_cannot_move_to_the_trash_is_no_matter_of_encryption_zones(
    filesystem: FileSystem, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(_: object, path: str) -> str:
        text = (
            f"Rename of {path} to /user/alice/.Trash/Current{path} is not allowed, no eligible "
            "destination in the same namespace was found"
        )
        raise RuntimeError(f'RPCError("java.io.IOException", "{text}")')

    monkeypatch.setattr(LyingClient, "trash", refuse, raising=False)
    with pytest.raises(OSError, match="a directory of another name service") as raised:
        filesystem.trash("/data/a")
    assert raised.value.errno == errno.EXDEV
