"""The contents manager as the notebook server has it: starting, trust, events, threads."""

from __future__ import annotations

from typing import Any

import pytest
from traitlets import TraitError

from hadoop_client.hdfs.filesystem import FileSystem
from hdfs_contents import HDFSContentsManager
from tests.unit.hdfs_contents.manager.models import Write, refused


def test_the_root_is_made_for_its_owner_only(fs: FileSystem, root: str) -> None:
    HDFSContentsManager(root_dir=f"{root}/new/")
    assert fs.stat(f"{root}/new").mode == 0o700


def test_a_root_that_is_there_stays_as_it_is(fs: FileSystem, root: str) -> None:
    fs.set_permission(root, 0o750)
    assert HDFSContentsManager(root_dir=root).root_dir == root
    assert fs.stat(root).mode == 0o750


def test_by_default_the_root_is_in_the_persons_home(fs: FileSystem) -> None:
    manager = HDFSContentsManager()
    assert manager.root_dir == "/user/alice/notebooks"
    assert manager.info_string() == "Serving notebooks from HDFS: /user/alice/notebooks, as alice"


def test_a_person_without_a_home_reads_what_an_admin_has_to_run(
    fs: FileSystem, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("HADOOP_USER_NAME", "carol")
    with pytest.raises(TraitError, match="hdfs dfs -mkdir -p /user/carol && hdfs dfs -chown carol"):
        HDFSContentsManager()


async def test_all_of_hdfs_is_shown_from_the_persons_directory_on(
    fs: FileSystem, root: str, write: Write
) -> None:
    write("a", "mine")
    manager = HDFSContentsManager(root_dir=root, show_all_of_hdfs=True)
    assert (manager.root_dir, manager.preferred_dir) == ("/", root.strip("/"))
    assert "user" in [entry["name"] for entry in (await manager.get(""))["content"]]
    assert (await manager.get(f"{root}/a"))["content"] == "mine"
    assert (await manager.get("tmp"))["type"] == "directory"
    await refused(403, manager.save({"type": "directory"}, "user/bob/of-alice"))


def test_a_preferred_directory_is_looked_for_below_the_root(root: str, write: Write) -> None:
    write("d/a")
    assert HDFSContentsManager(root_dir=root, preferred_dir="/d/").preferred_dir == "d"
    with pytest.raises(TraitError, match="Preferred directory not found"):
        HDFSContentsManager(root_dir=root, preferred_dir="x")


@pytest.mark.parametrize(
    ("options", "sentence"),
    [
        (
            {"root_dir": "/user/bob/x"},
            r"no access .* /user/bob/x .* Set c\.HDFSContents",
        ),
        ({"root_dir": "notebooks"}, r"not an absolute path"),
        ({"root_dir": "{root}/file"}, r"it is a file, not a directory"),
        ({"root_dir": "{root}/x", "create_root_dir_on_startup": False}, r"no directory .*/x"),
        ({"hdfs_host": "localhost", "hdfs_port": 1}, r"refuses connections. Check that HDFS"),
        ({"hdfs_host": "nowhere"}, r"no NameNode of that name"),
    ],
)
def test_a_root_that_cannot_be_served_is_one_sentence(
    options: dict[str, Any], sentence: str, root: str, write: Write
) -> None:
    write("file")
    options = {key: v.format(root=root) if key == "root_dir" else v for key, v in options.items()}
    with pytest.raises(TraitError, match=sentence) as raised:
        HDFSContentsManager(**options)
    assert "\n" not in str(raised.value)
